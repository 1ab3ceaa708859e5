// SPDX-License-Identifier: MIT OR Apache-2.0
// The policy document (RFC 8461 §3.2).

import type * as glue from "./glue.js";
import type { Warning } from "./errors.js";
import { dispose } from "./dispose.js";
import { call, needed, octets, Owned, take } from "./engine.js";

/** What a sender does about MX hosts that are not as the policy says (RFC 8461 §5). */
export type Mode = "enforce" | "testing" | "none";

/** How to read a policy. */
export interface ParseOptions {
  /** What is merely tolerated is an error, too. Default false. */
  readonly strict?: boolean | undefined;
}

/** @internal A policy in the engine's memory. */
export let policyHandle: (policy: Policy) => glue.Policy;
/** @internal Makes an object of it. */
export let policyFrom: (handle: glue.Policy) => Policy;

/**
 * A legal policy.
 *
 * ```js
 * const policy = Policy.parse("version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 86400\n");
 * policy.matches("mx1.example.com"); // true
 * ```
 *
 * It holds a little memory of the engine, which is freed with the object; `using` frees it at once.
 */
export class Policy {
  readonly #handle: Owned<glue.Policy>;

  /** The mode. */
  readonly mode: Mode;
  /** The lifetime in seconds, at most 31557600. */
  readonly maxAge: number;
  /** The MX patterns in their order, in lower case. */
  readonly mx: readonly string[];
  /** What was tolerated, in the order of the text. */
  readonly warnings: readonly Warning[];

  private constructor(handle: glue.Policy) {
    this.#handle = new Owned(handle);
    this.mode = handle.mode as Mode;
    this.maxAge = handle.maxAge;
    this.mx = Object.freeze(handle.mx());
    this.warnings = Object.freeze(handle.warnings().map((warning) => take(warning) as Warning));
  }

  static {
    policyHandle = (policy) => policy.#handle.get();
    policyFrom = (handle) => new Policy(handle);
  }

  /**
   * Reads a policy as the body of an HTTPS reply brings it.
   *
   * @throws {MtastsError} that says what is wrong, at which line and column.
   */
  static parse(body: string | Uint8Array, options: ParseOptions = {}): Policy {
    const strict = options.strict ?? false;
    return call((engine) => new Policy(engine.Policy.parse(octets(body), strict)));
  }

  /** The text as it was published. */
  get text(): string {
    return this.#handle.get().text;
  }

  /**
   * Whether some pattern matches `mxHost`: the name in the MX record or, without MX records, the
   * Policy Domain itself (RFC 8461 §4.1).
   */
  matches(mxHost: string): boolean {
    return this.#handle.get().matches(needed(mxHost, "mxHost"));
  }

  /** The first pattern that matches `mxHost`. */
  patternFor(mxHost: string): string | undefined {
    return this.#handle.get().patternFor(needed(mxHost, "mxHost"));
  }

  /** The fields that MTA-STS knows. */
  toJSON(): { mode: Mode; maxAge: number; mx: readonly string[] } {
    const { mode, maxAge, mx } = this;
    return { mode, maxAge, mx };
  }

  /** Frees its memory. What is not a plain property can no longer be used. */
  [dispose](): void {
    this.#handle.free();
  }
}
