// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine's memory: freed at once by whoever disposes, else with the object. Needs --expose-gc.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

/** The engine's memory, of which the package says nothing. */
let memory;
const { Instance } = WebAssembly;
WebAssembly.Instance = function (module, imports) {
  const instance = new Instance(module, imports);
  memory = instance.exports.memory;
  return instance;
};
const { Outcome, Policy, resolve } = await import("mtasts");

/** A policy of some 30 KB: a thousand of them are 30 MB, if they stay. */
const LARGE = `version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\nx: ${"x".repeat(30_000)}\n`;
const TIMES = 1000;
const ENOUGH = 5_000_000;

/** By how many octets the engine grows while `work` runs a thousand times. It never shrinks. */
async function growth(work) {
  Policy.parse(LARGE)[Symbol.dispose]();
  const before = memory.buffer.byteLength;
  for (let time = 0; time < TIMES; time += 1) await work(time);
  return memory.buffer.byteLength - before;
}

describe("memory", () => {
  it("is freed by dispose", async () => {
    const grown = await growth(() => {
      const policy = Policy.parse(LARGE);
      Outcome.local("example.com", policy)[Symbol.dispose]();
      policy[Symbol.dispose]();
    });
    assert.ok(grown < ENOUGH, `${grown}`);
  });

  it("is freed where an input is refused, and after each look-up", async () => {
    const host = {
      txt: () => ({ records: ["v=STSv1; id=1;"] }),
      fetch: () => ({ status: 200, contentType: "text/plain", body: LARGE }),
    };
    const refused = LARGE.replace("enforce", "off");
    const grown = await growth(async () => {
      assert.throws(() => Policy.parse(refused));
      const outcomes = await Promise.all([resolve("example.com", host), resolve("example.com", host)]);
      for (const outcome of outcomes) outcome[Symbol.dispose]();
    });
    assert.ok(grown < ENOUGH, `${grown}`);
  });

  it("is freed with the object", async () => {
    const grown = await growth(async (time) => {
      Outcome.local("example.com", Policy.parse(LARGE));
      if (time % 50 !== 0) return;
      globalThis.gc();
      await new Promise(setImmediate); // finalizers run between tasks
    });
    assert.ok(grown < 3 * ENOUGH, `${grown}`);
  });

  it("is not used after that", () => {
    const policy = Policy.parse(LARGE);
    const outcome = Outcome.local("example.com", policy);
    policy[Symbol.dispose]();
    policy[Symbol.dispose](); // twice is once
    assert.throws(() => policy.matches("mx.example.com"), TypeError);
    assert.throws(() => Outcome.local("example.com", policy), TypeError);
    assert.equal(policy.mode, "enforce");
    assert.equal(outcome.verdict({ mxHost: "mx.example.com", tls: "not-tried" }).action, "deliver");
    outcome[Symbol.dispose]();
    assert.throws(() => outcome.stored, TypeError);
    assert.throws(() => outcome.policy.text, TypeError);
  });
});
