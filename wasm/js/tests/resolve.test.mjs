// SPDX-License-Identifier: MIT OR Apache-2.0
// How `resolve` gets along with its host: stores, failures, exceptions, aborts, many at once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Lookup, lookAgain, memoryStore, MtastsError, resolve, supersedes, uselessAfter } from "mtasts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const text = (mode = "enforce") => `version: STSv1\nmode: ${mode}\nmx: mx.example.com\nmax_age: 604800\n`;
const TXT = { records: ["v=STSv1; id=1;"], ttl: 300 };
const REPLY = { status: 200, contentType: "text/plain", body: text() };

/** A host that counts what it is asked, and answers as told. */
function fixed(answers = {}) {
  const asked = { txt: [], fetch: [], save: [], signals: [] };
  return {
    asked,
    async txt(name, { signal }) {
      asked.txt.push(name);
      asked.signals.push(signal);
      return answers.txt ? answers.txt(name, signal) : TXT;
    },
    async fetch(request) {
      asked.fetch.push(request);
      return answers.fetch ? answers.fetch(request) : REPLY;
    },
    save: (domain, stored) => void asked.save.push(stored),
    now: () => NOW,
    ...answers.more,
  };
}

const never = () => new Promise(() => {});
const fail = () => {
  throw new Error("a bug");
};

describe("resolve", () => {
  it("asks for the record, then for the policy, and saves it", async () => {
    const host = fixed();
    const outcome = await resolve("Example.COM.", host);
    assert.deepEqual(host.asked.txt, ["_mta-sts.example.com"]);
    const [{ url, timeoutMs, maxBody }] = host.asked.fetch;
    assert.equal(url, "https://mta-sts.example.com/.well-known/mta-sts.txt");
    assert.deepEqual([timeoutMs, maxBody], [60_000, 65_536]);
    assert.deepEqual([outcome.basis, outcome.id, outcome.reason], ["fresh", "1", undefined]);
    assert.equal(outcome.fetchedAt.getTime(), NOW);
    assert.equal(outcome.expiresAt.getTime(), NOW + 604_800_000);
    assert.deepEqual(host.asked.save, [outcome.stored]);
    assert.deepEqual(outcome.hostErrors, []);
  });

  it("goes on with what was stored (R-FLOW-1)", async () => {
    const { stored } = await resolve("example.com", fixed());
    const host = fixed({ txt: () => ({ failure: "no-records" }), more: { now: () => NOW + 400_000 } });
    for (const outcome of [
      await resolve("example.com", host, { stored }),
      await resolve("example.com", { ...host, load: async () => stored }),
    ]) {
      assert.deepEqual([outcome.basis, outcome.reason, outcome.enforced], ["cached", "no-record", true]);
    }
    const other = await resolve("other.example", host, { stored }); // R-FLOW-9
    assert.equal(other.basis, "no-policy");
  });

  for (const load of [fail, async () => "rubbish", async () => fail(), () => 5, () => new Uint8Array(5)]) {
    it("does not take a store that fails for one that has nothing", async () => {
      const host = fixed({ txt: () => ({ failure: "no-records" }), more: { load } });
      const outcome = await resolve("example.com", host);
      assert.deepEqual([outcome.reason, outcome.tryLater], ["store-failed", true]);
      assert.equal(outcome.hostErrors.length, 1);
      assert.equal(outcome.verdict({ mxHost: "mx.example.com", tls: "not-tried" }).cause, "policy-unknown");
    });
  }

  for (const [name, answers] of [
    ["txt throws", { txt: fail }],
    ["fetch rejects", { fetch: async () => fail() }],
    ["txt gives nothing", { txt: () => undefined }],
    ["txt gives words that are none", { txt: () => ({ failure: "sunspots" }) }],
    ["records are numbers", { txt: () => ({ records: [1] }) }],
    ["records are one record", { txt: () => ({ records: "v=STSv1; id=1;" }) }],
    ["the type is a number", { fetch: () => ({ ...REPLY, contentType: 5 }) }],
    ["the status is none", { fetch: () => ({ ...REPLY, status: "ok" }) }],
    ["there is no body", { fetch: () => ({ status: 200, contentType: "text/plain" }) }],
  ]) {
    it(`lets mail wait where ${name}, and the cached policy apply`, async () => {
      const outcome = await resolve("example.com", fixed(answers));
      assert.deepEqual([outcome.reason, outcome.tryLater], ["local-failure", true]);
      assert.equal(outcome.hostErrors.length, 1);
      const { stored } = await resolve("example.com", fixed());
      const more = { now: () => NOW + 200_000_000 };
      const later = await resolve("example.com", fixed({ ...answers, more }), { stored });
      assert.deepEqual([later.basis, later.reason, later.tryLater], ["cached", "local-failure", false]);
    });
  }

  it("does not wait for a host that forgets the time limit, and tells it (R-GET-4)", async () => {
    const host = fixed();
    let told;
    host.fetch = (_, { signal }) => ((told = signal), never());
    const outcome = await resolve("example.com", host, { fetchTimeoutMs: 1 });
    assert.deepEqual([outcome.reason, told.aborted], ["timeout", true]);
  });

  it("passes over a store that does not save, and says so", async () => {
    const outcome = await resolve("example.com", fixed({ more: { save: fail } }));
    assert.equal(outcome.basis, "fresh");
    assert.equal(outcome.hostErrors[0].message, "a bug");
  });

  it("takes several types for none (R-GET-3), and says what is wrong with a policy", async () => {
    const html = await resolve("example.com", fixed({ fetch: () => ({ ...REPLY, contentType: "text/html" }) }));
    assert.deepEqual([html.reason, html.result], ["media-type", "sts-policy-fetch-error"]);
    const wrong = await resolve("example.com", fixed({ fetch: () => ({ ...REPLY, body: text("off") }) }));
    assert.deepEqual([wrong.reason, wrong.error.kind], ["policy-invalid", "mode"]);
    assert.deepEqual([wrong.error.line, wrong.error.column, wrong.error.offset], [2, 7, 21]);
    assert.match(wrong.explanation, /breaks the grammar: mode is not/);
    const record = await resolve("example.com", fixed({ txt: () => ({ records: ["v=STSv1; id=;"] }) }));
    assert.deepEqual([record.reason, record.error.line, record.error.column], ["record-invalid", 1, 13]);
  });

  it("rejects for names and options that are none (R-FLOW-7)", async () => {
    await assert.rejects(resolve("[192.0.2.1]", fixed()), { name: "MtastsError", kind: "address-literal" });
    await assert.rejects(resolve("a_b", fixed()), (error) => error instanceof MtastsError);
    await assert.rejects(resolve("example.com", fixed(), { divertPercent: 101 }), TypeError);
    await assert.rejects(resolve("example.com", fixed(), { maxTTL: 1 }), TypeError);
    await assert.rejects(resolve("example.com", fixed(), { fetchTimeoutMs: 0.5 }), TypeError);
    for (const none of [{ fetchTimeoutMs: 0 }, { fetchTimeoutMs: 2 ** 31 }, { maxBody: 0 }]) {
      await assert.rejects(resolve("example.com", fixed(), none), TypeError); // no policy would ever be found
    }
  });

  it("goes by its options (R-FLOW-2, R-APPLY-4)", async () => {
    const dns = fixed({ txt: () => ({ failure: "temporary" }) });
    assert.equal((await resolve("example.com", dns)).tryLater, false);
    assert.equal((await resolve("example.com", dns, { deferOnDnsFailure: true })).tryLater, true);
    const diverted = await resolve("example.com", fixed(), { divertPercent: 100 });
    assert.equal(diverted.verdict({ mxHost: "mx.evil.example", tls: "not-tried" }).action, "divert");
    const small = fixed();
    assert.equal((await resolve("example.com", small, { maxBody: 10 })).reason, "body-too-large");
    assert.equal(small.asked.fetch[0].maxBody, 10);
  });
});

