// SPDX-License-Identifier: MIT OR Apache-2.0
// DNS by node:dns for RFC 8461 §3.1 and §3.3: no search list, no hosts file, no cache, and failures
// of three kinds. node:dns gives no TTL of TXT records nor of their absence: it is unknown.

import { promises } from "node:dns";
import { within } from "../engine.js";
import { unlessAborted } from "../share.js";
import type { TxtAnswer, TxtFailure } from "../host.js";

/** How to ask. */
export interface DnsOptions {
  /** Name servers, such as `127.0.0.1:53`. Default: those of the system. */
  readonly nameservers?: readonly string[] | undefined;
  /** The time limit of one question. Default 10000. */
  readonly dnsTimeoutMs?: number | undefined;
}

/** An MX record. */
export interface Mx {
  readonly host: string;
  /** The least is the most preferred. */
  readonly preference: number;
}

/** What DNS says, or why it does not. */
export type DnsAnswer<T> = { readonly found: readonly T[] } | { readonly failure: TxtFailure };

/** A CNAME leads to another at most this often. */
const MAX_CNAMES = 8;

type Question<T> = (resolver: promises.Resolver, name: string) => Promise<T[]>;

export class Dns {
  readonly #nameservers: readonly string[] | undefined;
  readonly #timeout: number;

  constructor(options: DnsOptions) {
    this.#nameservers = options.nameservers;
    this.#timeout = within("dnsTimeoutMs", options.dnsTimeoutMs ?? 10_000); // Node aborts for some that are none
    if (this.#nameservers?.length === 0) throw new TypeError("nameservers is empty");
    this.#resolver(); // throws for name servers that are none
  }

  #resolver(): promises.Resolver {
    const resolver = new promises.Resolver({ timeout: Math.ceil(this.#timeout / 4), tries: 2 });
    if (this.#nameservers !== undefined) resolver.setServers([...this.#nameservers]);
    return resolver;
  }

  /** All TXT records of `name`. */
  async txt(name: string, signal: AbortSignal): Promise<TxtAnswer> {
    const answer = await this.#ask(name, (resolver, name) => resolver.resolveTxt(name), signal);
    if ("failure" in answer) return answer;
    // node:dns makes each octet a character.
    return { records: answer.found.map((strings) => Buffer.from(strings.join(""), "latin1")) };
  }

  /** The MX records of `domain`, the most preferred first. A null MX (RFC 7505) is left out. */
  async mx(domain: string, signal: AbortSignal): Promise<DnsAnswer<Mx>> {
    const answer = await this.#ask(domain, (resolver, name) => resolver.resolveMx(name), signal);
    if ("failure" in answer) return answer;
    const hosts = answer.found.map(({ exchange, priority }) => ({ host: exchange, preference: priority }));
    hosts.sort((one, other) => one.preference - other.preference);
    return { found: hosts.filter(({ host }) => host !== "" && host !== ".") };
  }

  /** The addresses of `host`, IPv4 first. One family is enough. */
  async addresses(host: string, signal: AbortSignal): Promise<DnsAnswer<string>> {
    const answers = await Promise.all([
      this.#ask(host, (resolver, name) => resolver.resolve4(name), signal),
      this.#ask(host, (resolver, name) => resolver.resolve6(name), signal),
    ]);
    const found = answers.flatMap((answer) => ("found" in answer ? answer.found : []));
    if (found.length > 0) return { found };
    return { failure: worst(answers.flatMap((answer) => ("failure" in answer ? [answer.failure] : []))) };
  }

  /** Follows the CNAMEs that the name server did not follow (R-TXT-1). */
  async #ask<T>(name: string, question: Question<T>, signal: AbortSignal): Promise<DnsAnswer<T>> {
    for (let hops = 0; hops <= MAX_CNAMES; hops += 1) {
      const answer = await this.#askAt(name, question, signal);
      if ("found" in answer) return answer;
      if (answer.code !== "ENODATA") return { failure: answer.failure };
      const target = await this.#askAt(name, (resolver, name) => resolver.resolveCname(name), signal);
      if ("failure" in target) return { failure: target.failure };
      name = target.found[0]!;
    }
    return { failure: "permanent" };
  }

  /** Asks at `name` itself, by a resolver that knows nothing yet. */
  async #askAt<T>(
    name: string,
    question: Question<T>,
    signal: AbortSignal,
  ): Promise<{ readonly found: readonly T[] } | { readonly failure: TxtFailure; readonly code: string }> {
    const resolver = this.#resolver();
    const limit = setTimeout(() => resolver.cancel(), this.#timeout);
    try {
      const found = await unlessAborted(question(resolver, name), signal);
      return found.length > 0 ? { found } : { failure: "no-records", code: "ENODATA" };
    } catch (error) {
      signal.throwIfAborted();
      const code = (error as NodeJS.ErrnoException).code ?? "";
      return { failure: failureOf(code), code };
    } finally {
      clearTimeout(limit);
      resolver.cancel();
    }
  }
}

function failureOf(code: string): TxtFailure {
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
      return "no-records";
    case "EBADNAME":
    case "EBADQUERY":
    case "EBADRESP":
    case "EFORMERR":
      return "permanent";
    case "EMFILE":
    case "ENFILE":
    case "ENOBUFS":
    case "ENOMEM":
      return "local";
    default:
      return "temporary";
  }
}

/** Of several failures the one that leaves most open. */
function worst(failures: readonly TxtFailure[]): TxtFailure {
  const order: readonly TxtFailure[] = ["local", "temporary", "permanent"];
  return order.find((failure) => failures.includes(failure)) ?? "no-records";
}
