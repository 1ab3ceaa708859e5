// SPDX-License-Identifier: MIT OR Apache-2.0
// What a domain publishes to receive mail by MTA-STS, and in which order (RFC 8461 §8).

import * as glue from "./glue.js";
import { toPolicyDomain } from "./domain.js";
import { call, type Engine, seconds } from "./engine.js";
import { type Mode, type Policy, policyHandle } from "./policy.js";

/** A policy as it is meant. */
export interface Draft {
  readonly mode: Mode;
  /** The lifetime in seconds, at most 31557600. */
  readonly maxAge: number;
  /** Host names, or `*.` and a host name. */
  readonly mx: readonly string[];
}

/** A policy as it is to be served. */
export interface WrittenPolicy {
  /** The text, whose lines end in CRLF. */
  readonly text: string;
  /** What is legal and rarely meant, in words for a person. */
  readonly advice: readonly string[];
}

/** What is published now. */
export interface Present {
  readonly policy: Policy;
  /** The `id` of its record. */
  readonly id: string;
  /** The greatest `max_age` that was ever served, in seconds. Default: that of `policy`. */
  readonly longestMaxAge?: number | undefined;
  /** What the MX records name, if that is known. */
  readonly mxHosts?: readonly string[] | undefined;
}

/** From where to where a plan leads. */
export interface PlanOptions {
  /** Default: nothing. */
  readonly present?: Present | undefined;
  /** Milliseconds since 1970; default `Date.now()`. */
  readonly now?: number | undefined;
}

/** A step of a plan. */
export interface PlanStep {
  readonly kind:
    "mx-tls" | "tlsrpt" | "policy-host" | "policy" | "record" | "keep" | "reports" | "mx-records" | "retire";
  /** What to do, in a line. */
  readonly title: string;
  /** How, and why now. */
  readonly detail: string;
  /** Where the RFC says so. */
  readonly section: string;
  /** The policy to serve from here on. */
  readonly policy: string | undefined;
  /** The record to publish from here on. */
  readonly record: string | undefined;
  /** What to wait for before the next step. */
  readonly wait: string | undefined;
}

/** A web server of which the configuration is known. */
export type Server = "nginx" | "caddy" | "apache" | "envoy";

/** Where a web server has its files; each has a usual place. */
export interface Paths {
  /** The certificate chain and its key, PEM. */
  readonly certificate?: { readonly chain: string; readonly key: string } | undefined;
  /** The folder to serve. */
  readonly root?: string | undefined;
}

/** What a web server is to be told. */
export interface Configuration {
  readonly text: string;
  /** What its file is usually called. */
  readonly fileName: string;
  /** Where the policy's file has to be; absent where the configuration holds the policy. */
  readonly policyFile: string | undefined;
}

/** What the zone of a domain is to have. */
export interface ZoneOptions {
  /** Addresses of the policy's web server, or the name that it is an alias of. */
  readonly address?: string | undefined;
  /** The MTA-STS record. */
  readonly record?: string | undefined;
  /** The TLSRPT record. */
  readonly tlsrpt?: string | undefined;
  /** In seconds; default 3600. */
  readonly ttl?: number | undefined;
}

/** Something that cannot be published, and in which field of a form it stands. */
export class PublishError extends Error {
  readonly field: "mx" | "max_age" | "rua" | "address" | "path";
  /** Which of several, from 0. */
  readonly index: number | undefined;

  /** @internal */
  constructor(field: string, index: number | undefined, message: string) {
    super(message);
    this.name = "PublishError";
    this.field = field as PublishError["field"];
    this.index = index;
  }
}

/**
 * Writes a policy, which the engine has read back.
 *
 * ```js
 * writePolicy({ mode: "testing", maxAge: 86400, mx: ["mx1.example.com"] }).text;
 * ```
 *
 * @throws {PublishError}
 */
export function writePolicy(draft: Draft): WrittenPolicy {
  return withWritten(draft, (written) => ({ text: written.text, advice: written.advice() }));
}

/**
 * The `id` for a policy that is published now: a UTC timestamp, greater than the present one. The
 * policy that is published already keeps its own.
 *
 * @throws {PublishError}
 */
