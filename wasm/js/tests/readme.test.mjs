// SPDX-License-Identifier: MIT OR Apache-2.0
// What the README shows, run as it stands there: a block of JavaScript is a module.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { Lab } from "./lab.mjs";

const README = readFileSync(join(process.env.MTASTS_ROOT, "wasm/js/README.md"), "utf8");
const PLACE = join(import.meta.dirname, "..");
const { version: VERSION } = JSON.parse(readFileSync(join(PLACE, "node_modules/mtasts/package.json"), "utf8"));
const [read, send, host, ...others] = [...README.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block);

/** Runs a block, beside the tests, where the package is found; gives what it exports. */
async function run(name, block, exports) {
  const file = join(import.meta.dirname, `readme-${name}.mjs`);
  writeFileSync(file, `${block}\nexport { ${exports} };\n`);
  return import(file);
}

/** A registry that has the package as it was packed; gives its address. */
function registry(tarball) {
  const server = createServer((request, response) => {
    const base = `http://127.0.0.1:${server.address().port}`;
    if (request.url === "/mtasts.tgz") return response.end(tarball);
    const version = { name: "mtasts", version: VERSION, dist: { tarball: `${base}/mtasts.tgz` } };
    response.statusCode = request.url === "/mtasts" ? 200 : 404;
    response.end(JSON.stringify({ name: "mtasts", "dist-tags": { latest: VERSION }, versions: { [VERSION]: version } }));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

describe("the README", () => {
  it("installs the package", async () => {
    const [packed] = readdirSync(PLACE).filter((name) => /^mtasts-.*\.tgz$/.test(name));
    const server = await registry(readFileSync(join(PLACE, packed)));
    const folder = mkdtempSync(join(tmpdir(), "mtasts-"));
    const [, command] = README.match(/```sh\n(.*?)```/s);
    const npm_config_registry = `http://127.0.0.1:${server.address().port}/`;
    const env = { ...process.env, npm_config_registry, npm_config_cache: join(folder, "cache") };
    await promisify(execFile)("sh", ["-ec", command], { cwd: folder, env });
    server.close();
    const installed = readFileSync(join(folder, "node_modules/mtasts/package.json"), "utf8");
    assert.equal(JSON.parse(installed).version, VERSION);
  });

  it("has three programs", () => assert.equal(others.length, 0));

  it("reads a policy", async () => {
    const { policy } = await run("read", read, "policy");
    assert.equal(policy.mode, "enforce");
    const { message, ...place } = policy.warnings[0];
    assert.deepEqual(place, { kind: "blank-line", line: 4, column: 1, offset: 47 });
  });

  it("sends mail", async () => {
    const lab = await Lab.start('[[domain]]\nname = "example.com"\nid = "1"\npolicy = "enforce"\n');
    const options = { ...lab.options, ca: String(lab.ca) };
    const store = JSON.stringify(join(lab.folder, "store"));
    const here = send
      .replace('"/var/lib/mailer/mta-sts"', store)
      .replace("createHost({", `createHost({ ...${JSON.stringify(options)},`);
    assert.notEqual(here, send);
    const { outcome, action, result } = await run("send", here, "outcome, action, result");
    await lab.stop();
    assert.equal(outcome.basis, "fresh");
    assert.deepEqual([action, result], ["defer", "certificate-host-mismatch"]);
  });

  it("makes a host of fetch alone", async () => {
    const asked = [];
    globalThis.fetch = async (url) => {
      asked.push(url);
      if (url.startsWith("https://dns.example/")) {
        const Answer = [{ type: 5, data: "other." }, { type: 16, TTL: 60, data: '"v=STSv1; " "id=1;"' }];
        return Response.json({ Status: 0, Answer });
      }
      const text = "version: STSv1\nmode: testing\nmx: mx.example.com\nmax_age: 604800\n";
      return new Response(text, { headers: { "content-type": "text/plain" } });
    };
    const { outcome } = await run("host", host, "outcome");
    assert.deepEqual([outcome.basis, outcome.policy.mode], ["fresh", "testing"]);
    assert.deepEqual(asked, [
      "https://dns.example/resolve?name=_mta-sts.example.com&type=TXT",
      "https://mta-sts.example.com/.well-known/mta-sts.txt",
    ]);
  });
});
