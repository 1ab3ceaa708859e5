// SPDX-License-Identifier: MIT OR Apache-2.0
// The size of the npm package, and what a few calls take in Node, the median of some runs.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Outcome, Policy, resolve } from "../../build/npm/dist/index.js";

const TEXT = "version: STSv1\nmode: enforce\nmx: *.example.com\nmx: mx.example.net\nmax_age: 604800\n";

const PACKAGE = fileURLToPath(new URL("../../build/npm", import.meta.url));
const LIMIT = 200_000;

const pack = execFileSync("npm", ["pack", "--dry-run", "--json", "--silent"], { cwd: PACKAGE, encoding: "utf8" });
const [{ size, unpackedSize }] = JSON.parse(pack);
const engine = readFileSync(`${PACKAGE}/dist/engine.wasm`);
console.log(`npm package, packed: ${size} octets (target: at most ${LIMIT}); unpacked: ${unpackedSize}`);
console.log(`engine.wasm: ${engine.length} octets, gzipped ${gzipSync(engine, { level: 9 }).length}`);
if (size > LIMIT) process.exitCode = 1;

/** Nanoseconds that `work` takes. */
async function time(work, times) {
  const runs = [];
  for (let run = 0; run < 7; run += 1) {
    const begun = process.hrtime.bigint();
    for (let at = 0; at < times; at += 1) await work();
    runs.push(Number(process.hrtime.bigint() - begun) / times);
  }
  return runs.sort((one, other) => one - other)[3];
}

const begun = process.hrtime.bigint();
const policy = Policy.parse(TEXT);
const first = Number(process.hrtime.bigint() - begun) / 1e6;
const outcome = Outcome.local("example.com", policy);
const session = { mxHost: "mx1.example.com", tls: "established", certificate: "valid" };
const host = {
  txt: () => ({ records: ["v=STSv1; id=1;"], ttl: 86_400 }),
  fetch: () => ({ status: 200, contentType: "text/plain", body: TEXT }),
};
const { stored } = await resolve("example.com", host);

const show = (what, nanoseconds) => console.log(`${what}: ${(nanoseconds / 1000).toFixed(2)} µs`);
console.log(`first call, which compiles: ${first.toFixed(1)} ms`);
show("a match", await time(() => policy.matches("mx1.example.com"), 20_000));
show("a verdict", await time(() => outcome.verdict(session), 20_000));
show("a policy parsed", await time(() => Policy.parse(TEXT)[Symbol.dispose](), 5_000));
show("a look-up from what was stored", await time(async () => (await resolve("example.com", host, { stored }))[Symbol.dispose](), 1_000));
