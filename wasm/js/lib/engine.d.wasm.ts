// SPDX-License-Identifier: MIT OR Apache-2.0
// What the runtimes of index.module.ts make of the file.

declare const module: WebAssembly.Module;
export default module;
