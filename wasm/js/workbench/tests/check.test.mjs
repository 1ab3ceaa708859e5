// SPDX-License-Identifier: MIT OR Apache-2.0
// The view "Check": errors at their line, which hosts match, what a sender would do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { idle, launch, open } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const POLICY = "version: STSv1\nmode: enforce\nmx: mx1.example.com\nmx: *.example.net\nmax_age: 604800\n";

/** The page with a policy in it, as if pasted. */
async function checked(policy, record = "", hosts = "") {
  const opened = await open(browser);
  const { page } = opened;
  await page.getByLabel("Record", { exact: false }).first().fill(record);
  await page.getByRole("textbox", { name: "MX hosts" }).first().fill(hosts);
  await page.getByRole("textbox", { name: "Policy" }).first().fill(policy);
  await idle(page);
  return opened;
}

const marks = (page) =>
  page.locator("#policy-editor .gutter div").evaluateAll((lines) => lines.map((line) => line.className));

/** The verdicts as `session: action, result`, by host. */
const verdicts = (page) =>
  page.locator("#verdicts tbody").evaluateAll((bodies) =>
    bodies.map((body) => ({
      host: body.dataset.host,
      listed: body.rows[0].querySelector("span").textContent,
      rows: [...body.rows].slice(1).map((row) => [...row.cells].map((cell) => cell.textContent).join(" | ")),
    })),
  );

test("a policy that is pasted shows its error at the line, and as text", async () => {
  const { page, errors } = await checked("version: STSv1\nmode: enforced\nmx: a.example\nmax_age: 1\n");
  assert.deepEqual(await marks(page), ["", "error", "", "", ""]);
  const problem = page.locator("#policy-problems li");
  assert.equal(await problem.count(), 1);
  assert.match(
    await problem.innerText(),
    /Error Line 2, column 7\s*mode is not 'enforce', 'testing' or 'none'/,
  );
  assert.match(await problem.locator("pre").innerText(), /^2 │ mode: enforced\n {10}▲/);
  assert.match(await page.locator("#policy-summary").innerText(), /This is no legal policy/);
  assert.equal(await page.locator("#policy").getAttribute("aria-invalid"), "true");
  assert.deepEqual(errors, []);
  await problem.getByRole("button").click();
  const selected = await page
    .locator("#policy")
    .evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd));
  assert.equal(selected, "mode: enforced");
});

test("warnings are shown at each of their lines, and the policy is still one", async () => {
  const { page } = await checked(
    "version: STSv1\nmode: testing\nmx: a.example.\nmx: 192.0.2.1\n\nmax_age: 99999999\n",
  );
  assert.deepEqual(await marks(page), ["", "", "warning", "warning", "warning", "warning", ""]);
  assert.match(await page.locator("#policy-summary").innerText(), /A legal policy, with 4 warnings/);
  assert.match(await page.locator("#policy-summary").innerText(), /31557600/);
});

test("a reader hears what is wrong", async () => {
  const { page } = await checked("version: STSv1\nmode: x\n");
  await page.locator("#said", { hasText: "error in line 2" }).waitFor();
  const described = await page.locator("#policy").getAttribute("aria-describedby");
  assert.match(
    await page.locator(`#${described.split(" ").at(-1)}`).textContent(),
    /error in line 2: mode is not/,
  );
});

test("a sender's verdict stands for each host and each state of TLS", async () => {
  const { page } = await checked(POLICY, "", "10 MX1.example.com.\n20 a.example.net\n30 a.b.example.net");
  assert.deepEqual(await verdicts(page), [
    { host: "MX1.example.com.", listed: "✓ listed", rows: ENFORCED },
    { host: "a.example.net", listed: "✓ listed by *.example.net", rows: ENFORCED },
    {
      host: "a.b.example.net",
      listed: "✕ not listed",
      rows: ["Whatever the session | waits | validation-failure"],
    },
  ]);
});

const ENFORCED = [
  "TLS, valid certificate | is delivered | –",
  "Certificate for another name | waits | certificate-host-mismatch",
  "Certificate expired | waits | certificate-expired",
  "Certificate of no trusted issuer | waits | certificate-not-trusted",
  "STARTTLS fails | waits | validation-failure",
  "No STARTTLS | waits | starttls-not-supported",
];