export function nextId(draft: Draft, options: PlanOptions = {}): string {
  const { present, now = Date.now() } = options;
  return withWritten(draft, (written, engine) => {
    const policy = present && policyHandle(present.policy);
    return engine.nextId(written, seconds(now), policy, present?.id);
  });
}

/** The `id` of a policy by its text alone: 32 hexadecimal digits of its SHA-256. */
export function idOf(policy: string): string {
  return call((engine) => engine.idOf(policy));
}

/** The record at `_mta-sts.<domain>`. */
export function writeRecord(id: string): string {
  return call((engine) => engine.writeRecord(id));
}

/**
 * The record at `_smtp._tls.<domain>`. Each of `rua` is a mail address or a URI.
 *
 * @throws {PublishError}
 */
export function writeTlsrptRecord(rua: readonly string[]): string {
  return publish((engine) => engine.writeTlsrptRecord([...rua]));
}

/**
 * The lines for the domain's zone file.
 *
 * @throws {PublishError}
 */
export function zoneLines(domain: string, options: ZoneOptions = {}): string {
  const { address = "", record, tlsrpt, ttl = 3600 } = options;
  const name = toPolicyDomain(domain);
  return publish((engine) => engine.zoneLines(name, address, whole(ttl, "ttl"), record, tlsrpt));
}

/**
 * What a web server is to be told to serve the policy and nothing else.
 *
 * @throws {PublishError}
 */
export function configuration(
  server: Server,
  domain: string,
  draft: Draft,
  paths: Paths = {},
): Configuration {
  const name = toPolicyDomain(domain);
  return withWritten(draft, (written, engine) => {
    const site = placed(new engine.Site(name), paths);
    const made = site.configuration(server, written);
    const { text, fileName, policyFile } = made;
    made.free();
    site.free();
    return { text, fileName, policyFile };
  });
}

function placed(site: glue.Site, { certificate, root }: Paths): glue.Site {
  let placed = site;
  if (certificate !== undefined) placed = placed.withCertificate(certificate.chain, certificate.key);
  if (root !== undefined) placed = placed.withRoot(root);
  return placed;
}

/**
 * The steps from what is published to what is wanted, none of which loses mail: the policy before
 * its record, testing before enforce, an MX host in the policy before it is in DNS. Mode `none`
 * gives the way out of MTA-STS (RFC 8461 §8.3).
 *
 * @throws {PublishError}
 */
export function plan(domain: string, wanted: Draft, options: PlanOptions = {}): readonly PlanStep[] {
  const { present, now = Date.now() } = options;
  const name = toPolicyDomain(domain);
  return withWritten(wanted, (written, engine) => {
    const steps = present
      ? engine.planNext(
          name,
          policyHandle(present.policy),
          present.id,
          whole(present.longestMaxAge ?? 0, "longestMaxAge"),
          present.mxHosts && [...present.mxHosts],
          written,
          seconds(now),
        )
      : engine.planStart(name, written, seconds(now));
    return steps.map(taken);
  });
}

function taken(step: glue.PlanStep): PlanStep {
  const { kind, title, detail, section, policy, record, wait } = step;
  step.free();
  return { kind: kind as PlanStep["kind"], title, detail, section, policy, record, wait };
}

function withWritten<T>(draft: Draft, work: (written: glue.WrittenPolicy, engine: Engine) => T): T {
  const { mode, maxAge, mx } = draft;
  return publish((engine) => {
    const written = engine.WrittenPolicy.write(mode, whole(maxAge, "maxAge"), [...mx]);
    try {
      return work(written, engine);
    } finally {
      written.free();
    }
  });
}

function whole(number: number, name: string): number {
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 32) return number;
  throw new TypeError(`${name} is not a whole number of seconds`);
}

/** As `call`, for what throws errors of fields too. */
function publish<T>(work: (engine: Engine) => T): T {
  try {
    return call(work);
  } catch (thrown) {
    if (!(thrown instanceof glue.FieldProblem)) throw thrown;
    const { field, index, message } = thrown;
    thrown.free();
    throw new PublishError(field, index, message);
  }
}
