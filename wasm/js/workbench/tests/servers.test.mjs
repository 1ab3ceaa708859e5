// SPDX-License-Identifier: MIT OR Apache-2.0
// Real nginx, Caddy, Apache and Envoy take the configuration that the page writes, as it is, and
// serve the policy that the page writes, octet for octet, and nothing else (R-PUB-1). Each has a
// network of its own, in which port 443 is free.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { fill, launch, open } from "./browser.mjs";

const SERVE = join(dirname(fileURLToPath(import.meta.url)), "serve.mjs");
const HOST = "mta-sts.example.com";
const IN_NETWORK = ["-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
const hasNetworks = spawnSync("unshare", [...IN_NETWORK, "true"]).status === 0;
const skip = hasNetworks ? false : "this machine gives no network namespace (unshare -n)";

let browser;
let folder;

before(async () => {
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), "mtasts-workbench-"));
  chmodSync(folder, 0o755); // Apache reads as another user
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  const names = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`];
  execFileSync(
    "openssl",
    [...request, ...names, "-keyout", `${folder}/key.pem`, "-out", `${folder}/chain.pem`],
    { stdio: "pipe" },
  );
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

const MANY = Array.from({ length: 300 }, (_, index) => `mx${index}.example.com`).join("\n");

for (const [server, mx, name] of [
  ["nginx", "mx.example.com\n*.example.net", "nginx"],
  ["caddy", "mx.example.com", "Caddy"],
  ["apache", "mx.example.com", "Apache"],
  ["envoy", "mx.example.com", "Envoy"],
  ["nginx", MANY, "nginx, from a file, as the policy is long,"],
  ["envoy", MANY, "Envoy, with a policy that is long,"],
]) {
  test(`${name} serves the policy and nothing else`, { skip }, async () => {
    const made = await take(server, mx);
    assert.match(made.policy, /^version: STSv1\r\nmode: testing\r\nmx: mx[\s\S]*\r\n$/);
    const place = mkdtempSync(join(folder, `${server}-`));
    chmodSync(place, 0o755);
    writeFileSync(join(place, "configuration"), made.configuration);
    writeFileSync(join(place, "policy"), made.policy);
    if (made.file) {
      assert.equal(made.file, `${folder}/${server}/.well-known/mta-sts.txt`);
      mkdirSync(dirname(made.file), { recursive: true });
      writeFileSync(made.file, made.policy);
    }
    const served = spawnSync("unshare", [...IN_NETWORK, process.execPath, SERVE, server, place, folder], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(served.status, 0, `${served.stdout}${served.stderr}`);
  });
}

/** What the page has people take away. */
async function take(server, mx) {
  const { page, context } = await open(browser);
  const paths = { certificate: `${folder}/chain.pem`, key: `${folder}/key.pem`, root: `${folder}/${server}` };
  await fill(page, { domain: "example.com", ...paths, mx });
  await page.locator(`#server-${server}`).click();
  const policy = await download(page, "Download policy as mta-sts.txt");
  const configuration = await download(page, /^Download .* configuration as/);
  const note = page.locator("#server-panel .note-text code");
  const file = (await note.count()) ? await note.innerText() : undefined;
  await context.close();
  return { policy, configuration, file };
}

async function download(page, name) {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name, exact: true }).click(),
  ]);
  return readFileSync(await file.path(), "utf8");
}
