// SPDX-License-Identifier: MIT OR Apache-2.0
// The client's side of one SMTP connection (RFC 5321, RFC 3207).

import { connect } from "node:net";
import { connect as startTls } from "node:tls";

/** A connection; any step rejects when the server is silent for too long, or gone. */
export class Smtp {
  #socket;
  #lines;
  #patience;

  /** Connects, and takes the greeting. */
  static async open(address, port, { helo, patience = 60_000 }) {
    const smtp = new Smtp();
    smtp.#patience = patience;
    smtp.#use(connect(port, address));
    await smtp.#expect(await smtp.#reply(), 2);
    await smtp.hello(helo);
    return smtp;
  }

  #use(socket) {
    socket.setTimeout(this.#patience, () => socket.destroy(new Error("no reply in time")));
    socket.on("error", () => {}); // whoever reads is told
    this.#socket = socket;
    this.#lines = lines(socket);
  }

  async hello(helo) {
    const reply = await this.#ask(`EHLO ${helo}`);
    this.offersTls = reply.lines.some((line) => line.toUpperCase() === "STARTTLS");
    if (reply.code >= 500) this.#expect(await this.#ask(`HELO ${helo}`), 2);
    else this.#expect(reply, 2);
  }

  /** `not-offered` where the server refuses, `failed` where no session came of it, or `established`. */
  async startTls(mxHost, ca) {
    if (!this.offersTls || (await this.#ask("STARTTLS")).code !== 220) return "not-offered";
    if (this.#lines.hasMore()) return "failed"; // sent in the clear, by anybody
    const servername = mxHost.startsWith("[") ? undefined : mxHost;
    const options = { socket: this.#socket, servername, ca, minVersion: "TLSv1.2", rejectUnauthorized: false };
    const secure = startTls(options);
    const outcome = await new Promise((resolve) => {
      secure.once("secureConnect", () => resolve("established"));
      secure.once("error", () => resolve("failed")).once("close", () => resolve("failed"));
    });
    this.#use(secure);
    return outcome;
  }

  get tlsSocket() {
    return this.#socket;
  }

  /** Gives the message, a character an octet, to one recipient; an error with `code` says what the server said instead. */
  async send(from, to, message) {
    this.#expect(await this.#ask(`MAIL FROM:<${from}>`), 2);
    this.#expect(await this.#ask(`RCPT TO:<${to}>`), 2);
    this.#expect(await this.#ask("DATA"), 3);
    const text = message.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..").replace(/(\r\n)?$/, "\r\n");
    this.#expect(await this.#ask(`${text}.`), 2);
  }

  async quit() {
    await this.#ask("QUIT").catch(() => {});
    this.close();
  }

  close() {
    this.#socket.destroy();
  }

  async #ask(line) {
    this.#socket.write(`${line}\r\n`, "latin1");
    return this.#reply();
  }

  async #reply() {
    const reply = { code: 0, lines: [] };
    for (;;) {
      const line = await this.#lines.next();
      const [, code, mark, text] = /^(\d{3})([ -]?)(.*)$/.exec(line) ?? [];
      if (code === undefined) throw new Error("no SMTP");
      reply.code = Number(code);
      reply.lines.push(text);
      if (mark !== "-") return reply;
    }
  }

  #expect(reply, kind) {
    if (Math.floor(reply.code / 100) === kind) return;
    throw Object.assign(new Error(`${reply.code} ${reply.lines.join(" ")}`), { code: reply.code });
  }
}

/** The lines that come from `socket`, each at most as long as RFC 5321 lets it be, and some. */
function lines(socket) {
  let buffer = "";
  let wake = () => {};
  let ended;
  const end = (error) => {
    ended ??= error ?? new Error("the connection is gone");
    wake();
  };
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    buffer += chunk;
    if (buffer.length > 65_536) socket.destroy(new Error("a reply without end"));
    wake();
  });
  socket.on("error", end).on("close", () => end());
  return {
    async next() {
      for (;;) {
        const at = buffer.indexOf("\n");
        if (at >= 0) {
          const line = buffer.slice(0, at).replace(/\r$/, "");
          buffer = buffer.slice(at + 1);
          return line;
        }
        if (ended) throw ended;
        await new Promise((resolve) => (wake = resolve));
      }
    },
    hasMore() {
      socket.removeAllListeners("data");
      return buffer.length > 0;
    },
  };
}
