// SPDX-License-Identifier: MIT OR Apache-2.0
// What a look-up needs of its host: DNS, HTTPS, a store and a clock.

import type { TxtRecord } from "./record.js";

/**
 * Why a TXT query has no records: the DNS says that there are none (NXDOMAIN, NODATA); this
 * machine lacks something; the answer is malformed; another try may do better (time-out,
 * SERVFAIL, REFUSED, no network).
 */
export type TxtFailure = "no-records" | "local" | "permanent" | "temporary";

/** Why an HTTPS request has no reply; `local`: this machine lacks something. */
export type FetchFailure =
  | "body-too-large"
  | "connect"
  | "dns"
  | "local"
  | "other"
  | "timeout"
  /** The certificate is not valid for the Policy Host. */
  | "webpki";

/** The answer to a TXT query, CNAMEs followed. */
export type TxtAnswer =
  | {
      /** All TXT records of the name, not only those of MTA-STS; empty if there are none. */
      readonly records: readonly TxtRecord[];
      /** The TTL in seconds, if known. */
      readonly ttl?: number | undefined;
    }
  | {
      readonly failure: TxtFailure;
      /** With `no-records`, the negative TTL in seconds, if known. */
      readonly ttl?: number | undefined;
    };

/** A GET request over HTTPS. */
export interface FetchRequest {
  /** The whole address: `https://`, host and path. */
  readonly url: string;
  /** The Policy Host: SNI, `Host`, and the name for which the certificate must be valid. */
  readonly host: string;
  /** The path. */
  readonly path: string;
  /** The time limit of the whole. `resolve` gives up a second later, and aborts the host's signal. */
  readonly timeoutMs: number;
  /** The most octets of body to read. Whoever meets more stops and says `body-too-large`. */
  readonly maxBody: number;
}

/** The reply to the first request: no redirect followed, from no cache. */
export type FetchAnswer =
  | {
      /** The status code. */
      readonly status: number;
      /** The value of `Content-Type`; several are joined by commas. */
      readonly contentType?: string | null | undefined;
      /** The whole body, which nobody reads unless the status is 200. */
      readonly body: string | Uint8Array;
    }
  | { readonly failure: FetchFailure };

/** What every function of a host is told. Each has to end by itself: only `fetch` is given up. */
export interface HostOptions {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * DNS, HTTPS, a store and a clock. Failures of the network are answers, not exceptions: whatever
 * else a function throws counts as a failure of this machine, so that mail waits unless a policy is
 * cached, and stands in {@link Outcome.hostErrors}.
 */
export interface Host {
  /** All TXT records of `name`, past any cache of the host's own. */
  txt(name: string, options: HostOptions): Promise<TxtAnswer> | TxtAnswer;

  /**
   * The reply to a request over TLS 1.2 or later. Redirects are not followed: `fetch` of the
   * platform needs `redirect: "manual"`.
   */
  fetch(request: FetchRequest, options: HostOptions): Promise<FetchAnswer> | FetchAnswer;

  /**
   * What was last saved of `domain`; nothing only if it is known that there is nothing. A store
   * that cannot be read throws.
   */
  load?(domain: string, options: HostOptions): Promise<Stored> | Stored;

  /** Keeps `stored`, unless what is there is better: see {@link supersedes}. */
  save?(domain: string, stored: string, options: HostOptions): Promise<void> | void;

  /** The time in milliseconds since 1970. Default `Date.now`. */
  now?(): number;
}

/** What a store has of a domain. */
export type Stored = string | null | undefined;
