// SPDX-License-Identifier: MIT OR Apache-2.0
// The same program in other runtimes: a bare one, Node's workers, Deno, Cloudflare's workers and a
// browser. Needs --experimental-vm-modules.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import vm from "node:vm";
import { Worker } from "node:worker_threads";

const DIST = dirname(fileURLToPath(import.meta.resolve("mtasts")));
const CHECK = join(import.meta.dirname, "runtimes/check.mjs");
const WELL = "all is well";
const run = promisify(execFile);

/** Whether npm has the programs in runtimes/ for this machine. */
const hasPrograms = process.platform === "linux" && process.arch === "x64";

/** A program of one of the packages in runtimes/. */
function runtime(path) {
  return join(process.env.MTASTS_RUNTIMES, "node_modules", path);
}

describe("the package", () => {
  let folder;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "mtasts-js-"));
    cpSync(DIST, join(folder, "dist"), { recursive: true });
    cpSync(CHECK, join(folder, "check.mjs"));
    const main = 'import { check } from "./check.mjs";\nimport * as mtasts from "./dist/index.js";\n';
    writeFileSync(join(folder, "main.mjs"), `${main}console.log(await check(mtasts));\n`);
  });
  // The browser's processes outlive it by a moment, and write into its profile until then.
  after(() => rm(folder, { recursive: true, maxRetries: 10 }));

  it("works with nothing but the language and what all runtimes have", async () => {
    const has = { AbortController, atob, clearTimeout, setTimeout, TextDecoder, TextEncoder, URL };
    const context = vm.createContext(has);
    const modules = new Map();
    const load = (specifier, referrer) => {
      assert.match(specifier, /^\.\.?\//, `${referrer.identifier} imports ${specifier}`);
      const path = join(dirname(referrer.identifier), specifier);
      const options = { identifier: path, context };
      if (!modules.has(path)) modules.set(path, new vm.SourceTextModule(readFileSync(path, "utf8"), options));
      return modules.get(path);
    };
    const main = new vm.SourceTextModule(
      'import * as mtasts from "./dist/index.js"; import { check } from "./check.mjs"; globalThis.done = check(mtasts);',
      { identifier: join(folder, "bare.mjs"), context },
    );
    await main.link(load);
    await main.evaluate();
    assert.equal(await context.done, WELL);
  });

  it("compiles nothing when it is imported", async () => {
    const program = `
      WebAssembly.Module = function () { throw new Error("compiled"); };
      await import("mtasts");
      await import("mtasts/node");`;
    await run("node", ["--input-type=module", "-e", program], { cwd: import.meta.dirname });
  });

  it("works in Node's workers, side by side", async () => {
    const workers = Array.from({ length: 3 }, () => new Worker(join(folder, "main.mjs"), { stdout: true }));
    const said = await Promise.all(workers.map(({ stdout }) => text(stdout)));
    assert.deepEqual(said, Array(3).fill(`${WELL}\n`));
  });

  it("can be required where Node can require modules", async (t) => {
    const require = createRequire(import.meta.url);
    if (!process.features.require_module) return t.skip("this Node cannot");
    assert.equal(require("mtasts").toPolicyDomain("Example.com"), "example.com");
  });

  it("works in a bundle that took only what is used", async (t) => {
    if (!hasPrograms) return t.skip("no esbuild for this machine");
    const source = join(import.meta.dirname, "bundled.mjs");
    const used = "memoryStore, MtastsError, Policy, Record, resolve, toPolicyDomain";
    writeFileSync(
      source,
      `import { ${used} } from "mtasts"; import { check } from "./runtimes/check.mjs";
       console.log(await check({ ${used} }));`,
    );
    for (const platform of ["browser", "node"]) {
      const bundle = join(folder, `${platform}.mjs`);
      const words = ["--bundle", "--minify", "--format=esm", `--platform=${platform}`, `--outfile=${bundle}`];
      const { stderr } = await run(runtime("@esbuild/linux-x64/bin/esbuild"), [source, ...words, "--log-level=warning"]);
      assert.equal(stderr, "");
      assert.equal((await run("node", [bundle])).stdout, `${WELL}\n`);
    }
  });

  it("works in Deno, without any permission", async (t) => {
    if (!hasPrograms) return t.skip("no Deno for this machine");
    const { stdout } = await run(runtime("@deno/linux-x64-glibc/deno"), ["run", "--no-prompt", join(folder, "main.mjs")]);
    assert.equal(stdout, `${WELL}\n`);
  });

  it("works in Cloudflare's workers, which import the module", async (t) => {
    if (!hasPrograms) return t.skip("no workerd for this machine");
    const names = readdirSync(join(folder, "dist")).filter((name) => name.endsWith(".js") && !["index.js", "base64.js"].includes(name));
    const module = (name, kind, file) => `(name = "${name}", ${kind} = embed "${file}")`;
    const modules = [
      module("main.js", "esModule", "worker.mjs"),
      module("check.mjs", "esModule", "check.mjs"),
      module("dist/engine.wasm", "wasm", "dist/engine.wasm"),
      ...names.map((name) => module(`dist/${name}`, "esModule", `dist/${name}`)),
    ];
    writeFileSync(
      join(folder, "worker.mjs"),
      `import { check } from "./check.mjs";
       import * as mtasts from "./dist/index.module.js";
       export default { async test() { console.log(await check(mtasts)); } };`,
    );
    writeFileSync(
      join(folder, "config.capnp"),
      `using Workerd = import "/workerd/workerd.capnp";
       const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
       const main :Workerd.Worker = (compatibilityDate = "2025-01-01", modules = [${modules}]);`,
    );
    const program = runtime("@cloudflare/workerd-linux-64/bin/workerd");
    const { stdout, stderr } = await run(program, ["test", join(folder, "config.capnp")]);
    assert.match(stdout + stderr, new RegExp(WELL));
  });

  it("works in a browser, without a bundler", async () => {
    const page = `<!doctype html><script type="module">
      const said = (async () => {
        const [mtasts, { check }] = [await import("/dist/index.js"), await import("/check.mjs")];
        return check(mtasts);
      })();
      fetch("/said", { method: "POST", body: await said.catch((error) => String(error.stack)) });
    </script>`;
    assert.equal(await browse(folder, page), WELL);
  });
});

/** What `page`, beside the files of `folder`, says in headless Chromium by a POST request. */
async function browse(folder, page) {
  const types = { ".js": "text/javascript", ".mjs": "text/javascript" };
  const server = createServer();
  const said = new Promise((resolve) => {
    server.on("request", async (request, response) => {
      if (request.method === "POST") resolve(await text(request));
      const type = types[extname(request.url)];
      response.setHeader("content-type", type ?? "text/html");
      response.end(type ? readFileSync(join(folder, request.url)) : page);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const words = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", `--user-data-dir=${folder}/browser`];
  const chromium = spawn("chromium", [...words, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore" });
  const ended = once(chromium, "exit").then(([status]) => `chromium ended: ${status}`);
  try {
    return await Promise.race([said, ended]);
  } finally {
    server.close();
    server.closeAllConnections();
    chromium.kill();
    await ended;
  }
}