describe("lookAgain", () => {
  it("asks for the record whatever its TTL, and for a new policy (R-FLOW-6)", async () => {
    const first = await resolve("example.com", fixed());
    const same = fixed();
    assert.equal((await lookAgain(first, same)).basis, "cached");
    assert.deepEqual([same.asked.txt.length, same.asked.fetch.length], [1, 0]);
    const newer = fixed({ txt: () => ({ records: ["v=STSv1; id=2;"] }) });
    const outcome = await lookAgain(first, newer);
    assert.deepEqual([outcome.basis, outcome.id], ["fresh", "2"]);
    assert.equal(newer.asked.save.length, 1);
  });
});

describe("many at once", () => {
  it("share one look-up, and none its outcome's memory (R-FLOW-8)", async () => {
    const host = fixed();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => resolve("example.com", host)));
    assert.deepEqual([host.asked.txt.length, host.asked.fetch.length, host.asked.save.length], [1, 1, 1]);
    outcomes[0][Symbol.dispose]();
    assert.equal(outcomes[1].verdict({ mxHost: "x.example", tls: "not-tried" }).action, "defer");
    await resolve("example.com", host);
    assert.equal(host.asked.txt.length, 2);
  });

  it("do not share what differs: the host, the domain, the options, what was stored", async () => {
    const host = fixed();
    const options = { stored: (await resolve("example.com", fixed())).stored };
    await Promise.all([
      resolve("example.com", host),
      resolve("example.com", fixed()),
      resolve("other.example", host),
      resolve("example.com", host, { deferOnDnsFailure: true }),
      resolve("example.com", host, options),
    ]);
    assert.equal(host.asked.txt.length, 3); // with what was stored, nothing is asked
  });

  it("are hundreds of domains as well", async () => {
    const host = { ...fixed(), ...memoryStore() };
    const domains = Array.from({ length: 500 }, (_, at) => `d${at}.example`);
    const outcomes = await Promise.all(domains.map((domain) => resolve(domain, host)));
    assert.deepEqual(outcomes.map(({ domain }) => domain), domains);
  });
});

