// SPDX-License-Identifier: MIT OR Apache-2.0
// The package where modules are compiled ahead of time and only imported: Cloudflare's workers and
// the like.

import module from "./engine.wasm";
import { loadWith } from "./engine.js";

export * from "./api.js";

loadWith(() => module);
