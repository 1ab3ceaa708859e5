// SPDX-License-Identifier: MIT OR Apache-2.0
// Pictures of the page for people to look at: screenshots.mjs FOLDER

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, PHONE, fill, launch, open } from "./browser.mjs";

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const browser = await launch();
for (const [device, options] of [
  ["desktop", DESKTOP],
  ["phone", PHONE],
]) {
  for (const colorScheme of ["light", "dark"]) {
    const { page, context } = await open(browser, { ...options, colorScheme });
    const shoot = (name) =>
      page.screenshot({ path: join(folder, `${device}-${colorScheme}-${name}.png`), fullPage: true });
    await shoot("empty");
    await page.getByRole("button", { name: "Show an example" }).click();
    await page.getByText("A legal policy, with").waitFor();
    await shoot("check");
    await fill(page, {
      domain: "example.com",
      mx: "mx1.example.com\nmx2.example.com",
      rua: "tls@example.com",
      address: "192.0.2.1",
    });
    await page.locator("#made-zone").waitFor();
    await shoot("publish");
    await context.close();
  }
}
await browser.close();
