// SPDX-License-Identifier: MIT OR Apache-2.0
// The view "Publish" (R-PUB-1): what is taken away parses back, errors stand at their field.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fill, idle, launch, open, DESKTOP } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const FORM = {
  domain: "Example.com",
  mx: "10 mx1.example.com.\n*.example.net",
  rua: "tls@example.com\nhttps://r.example/v1",
  address: "192.0.2.1",
};

async function filled(fields = {}, options = DESKTOP) {
  const opened = await open(browser, options);
  await fill(opened.page, { ...FORM, ...fields });
  return opened;
}

const text = (page, id) => page.locator(`#${id}`).innerText();
const titles = (page) => page.locator("#plan > li > b").allInnerTexts();

async function download(page, name) {
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name, exact: true }).click(),
  ]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
}

test("a form gives policy, records, zone lines and the order of steps", async () => {
  const { page, errors, requests } = await filled();
  await page.locator("#made-zone").waitFor();
  const policy = await download(page, "Download policy as mta-sts.txt");
  assert.equal(policy.name, "mta-sts.txt");
  assert.equal(
    policy.text,
    "version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmx: *.example.net\r\nmax_age: 86400\r\n",
  );
  assert.match(await text(page, "made-record"), /^v=STSv1; id=\d{14}Z;$/);
  assert.equal(
    await text(page, "made-tlsrpt"),
    "v=TLSRPTv1; rua=mailto:tls@example.com,https://r.example/v1",
  );
  const zone = (await download(page, "Download zone lines as example.com.zone")).text;
  assert.match(
    zone,
    /^mta-sts\.example\.com\. 3600 IN A 192\.0\.2\.1\n_smtp\._tls\.example\.com\. 3600 IN TXT "v=TLSRPTv1.*\n_mta-sts\.example\.com\. 3600 IN TXT "v=STSv1; id=\d{14}Z;"\n$/,
  );
  assert.deepEqual(await titles(page), [
    "See to TLS on every MX host",
    "Ask for reports",
    "Set up mta-sts.example.com",
    "Serve the policy, in testing",
    "Publish the record with the new id",
    "Read the reports",
    "Serve the policy, enforced",
    "Publish the record with the new id",
  ]);
  const enforced = await page.locator("#plan pre").nth(2).innerText();
  assert.match(enforced, /mode: enforce\n[\s\S]*max_age: 1209600/);
  assert.deepEqual([errors, requests()], [[], []]);
});

test("what is made is what the other view finds good", async () => {
  const { page } = await filled();
  await page.locator("#made-policy").waitFor();
  const [policy, record] = [await text(page, "made-policy"), await text(page, "made-record")];
  await page.getByRole("tab", { name: "Check" }).click();
  await page.locator("#policy").fill(policy);
  await page.locator("#record").fill(record);
  await page.locator("#policy-summary .good").waitFor();
  await page.locator("#record-summary .good").waitFor();
});

