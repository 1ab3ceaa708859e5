// SPDX-License-Identifier: MIT OR Apache-2.0
// A headless Chromium with the page, as a person would have it: from a file, with no network.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const WORK = join(here, "../../../../build/workbench");
const require = createRequire(join(WORK, "package.json"));
const { chromium } = require("playwright-core");

export const PAGE = pathToFileURL(join(WORK, "mtasts-workbench.html")).href;
export const AXE = require.resolve("axe-core/axe.min.js");

/** Starts the browser; its sandbox does not work for root. */
export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

export const DESKTOP = { viewport: { width: 1280, height: 900 } };
export const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

/**
 * The page, opened. `requests` are all but the page itself, `errors` what the page threw or the
 * browser refused.
 */
export async function open(browser, options = DESKTOP, url = PAGE) {
  const context = await browser.newContext({ ...options, offline: true, acceptDownloads: true });
  const page = await context.newPage();
  const requests = [];
  const errors = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(url);
  await page.locator("html[data-ready]").waitFor();
  return {
    page,
    context,
    requests: () => requests.filter((asked) => asked !== url && !asked.startsWith("data:")),
    errors,
  };
}

/** Fills the form of the view "Publish". */
export async function fill(page, fields) {
  await page.getByRole("tab", { name: "Publish" }).click();
  for (const [id, value] of Object.entries(fields)) {
    const details = page.locator("details", { has: page.locator(`#${id}`) });
    if (await details.count()) await details.evaluate((element) => (element.open = true));
    await page.locator(`#${id}`).fill(value);
  }
  await idle(page);
}

/** Waits until the page has made something of what was typed. */
export const idle = (page) => page.locator("[aria-busy=true]").waitFor({ state: "detached" });
