// SPDX-License-Identifier: MIT OR Apache-2.0
// What a Postfix asks of a table, and reads.

import { call, needed } from "./engine.js";

/** What is known of the Postfix that reads the value: what it does not know it refuses. */
export interface PostfixStyle {
  /** The first Postfix of its kind: 3.0 to 3.3, 3.4 to 3.9, 3.10 and later. Default `3.4`. */
  readonly version?: "3.0" | "3.4" | "3.10" | undefined;
  /** Its level for domains without a policy, for reports (from 3.10 on). Default: no such reports. */
  readonly level?: "may" | "encrypt" | undefined;
  /** What DANE says of the domain as a whole. Default `none`. */
  readonly dane?: "none" | "temporary" | "usable" | undefined;
}

/** Whether the table has a value; `temporary` makes the mail wait. */
export type PostfixValue =
  | { readonly found: "policy"; readonly value: string }
  | { readonly found: "not-found" | "temporary"; readonly value: "" };

/**
 * The domain that a key of `smtp_tls_policy_maps` names, such as `[mx.example.com]:submission`;
 * `undefined` for keys that no policy can be for.
 */
export function nextHop(key: string): string | undefined {
  return call((engine) => engine.nextHop(needed(key, "a key")));
}
