// SPDX-License-Identifier: MIT OR Apache-2.0
// What a look-up came to, and what it means for a session with an MX host (RFC 8461 §4, §5).

import type * as glue from "./glue.js";
import type { MtastsError } from "./errors.js";
import { dispose } from "./dispose.js";
import { call, needed, Owned, text, toError } from "./engine.js";
import { toPolicyDomain } from "./domain.js";
import { type Policy, policyFrom, policyHandle } from "./policy.js";
import type { PostfixStyle, PostfixValue } from "./postfix.js";

/** Where the policy comes from: nowhere, the store, the network just now, the operator. */
export type Basis = "no-policy" | "cached" | "fresh" | "local";

/** Why there is no policy, or why the cached one was not renewed. */
export type Reason =
  | "body-too-large"
  | "connect"
  | "dns-permanent"
  | "dns-temporary"
  | "fetch-limit"
  | "fetch-other"
  | "local-failure"
  | "media-type"
  | "no-record"
  | "policy-host-dns"
  | "policy-invalid"
  | "record-invalid"
  | "several-records"
  | "store-failed"
  | "timeout"
  | "webpki"
  | `status-${number}`;

/** What a session or a look-up came to, by the names of RFC 8460 §4.3. */
export type ResultType =
  | "starttls-not-supported"
  | "certificate-host-mismatch"
  | "certificate-expired"
  | "certificate-not-trusted"
  | "validation-failure"
  | "tlsa-invalid"
  | "dnssec-invalid"
  | "dane-required"
  | "sts-policy-fetch-error"
  | "sts-policy-invalid"
  | "sts-webpki-invalid";

/** What a sender does with the mail: go on; not to this host; not to this host but to the fallback. */
export type Action = "deliver" | "defer" | "divert";

/** What is wrong with a session. */
export type Cause =
  | "certificate-expired"
  | "certificate-host-mismatch"
  | "certificate-invalid"
  | "certificate-not-trusted"
  | "dane-failed"
  | "dane-lookup-failed"
  | "mx-not-listed"
  | "policy-unknown"
  | "starttls-not-supported"
  | "tls-failed";

/** The MX host's certificate: `valid` if it chains to a trusted root, is in time and for the name. */
export type Certificate = "valid" | "expired" | "host-mismatch" | "invalid" | "not-trusted";

/** What DANE (RFC 7672) says of an MX host; `not-used` where the sender does none. */
export type Dane = "not-used" | "lookup-failed" | "unusable" | "usable" | "passed" | "failed";

/** What is known of the session with one candidate MX host. */
export type Session = {
  /**
   * The name in the MX record or, without MX records, the Policy Domain itself. Never the target
   * of a CNAME.
   */
  readonly mxHost: string;
  /** Default `not-used`. */
  readonly dane?: Dane | undefined;
  /** Whether the MX records were DNSSEC-secure. Default false. */
  readonly mxSecure?: boolean | undefined;
} & (
  | {
      /**
       * How far TLS got: `not-tried` asks whether the host is worth a connection; `not-offered`
       * also where STARTTLS was refused; `failed` where no TLS 1.2 or later came of it.
       */
      readonly tls: "not-tried" | "not-offered" | "failed";
    }
  | { readonly tls: "established"; readonly certificate: Certificate }
);

/** A verdict on one session, for one Policy Domain. */
export interface Verdict {
  /**
   * `defer`: on to the next MX host in the usual order; when none is left, a transient failure.
   * Never in the clear instead.
   */
  readonly action: Action;
  /** The result type to report; also where a policy of mode `testing` lets the mail pass. */
  readonly result: ResultType | undefined;
  /** What is wrong with the session. */
  readonly cause: Cause | undefined;
  /** The cause as one line for a person. */
  readonly explanation: string | undefined;
}

/** @internal An outcome in the engine's memory. */
export let outcomeHandle: (outcome: Outcome) => glue.Outcome;
/** @internal Makes an object of it. `hostErrors` is {@link Outcome.hostErrors}. */
export let outcomeFrom: (handle: glue.Outcome, hostErrors?: readonly unknown[]) => Outcome;

/**
 * The outcome of a look-up. It holds for its Policy Domain alone, and each of its verdicts for one
 * connection.
 */
export class Outcome {
  readonly #handle: Owned<glue.Outcome>;