test("in testing mail is delivered and failures are reported; with none neither", async () => {
  const { page } = await checked(POLICY.replace("enforce", "testing"), "", "mx1.example.com");
  const [{ rows }] = await verdicts(page);
  assert.deepEqual(
    rows,
    ENFORCED.map((row) => row.replace("waits", "is delivered")),
  );
  await page.locator("#policy").fill(POLICY.replace("enforce", "none"));
  await idle(page);
  assert.deepEqual((await verdicts(page))[0].rows, ["Whatever the session | is delivered | –"]);
});

test("without hosts the verdicts are for a listed host and any other", async () => {
  const { page } = await checked("version: STSv1\nmode: enforce\nmx: *.example.net\nmax_age: 1\n");
  const [listed, other] = await verdicts(page);
  assert.equal(listed.listed, "✓ listed by *.example.net");
  assert.equal(other.listed, "✕ not listed");
});

test("a host in another script is matched by its A-labels", async () => {
  const { page } = await checked(
    POLICY.replace("mx1.example.com", "mx.xn--bcher-kva.example"),
    "",
    "mx.bücher.example",
  );
  assert.equal((await verdicts(page))[0].listed, "✓ listed");
});

test("a record is read as people paste it", async () => {
  for (const [record, id] of [
    ["v=STSv1; id=20260101T000000;", "20260101T000000"],
    ['"v=STSv1; id=abc;"', "abc"],
    ['_mta-sts.example.com. 300 IN TXT "v=STSv1; " "id=a" "bc;"', "abc"],
    ['"spf-like text"\n"v=STSv1; id=second\\059"', "second"],
  ]) {
    const { page } = await checked("", record);
    assert.equal(await page.locator("#record-summary dd").innerText(), id, record);
  }
});

test("a record's error stands at its column", async () => {
  const { page } = await checked("", '_mta-sts.example.com. IN TXT "v=STSv1; id=2026-01-01;"');
  assert.match(
    await page.locator("#record-problems").innerText(),
    /Line 1, column 43[\s\S]*an id is 1 to 32 letters or digits/,
  );
  assert.match(await page.locator("#record-summary").innerText(), /No legal record/);
  const two = await checked("", "v=STSv1; id=a\nv=STSv1; id=b");
  assert.match(await two.page.locator("#record-problems").innerText(), /more than one such record/);
});

test("a file is read octet for octet", async () => {
  const { page } = await open(browser);
  const give = (text) =>
    page
      .locator("#policy-file")
      .setInputFiles({ name: "mta-sts.txt", mimeType: "text/plain", buffer: Buffer.from(text, "latin1") });
  await give(POLICY.replaceAll("\n", "\r\n"));
  await page.locator("#policy-summary .good").waitFor();
  assert.match(
    await page.locator("#policy-source").innerText(),
    /mta-sts.txt, 8\d octets, lines end in CRLF/,
  );
  for (const [text, message, line] of [
    ["version: STSv1\rmode: none\r\n", "carriage return", 1],
    ["\xEF\xBB\xBFversion: STSv1\n", "byte order mark", 1],
    ["version: STSv1\nmode: none\nx: \xFF\n", "not UTF-8", 3],
    [`version: STSv1\nmode: none\nmax_age: 1\n${"x: y\n".repeat(14000)}`, "larger than 64 KiB", 13103],
  ]) {
    await give(text);
    const shown = page.locator("#policy-problems li", { hasText: message });
    await shown.waitFor();
    assert.match(await shown.innerText(), new RegExp(`Line ${line},`), message);
  }
});

test("what is pasted is text and never markup, and much of it stays quick", async () => {
  const { page, errors } = await checked(
    '<img src=x onerror="document.title=1">: <b>\n',
    '"<script>document.title=2</script>"',
    "<i>host</i>",
  );
  assert.equal(await page.title(), "MTA-STS policy workbench");
  assert.equal(await page.locator(".results img, .results i").count(), 0);
  await page.locator("#policy").evaluate((area) => {
    area.value = `version: STSv1\nmode: none\nmax_age: 1\n${"\n".repeat(60000)}`;
    area.dispatchEvent(new Event("input"));
  });
  await page.getByText("and 59950 more").waitFor();
  assert.equal(await page.locator("#policy-problems li").count(), 51);
  assert.deepEqual(errors, []);
});
