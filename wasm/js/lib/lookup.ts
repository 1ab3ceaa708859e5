// SPDX-License-Identifier: MIT OR Apache-2.0
// One look-up as a machine that does no I/O (RFC 8461 §3, §5.1). `resolve` drives it.

import type * as glue from "./glue.js";
import { toPolicyDomain } from "./domain.js";
import { dispose } from "./dispose.js";
import { call, needed, octets, Owned, seconds, text, within } from "./engine.js";
import type { FetchAnswer, FetchRequest, TxtAnswer } from "./host.js";
import { type Outcome, outcomeFrom, outcomeHandle } from "./outcome.js";
import { toRecords } from "./record.js";

/** What a host may set. The defaults are those of RFC 8461 and the decisions beside it. */
export interface Config {
  /** Whether mail waits where DNS fails for now and no policy is cached. Default false. */
  readonly deferOnDnsFailure?: boolean | undefined;
  /** The share of domains, in percent, whose blocked mail is diverted, not deferred. Default 0. */
  readonly divertPercent?: number | undefined;
  /** The time limit of a whole fetch. Default 60000. */
  readonly fetchTimeoutMs?: number | undefined;
  /** The age in seconds from which a cached policy is fetched again. Default a day. */
  readonly refreshAfter?: number | undefined;
  /** The largest policy in octets. Default and most: 65536. */
  readonly maxBody?: number | undefined;
  /** The least TTL of a record in seconds. Default 0. */
  readonly minTtl?: number | undefined;
  /** The longest TTL of a record in seconds. Default a day. */
  readonly maxTtl?: number | undefined;
  /** The longest that the absence of a record is remembered, in seconds. Default an hour. */
  readonly maxNegativeTtl?: number | undefined;
  /** The TTL in seconds where the host does not know it. Default 300. */
  readonly unknownTtl?: number | undefined;
}

/** What a lookup needs now. */
export type Step =
  | { readonly kind: "query-txt"; readonly id: number; readonly name: string }
  | ({ readonly kind: "fetch"; readonly id: number } & FetchRequest)
  | { readonly kind: "done"; readonly outcome: Outcome };

/** How a lookup begins. */
export interface LookupOptions extends Config {
  /** What was last saved of the domain. */
  readonly stored?: string | undefined;
  /** The store cannot be read: where the network has no policy, the mail waits. */
  readonly storeFailed?: boolean | undefined;
  /** The time, as `Date.now()` gives it, which is the default. */
  readonly now?: number | undefined;
}

/** What a lookup asks. */
export type Question = Exclude<Step, { readonly kind: "done" }>;

/** @internal What a lookup asks now; nothing if it is done. */
export let questionOf: (lookup: Lookup) => Question | undefined;
/** @internal The outcome of a lookup that is done. `thrown` is {@link Outcome.hostErrors}. */
export let outcomeOf: (lookup: Lookup, thrown: readonly unknown[]) => Outcome;

/**
 * One look-up of one Policy Domain, for a program that has an event loop of its own. Ask `poll`
 * what to do, and give the answer with its `id`, until it is done.
 */
export class Lookup {
  readonly #handle: Owned<glue.Lookup>;

  static {
    questionOf = (lookup) => toQuestion(lookup.#handle.get());
    outcomeOf = (lookup, thrown) => outcomeFrom(lookup.#handle.get().outcome()!, thrown);
  }

  private constructor(handle: glue.Lookup) {
    this.#handle = new Owned(handle);
  }

  /**
   * Begins with what the store has of `domain`.
   *
   * @throws {MtastsError} for a name that is no Policy Domain, and of kind `stored` for what did
   * not come from {@link Outcome.stored}; treat that as a store that has failed.
   */
  static begin(domain: string, options: LookupOptions = {}): Lookup {
    const { stored, storeFailed = false, now = Date.now(), ...config } = options;
    const name = toPolicyDomain(domain);
    text(stored, "what is stored");
    const at = seconds(now);
    return configured(config, (engine, config) =>
      storeFailed
        ? new Lookup(engine.Lookup.withoutStore(name, at, config))
        : new Lookup(new engine.Lookup(name, stored, at, config)),
    );
  }

  /**
   * Looks again, as a sender does before it gives a message up (RFC 8461 §5.1): the record is
   * queried whatever its TTL, and the policy fetched if the `id` differs.
   */
  static again(outcome: Outcome, config: Config = {}): Lookup {
    return configured(config, (_, config) => new Lookup(outcomeHandle(outcome).lookAgain(config)));
  }

  /** What is needed now. Asking changes nothing. */
  poll(): Step {
    return questionOf(this) ?? { kind: "done", outcome: outcomeOf(this, []) };
  }

  /**
   * Takes the answer to `query-txt`.
   *
   * @throws {MtastsError} of kind `stale-request` or `finished`: it was not asked for, and nothing
   * has changed.
   */
  answerTxt(id: number, answer: TxtAnswer, now: number = Date.now()): void {
    call((engine) => {
      const lookup = this.#handle.get();
      const at = seconds(now);
      const ttl = toTtl(answer.ttl);
      if ("failure" in answer) lookup.txtFailure(id, at, needed(answer.failure, "failure"), ttl);
      else lookup.txt(id, at, toRecords(engine, answer.records), ttl);
    });
  }

  /** Takes the answer to `fetch`; throws as `answerTxt`. */
  answerFetch(id: number, answer: FetchAnswer, now: number = Date.now()): void {
    call(() => {
      const lookup = this.#handle.get();
      const at = seconds(now);
      if ("failure" in answer) lookup.httpsFailure(id, at, needed(answer.failure, "failure"));
      else {
        const type = text(answer.contentType ?? undefined, "contentType");
        lookup.https(id, at, toStatus(answer.status), type, octets(answer.body));
      }
    });
  }

  /** Frees its memory. */
  [dispose](): void {
    this.#handle.free();
  }
}

const LIMITS = new Set(["fetchTimeoutMs", "maxBody"]);

/** Runs `begin` with what `config` says. */
function configured<T>(config: Config, begin: (engine: typeof glue, config: glue.Config) => T): T {
  return call((engine) => {
    const settings = new engine.Config();
    try {
      for (const [name, value] of Object.entries(config)) {
        if (value !== undefined) settings.set(name, LIMITS.has(name) ? within(name, Number(value)) : Number(value));
      }
      return begin(engine, settings);
    } finally {
      settings.free();
    }
  });
}

function toQuestion(lookup: glue.Lookup): Question | undefined {
  const step = lookup.poll();
  const { kind, id, name, path, timeoutMs, maxBody } = step;
  step.free();
  switch (kind) {
    case "query-txt":
      return { kind, id, name };
    case "fetch":
      return { kind, id, url: `https://${name}${path}`, host: name, path, timeoutMs, maxBody };
    default:
      return undefined;
  }
}

function toTtl(ttl: number | undefined): number | undefined {
  if (ttl === undefined) return undefined;
  if (!(ttl >= 0)) throw new TypeError(`${ttl} is no TTL`);
  return Math.min(Math.floor(ttl), 0xffff_ffff);
}

function toStatus(status: number): number {
  if (!Number.isInteger(status) || status < 0 || status > 0xffff) {
    throw new TypeError(`${status} is no HTTP status`);
  }
  return status;
}