test("what is copied is what is shown, with CRLF", async () => {
  const { page, context } = await filled();
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.locator("#said", { hasText: "8 steps" }).waitFor();
  await page.getByRole("button", { name: "Copy policy", exact: true }).click();
  await page.locator("#said", { hasText: "Copied: policy" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied.replaceAll("\r\n", "\n").trimEnd(), (await text(page, "made-policy")).trimEnd());
});

test("errors stand at their field and are heard", async () => {
  for (const [fields, id, message] of [
    [{ domain: "exa mple" }, "domain", /Not a host name/],
    [{ mx: "\na.example\n10 b_c.example" }, "mx", /Line 3: no host name has an underscore/],
    [{ mx: "192.0.2.1" }, "mx", /Line 1: an IP address is no host name/],
    [{ rua: "a@b.example\n\nnobody" }, "rua", /Line 3: not a mail address/],
    [{ address: "1.2.3" }, "address", /Neither IP addresses nor one host name/],
    [{ certificate: '/etc/x";' }, "certificate", /Expected an absolute path/],
    [{ ttl: "soon" }, "ttl", /A whole number of seconds/],
    [{ "present-policy": "version: STSv1\nmode: x" }, "present-policy", /Line 2: mode is not/],
    [
      { "present-policy": "version: STSv1\nmode: none\nmax_age: 1", "present-record": "id=x" },
      "present-record",
      /The record does not begin/,
    ],
  ]) {
    const { page } = await filled(fields);
    const field = page.locator(`#${id}`);
    await page.locator(`#${id}[aria-invalid=true]`).waitFor();
    const error = page.locator(`#${(await field.getAttribute("aria-describedby")).split(" ").at(-1)}`, {
      hasText: message,
    });
    await error.waitFor();
    await page
      .locator("#said", { hasText: (await error.innerText()).slice(0, 20) })
      .waitFor({ state: "attached" });
    assert.equal(await page.locator("#publish-results").isHidden(), true);
    await page.getByRole("button", { name: /^Go to / }).click();
    const isRefused = await page.evaluate(() => document.activeElement.getAttribute("aria-invalid"));
    assert.equal(isRefused, "true");
    await page.context().close();
  }
});

test("another max_age is checked, too", async () => {
  const { page } = await filled();
  await page.locator("#age").selectOption("");
  await page.locator("#max_age").fill("40000000");
  await page.locator("#max_age-error", { hasText: "At most 31557600 seconds" }).waitFor();
  await page.locator("#max_age").fill("3600");
  await page.locator("#advice", { hasText: "max_age is below a day" }).waitFor();
});

test("the plan goes on from what is published", async () => {
  const { page } = await open(browser);
  await page.locator("#policy").fill("version: STSv1\nmode: testing\nmx: a.example\nmax_age: 86400\n");
  await page.locator("#record").fill("v=STSv1; id=20990101000000Z;");
  await page.locator("#hosts").fill("10 a.example.\n20 b.example.");
  await page.getByRole("button", { name: "Plan the next step from here" }).click();
  await page.locator("#domain").fill("example.com");
  await page.locator("#mx").fill("a.example\nb.example");
  await idle(page);
  assert.deepEqual(await titles(page), [
    "Serve the policy, in testing",
    "Publish the record with the new id",
    "Read the reports",
    "Serve the policy, enforced",
    "Publish the record with the new id",
  ]);
  assert.equal(await text(page, "made-record"), "v=STSv1; id=20990101000001Z;");
});

test("what DNS names now is listed until DNS names it no more", async () => {
  const { page } = await filled({
    mx: "new.example",
    "present-policy": "version: STSv1\nmode: enforce\nmx: old.example\nmax_age: 604800\n",
    "present-record": "v=STSv1; id=a;",
    named: "10 old.example.",
  });
  assert.match(
    await page.locator("#plan").innerText(),
    /DNS may name new.example now, and must not name old.example any more\./,
  );
  assert.match(await text(page, "made-policy"), /mx: new.example\nmx: old.example/);
  await page.locator("#named").fill("new.example");
  await page.getByText("Change the MX records").waitFor({ state: "detached" });
});

test("the way out is planned from what is published, and only from there", async () => {
  const { page } = await filled();
  await page.locator("input[value=none]").check();
  await page.locator("#present-policy-error", { hasText: "To plan the way out, paste" }).waitFor();
  await page
    .locator("#present-policy")
    .fill("version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 604800\n");
  await page.locator("#present-record").fill("v=STSv1; id=a;");
  await page.locator("#longest").fill("2592000");
  await idle(page);
  assert.deepEqual((await titles(page)).at(-1), "Remove the record and the policy");
  assert.match(await text(page, "made-policy"), /mode: none\nmax_age: 86400/);
  assert.match(await page.locator("#plan").innerText(), /Keep serving this for 30 days/);
});

test("a domain and hosts in another script become A-labels", async () => {
  const { page } = await filled({ domain: "bücher.example", mx: "*.bücher.example" });
  await page.locator("#made-policy", { hasText: "mx: *.xn--bcher-kva.example" }).waitFor();
  await page.locator("#made-zone", { hasText: /^mta-sts\.xn--bcher-kva\.example\. 3600 IN A/ }).waitFor();
});
