// SPDX-License-Identifier: MIT OR Apache-2.0
// The package `mtasts`, and beside it what a domain publishes.

import { base64 } from "./base64.js";
import { loadWith } from "./engine.js";

export * from "./api.js";
export * from "./publish.js";

loadWith(() => new WebAssembly.Module(Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0))));
