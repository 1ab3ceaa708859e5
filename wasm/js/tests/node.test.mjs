// SPDX-License-Identifier: MIT OR Apache-2.0
// The ready host for Node against the lab's DNS and HTTPS: each fault has its reason.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { after, before, describe, it } from "node:test";
import { lookAgain, resolve } from "mtasts";
import { createHost, directoryStore, isGlobal } from "mtasts/node";
import { Lab } from "./lab.mjs";
import { nameServer } from "./name_server.mjs";

const SCENE = `
[defaults]
id = "1"
policy = "enforce"
[[domain]]
name = "good.example"
mx = ["mx1.good.example", "mx2.good.example"]
[[domain]]
name = "plain.example"
id = ""
policy = ""
[[domain]]
name = "xn--bcher-kva.example"
[[domain]]
name = "parts.example"
strings = ["v=STSv1; id=2026", "0101;"]
[[record]]
name = "_mta-sts.far.example"
type = "CNAME"
value = "_mta-sts.good.example"
[[record]]
name = "mta-sts.far.example"
type = "CNAME"
value = "mta-sts.good.example"
[[domain]]
name = "faulty.example"
`;

const TEXT = "version: STSv1\nmode: enforce\nmx: mx.good.example\nmax_age: 86400\n";

describe("mtasts/node", () => {
  let lab;
  before(async () => (lab = await Lab.start(SCENE)));
  after(() => lab.stop());

  const look = (domain, options = {}, config = {}) =>
    resolve(domain, createHost({ ...lab.options, ...options }), config);

  /** What becomes of faulty.example with these keys set. */
  async function faulty(keys, options, config) {
    await lab.ask(`set faulty.example ${keys}`);
    const lines = [];
    const outcome = await look("faulty.example", { log: (line) => lines.push(line), ...options }, config);
    await lab.ask("reset faulty.example");
    assert.deepEqual(outcome.hostErrors, []);
    return { ...outcome, lines };
  }

  /** What becomes of good.example where this serves its policy. */
  async function serve(handler) {
    const [key, cert] = ["key", "cert"].map((name) => `${lab.folder}/${name}.pem`);
    const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    const name = ["-subj", "/CN=test", "-addext", "subjectAltName=DNS:mta-sts.good.example"];
    execFileSync("openssl", [...words, ...name, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, handler);
    await once(server.listen(0, "127.0.0.2"), "listening");
    const outcome = await look("good.example", { httpsPort: server.address().port, ca: readFileSync(cert) });
    server.close();
    return outcome;
  }

  it("finds a policy, and keeps it (R-FLOW-1)", async () => {
    const host = createHost(lab.options);
    const outcome = await resolve("good.example", host);
    assert.equal(outcome.basis, "fresh");
    assert.deepEqual(outcome.policy.mx, ["mx1.good.example", "mx2.good.example"]);
    assert.equal(outcome.enforced, true);
    await lab.ask("set good.example record=gone https=refused");
    const later = await lookAgain(outcome, host);
    await lab.ask("reset good.example");
    assert.equal(later.basis, "cached");
    assert.equal(later.reason, "no-record");
  });

  it("joins the strings of a record (R-TXT-1)", async () => {
    assert.equal((await look("parts.example")).id, "20260101");
  });

  it("converts U-labels (R-DOM-1)", async () => {
    const outcome = await look("Bücher.example");
    assert.equal(outcome.domain, "xn--bcher-kva.example");
    assert.equal(outcome.basis, "fresh");
  });

  for (const [keys, reason] of [
    ["record=gone", "no-record"],
    ["record=nodata", "no-record"],
    ["record=two", "several-records"],
    ["record=invalid", "record-invalid"],
    ["record=octets", "record-invalid"],
    ["record=malformed", "dns-permanent"],
    ["record=formerr", "dns-permanent"],
    ["record=servfail", "dns-temporary"],
    ["record=refused", "dns-temporary"],
  ]) {
    it(`TXT: ${keys} is ${reason} (R-TXT-2, R-TXT-4, R-FLOW-10)`, async () => {
      const outcome = await faulty(keys, { dnsTimeoutMs: 2000 });
      assert.equal(outcome.reason, reason);
      assert.equal(outcome.basis, "no-policy");
    });
  }

  it("TXT: a name server that says nothing is dns-temporary, and mail waits if so chosen", async () => {
    const outcome = await faulty("record=timeout", { dnsTimeoutMs: 400 }, { deferOnDnsFailure: true });
    assert.equal(outcome.reason, "dns-temporary");
    assert.equal(outcome.tryLater, true);
  });

  it("follows CNAMEs, also those that the name server does not follow (R-TXT-1)", async () => {
    assert.equal((await faulty("record=cname")).basis, "fresh");
    const { address, close } = await nameServer({
      "_mta-sts.alias.example": { CNAME: "one.example" },
      "one.example": { CNAME: "two.example" },
      "two.example": { TXT: "v=STSv1; id=1;" },
      "_mta-sts.nowhere.example": { CNAME: "nothing.example" },
      "_mta-sts.loop.example": { CNAME: "_mta-sts.loop.example" },
    });
    const ask = async (domain) => (await look(domain, { nameservers: [address] })).reason;
    assert.equal(await ask("alias.example"), "policy-host-dns"); // so there is a record
    assert.equal(await ask("nowhere.example"), "no-record");
    assert.equal(await ask("loop.example"), "dns-permanent");
    assert.equal(await ask("other.example"), "no-record");
    close();
  });

  for (const [keys, reason] of [
    ["https=ok", undefined],
    ["https=chunked", undefined],
    ["https=wildcard", undefined],
    ["https=redirect", "status-301"],
    ["https=notfound", "status-404"],
    ["https=error500", "status-500"],
    ["https=html", "media-type"],
    ["https=notype", "media-type"],
    ["https=oversize", "body-too-large"],
    ["https=gzip", "policy-invalid"],
    ["https=truncated", "connect"],
    ["https=garbage", "fetch-other"],
    ["https=reset", "connect"],
    ["https=tls-refused", "connect"],
    ["https=refused", "connect"],
    ["https=wrong-name", "webpki"],
    ["https=expired", "webpki"],
    ["https=not-yet-valid", "webpki"],
    ["https=untrusted", "webpki"],
    ["https=self-signed", "webpki"],
    ["https=cn-only", "webpki"],
    ["https=ip-san", "webpki"],
    ["policydns=gone", "policy-host-dns"],
    ["policydns=servfail", "policy-host-dns"],
    ["policyaddr=127.0.0.9,127.0.0.2", undefined],
  ]) {
    it(`HTTPS: ${keys} is ${reason ?? "fine"} (R-GET-1, R-GET-2, R-GET-3)`, async () => {
      const outcome = await faulty(keys, { dnsTimeoutMs: 2000 });
      assert.equal(outcome.reason, reason, outcome.lines.join("; "));
    });
  }

  for (const keys of ["https=drip", "https=stall-http", "https=stall-tls", "https=interim"]) {
    it(`HTTPS: ${keys} ends in time (R-GET-4)`, async () => {
      const begun = performance.now();
      const { reason } = await faulty(keys, {}, { fetchTimeoutMs: 700 });
      assert.ok(reason === "timeout" || (reason === "connect" && keys === "https=interim"), reason);
      assert.ok(performance.now() - begun < 5000);
    });
  }

  it("takes no body that ends with the connection, which may have been cut", async () => {
    const outcome = await serve(({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + TEXT));
    assert.equal(outcome.reason, "fetch-other");
  });

  it("sends no more than a GET request to the Policy Host (R-GET-2)", async () => {
    let request;
    const outcome = await serve((seen, reply) => {
      request = seen;
      reply.setHeader("content-type", ["text/plain"]).end(TEXT);
    });
    assert.equal(outcome.basis, "fresh");
    const { connection, host, ...others } = request.headers;
    assert.match(host, /^mta-sts\.good\.example:\d+$/);
    assert.deepEqual([request.method, request.url, connection], ["GET", "/.well-known/mta-sts.txt", "close"]);
    assert.deepEqual(Object.keys(others), ["user-agent"]);
  });

  it("takes several content types for none (R-GET-3)", async () => {
    const types = ["text/plain", "text/html"];
    const outcome = await serve((_, reply) => reply.writeHead(200, types.map((type) => ["Content-Type", type]).flat()).end(TEXT));
    assert.equal(outcome.reason, "media-type");
  });

  it("connects to global addresses only (R-GET-6)", async () => {
    await lab.ask("clear");
    const { reason, lines } = await faulty("https=ok", { allowNonGlobal: false });
    assert.equal(reason, "connect");
    assert.match(lines[0], /127\.0\.0\.2: not a global address/);
    assert.equal(await lab.ask("count https-connect"), 0);
  });

  it("knows global addresses (R-GET-6)", () => {
    const global = [
      "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
      "172.32.0.0", "192.0.1.0", "223.255.255.255", "2001:200::1", "2606:4700:4700::1111",
      "2a00:1450:4001::1", "3ffe::1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:0101:0101::1",
    ];
    const others = [
      "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",
      "172.31.255.255", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.19.255.255",
      "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1",
      "::127.0.0.1", "::8.8.8.8", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
      "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::1",
      "2002:c0a8:101::1", "3fff::1", "5f00::1", "fc00::1", "fe80::1", "fec0::1", "ff02::1",
      "fe80::1%lo", "example.com", "",
    ];
    for (const address of global) assert.equal(isGlobal(address), true, address);
    for (const address of others) assert.equal(isGlobal(address), false, address);
  });

  it("makes one fetch for many who ask (R-FLOW-8)", async () => {
    await lab.ask("clear");
    const host = createHost(lab.options);
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => resolve("good.example", host)));
    assert.ok(outcomes.every(({ basis }) => basis === "fresh"));
    assert.equal(await lab.ask("count https host=mta-sts.good.example"), 1);
    assert.equal(await lab.ask("count dns name=_mta-sts.good.example type=TXT"), 1);
  });

  it("looks many domains up at once", async () => {
    const host = createHost(lab.options);
    const domains = ["good.example", "plain.example", "faulty.example", "parts.example", "Bücher.example"];
    const outcomes = await Promise.all(domains.map((domain) => resolve(domain, host)));
    assert.deepEqual(outcomes.map(({ basis }) => basis), ["fresh", "no-policy", "fresh", "fresh", "fresh"]);
  });

  it("stops at once when it is told to", async () => {
    for (const keys of ["record=timeout", "https=stall-tls", "https=stall-http", "https=drip"]) {
      await lab.ask(`set faulty.example ${keys}`);
      const [begun, controller] = [performance.now(), new AbortController()];
      const looked = look("faulty.example", {}, { signal: controller.signal });
      setImmediate(() => controller.abort(new Error("enough")));
      await assert.rejects(looked, { message: "enough" });
      assert.ok(performance.now() - begun < 2000, keys);
      await lab.ask("reset faulty.example");
    }
  });

  it("keeps policies in a folder that outlives the process (R-FLOW-1)", async () => {
    const store = () => directoryStore(`${lab.folder}/store`);
    const [first] = await Promise.all([look("good.example", { store: store() }), look("plain.example", { store: store() })]);
    assert.equal(first.basis, "fresh");
    await lab.ask("set good.example dns=servfail");
    const later = await look("good.example", { store: store(), dnsTimeoutMs: 2000 });
    await lab.ask("reset good.example");
    assert.equal(later.basis, "cached");
    assert.equal(await store().prune(), 0);
    assert.equal(await store().prune(Date.now() + 400 * 86_400_000), 2);
    assert.equal(await store().load("good.example"), undefined);
  });

  it("prunes past what cannot be read, which stays", async () => {
    const store = directoryStore(`${lab.folder}/pruned`);
    const { stored } = await look("good.example");
    for (const name of ["a.example", "b.example"]) await store.save(name, stored);
    writeFileSync(`${lab.folder}/pruned/a.example`, "rubbish");
    assert.equal(await store.prune(Date.now() + 400 * 86_400_000), 1);
    assert.deepEqual(readdirSync(`${lab.folder}/pruned`), ["a.example"]);
  });

  it("refuses limits, ports and name servers that are none", () => {
    for (const limit of [0, -1, 0.5, NaN, 2 ** 31]) {
      assert.throws(() => createHost({ dnsTimeoutMs: limit }), TypeError);
      assert.throws(() => createHost({ connectTimeoutMs: limit }), TypeError);
    }
    assert.throws(() => createHost({ httpsPort: 65_536 }), TypeError);
    for (const nameservers of [[], ["rubbish"], "127.0.0.1:53"]) assert.throws(() => createHost({ nameservers }));
  });

  it("refuses roots that are none, as which every policy host would be untrusted", () => {
    for (const ca of ["", "/etc/ssl/certs.pem", [], [lab.options.ca, "rubbish"]]) {
      assert.throws(() => createHost({ ca }), TypeError);
    }
  });

  it("waits where the folder cannot be read, unless the network has a policy", async () => {
    const store = directoryStore("/proc/self/mem"); // no folder
    const plain = await look("plain.example", { store });
    assert.equal(plain.reason, "store-failed");
    assert.equal(plain.tryLater, true);
    assert.equal(plain.hostErrors.length, 1);
    assert.equal((await look("good.example", { store })).basis, "fresh");
  });

  it("tells MX hosts: listed, implicit, none", async () => {
    const host = createHost({ ...lab.options, dnsTimeoutMs: 2000 });
    const { found } = await host.mx("good.example");
    assert.deepEqual(found.map(({ host }) => host), ["mx1.good.example", "mx2.good.example"]);
    const answers = {};
    for (const mxdns of ["gone", "null", "servfail"]) {
      await lab.ask(`set faulty.example mxdns=${mxdns}`);
      answers[mxdns] = await host.mx("faulty.example");
    }
    await lab.ask("reset faulty.example");
    assert.deepEqual(answers, {
      gone: { found: [{ host: "faulty.example", preference: 0 }] },
      null: { found: [] },
      servfail: { failure: "temporary" },
    });
  });
});
