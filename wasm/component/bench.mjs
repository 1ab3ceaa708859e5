// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a verdict of a cached outcome costs beside a call that takes and gives the same and does
// nothing: bench.mjs MODULE, made of the world `bench`. Prints nanoseconds, of both.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { empty, lookups } = await import(pathToFileURL(resolve(process.argv[2])));

const NOW = 1_767_225_600n;
const POLICY = `mtasts-stored: 1
domain: example.com
record: 1 until ${NOW + 300n}
policy: 1 fetched ${NOW}

version: STSv1
mode: enforce
mx: mx1.example.com
mx: mx2.example.com
mx: *.mail.example.com
mx: mx.example.net
mx: mx.example.org
max_age: 604800
`;
const SESSION = {
  mxHost: "mx2.example.com",
  tls: { tag: "established", val: "valid" },
  dane: "not-used",
  mxSecure: false,
};

function cached() {
  const stored = { tag: "text", val: POLICY };
  const lookup = lookups.Lookup.start("example.com", stored, undefined, NOW);
  const outcome = lookup.outcome();
  if (outcome?.basis() !== "cached") throw new Error("the policy is not cached");
  if (outcome.verdict(SESSION).action !== "deliver") throw new Error("a wrong verdict");
  return outcome;
}

/** Nanoseconds a call, of the processor's time: what else the machine does is not in it. */
function time(call) {
  const CALLS = 5_000;
  const begun = process.cpuUsage();
  for (let i = 0; i < CALLS; i++) call();
  const { user, system } = process.cpuUsage(begun);
  return ((user + system) * 1000) / CALLS;
}

const outcome = cached();
const calls = {
  component_verdict: () => outcome.verdict(SESSION),
  component_empty: () => empty.call(outcome, SESSION),
};
// Turn about, and the least counts, since other work only adds.
const least = Object.fromEntries(Object.keys(calls).map((name) => [name, Infinity]));
for (let round = 0; round < 40; round++) {
  for (const [name, call] of Object.entries(calls)) least[name] = Math.min(least[name], time(call));
}
for (const [name, ns] of Object.entries(least)) console.log(`${name}\t${ns.toFixed(1)}`);
