// SPDX-License-Identifier: MIT OR Apache-2.0
// Puts script and sheet into the page, and their hashes into its Content-Security-Policy: nothing
// else is run, and nothing is loaded from anywhere.

const { createHash } = require("node:crypto");
const { readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const esbuild = require("esbuild");

const [, , source, work] = process.argv;

const OPTIONS = {
  bundle: true,
  minify: true,
  legalComments: "none",
  charset: "utf8",
  write: false,
  logLevel: "warning",
};

function bundle(file, options) {
  const { outputFiles } = esbuild.buildSync({ ...OPTIONS, ...options, entryPoints: [join(source, file)] });
  return outputFiles[0].text.trim();
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const script = bundle("main.js", {
  format: "esm",
  target: "es2022",
  alias: { mtasts: join(work, "mtasts/index.js") },
}).replaceAll("</script", "<\\/script");
const style = bundle("style.css", { target: "es2022" });
const csp = [
  "default-src 'none'",
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  `style-src ${hash(style)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const parts = { CSP: csp, STYLE: style, SCRIPT: script };
const page = readFileSync(join(source, "index.html"), "utf8").replace(
  /@(CSP|STYLE|SCRIPT)@/g,
  (_, name) => parts[name],
);
const file = join(work, "mtasts-workbench.html");
writeFileSync(file, page);
console.log(`workbench: ${Math.round(page.length / 1024)} KB in ${file}`);
