#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
// Gives one message to the mail hosts of its recipients, and to no man in the middle.
//
//     send.mjs --from me@example.org --to you@example.com --to them@example.net < message.eml
//
// What MTA-STS (RFC 8461) asks of a sender: `resolve` finds the policy of a recipient's domain; the
// verdict is asked for before each connection and after STARTTLS; `lookAgain` looks for a newer
// policy before mail waits. The rest walks from domains to MX hosts to addresses, as all senders do.
// Prints a line for each recipient; status 75: mail waits, 69: mail cannot be delivered.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { lookAgain, MtastsError, resolve } from "mtasts";
import { certificateOf, createHost, directoryStore } from "mtasts/node";
import { Smtp } from "./smtp.mjs";

const { values: given } = parseArgs({
  options: {
    from: { type: "string" },
    to: { type: "string", multiple: true },
    helo: { type: "string", default: hostname() },
    store: { type: "string" },
    "smtp-port": { type: "string", default: "25" },
    patience: { type: "string", default: "60000" },
    // For tests, in a network of their own.
    nameserver: { type: "string", multiple: true },
    "https-port": { type: "string", default: "443" },
    "ca-file": { type: "string" },
    "allow-non-global": { type: "boolean" },
  },
});
const ca = given["ca-file"] && readFileSync(given["ca-file"]);
const patience = Number(given.patience);
const host = createHost({
  nameservers: given.nameserver,
  httpsPort: Number(given["https-port"]),
  allowNonGlobal: given["allow-non-global"],
  ca,
  ...(given.store && { store: directoryStore(given.store) }),
});

const deferred = (why) => ({ fate: "deferred", why });
const failed = (why) => ({ fate: "failed", why });

/** Delivers to one recipient: what came of it, and why. */
async function deliver(to, message) {
  const domain = to.slice(to.lastIndexOf("@") + 1);
  const outcome = await resolve(domain, host);
  const result = await tryHosts(outcome, to, message);
  if (!result.refused || outcome.basis !== "cached") return result;
  const newer = await lookAgain(outcome, host); // RFC 8461 section 5.1
  return newer.basis === "fresh" ? tryHosts(newer, to, message) : result;
}

async function tryHosts(outcome, to, message) {
  const mx = await host.mx(outcome.domain);
  if ("failure" in mx) return deferred(`the MX records cannot be looked up: ${mx.failure}`);
  if (mx.found.length === 0) return returnMail(outcome);
  let result = deferred("no MX host");
  for (const { host: mxHost } of mx.found) {
    const next = await tryHost(outcome, mxHost, to, message);
    if (next.fate !== "deferred") return next;
    result = { ...next, refused: next.refused || result.refused };
  }
  return result;
}

/** A null MX (RFC 7505). Under a policy, which lists none, it may be forged: the mail waits. */
function returnMail(outcome) {
  return refusal(outcome, { mxHost: ".", tls: "not-tried" }) ?? failed("the domain takes no mail");
}

/** Why the policy keeps the mail from this session. */
function refusal(outcome, session) {
  const { action, explanation } = outcome.verdict(session);
  return action === "deliver" ? undefined : { ...deferred(`${session.mxHost}: ${explanation}`), refused: true };
}

async function tryHost(outcome, mxHost, to, message) {
  const refused = refusal(outcome, { mxHost, tls: "not-tried" });
  if (refused) return refused;
  const addresses = await host.addresses(mxHost);
  if (addresses.failure === "no-records" && mxHost === outcome.domain && !outcome.enforced) {
    return failed("there is no such mail domain");
  }
  if ("failure" in addresses) return deferred(`${mxHost}: no address: ${addresses.failure}`);
  let result;
  for (const address of addresses.found.slice(0, 5)) {
    result = await tryAddress(outcome, mxHost, address, to, message);
    if (result.fate !== "deferred") break;
  }
  return result;
}

async function tryAddress(outcome, mxHost, address, to, message, inClear = false) {
  let smtp;
  try {
    smtp = await Smtp.open(address, Number(given["smtp-port"]), { helo: given.helo, patience });
    const tls = inClear ? "failed" : await smtp.startTls(mxHost, ca);
    const certificate = tls === "established" ? certificateOf(smtp.tlsSocket, mxHost) : undefined;
    const refused = refusal(outcome, { mxHost, tls, certificate });
    if (refused) return refused;
    if (tls === "failed" && !inClear) return await tryAddress(outcome, mxHost, address, to, message, true);
    if (tls === "established") await smtp.hello(given.helo);
    await smtp.send(given.from, to, message);
    await smtp.quit();
    return { fate: "delivered", why: `${mxHost}, ${certificate ? `TLS, certificate ${certificate}` : "in the clear"}` };
  } catch (error) {
    return (error.code >= 500 ? failed : deferred)(`${mxHost}: ${error.message}`);
  } finally {
    smtp?.close();
  }
}

/** Addresses stand in SMTP commands, and names in print: nothing invisible. */
const isPlain = (address) => /^[!-~]+@[^\s\u0000-\u001f<>]+$/.test(address) && !/[<>]/.test(address);

/** What is no domain is for the author to mend; whatever else goes wrong may come right. */
async function deliverTo(to, message) {
  if (!isPlain(to)) return failed("this is no address");
  const settle = (error) => (error instanceof MtastsError ? failed : deferred)(error.message);
  return deliver(to, message).catch(settle);
}

async function main() {
  const recipients = given.to ?? [];
  if (given.from === undefined || recipients.length === 0) {
    console.error("usage: send.mjs --from ADDRESS --to ADDRESS... < MESSAGE");
    return 64;
  }
  const message = (await buffer(process.stdin)).toString("latin1");
  const results = await Promise.all(recipients.map((to) => deliverTo(to, message)));
  results.forEach(({ fate, why }, at) => console.log(`${recipients[at]}: ${fate}: ${why}`));
  const fates = results.map(({ fate }) => fate);
  return fates.includes("deferred") ? 75 : fates.includes("failed") ? 69 : 0;
}

process.exitCode = await main();
