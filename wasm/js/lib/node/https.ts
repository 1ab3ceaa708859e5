// SPDX-License-Identifier: MIT OR Apache-2.0
// One GET request to a Policy Host (RFC 8461 §3.3): to an address that was checked (R-GET-6), without
// redirects, caches or content codings (R-GET-2), within one limit of time and one of size (R-GET-4).
//
// Not by `fetch`: that tells neither the address that it connects to nor a bad certificate from no
// connection, takes a common name for a DNS-ID, and undoes content codings.

import { X509Certificate } from "node:crypto";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { connect as tlsConnect, type TLSSocket } from "node:tls";
import { checkCertificateName } from "../certificate.js";
import { within } from "../engine.js";
import type { FetchAnswer, FetchFailure, FetchRequest } from "../host.js";
import { isGlobal } from "./address.js";
import type { Dns } from "./dns.js";

/** How to fetch. */
export interface HttpsOptions {
  /** The roots to trust, PEM. Default: those of Node. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  /** Connects to any address, as tests need it. Default false: only to global ones. */
  readonly allowNonGlobal?: boolean | undefined;
  /** The port. Default 443. */
  readonly httpsPort?: number | undefined;
  /** The time limit of one TCP connection with its TLS handshake. Default 30000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Takes a line on what went wrong. */
  readonly log?: ((message: string) => void) | undefined;
}

/** More addresses of one host than this are not tried. */
const MAX_ADDRESSES = 8;

/** The most octets that the head of a reply may take. */
const MAX_HEAD = 64 * 1024;

/** The most octets that are read at all: interim replies have no end of their own. */
const MAX_STREAM = 1024 * 1024;

/** TLS passes over what is no certificate, then trusts nobody, and no policy would ever be found. */
function checkRoots(ca: HttpsOptions["ca"]): void {
  if (ca === undefined) return;
  const texts = typeof ca === "string" || Buffer.isBuffer(ca) ? [ca] : (ca as readonly (string | Buffer)[]);
  if (texts.length === 0) throw new TypeError("ca has no certificate");
  for (const text of texts) {
    try {
      new X509Certificate(text);
    } catch (cause) {
      throw new TypeError("ca has something that is no certificate in PEM", { cause });
    }
  }
}

/** Why there is no reply. */
class Failed extends Error {
  constructor(
    readonly failure: FetchFailure,
    detail: string,
  ) {
    super(detail);
  }
}

const TIMEOUT = new Failed("timeout", "the time for the fetch is over");

export class Https {
  readonly #dns: Dns;
  readonly #options: HttpsOptions;

  constructor(dns: Dns, options: HttpsOptions) {
    checkRoots(options.ca);
    within("connectTimeoutMs", options.connectTimeoutMs ?? 1);
    within("httpsPort", options.httpsPort ?? 443, 65_535);
    this.#dns = dns;
    this.#options = options;
  }

  /** Makes the request. The time limit counts from now and covers everything. */
  async get(request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer> {
    const inTime = new AbortController();
    const forward = () => inTime.abort(signal.reason);
    const timer = setTimeout(() => inTime.abort(TIMEOUT), request.timeoutMs);
    signal.addEventListener("abort", forward);
    try {
      const addresses = await this.#addresses(request.host, inTime.signal);
      const socket = await this.#connect(request, addresses, inTime.signal);
      return await this.#exchange(socket, request, inTime.signal);
    } catch (error) {
      signal.throwIfAborted();
      return { failure: this.#tell(request.host, inTime.signal.aborted ? TIMEOUT : error) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", forward);
    }
  }

  #tell(host: string, error: unknown): FetchFailure {
    if (!(error instanceof Failed)) throw error;
    this.#options.log?.(`${host}: ${error.message}`);
    return error.failure;
  }

  /** The addresses to try. A host whose addresses are all refused is one without a connection. */
  async #addresses(host: string, signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.#dns.addresses(host, signal);
    if ("failure" in answer) {
      throw new Failed(answer.failure === "local" ? "local" : "dns", `no address: ${answer.failure}`);
    }
    const allowed = answer.found.filter((address) => this.#options.allowNonGlobal || isGlobal(address));
    if (allowed.length > 0) return allowed.slice(0, MAX_ADDRESSES);
    throw new Failed("connect", `${answer.found.join(", ")}: not a global address`);
  }

  /**
   * A TLS session with the first of `addresses` that gives one. If none does, a refused
   * certificate is what is reported, before whatever was wrong with the last address.
   */
  async #connect(request: FetchRequest, addresses: readonly string[], signal: AbortSignal): Promise<TLSSocket> {
    const { connectTimeoutMs = 30_000 } = this.#options;
    const share = Math.min(connectTimeoutMs, request.timeoutMs / addresses.length);
    let failed: unknown;
    for (const address of addresses) {
      try {
        return await this.#handshake(address, request.host, share, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(failed instanceof Failed && failed.failure === "webpki")) failed = error;
      }
    }
    throw failed;
  }

