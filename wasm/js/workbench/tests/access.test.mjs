// SPDX-License-Identifier: MIT OR Apache-2.0
// The page for everybody: axe's rules, the keyboard alone, a narrow screen, no network, no script
// but its own.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { AXE, DESKTOP, PAGE, PHONE, fill, launch, open } from "./browser.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds; it is evaluated from outside, as the page itself lets no foreign script run. */
async function violations(page) {
  await page.evaluate(readFileSync(AXE, "utf8"));
  const { violations, passes } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), RULES);
  assert.ok(passes.some(({ id }) => id === "color-contrast"));
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`,
  );
}

for (const [device, options] of [
  ["desktop", DESKTOP],
  ["phone", PHONE],
]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing: ${device}, ${colorScheme}`, async () => {
      const { page, errors } = await open(browser, { ...options, colorScheme, reducedMotion: "reduce" });
      assert.deepEqual(await violations(page), []);
      await page.getByRole("button", { name: "Show an example" }).click();
      await page.getByText("A legal policy, with").waitFor();
      await page.locator("#record").fill("v=STSv1");
      await page.locator("#record-summary .error").waitFor();
      assert.deepEqual(await violations(page), []);
      await page.locator("#policy").fill("version: x");
      await page.getByText("This is no legal policy").waitFor();
      assert.deepEqual(await violations(page), []);
      await fill(page, { domain: "example.com", mx: "mx.example.com", rua: "a@b.example", ttl: "60" });
      await page.locator("#made-zone").waitFor();
      assert.deepEqual(await violations(page), []);
      await page.locator("#mx").fill("a_b");
      await page.locator("#mx[aria-invalid=true]").waitFor();
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(errors, []);
    });
  }
}

test("a narrow screen is never wider than itself, and its buttons fit a finger", async () => {
  const { page } = await open(browser, { ...PHONE, viewport: { width: 320, height: 640 } });
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  await page.getByRole("button", { name: "Show an example" }).click();
  await page.getByText("A legal policy, with").waitFor();
  assert.equal(await width(), 320);
  await fill(page, {
    domain: `${"long-label-".repeat(4)}x.example.com`,
    mx: "mx.example.com",
    rua: "a@b.example",
  });
  await page.locator("#made-zone").waitFor();
  assert.equal(await width(), 320);
  for (const button of await page.locator("button:visible").all()) {
    const box = await button.boundingBox();
    assert.ok(box.height >= 44, `${await button.innerText()}: ${box.height}`);
  }
});

test("the keyboard alone does all of it", async () => {
  const { page } = await open(browser);
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const tabTo = async (id) => {
    for (let tries = 0; tries < 60; tries++) {
      if ((await focused()) === id) return;
      await press("Tab");
    }
    assert.fail(`${id} is not to be reached`);
  };
  await press("Tab");
  assert.equal(await focused(), "Skip to the workbench");
  await press("Tab");
  assert.equal(await focused(), "tab-check");
  await tabTo("policy");
  await page.keyboard.insertText("version: STSv1\nmode: enforced\n");
  await page.getByText("Line 2, column 7").waitFor();
  await tabTo("Line 2, column 7");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid");
  await press("Enter");
  assert.equal(await focused(), "policy");
  await page.keyboard.insertText("mode: none");
  await press("Control+End");
  await page.keyboard.insertText("max_age: 86400\n");
  await page.locator("#policy-summary .good").waitFor();
  await page.locator("#tab-check").focus();
  await press("ArrowRight");
  assert.equal(await focused(), "tab-publish");
  await tabTo("domain");
  await page.keyboard.type("example.com");
  await press("Tab", "ArrowUp"); // from enforce to testing
  await tabTo("mx");
  await page.keyboard.type("mx.example.com");
  // Made of the whole name: what is made before is made anew, and takes the focus with it.
  await page.locator("#made-policy", { hasText: /mode: testing\s+mx: mx\.example\.com\s+max_age/ }).waitFor();
  await tabTo("server-nginx");
  await press("ArrowRight");
  assert.equal(await focused(), "server-caddy");
  await page.locator("#made-configuration", { hasText: "file_server" }).waitFor();
  await press("End");
  await page.locator("#made-configuration", { hasText: "direct_response" }).waitFor();
  await press("Home");
  assert.equal(await focused(), "server-nginx");
});

test("no other script runs, and nothing is asked for, also from a web server", async () => {
  const { page, requests, errors } = await open(browser);
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    await fetch("https://example.com/").catch(() => {});
    return window.ran === true;
  });
  assert.equal(ran, false);
  for (const directive of ["script-src", "default-src"]) {
    assert.ok(
      errors.some((error) => error.includes(directive) && error.includes("action has been blocked")),
      errors.join("\n"),
    );
  }
  assert.deepEqual(requests(), []);

  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader("content-type", "text/html").end(readFileSync(fileURLToPath(PAGE)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${server.address().port}/`;
    const context = await browser.newContext();
    const served = await context.newPage();
    await served.goto(url);
    await served.getByRole("button", { name: "Show an example" }).click();
    await served.getByText("A legal policy, with").waitFor();
    assert.deepEqual(asked, ["/"]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("a page that fails says so", async () => {
  const { page } = await open(browser);
  await page.evaluate(() =>
    setTimeout(() => {
      throw new Error("no WebAssembly");
    }),
  );
  const alert = page.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /does not work here[\s\S]*no WebAssembly/);
});

test("the page answers to what people prefer", async () => {
  const ground = async (options) => {
    const { page } = await open(browser, { ...DESKTOP, ...options });
    return page.evaluate(() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector("button")).transitionDuration,
    ]);
  };
  const [light, moving] = await ground({ colorScheme: "light", reducedMotion: "no-preference" });
  const [dark, still] = await ground({ colorScheme: "dark", reducedMotion: "reduce" });
  assert.notEqual(light, dark);
  assert.notEqual(moving, "0s");
  assert.equal(still, "0s");
});