describe("an abort", () => {
  it("before the start asks nothing", async () => {
    const host = fixed();
    await assert.rejects(resolve("example.com", host, { signal: AbortSignal.abort("no") }), (error) => error === "no");
    assert.equal(host.asked.txt.length, 0);
  });

  it("rejects although the host does not listen, and tells the host", async () => {
    const host = fixed({ txt: never });
    const controller = new AbortController();
    const looked = resolve("example.com", host, { signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort(new Error("enough"));
    await assert.rejects(looked, { message: "enough" });
    assert.equal(host.asked.signals[0].aborted, true);
  });

  it("of one who waits is not one of the others", async () => {
    let answer;
    const host = fixed({ txt: () => new Promise((resolve) => (answer = () => resolve(TXT))) });
    const controller = new AbortController();
    const one = resolve("example.com", host, { signal: controller.signal });
    const other = resolve("example.com", host);
    await new Promise(setImmediate);
    controller.abort();
    await assert.rejects(one, { name: "AbortError" });
    assert.equal(host.asked.signals[0].aborted, false);
    answer();
    assert.equal((await other).basis, "fresh");
    assert.equal(host.asked.txt.length, 1);
  });

  it("is not in the way of whoever comes next", async () => {
    let mode = never;
    const host = fixed({ txt: () => mode() });
    const controller = new AbortController();
    const looked = resolve("example.com", host, { signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort();
    await assert.rejects(looked);
    mode = () => TXT;
    assert.equal((await resolve("example.com", host)).basis, "fresh");
  });

  it("stops lookAgain as well", async () => {
    const outcome = await resolve("example.com", fixed());
    const controller = new AbortController();
    const host = fixed({ txt: () => (setImmediate(() => controller.abort()), never()) });
    await assert.rejects(lookAgain(outcome, host, { signal: controller.signal }), { name: "AbortError" });
  });
});

describe("a store", () => {
  it("keeps the later policy, and a policy rather than none", async () => {
    const at = async (now, answers) => (await resolve("example.com", fixed({ ...answers, more: { now: () => now } }))).stored;
    const [older, newer] = [await at(NOW), await at(NOW + 5000)];
    const none = await at(NOW + 9000, { txt: () => ({ failure: "no-records" }) });
    assert.equal(supersedes(newer, older, NOW + 9000), true);
    assert.equal(supersedes(older, newer, NOW + 9000), false);
    assert.equal(supersedes(none, older, NOW + 9000), false);
    assert.equal(supersedes(none, older, NOW + 900_000_000), true);
    assert.equal(supersedes(older, "rubbish", NOW), true);
    assert.throws(() => supersedes("rubbish", older), { kind: "stored" });
    assert.equal(uselessAfter(older).getTime(), NOW + 604_800_000);
  });

  it("in memory is bounded, and forgets what was not asked for longest", async () => {
    const store = memoryStore({ maxEntries: 2 });
    const host = { ...fixed({ more: { now: Date.now } }), ...store };
    for (const domain of ["a.example", "b.example", "a.example", "c.example"]) await resolve(domain, host);
    const there = ["a.example", "b.example", "c.example"].filter((domain) => store.load(domain) !== undefined);
    assert.deepEqual(there, ["a.example", "c.example"]);
  });
});

describe("Lookup", () => {
  it("is driven step by step, and refuses stale answers", () => {
    const lookup = Lookup.begin("example.com", { now: NOW });
    const query = lookup.poll();
    assert.deepEqual(query, lookup.poll());
    assert.equal(query.kind, "query-txt");
    assert.throws(() => lookup.answerTxt(query.id + 1, TXT, NOW), { kind: "stale-request" });
    assert.throws(() => lookup.answerFetch(query.id, REPLY, NOW), { kind: "stale-request" });
    lookup.answerTxt(query.id, TXT, NOW);
    const fetch = lookup.poll();
    assert.deepEqual([fetch.kind, fetch.host], ["fetch", "mta-sts.example.com"]);
    lookup.answerFetch(fetch.id, REPLY, NOW);
    const done = lookup.poll();
    assert.deepEqual([done.kind, done.outcome.basis], ["done", "fresh"]);
    assert.throws(() => lookup.answerTxt(query.id, TXT, NOW), { kind: "finished" });
    assert.throws(() => lookup.answerTxt(query.id, TXT, NaN), TypeError);
    lookup[Symbol.dispose]();
    assert.throws(() => lookup.poll(), TypeError);
  });
});
