// SPDX-License-Identifier: MIT OR Apache-2.0
// The example sends through the lab: real SMTP, DNS and HTTPS, with and without an attacker.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Lab } from "./lab.mjs";

const SCENE = `
[defaults]
ttl = 0
negative_ttl = 0
id = "1"
policy = "enforce"
[[domain]]
name = "good.example"
policy_mx = ["mx.good.example"]
[[domain]]
name = "two.example" # its policy has forgotten the better MX host
mx = ["old.two.example", "mx.two.example"]
policy_mx = ["mx.two.example"]
[[domain]]
name = "xn--bcher-kva.example"
[[domain]]
name = "plain.example"
id = ""
policy = ""
[[host]]
name = "mx.evil.example" # the attacker's, whose certificate for this name is good
`;

const PACKAGE = dirname(fileURLToPath(import.meta.resolve("mtasts/package.json")));
const MESSAGE = "From: me@example.org\nSubject: test\n\n.a line that begins with a dot\nGrüße\n";

describe("the example sender", () => {
  let lab;
  before(async () => (lab = await Lab.start(SCENE)));
  after(() => lab.stop());
  afterEach(async () => {
    await lab.ask("reset");
    await lab.ask("clear");
  });

  /** Runs the program; `fates` are those of the recipients, in their order. */
  async function send(to, { store, patience = 20_000 } = {}) {
    const network = ["--nameserver", lab.dns, "--https-port", lab.httpsPort, "--smtp-port", lab.smtpPort];
    const trust = ["--ca-file", lab.caFile, "--allow-non-global"];
    const words = ["--from", "me@example.org", ...to.flatMap((to) => ["--to", to]), "--patience", patience];
    const program = join(PACKAGE, "examples/sender/send.mjs");
    const child = execFile("node", [program, ...words, ...network, ...trust, ...(store ? ["--store", store] : [])].map(String));
    child.stdin.end(MESSAGE);
    const [output, errors, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    assert.equal(errors, "");
    const fates = output.trim().split("\n").map((line) => line.split(": ")[1]);
    return { output, fates, status };
  }

  const deliveries = () => lab.ask("wait delivery 0 0");

  it("delivers over TLS with a valid certificate", async () => {
    const { fates, output, status } = await send(["you@good.example"]);
    assert.deepEqual([fates, status], [["delivered"], 0], output);
    assert.match(output, /mx\.good\.example, TLS, certificate valid/);
    const [{ message, tls, from, rcpts, sni }] = await deliveries();
    assert.deepEqual([tls, from, rcpts, sni], [true, "me@example.org", ["you@good.example"], "mx.good.example"]);
    assert.equal(message, MESSAGE.replaceAll("\n", "\r\n"));
  });

  it("converts the domain, and sends several recipients theirs (R-DOM-1)", async () => {
    const { fates, output } = await send(["a@Bücher.example", "b@good.example", "c@plain.example"]);
    assert.deepEqual(fates, ["delivered", "delivered", "delivered"], output);
    assert.equal((await deliveries()).length, 3);
  });

  for (const [keys, why] of [
    ["smtp=no-starttls", "offers no STARTTLS"],
    ["smtp=starttls-refused", "offers no STARTTLS"],
    ["smtp=garbage-after-starttls", "no TLS session came of it"],
    ["smtp=wrong-name", "is for another name"],
    ["smtp=expired", "has expired"],
    ["smtp=untrusted", "has no trusted issuer"],
    ["smtp=self-signed", "has no trusted issuer"],
    ["smtp=cn-only", "is for another name"],
  ]) {
    it(`keeps mail back at ${keys} (R-APPLY-1, R-CERT-1)`, async () => {
      await lab.ask(`set mx.good.example ${keys}`);
      const { fates, output, status } = await send(["you@good.example"]);
      assert.deepEqual([fates, status], [["deferred"], 75], output);
      assert.match(output, new RegExp(why));
      assert.deepEqual(await deliveries(), []);
      assert.equal(await lab.ask("count smtp-mail host=mx.good.example"), 0);
    });

    it(`delivers at ${keys} where no policy forbids it (R-FLOW-2)`, async () => {
      await lab.ask(`set mx.plain.example ${keys}`);
      const { fates, output } = await send(["you@plain.example"]);
      assert.deepEqual(fates, ["delivered"], output);
    });
  }

  it("passes over an MX host that the policy does not list, for one that it lists (R-MX-1)", async () => {
    const { fates, output } = await send(["you@two.example"]);
    assert.deepEqual(fates, ["delivered"], output);
    assert.deepEqual((await deliveries()).map(({ host }) => host), ["mx.two.example"]);
    assert.equal(await lab.ask("count smtp-connect host=old.two.example"), 0);
  });

  it("goes on to the next MX host where the first cannot do TLS", async () => {
    await lab.ask("set two.example policy_mx=old.two.example,mx.two.example");
    await lab.ask("set old.two.example smtp=no-starttls");
    const { fates, output } = await send(["you@two.example"]);
    assert.deepEqual(fates, ["delivered"], output);
    assert.deepEqual((await deliveries()).map(({ host }) => host), ["mx.two.example"]);
  });

  it("gives an attacker who forges MX records nothing", async () => {
    await lab.ask("set good.example mx=mx.evil.example policy_mx=mx.good.example");
    const { fates, output } = await send(["you@good.example"]);
    assert.deepEqual(fates, ["deferred"], output);
    assert.match(output, /mx\.evil\.example: the MX host is not listed/);
    assert.equal(await lab.ask("count smtp-connect"), 0);
  });

  it("applies the policy that it has kept, whatever DNS and HTTPS say (R-FLOW-1)", async () => {
    const store = join(lab.folder, "store");
    assert.deepEqual((await send(["you@good.example"], { store })).fates, ["delivered"]);
    await lab.ask("set good.example record=gone https=refused");
    await lab.ask("set mx.good.example smtp=no-starttls");
    const { fates, output } = await send(["you@good.example"], { store });
    assert.deepEqual(fates, ["deferred"], output);
  });

  it("looks for a newer policy before mail waits (R-FLOW-6)", async () => {
    const store = join(lab.folder, "moved");
    await lab.ask("set good.example ttl=3600");
    assert.deepEqual((await send(["you@good.example"], { store })).fates, ["delivered"]);
    await lab.ask("set good.example id=2 mx=new.good.example policy_mx=new.good.example");
    const { fates, output } = await send(["you@good.example"], { store });
    assert.deepEqual(fates, ["delivered"], output);
    assert.match(output, /new\.good\.example/);
  });

  it("has mail returned that the MX host refuses, and lets a null MX be forged for nobody", async () => {
    await lab.ask("set mx.good.example smtp=reject-rcpt");
    assert.deepEqual((await send(["you@good.example", "you@nowhere.example"])).fates, ["failed", "failed"]);
    await lab.ask("set good.example mxdns=null");
    await lab.ask("set plain.example mxdns=null");
    assert.deepEqual((await send(["you@good.example", "you@plain.example"])).fates, ["deferred", "failed"]);
  });

  it("does not wait for a silent server for ever", async () => {
    await lab.ask("set mx.good.example smtp=stall");
    const { fates, output } = await send(["you@good.example"], { patience: 500 });
    assert.deepEqual(fates, ["deferred"], output);
    assert.match(output, /no reply in time/);
  });
});
