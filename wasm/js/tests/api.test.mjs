// SPDX-License-Identifier: MIT OR Apache-2.0
// What the package says of records, policies, names and sessions. The engine's own rules are shown
// by tests/conformance; here is what JavaScript makes of them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkCertificateName, MtastsError, nextHop, Outcome, Policy, Record } from "mtasts";
import { TlsrptRecord, toPolicyDomain } from "mtasts";

const ROOT = process.env.MTASTS_ROOT;
const TEXT = "version: STSv1\r\nmode: enforce\r\nmx: *.Example.com\r\nmax_age: 86400\r\n";

/** The error that `work` throws. */
function thrown(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

describe("Policy", () => {
  it("is read from text and from octets", () => {
    for (const body of [TEXT, new TextEncoder().encode(TEXT), Buffer.from(TEXT)]) {
      const policy = Policy.parse(body);
      assert.equal(policy.mode, "enforce");
      assert.equal(policy.maxAge, 86400);
      assert.deepEqual(policy.mx, ["*.example.com"]);
      assert.deepEqual(policy.warnings, []);
      assert.equal(policy.text, TEXT);
    }
  });

  it("matches MX hosts (R-MX-1)", () => {
    const policy = Policy.parse(TEXT);
    assert.equal(policy.matches("MX1.example.COM."), true);
    assert.equal(policy.patternFor("mx1.example.com"), "*.example.com");
    assert.equal(policy.matches("a.b.example.com"), false);
    assert.equal(policy.patternFor("example.com"), undefined);
  });

  it("warns with line and column (R-POL-5)", () => {
    const policy = Policy.parse("version: STSv1\n\nmode: testing\nmx: mx.exämple.com\nmx: mx.example.com.\nmax_age: 1");
    const places = policy.warnings.map(({ kind, line, column, offset }) => [kind, line, column, offset]);
    assert.deepEqual(places, [
      ["blank-line", 2, 1, 15],
      ["mx-not-ascii", 4, 5, 34],
      ["mx-trailing-dot", 5, 5, 54],
    ]);
    assert.match(policy.warnings[1].message, /A-labels/);
  });

  it("is refused with line and column", () => {
    const error = thrown(() => Policy.parse("version: STSv1\nmode: enfoerce\n"));
    assert.ok(error instanceof MtastsError && error instanceof Error);
    assert.equal(error.name, "MtastsError");
    assert.deepEqual([error.kind, error.line, error.column, error.offset], ["mode", 2, 7, 21]);
    assert.match(error.message, /'enforce', 'testing' or 'none'/);
  });

  it("is refused for what is tolerated, if read strictly (R-POL-5)", () => {
    const text = `${TEXT}\n`;
    const error = thrown(() => Policy.parse(text, { strict: true }));
    assert.deepEqual([error.kind, error.line], ["blank-line", 5]);
    assert.equal(Policy.parse(text, { strict: false }).mode, "enforce");
  });

  it("is refused above 64 KiB (R-POL-7)", () => {
    assert.equal(thrown(() => Policy.parse(`${TEXT}x: ${"x".repeat(65_536)}`)).kind, "body-too-large");
  });

  it("takes nothing but text and octets", () => {
    for (const body of [undefined, null, 1, {}, [1]]) assert.throws(() => Policy.parse(body), TypeError);
  });

  it("does not change", () => {
    "use strict";
    const { mx, warnings } = Policy.parse(TEXT);
    assert.throws(() => mx.push("mx.evil.example"), TypeError);
    assert.throws(() => warnings.push({}), TypeError);
  });

  it("prints and serialises as its fields", () => {
    assert.equal(JSON.stringify(Policy.parse(TEXT)), '{"mode":"enforce","maxAge":86400,"mx":["*.example.com"]}');
  });
});

describe("Record, TlsrptRecord", () => {
  it("are read, alone or among others (R-TXT-2, R-RPT-1)", () => {
    assert.equal(Record.parse("v=STSv1; id=20260101;").id, "20260101");
    assert.equal(Record.select(["v=spf1 -all", ["v=STSv1; ", Buffer.from("id=1;")]]).id, "1");
    const { rua } = TlsrptRecord.select(["v=TLSRPTv1; rua=mailto:r@example.com,https://r.example/"]);
    assert.deepEqual(rua, ["mailto:r@example.com", "https://r.example/"]);
  });

  it("are refused with the column", () => {
    const error = thrown(() => Record.parse("v=STSv1; id=2026-01;"));
    assert.deepEqual([error.kind, error.line, error.column], ["id", 1, 13]);
    assert.equal(thrown(() => Record.select(["v=STSv1; id=1;", "v=STSv1; id=2;"])).kind, "several-records");
    assert.equal(thrown(() => Record.select([])).kind, "no-record");
    assert.equal(thrown(() => TlsrptRecord.parse("v=TLSRPTv1;")).kind, "rua-missing");
  });
});

describe("toPolicyDomain", () => {
  it("converts U-labels by UTS 46 (R-DOM-1)", () => {
    for (const [name, expected] of [
      ["example.com", "example.com"],
      ["EXAMPLE.com.", "example.com"],
      ["münchen.example", "xn--mnchen-3ya.example"],
      ["MÜNCHEN.example.", "xn--mnchen-3ya.example"],
      ["faß.example", "xn--fa-hia.example"],
      ["例え。テスト", "xn--r8jz45g.xn--zckzah"],
      ["xn--mnchen-3ya.example", "xn--mnchen-3ya.example"],
    ]) {
      assert.equal(toPolicyDomain(name), expected);
    }
  });

  it("refuses what cannot be converted, and what is no name (R-DOM-1, R-FLOW-7)", () => {
    const long = `${"a".repeat(63)}ü.example`;
    const names = ["", ".", "a_b.example", "ü_b.example", "ü..example", "ü b.example", long, "１.2.3.4", "０x7f.1"];
    names.push("ü.example/", "ü.example:25", "ü@example", "%C3%BC.example", "ü.example?", "ü\t.example", "\u{FFFD}.example");
    names.push("a\u0000.example", "192.0.2.1", "xn--ü.example", "\uD800.example", "ü\\.example", "ü#.example");
    for (const name of names) assert.equal(thrown(() => toPolicyDomain(name)).kind, "host-name", name);
    for (const name of ["[192.0.2.1]", "[IPv6:2001:db8::1]"]) {
      assert.equal(thrown(() => toPolicyDomain(name)).kind, "address-literal");
    }
  });
});

describe("Outcome", () => {
  const pinned = (mode) => Outcome.local("example.com", Policy.parse(TEXT.replace("enforce", mode)));
  const mxHost = "mx.example.com";

  it("judges sessions (R-APPLY-1, R-CERT-1)", () => {
    const outcome = pinned("enforce");
    const good = { action: "deliver", result: undefined, cause: undefined, explanation: undefined };
    assert.deepEqual(outcome.verdict({ mxHost, tls: "not-tried" }), good);
    assert.deepEqual(outcome.verdict({ mxHost, tls: "established", certificate: "valid" }), good);
    assert.deepEqual(outcome.verdict({ mxHost: "mx.evil.example", tls: "not-tried" }), {
      action: "defer",
      result: "validation-failure",
      cause: "mx-not-listed",
      explanation: "the MX host is not listed in the policy",
    });
    const stripped = outcome.verdict({ mxHost, tls: "not-offered" });
    assert.deepEqual([stripped.action, stripped.result], ["defer", "starttls-not-supported"]);
    const expired = outcome.verdict({ mxHost, tls: "established", certificate: "expired" });
    assert.deepEqual([expired.action, expired.result], ["defer", "certificate-expired"]);
  });

  it("lets mail pass and tells what to report in mode testing (R-APPLY-1)", () => {
    const { action, result } = pinned("testing").verdict({ mxHost, tls: "not-offered" });
    assert.deepEqual([action, result], ["deliver", "starttls-not-supported"]);
  });

  it("puts DANE first (R-APPLY-2)", () => {
    const session = { mxHost: "mx.other.example", tls: "established", certificate: "not-trusted", mxSecure: true };
    assert.equal(pinned("enforce").verdict({ ...session, dane: "passed" }).action, "deliver");
    assert.equal(pinned("none").verdict({ ...session, dane: "failed" }).action, "defer");
  });

  it("refuses words that are none, and a certificate that was forgotten", () => {
    const outcome = pinned("enforce");
    assert.throws(() => outcome.verdict({ mxHost, tls: "yes" }), TypeError);
    assert.throws(() => outcome.verdict({ mxHost, tls: "established" }), TypeError);
    assert.throws(() => outcome.verdict({ mxHost, tls: "established", certificate: "good" }), TypeError);
    assert.throws(() => outcome.verdict({ mxHost, tls: "failed", dane: "maybe" }), TypeError);
  });

  it("is a local one where the operator says so (R-APPLY-3)", () => {
    const { basis, domain, enforced, id, fetchedAt, policy } = pinned("enforce");
    assert.deepEqual([basis, domain, enforced, id, fetchedAt], ["local", "example.com", true, undefined, undefined]);
    assert.equal(policy.mode, "enforce");
  });

  it("is rendered for Postfix", () => {
    assert.deepEqual(pinned("enforce").postfix(), {
      found: "policy",
      value: "secure match=.example.com servername=hostname",
    });
    assert.deepEqual(pinned("none").postfix({ version: "3.10", level: "may" }), { found: "not-found", value: "" });
    assert.deepEqual(pinned("enforce").postfix({ dane: "temporary" }), { found: "temporary", value: "" });
    assert.throws(() => pinned("enforce").postfix({ version: "2.0" }), TypeError);
    assert.equal(nextHop("[mx.example.com]:submission"), "mx.example.com");
    assert.equal(nextHop(".example.com"), undefined);
  });
});

describe("checkCertificateName", () => {
  it("compares DNS-IDs (R-CERT-1)", () => {
    const vectors = JSON.parse(readFileSync(join(ROOT, "tests/vectors/own_cert_name.json"), "utf8"));
    assert.ok((vectors.vectors ?? vectors).length > 0);
    const der = readFileSync(join(ROOT, "core/tests/data/certificate.der"));
    const error = checkCertificateName(der, "other.example");
    assert.equal(error.kind, "certificate-host-mismatch");
    assert.equal(error.line, undefined);
    assert.equal(checkCertificateName(der.subarray(1), "other.example").kind, "certificate");
    assert.equal(checkCertificateName(der, "192.0.2.1").kind, "host-name");
  });
});

describe("the package", () => {
  it("has the version of the library", async () => {
    const { default: manifest } = await import("mtasts/package.json", { with: { type: "json" } });
    const [, version] = /^version = "(.*)"/m.exec(readFileSync(join(ROOT, "wasm/Cargo.toml"), "utf8"));
    assert.equal(manifest.version, version);
    assert.equal(manifest.scripts ?? manifest.devDependencies, undefined);
  });
});

describe("the words", () => {
  const types = (file) => readFileSync(join(ROOT, "wasm/js/lib", file), "utf8");
  const kebab = (name) => name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

  /** The words of the union `name` in a file of lib/. */
  function union(file, name) {
    const [, body] = new RegExp(`export type ${name} =([^;]*);`).exec(types(file));
    return [...body.replace(/\/\*\*.*?\*\//gs, "").matchAll(/"([a-z0-9-]+)"/g)].map(([, word]) => word).sort();
  }

  /** What `pattern` finds in a file of the engine. */
  function engine(file, pattern) {
    return [...readFileSync(join(ROOT, "core/src", file), "utf8").matchAll(pattern)].map(([, word]) => word);
  }

  it("are those of the engine", () => {
    assert.deepEqual(union("errors.ts", "ErrorKind"), engine("error.rs", /^ {4}([A-Z]\w+) = "/gm).map(kebab).sort());
    const warnings = new Set(engine("error.rs", /^ {12}Self::(\w+) => (?:"|\{)/gm).map(kebab));
    assert.deepEqual(union("errors.ts", "WarningKind"), [...warnings].sort());
    assert.deepEqual(union("outcome.ts", "Reason"), engine("reason.rs", /^ {4}[A-Z]\w+ = "([a-z-]+)"/gm).sort());
    assert.deepEqual(union("outcome.ts", "ResultType"), engine("tlsrpt.rs", /^ {4}[A-Z]\w+ = "([a-z-]+)"/gm).sort());
    const verdict = engine("verdict.rs", /^ {12}Self::\w+ => "([a-z-]+)",/gm);
    assert.deepEqual([...union("outcome.ts", "Action"), ...union("outcome.ts", "Cause")].sort(), verdict.sort());
    assert.deepEqual(union("outcome.ts", "Basis"), engine("outcome.rs", /^ {12}Self::\w+ => "([a-z-]+)",/gm).sort());
  });
});

it("what is no text is refused before it gets to the engine's memory", () => {
  const policy = Policy.parse("version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n");
  const outcome = Outcome.local("example.com", policy);
  for (const value of [5, {}, undefined, null]) {
    assert.throws(() => policy.matches(value), TypeError);
    assert.throws(() => nextHop(value), TypeError);
    assert.throws(() => outcome.verdict({ mxHost: value, tls: "not-tried" }), TypeError);
    assert.throws(() => outcome.verdict({ mxHost: "mx.example.com", tls: value }), TypeError);
    assert.throws(() => checkCertificateName(value, "mx.example.com"), TypeError);
    assert.throws(() => Record.select(value), TypeError);
  }
  assert.equal(policy.matches("mx.example.com"), true);
});
