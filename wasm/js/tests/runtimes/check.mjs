// SPDX-License-Identifier: MIT OR Apache-2.0
// What must work in every runtime, written with nothing but the language and the package.

function same(what, got, expected) {
  const [one, other] = [JSON.stringify(got), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: ${one}, not ${other}`);
}

/** Gives a line about what was done, or throws. */
export async function check({ memoryStore, MtastsError, Policy, Record, resolve, toPolicyDomain }) {
  const text = "version: STSv1\nmode: enforce\nmx: *.bücher.example\nmx: *.example.com\nmax_age: 86400\n";
  const policy = Policy.parse(text);
  same("warnings", policy.warnings.map(({ kind, line, column }) => [kind, line, column]), [["mx-not-ascii", 3, 5]]);
  same("text", policy.text, text);
  same("id", Record.parse("v=STSv1; id=1;").id, "1");
  same("domain", toPolicyDomain("Bücher.example"), "xn--bcher-kva.example");
  try {
    Policy.parse("version: STSv2\n");
    throw new Error("nothing was thrown");
  } catch (error) {
    same("error", [error instanceof MtastsError, error.kind, error.column], [true, "version", 10]);
  }
  const host = {
    txt: async () => ({ records: ["v=STSv1; id=1;"], ttl: 300 }),
    fetch: async () => ({ status: 200, contentType: "text/plain", body: text }),
    ...memoryStore(),
  };
  const fresh = await resolve("Example.com", host);
  const cached = await resolve("example.com", host);
  same("bases", [fresh.basis, cached.basis], ["fresh", "cached"]);
  const { action, result } = cached.verdict({ mxHost: "mx.example.com", tls: "not-offered" });
  same("verdict", [action, result], ["defer", "starttls-not-supported"]);
  const controller = new AbortController();
  const looked = resolve("other.example", { ...host, txt: () => new Promise(() => {}) }, { signal: controller.signal });
  controller.abort();
  same("abort", await looked.catch(({ name }) => name), "AbortError");
  return "all is well";
}
