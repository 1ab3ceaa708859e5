// SPDX-License-Identifier: MIT OR Apache-2.0
// Drives a lookup with a host of Promises (RFC 8461 §5.1).

import { toPolicyDomain } from "./domain.js";
import { dispose } from "./dispose.js";
import { MOST_MS } from "./engine.js";
import { MtastsError } from "./errors.js";
import type { FetchAnswer, FetchRequest, Host, HostOptions } from "./host.js";
import { type Config, Lookup, outcomeOf, type Question, questionOf } from "./lookup.js";
import type { Outcome } from "./outcome.js";
import { share, unlessAborted } from "./share.js";

/** How to look a domain up. */
export interface ResolveOptions extends Config {
  /** Whoever aborts gets `signal.reason` thrown; others who wait for the same domain do not. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks `domain` up: asks the store, then DNS, then the Policy Host, each only if needed, and saves
 * what is new. Whoever asks for the same domain with the same host meanwhile shares the look-up.
 *
 * ```js
 * const outcome = await resolve("example.com", host);
 * outcome.verdict({ mxHost: "mx.example.com", tls: "not-offered" }).action; // "defer", if enforced
 * ```
 *
 * @throws {MtastsError} for a name that is no Policy Domain: `address-literal` or `host-name`.
 * @throws {TypeError} for an option that is none.
 * @throws `signal.reason` where that was aborted. What goes wrong otherwise is in the outcome.
 */
export async function resolve(
  domain: string,
  host: Host,
  options: ResolveOptions & {
    /** What was last saved of the domain ({@link Outcome.stored}); the host's store is not asked. */
    readonly stored?: string | undefined;
  } = {},
): Promise<Outcome> {
  const { signal, stored, ...config } = options;
  const name = toPolicyDomain(domain);
  return share(host, JSON.stringify([name, stored, config]), signal, async (signal) => {
    const run = new Run(host, signal);
    return run.drive(await run.begin(name, stored, config));
  });
}

/**
 * Looks again, as a sender does before it gives a message up (RFC 8461 §5.1, R-FLOW-6): the record is queried
 * whatever its TTL, and the policy fetched if the `id` differs. Throws as {@link resolve}.
 */
export async function lookAgain(outcome: Outcome, host: Host, options: ResolveOptions = {}): Promise<Outcome> {
  const { signal = new AbortController().signal, ...config } = options;
  signal.throwIfAborted();
  return new Run(host, signal).drive(Lookup.again(outcome, config));
}

/** What a host has to say that the time is over. */
const GRACE_MS = 1000;

const isText = (value: unknown) => value === null || value === undefined || typeof value === "string";

const LOCAL = { failure: "local" } as const;

/** One lookup with one host. */
class Run {
  readonly #host: Host;
  readonly #options: HostOptions;
  readonly #thrown: unknown[] = [];

  constructor(host: Host, signal: AbortSignal) {
    this.#host = host;
    this.#options = { signal };
  }

  /** Begins with what is stored. What cannot be read is not nothing: a policy may be there. */
  async begin(domain: string, stored: string | undefined, config: Config): Promise<Lookup> {
    const failed = Symbol();
    const load = () => stored ?? this.#host.load?.(domain, this.#options);
    const loaded = await this.#ask(load, failed);
    const now = this.#now();
    try {
      if (loaded !== failed) return Lookup.begin(domain, { ...config, stored: loaded ?? undefined, now });
    } catch (error) {
      const isOfStore = error instanceof MtastsError ? error.kind === "stored" : !isText(loaded);
      if (!isOfStore) throw error;
      this.#thrown.push(error);
    }
    return Lookup.begin(domain, { ...config, storeFailed: true, now });
  }

  /** Answers what the lookup asks, and saves what is new. */
  async drive(lookup: Lookup): Promise<Outcome> {
    try {
      for (let question; (question = questionOf(lookup)); ) await this.#answer(lookup, question);
      const outcome = outcomeOf(lookup, this.#thrown);
      if (outcome.changed) await this.#save(outcome);
      return outcome;
    } finally {
      lookup[dispose]();
    }
  }

  async #answer(lookup: Lookup, question: Question): Promise<void> {
    const [host, options, id] = [this.#host, this.#options, question.id];
    if (question.kind === "query-txt") {
      const answer = await this.#ask(() => host.txt(question.name, options), LOCAL);
      this.#give(answer, (answer) => lookup.answerTxt(id, answer, this.#now()));
    } else {
      const answer = await this.#ask(() => this.#fetch(question), LOCAL);
      this.#give(answer, (answer) => lookup.answerFetch(id, answer, this.#now()));
    }
  }

  /** The host is to heed the time limit itself; if it has not, nobody waits for it for ever (R-GET-4). */
  async #fetch(request: FetchRequest): Promise<FetchAnswer> {
    const late = new AbortController();
    const { signal } = this.#options;
    const stop = () => late.abort(signal.reason);
    signal.addEventListener("abort", stop);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<FetchAnswer>((resolve) => {
      timer = setTimeout(() => resolve({ failure: "timeout" }), Math.min(request.timeoutMs + GRACE_MS, MOST_MS));
    });
    try {
      return await Promise.race([this.#host.fetch(request, { signal: late.signal }), timeout]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      late.abort();
    }
  }

  async #save(outcome: Outcome): Promise<void> {
    const { domain, stored } = outcome;
    await this.#ask(() => this.#host.save?.(domain, stored, this.#options), undefined);
  }

  /** What the host says, or `otherwise` where it throws. */
  async #ask<T, U>(question: () => Promise<T> | T, otherwise: U): Promise<T | U> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    try {
      return await unlessAborted(Promise.resolve(question()), signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#thrown.push(error);
      return otherwise;
    }
  }

  /** What is no answer counts as a failure of the host. */
  #give<T>(answer: T | typeof LOCAL, give: (answer: T | typeof LOCAL) => void): void {
    try {
      give(answer);
    } catch (error) {
      this.#thrown.push(error);
      give(LOCAL);
    }
  }

  #now(): number {
    return this.#host.now?.() ?? Date.now();
  }
}
