// SPDX-License-Identifier: MIT OR Apache-2.0
// What is remembered of domains (RFC 8461 §3.3): what a store has to know, and one in memory.

import { call, needed, seconds } from "./engine.js";
import type { Host } from "./host.js";

/** The two functions of a host by which policies outlive a delivery. */
export type Store = Required<Pick<Host, "load" | "save">>;

/**
 * Whether a store that has `there` is to take `next`. Not if the policy in `there` was fetched
 * later, nor if it is in time and `next` has none: another process may have seen more.
 *
 * @throws {MtastsError} of kind `stored` if `next` did not come from {@link Outcome.stored}.
 */
export function supersedes(next: string, there: string, now: number = Date.now()): boolean {
  return call((engine) => engine.supersedes(needed(next, "next"), needed(there, "there"), seconds(now)));
}

/**
 * From when on `stored` says nothing any more, so that a store may drop it.
 *
 * @throws {MtastsError} of kind `stored`.
 */
export function uselessAfter(stored: string): Date {
  return new Date(call((engine) => engine.uselessAfter(needed(stored, "what is stored"))) * 1000);
}

/** How large a store may become. */
export interface MemoryStoreOptions {
  /** The most domains. Those that were not asked for longest are forgotten first. Default 10000. */
  readonly maxEntries?: number | undefined;
}

/** A store in the memory of this process: cached policies are lost with it. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const { maxEntries = 10_000 } = options;
  const entries = new Map<string, string>(); // the longest unused first
  const put = (domain: string, stored: string) => {
    entries.delete(domain);
    entries.set(domain, stored);
    const [oldest] = entries.keys();
    if (entries.size > maxEntries) entries.delete(oldest!);
  };
  return {
    load(domain) {
      const stored = entries.get(domain);
      if (stored !== undefined) put(domain, stored);
      return stored;
    },
    save(domain, stored) {
      const there = entries.get(domain);
      if (there === undefined || supersedes(stored, there)) put(domain, stored);
    },
  };
}
