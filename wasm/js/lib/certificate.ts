// SPDX-License-Identifier: MIT OR Apache-2.0
// Whether a certificate is for a name (RFC 8461 §4.2).

import type { MtastsError } from "./errors.js";
import { call, needed, toError } from "./engine.js";

/**
 * What keeps the certificate `der` (X.509, DER) from being valid for `name`; `undefined` if it is.
 * Only DNS-IDs count, never the common name, and a wildcard stands for the whole left-most label.
 * Chain and dates are for the TLS library to check.
 *
 * It fits `checkServerIdentity` of `tls.connect` in Node:
 *
 * ```js
 * tls.connect({ servername, checkServerIdentity: (name, { raw }) => checkCertificateName(raw, name) });
 * ```
 */
export function checkCertificateName(der: Uint8Array, name: string): MtastsError | undefined {
  if (!(der instanceof Uint8Array)) throw new TypeError("a certificate is an Uint8Array");
  const problem = call((engine) => engine.checkCertificateName(der, needed(name, "a name")));
  return problem && toError(problem);
}
