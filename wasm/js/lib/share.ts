// SPDX-License-Identifier: MIT OR Apache-2.0
// Who asks for the same at the same time shares one run, but not one another's abort (R-FLOW-8).

import { dispose } from "./dispose.js";
import { type Outcome, outcomeFrom, outcomeHandle } from "./outcome.js";

type Start = (signal: AbortSignal) => Promise<Outcome>;

/** What is under way, by host and question. */
const flights = new WeakMap<object, Map<string, Flight>>();

/** The outcome of `start`, or of the run for `key` that is under way. */
export function share(
  host: object,
  key: string,
  signal: AbortSignal | undefined,
  start: Start,
): Promise<Outcome> {
  signal?.throwIfAborted();
  const ofHost = flights.get(host) ?? new Map<string, Flight>();
  flights.set(host, ofHost);
  const flight = ofHost.get(key) ?? new Flight(start, () => ofHost.delete(key));
  if (!flight.isOver) ofHost.set(key, flight);
  return flight.join(signal);
}

class Flight {
  readonly #abort = new AbortController();
  readonly #landing: Promise<Outcome>;
  #waiting = 0;
  isOver = false;

  constructor(start: Start, onEnd: () => void) {
    const end = () => {
      this.isOver = true;
      onEnd();
    };
    this.#landing = start(this.#abort.signal).finally(end);
    this.#abort.signal.addEventListener("abort", end); // whoever comes now starts anew
    this.#landing.catch(() => {}); // perhaps nobody waits any more
  }

  /** A copy of the outcome for one who waits. The last to leave ends the run. */
  async join(signal: AbortSignal | undefined): Promise<Outcome> {
    this.#waiting += 1;
    try {
      const outcome = await unlessAborted(this.#landing, signal);
      return outcomeFrom(outcomeHandle(outcome).copy(), outcome.hostErrors);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#leave();
    }
  }

  #leave(): void {
    if (this.isOver) this.#landing.then((outcome) => outcome[dispose](), () => {});
    else this.#abort.abort();
  }
}

/** Settles as `promise`, or rejects with the reason as soon as `signal` is aborted. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
