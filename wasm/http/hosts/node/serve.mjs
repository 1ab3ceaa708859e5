#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Serves a component of the world wasi:http/proxy, as `jco serve` does: serve.mjs COMPONENT
// [PORT [HOST]]. Prints the URL when it is ready. One instance answers all requests, one after
// the other.

import { transpile, writeFiles } from "@bytecodealliance/jco-transpile";
import { HTTPServer } from "@bytecodealliance/preview2-shim/http";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The component as a JavaScript module, which finds its imports from here. */
async function load(component) {
  const folder = mkdtempSync(join(import.meta.dirname, "transpiled-"));
  try {
    const { files } = await transpile(component, { name: "component", outDir: folder });
    await writeFiles(files);
    return await import(pathToFileURL(join(folder, "component.js")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [component, port = "0", host = "127.0.0.1"] = process.argv.slice(2);
const { incomingHandler } = await load(component);
const server = new HTTPServer(incomingHandler);
server.listen(Number(port), host);
const { address, port: bound } = server.address();
console.log(`http://${address}:${bound}`);
