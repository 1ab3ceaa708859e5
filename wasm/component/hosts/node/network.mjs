// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The two questions that only a host can answer, by what Node has: DNS and HTTPS. What cannot be
// answered is the value `{ failure }` with a word of the WIT.

import { Resolver } from "node:dns/promises";
import https from "node:https";
import { BlockList } from "node:net";

/** Addresses that no domain may lead us to (R-GET-6); the list of IANA's that matters most. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16],
  ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.168.0.0", 16],
  ["198.18.0.0", 15], ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 3],
]) {
  PRIVATE.addSubnet(network, bits, "ipv4");
}

export class Network {
  #resolver = new Resolver({ timeout: 2000, tries: 2 });
  #options;

  /**
   * `checkName` throws where a certificate (DER) is not for a name: Node's own check would take a
   * certificate without a DNS-ID by its common name. `nameserver` (address:port), `ca` (PEM),
   * `httpsPort` and `allowNonGlobal` are for tests.
   */
  constructor({ checkName, nameserver, ca, httpsPort = 443, allowNonGlobal = false }) {
    if (nameserver !== undefined) this.#resolver.setServers([nameserver]);
    this.#options = { checkName, ca, port: httpsPort, allowNonGlobal };
  }

  /** All TXT records of `name`, each as its strings. Node does not tell the TTL. */
  async txt(name) {
    try {
      const records = await this.#resolver.resolveTxt(name);
      return { records: records.map((strings) => strings.map(toOctets)), ttl: undefined };
    } catch (error) {
      const isAbsent = error.code === "ENOTFOUND" || error.code === "ENODATA";
      return { failure: isAbsent ? "no-records" : "temporary" };
    }
  }

  /** One GET request, within `timeoutMs` for all of it. */
  async get({ host, path, timeoutMs, maxBody }) {
    const addresses = await this.#addresses(host);
    if (addresses === undefined) return { failure: "dns" };
    const signal = AbortSignal.timeout(timeoutMs);
    let reply = { failure: "connect" };
    for (const address of addresses) {
      reply = await this.#request(address, host, path, maxBody, signal);
      if (reply.failure !== "connect" || signal.aborted) break;
    }
    return reply;
  }

  async #addresses(host) {
    const families = [this.#resolver.resolve4(host), this.#resolver.resolve6(host)];
    const found = (await Promise.allSettled(families)).flatMap(({ value }) => value ?? []);
    const usable = found.filter((address) => this.#options.allowNonGlobal || isGlobal(address));
    return found.length > 0 ? usable : undefined;
  }

  #request(address, host, path, maxBody, signal) {
    const { ca, port, checkName } = this.#options;
    const options = {
      host: address, port, path, ca, signal, servername: host, agent: false,
      headers: { host }, minVersion: "TLSv1.2",
      checkServerIdentity: (name, { raw }) => mismatch(checkName, raw, name),
    };
    return new Promise((resolve) => {
      const fail = (error) => resolve({ failure: failure(error, signal) });
      const request = https.get(options, (reply) => {
        reply.on("error", fail);
        read(reply, maxBody).then(resolve, fail);
      });
      request.on("error", fail);
    });
  }
}

/** The whole reply; a redirect is one like any other. */
async function read(reply, maxBody) {
  const chunks = [];
  let size = 0;
  for await (const chunk of reply) {
    size += chunk.length;
    if (size > maxBody) {
      reply.destroy();
      return { failure: "body-too-large" };
    }
    chunks.push(chunk);
  }
  // A body that ends with the connection may have been cut: Node does not tell how TLS ended.
  const hasEnd = "content-length" in reply.headers || "transfer-encoding" in reply.headers;
  if (reply.statusCode === 200 && !hasEnd) return { failure: "other" };
  const types = reply.headersDistinct["content-type"];
  return { status: reply.statusCode, contentType: types?.join(", "), body: Buffer.concat(chunks) };
}

/** What Node wants to know of a certificate: nothing, or an error. */
function mismatch(checkName, der, name) {
  try {
    checkName(der, name);
  } catch ({ message }) {
    return Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  }
}

/** OpenSSL's codes of certificates that are not valid, as Node spells them. */
const CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|INVALID_|CRL_|HOSTNAME_)/;

/** What this machine lacks is not the domain's fault: the mail waits. */
const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

function failure(error, signal) {
  if (signal.aborted) return "timeout";
  if (SHORTAGES.has(error.code)) return "local";
  if (CERTIFICATE.test(error.code)) return "web-pki";
  return error.code?.startsWith("HPE_") ? "other" : "connect";
}

function isGlobal(address) {
  // Of IPv6 the global unicast addresses are 2000::/3, less those that stand for IPv4.
  return address.includes(":")
    ? /^[23]/.test(address) && !/^(2001:(0*:|db8:)|2002:)/.test(address)
    : !PRIVATE.check(address, "ipv4");
}

/** Node gives the octets of a string as UTF-8; no record that is not ASCII is legal. */
function toOctets(string) {
  return new TextEncoder().encode(string);
}
