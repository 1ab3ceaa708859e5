#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
// The surface of the npm package in Node: answers the requests of PROTOCOL.md by its public API.

import { createInterface } from "node:readline";
import {
  checkCertificateName,
  Lookup,
  MtastsError,
  nextHop,
  Outcome,
  Policy,
  Record,
  TlsrptRecord,
} from "../../../build/npm/dist/index.js";

/** What the requests work on: the lookup under way, its settings, and the last outcome. */
const state = { lookup: undefined, config: {}, outcome: undefined };

const SETTINGS = {
  defer_on_dns_failure: "deferOnDnsFailure",
  divert_percent: "divertPercent",
  fetch_timeout_ms: "fetchTimeoutMs",
  max_body: "maxBody",
  max_negative_ttl: "maxNegativeTtl",
  max_ttl: "maxTtl",
  min_ttl: "minTtl",
  refresh_after: "refreshAfter",
  unknown_ttl: "unknownTtl",
};

const octets = (word) => (word === "-" ? Buffer.alloc(0) : Buffer.from(word, "hex"));
const text = (word) => octets(word).toString("utf8");
const hex = (value) => Buffer.from(value).toString("hex") || "-";
const maybe = (word) => (word === "*" ? undefined : word);
const star = (value) => value ?? "*";
const records = (words) => words.map((word) => word.split(",").map(octets));
const yesNo = (truth) => (truth ? "yes" : "no");
const milliseconds = (word) => Number(word) * 1000;
const seconds = (date) => date && date.getTime() / 1000;

/** `refused KIND`, or `ok`. */
function taken(work) {
  try {
    work();
    return "ok";
  } catch (error) {
    if (error instanceof MtastsError) return `refused ${error.kind}`;
    throw error;
  }
}

/** `invalid KIND LINE COLUMN`, or what `read` gives. */
function read(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof MtastsError) return `invalid ${error.kind} ${error.line} ${error.column}`;
    throw error;
  }
}

/** A policy that is read strictly is refused at the first warning, and only then. */
function checkStrict(body, policy) {
  const [first] = policy.warnings;
  const refusal = read(() => Policy.parse(body, { strict: true }) && undefined);
  const expected = first && `invalid ${first.kind} ${first.line} ${first.column}`;
  if (refusal !== expected) throw new Error(`strictly: ${refusal}, warned: ${expected}`);
}

function parsed(body) {
  const policy = Policy.parse(body);
  checkStrict(body, policy);
  const { mode, maxAge, mx, warnings } = policy;
  const warned = warnings.map(({ kind, line, column }) => `${kind}:${line}:${column}`);
  return ["valid", mode, maxAge, mx.length, ...mx.map(hex), ...warned].join(" ");
}

/** A policy that is refused lists nothing; a pattern is found where there is a match. */
function matches(body, mxHost) {
  let policy;
  try {
    policy = Policy.parse(body);
  } catch {
    return false;
  }
  const matches = policy.matches(mxHost);
  if (matches !== (policy.patternFor(mxHost) !== undefined)) throw new Error("no pattern, or one");
  return matches;
}

/** The settings, or nothing if one is not known. */
function toConfig(words) {
  const pairs = words.map((word) => word.split("="));
  if (!pairs.every(([name]) => name in SETTINGS)) return undefined;
  return Object.fromEntries(pairs.map(([name, value]) => [SETTINGS[name], Number(value)]));
}

function begin(domain, store, now) {
  const [kind, content] = store.split(":");
  if (kind === "local") {
    const outcome = Outcome.local(domain, Policy.parse(octets(content)));
    return { poll: () => ({ kind: "done", outcome }) };
  }
  const stored = kind === "text" ? text(content) : undefined;
  return Lookup.begin(domain, { ...state.config, stored, storeFailed: kind === "failed", now });
}

function txtAnswer(kind, ttl, words) {
  const known = maybe(ttl) && { ttl: Number(ttl) };
  return kind === "records" ? { records: records(words), ...known } : { failure: kind, ...known };
}

function httpsAnswer(kind, [status, contentType, body]) {
  if (kind !== "reply") return { failure: kind };
  const type = maybe(contentType);
  return { status: Number(status), contentType: type && text(type), body: octets(body) };
}

const REQUESTS = {
  record: (...words) => read(() => `id ${hex(Record.select(records(words)).id)}`),
  tlsrpt: (...words) => read(() => ["rua", ...TlsrptRecord.select(records(words)).rua.map(hex)].join(" ")),
  policy: (body) => read(() => parsed(octets(body))),
  match: (body, host) => yesNo(matches(octets(body), text(host))),
  certificate: (der, name) => yesNo(checkCertificateName(octets(der), text(name)) === undefined),
  lookup(domain, store, now, ...settings) {
    const config = toConfig(settings);
    const isAscii = !octets(domain).some((octet) => octet > 0x7f); // else the package converts it
    if (config === undefined || !isAscii) return "unsupported";
    state.config = config;
    return taken(() => (state.lookup = begin(text(domain), store, milliseconds(now))));
  },
  poll() {
    const step = state.lookup.poll();
    if (step.kind === "query-txt") return `query-txt ${step.id} ${hex(step.name)}`;
    if (step.kind === "done") {
      state.outcome = step.outcome;
      return "done";
    }
    const { id, host, path, timeoutMs, maxBody } = step;
    return `fetch ${id} ${hex(host)} ${hex(path)} ${timeoutMs} ${maxBody}`;
  },
  txt: (id, now, kind, ttl, ...words) =>
    taken(() => state.lookup.answerTxt(Number(id), txtAnswer(kind, ttl, words), milliseconds(now))),
  https: (id, now, kind, ...words) =>
    taken(() => state.lookup.answerFetch(Number(id), httpsAnswer(kind, words), milliseconds(now))),
  outcome() {
    const { basis, reason, result, changed, tryLater, policy, id, fetchedAt, expiresAt } = state.outcome;
    const facts = [basis, star(reason), star(result), yesNo(changed), yesNo(tryLater)];
    facts.push(star(policy?.mode), star(id), star(policy?.maxAge));
    facts.push(star(seconds(fetchedAt)), star(seconds(expiresAt)));
    return ["outcome", ...facts, ...(policy?.mx ?? []).map(hex)].join(" ");
  },
  stored: () => `stored ${hex(state.outcome.stored)}`,
  verdict(mxHost, tls, certificate, dane, secure) {
    const session = { mxHost: text(mxHost), tls, certificate, dane, mxSecure: secure === "secure" };
    const { action, result, cause } = state.outcome.verdict(session);
    return `verdict ${action} ${star(result)} ${star(cause)}`;
  },
  again() {
    state.lookup = Lookup.again(state.outcome, state.config);
    return "ok";
  },
  postfix(dane, version, level) {
    const { found, value } = state.outcome.postfix({ dane, version, level: maybe(level) });
    return `postfix ${found} ${hex(value)}`;
  },
  "next-hop"(key) {
    const name = nextHop(text(key));
    return `next-hop ${name === undefined ? "*" : hex(name)}`;
  },
};

function answer(line) {
  const [request, ...words] = line.split(" ");
  const reply = REQUESTS[request];
  if (reply === undefined) return "unsupported";
  try {
    return reply(...words);
  } catch (error) {
    return `error ${String(error.stack).replaceAll("\n", " ")}`;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${answer(line)}\n`);
}
