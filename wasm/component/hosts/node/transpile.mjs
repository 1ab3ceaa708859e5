#!/usr/bin/env node
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Makes a JavaScript module of a component: transpile.mjs COMPONENT FOLDER, which gets mtasts.js,
// its types, and the core modules that it loads.

import { transpile, writeFiles } from "@bytecodealliance/jco-transpile";

const [component, folder] = process.argv.slice(2);
const { files } = await transpile(component, { name: "mtasts", outDir: folder });
await writeFiles(files);
