// SPDX-License-Identifier: MIT OR Apache-2.0
// What the README shows, run as it stands there: a block of JavaScript is a module.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Lab } from "./lab.mjs";

const README = readFileSync(join(process.env.MTASTS_ROOT, "wasm/js/README.md"), "utf8");
const [read, send, host, ...others] = [...README.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block);

/** Runs a block, beside the tests, where the package is found; gives what it exports. */
async function run(name, block, exports) {
  const file = join(import.meta.dirname, `readme-${name}.mjs`);
  writeFileSync(file, `${block}\nexport { ${exports} };\n`);
  return import(file);
}

describe("the README", () => {
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