  /** The Policy Domain. */
  readonly domain: string;
  /** The policy to apply; without one, deliver as if there were no MTA-STS. */
  readonly policy: Policy | undefined;
  /** The `id` of the policy's record; a local policy has none. */
  readonly id: string | undefined;
  /** When the policy was fetched. */
  readonly fetchedAt: Date | undefined;
  /** When the policy's lifetime ends. */
  readonly expiresAt: Date | undefined;
  /** Where the policy comes from. */
  readonly basis: Basis;
  /** Why there is no policy, or no newer one. */
  readonly reason: Reason | undefined;
  /** The result type to report of the look-up itself. */
  readonly result: ResultType | undefined;
  /** One line for a person: why there is no policy, or no newer one. Empty if all went well. */
  readonly explanation: string;
  /** What is wrong with the record or the policy that was refused. */
  readonly error: MtastsError | undefined;
  /** Whether a policy of mode `enforce` applies. */
  readonly enforced: boolean;
  /** Whether all mail is to wait, as it is not known if there is a policy. */
  readonly tryLater: boolean;
  /** Whether `stored` is not what the look-up began with, and is to be saved. */
  readonly changed: boolean;
  /** What the host's functions threw; such an answer counts as a failure of this machine. */
  readonly hostErrors: readonly unknown[];

  private constructor(handle: glue.Outcome, hostErrors: readonly unknown[]) {
    this.#handle = new Owned(handle);
    const policy = handle.policy();
    const error = handle.error();
    this.domain = handle.domain;
    this.policy = policy && policyFrom(policy);
    this.id = handle.id;
    this.fetchedAt = date(handle.fetchedAt);
    this.expiresAt = date(handle.expiresAt);
    this.basis = handle.basis as Basis;
    this.reason = handle.reason as Reason | undefined;
    this.result = handle.result as ResultType | undefined;
    this.explanation = handle.explanation;
    this.error = error && toError(error);
    this.enforced = handle.isEnforced;
    this.tryLater = handle.isTryLater;
    this.changed = handle.isChanged;
    this.hostErrors = hostErrors;
  }

  static {
    outcomeHandle = (outcome) => outcome.#handle.get();
    outcomeFrom = (handle, hostErrors = []) => new Outcome(handle, hostErrors);
  }

  /**
   * The outcome for a domain for which the operator of the sender has written a policy: to pin
   * one, to exempt the domain (mode `none`), or to demote it (mode `testing`).
   */
  static local(domain: string, policy: Policy): Outcome {
    const name = toPolicyDomain(domain);
    return call((engine) => new Outcome(engine.Outcome.local(name, policyHandle(policy)), []));
  }

  /** What to remember of the domain, as a text that a person can read too. */
  get stored(): string {
    return this.#handle.get().stored();
  }

  /**
   * Whether and how the session may carry the mail. Ask twice for each MX host: before the
   * connection with `tls: "not-tried"`, and when it is known what came of STARTTLS.
   *
   * ```js
   * outcome.verdict({ mxHost: "mx.example.com", tls: "established", certificate: "expired" }).action;
   * ```
   *
   * @throws {TypeError} for a word that is none of those in {@link Session}.
   */
  verdict(session: Session): Verdict {
    const { mxHost, tls, dane = "not-used", mxSecure = false } = session;
    const certificate = session.tls === "established" ? session.certificate : undefined;
    needed(mxHost, "mxHost");
    needed(tls, "tls");
    text(certificate, "certificate");
    text(dane, "dane");
    return call(() => {
      const given = this.#handle.get().verdict(mxHost, tls, certificate, dane, mxSecure);
      const { action, result, cause, explanation } = given as unknown as Verdict;
      given.free();
      return { action, result, cause, explanation };
    });
  }

  /** What Postfix is to read in its table `smtp_tls_policy_maps`. */
  postfix(style: PostfixStyle = {}): PostfixValue {
    const { dane = "none", version = "3.4", level } = style;
    text(dane, "dane");
    text(version, "version");
    text(level, "level");
    return call(() => {
      const given = this.#handle.get().postfix(dane, version, level);
      const { found, value } = given;
      given.free();
      return { found, value } as PostfixValue;
    });
  }

  /** Frees its memory and its policy's. What is not a plain property can no longer be used. */
  [dispose](): void {
    this.policy?.[dispose]();
    this.#handle.free();
  }
}

function date(seconds: number | undefined): Date | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}
