#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A host of the world `pure`: it polls the component's lookup and answers what that asks for.
// `host.mjs MODULE`, which transpile.mjs has made, looks up what its standard input asks for;
// ../README.md says how.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Network } from "./network.mjs";

const { certificates, lookups } = await import(pathToFileURL(resolve(process.argv[2])));
const { MTASTS_LAB_DNS, MTASTS_LAB_CA, MTASTS_LAB_HTTPS_PORT } = process.env;
const network = new Network({
  checkName: certificates.checkName,
  nameserver: MTASTS_LAB_DNS,
  ca: readFileSync(MTASTS_LAB_CA),
  httpsPort: Number(MTASTS_LAB_HTTPS_PORT),
  allowNonGlobal: true,
});

function now() {
  return BigInt(Math.floor(Date.now() / 1000));
}

/** A result of the WIT, of an answer or a failure. */
function result(answer, toFailure) {
  return "failure" in answer
    ? { tag: "err", val: toFailure(answer.failure) }
    : { tag: "ok", val: answer };
}

/** Drives a lookup to its outcome. */
async function run(lookup) {
  for (;;) {
    const { tag, val } = lookup.poll();
    if (tag === "query-txt") {
      const answer = await network.txt(val.name);
      lookup.txt(val.id, now(), result(answer, (word) => ({ tag: word, val: undefined })));
    } else if (tag === "fetch") {
      const answer = await network.get(val.request);
      lookup.https(val.id, now(), result(answer, (word) => word));
    } else {
      return lookup.outcome();
    }
  }
}

/** A lookup that begins with what the store has; what cannot be read may be a policy. */
function start({ domain, stored, unreadable }) {
  const begin = (tag, val) => lookups.Lookup.start(domain, { tag, val }, undefined, now());
  if (unreadable) return begin("failed");
  if (stored == null) return begin("empty");
  try {
    return begin("text", stored);
  } catch (error) {
    if (error.kind !== "stored") throw error;
    return begin("failed");
  }
}

async function answer(asked) {
  let outcome = await run(start(asked));
  if (asked.again) outcome = await run(outcome.lookAgain(undefined));
  return { ...facts(outcome), verdicts: asked.sessions.map((session) => verdict(outcome, session)) };
}

function facts(outcome) {
  const reason = outcome.reason();
  const policy = outcome.policy();
  return {
    basis: outcome.basis(),
    reason: reason && (reason.tag === "status" ? `status-${reason.val}` : reason.tag),
    result: outcome.resultType(),
    mode: policy?.mode(),
    id: outcome.id(),
    mx: policy?.mx() ?? [],
    try_later: outcome.isTryLater(),
    changed: outcome.isChanged(),
    stored: outcome.stored(),
  };
}

function verdict(outcome, { mx_host: mxHost, tls, certificate }) {
  const session = {
    mxHost, tls: { tag: tls, val: certificate ?? undefined }, dane: "not-used", mxSecure: false,
  };
  return outcome.verdict(session);
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(JSON.parse(line)), (_, value) => value ?? null));
  } catch (error) {
    if (error.kind === undefined) throw error; // not the engine's
    console.log(JSON.stringify({ error: error.kind }));
  }
}