  /** TCP and TLS to one address, the certificate checked (R-GET-1). */
  #handshake(address: string, servername: string, limit: number, signal: AbortSignal): Promise<TLSSocket> {
    const { ca, httpsPort = 443 } = this.#options;
    const socket = tlsConnect({
      host: address,
      port: httpsPort,
      servername,
      ...(ca === undefined ? {} : { ca: ca as string }),
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      checkServerIdentity: (name, { raw }) => checkCertificateName(raw, name),
    });
    const timer = setTimeout(() => socket.destroy(new Failed("timeout", "no connection in time")), limit);
    return new Promise<TLSSocket>((resolve, reject) => {
      const fail = (error?: NodeJS.ErrnoException) => reject(connectFailure(socket, address, error));
      whileOpen(socket, signal);
      socket.once("secureConnect", () => resolve(socket));
      socket.on("error", fail); // stays, so that no later one is unheard
      socket.once("close", () => fail());
    }).finally(() => clearTimeout(timer));
  }

  async #exchange(socket: TLSSocket, request: FetchRequest, signal: AbortSignal): Promise<FetchAnswer> {
    const { httpsPort = 443 } = this.#options;
    const headers = {
      host: httpsPort === 443 ? request.host : `${request.host}:${httpsPort}`,
      "user-agent": "libmtasts",
      connection: "close",
    };
    try {
      signal.throwIfAborted();
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = httpRequest({
          createConnection: () => socket,
          path: request.path,
          headers,
          maxHeaderSize: MAX_HEAD,
        });
        sent.on("response", resolve).on("error", reject);
        sent.on("information", () => limit(socket)).end();
      });
      return await read(response, socket, request.maxBody);
    } catch (error) {
      throw httpFailure(error as NodeJS.ErrnoException);
    } finally {
      socket.destroy();
    }
  }
}

/** Ends `socket` when `signal` is aborted. */
function whileOpen(socket: TLSSocket, signal: AbortSignal): void {
  const end = () => socket.destroy(signal.reason as Error);
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  socket.once("close", () => signal.removeEventListener("abort", end));
}

/** Ends a stream that does not end by itself. */
function limit(socket: TLSSocket): void {
  if (socket.bytesRead > MAX_STREAM) socket.destroy(new Failed("connect", "the reply does not end"));
}

async function read(response: IncomingMessage, socket: TLSSocket, maxBody: number): Promise<FetchAnswer> {
  const status = response.statusCode ?? 0;
  const contentType = contentTypes(response);
  if (status !== 200) return { status, contentType, body: "" }; // nobody reads an error's page
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBody) throw new Failed("body-too-large", `more than ${maxBody} octets`);
    limit(socket);
    chunks.push(chunk);
  }
  if (socket.errored) throw socket.errored; // node:http takes any end of the connection for the body's
  checkEnd(response);
  return { status, contentType, body: Buffer.concat(chunks) };
}

/**
 * A body that ends with the connection may have been cut by whoever is on the path, as Node does not
 * tell whether TLS was closed: `mx: mail.example.co` for `mx: mail.example.com`.
 */
function checkEnd({ headers }: IncomingMessage): void {
  const hasEnd = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  if (!hasEnd) throw new Failed("other", "the reply has no Content-Length, and is not chunked");
}

/** All values, for several are as bad as none, and the engine is to see them. */
function contentTypes(response: IncomingMessage): string | undefined {
  const headers = response.rawHeaders;
  const values = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]!.toLowerCase() === "content-type");
  return values.length === 0 ? undefined : values.join(", ");
}

const SHORTAGES = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

function connectFailure(socket: TLSSocket, address: string, error?: NodeJS.ErrnoException): Failed {
  const detail = `${address}: ${error?.message ?? "the connection was closed"}`;
  if (error instanceof Failed) return new Failed(error.failure, detail);
  if (socket.authorizationError) return new Failed("webpki", detail);
  if (SHORTAGES.includes(error?.code ?? "")) return new Failed("local", detail);
  return new Failed(error?.code === "ETIMEDOUT" ? "timeout" : "connect", detail);
}

function httpFailure(error: NodeJS.ErrnoException): Failed {
  if (error instanceof Failed) return error;
  return new Failed(error.code?.startsWith("HPE_") ? "other" : "connect", error.message);
}
