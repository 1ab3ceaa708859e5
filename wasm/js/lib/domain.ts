// SPDX-License-Identifier: MIT OR Apache-2.0
// From what people write to a Policy Domain: U-labels become A-labels by IDNA (UTS 46),
// and what cannot be converted is an error (R-DOM-1).

import { call } from "./engine.js";

/**
 * The Policy Domain that `name` means: lower-case A-labels without a final dot.
 *
 * ```js
 * toPolicyDomain("Bücher.example."); // "xn--bcher-kva.example"
 * ```
 *
 * @throws {MtastsError} of kind `address-literal` for `[…]`, and `host-name` for everything else
 * that is no host name, in whatever script. Neither means that there is no policy.
 */
export function toPolicyDomain(name: string): string {
  if (typeof name !== "string") throw new TypeError("a domain is a string");
  return call((engine) => engine.domain(toAscii(name) ?? name));
}

/** ASCII that a URL would take for something else than a part of the host's name. */
const FOREIGN = /[\u0000-,/:-@[-`{-\u007f]/;

/** `name` by the URL Standard's "domain to ASCII", which is UTS 46 without transition. */
function toAscii(name: string): string | undefined {
  if (/^[\u0000-\u007f]*$/.test(name)) return name;
  if (FOREIGN.test(name)) return undefined; // the engine says what it thinks of the name as it is
  try {
    return new URL(`http://${name}`).hostname;
  } catch {
    return undefined;
  }
}
