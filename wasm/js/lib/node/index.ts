// SPDX-License-Identifier: MIT OR Apache-2.0
// A ready host for Node: node:dns, node:https, and a store in memory or in a folder.

import { type Host, memoryStore, type Store, toPolicyDomain } from "../index.js";
import { Dns, type DnsAnswer, type DnsOptions, type Mx } from "./dns.js";
import { Https, type HttpsOptions } from "./https.js";

export { isGlobal } from "./address.js";
export { certificateOf } from "./certificate.js";
export type { DnsAnswer, DnsOptions, Mx } from "./dns.js";
export type { HttpsOptions } from "./https.js";
export { directoryStore } from "./store.js";
export type { DirectoryStore } from "./store.js";

/** What the host may be told. */
export interface NodeHostOptions extends DnsOptions, HttpsOptions {
  /** Where policies are kept. Default: the memory of this process. */
  readonly store?: Store | undefined;
}

/** What an MX or address query may be told. */
export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A host that also answers what a mail sender asks DNS besides. */
export interface NodeHost extends Host {
  /**
   * The MX hosts of `domain`, the most preferred first; without MX records the domain itself. None
   * at all: a null MX, the domain takes no mail (RFC 7505).
   */
  mx(domain: string, options?: QueryOptions): Promise<DnsAnswer<Mx>>;
  /** The addresses of an MX host. */
  addresses(host: string, options?: QueryOptions): Promise<DnsAnswer<string>>;
}

/**
 * A host for `resolve`. Make one and keep it: it holds the policies. Throws for options that are none.
 *
 * ```js
 * const host = createHost({ store: directoryStore("/var/lib/example-mailer/mta-sts") });
 * const outcome = await resolve("example.com", host);
 * ```
 */
export function createHost(options: NodeHostOptions = {}): NodeHost {
  const dns = new Dns(options);
  const https = new Https(dns, options);
  const store = options.store ?? memoryStore();
  const forever = new AbortController().signal;
  return {
    txt: (name, { signal }) => dns.txt(name, signal),
    fetch: (request, { signal }) => https.get(request, signal),
    load: (domain, options) => store.load(domain, options),
    save: (domain, stored, options) => store.save(domain, stored, options),
    addresses: (host, { signal = forever } = {}) => dns.addresses(host, signal),
    async mx(domain, { signal = forever } = {}) {
      const name = toPolicyDomain(domain);
      const answer = await dns.mx(name, signal);
      const isImplicit = "failure" in answer && answer.failure === "no-records";
      return isImplicit ? { found: [{ host: name, preference: 0 }] } : answer;
    },
  };
}
