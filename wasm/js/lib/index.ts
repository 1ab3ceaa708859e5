// SPDX-License-Identifier: MIT OR Apache-2.0
// The package where a module may be compiled from octets: Node, browsers, Deno, their workers.

import { base64 } from "./base64.js";
import { loadElseWith } from "./engine.js";

export * from "./api.js";

loadElseWith(() => new WebAssembly.Module(Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0))));
