// SPDX-License-Identifier: MIT OR Apache-2.0
// What can be wrong with an input, or is tolerated in it, and where.

/** The kinds of {@link MtastsError}. */
export type ErrorKind =
  /** Mail to `[192.0.2.1]` has no Policy Domain. */
  | "address-literal"
  | "body-too-large"
  | "byte-order-mark"
  /** The certificate cannot be read as X.509 version 3. */
  | "certificate"
  | "certificate-host-mismatch"
  | "field"
  | "field-name"
  | "field-value"
  /** An answer came for a lookup that has its outcome. */
  | "finished"
  /** Not a host name, also after its conversion to A-labels. */
  | "host-name"
  | "id"
  | "line-terminator"
  | "max-age"
  | "max-age-missing"
  | "mode"
  | "mode-missing"
  | "mx-missing"
  | "no-record"
  | "record-field"
  | "record-id-missing"
  | "record-version"
  | "rua"
  | "rua-missing"
  | "several-records"
  /** An answer to a question that the lookup does not ask now. */
  | "stale-request"
  /** What came from the store is not what was given to it. */
  | "stored"
  | "utf8"
  | "version"
  | "version-missing";

/** The kinds of {@link Warning}; of an error where a policy is read strictly. */
export type WarningKind =
  | "blank-line"
  | "max-age-clamped"
  | "mx-empty"
  | "mx-illegal"
  | "mx-ip-address"
  | "mx-list"
  | "mx-not-ascii"
  | "mx-trailing-dot"
  | "mx-underscore";

/** Something in a policy that RFC 8461 does not allow and senders tolerate. */
export interface Warning {
  readonly kind: WarningKind;
  /** One line for a person. */
  readonly message: string;
  /** The octet of the policy at which it begins, from 0. */
  readonly offset: number;
  /** The line, from 1. */
  readonly line: number;
  /** The character in the line, from 1. */
  readonly column: number;
}

/**
 * What is wrong with a record, a policy, a name or a certificate.
 *
 * `message` is one line for a person: what is wrong, and what the RFC asks for.
 */
export class MtastsError extends Error {
  /** What is wrong. */
  readonly kind: ErrorKind | WarningKind;
  /** The octet of the input at which that was seen, from 0. */
  readonly offset: number;
  /** The line, from 1; absent where the error is about no text. */
  readonly line: number | undefined;
  /** The character in the line, from 1; absent as `line` is. */
  readonly column: number | undefined;

  /** @internal */
  constructor(facts: { kind: string; message: string; offset: number; line: number; column: number }) {
    super(facts.message);
    this.name = "MtastsError";
    this.kind = facts.kind as ErrorKind | WarningKind;
    this.offset = facts.offset;
    this.line = facts.line || undefined;
    this.column = facts.column || undefined;
  }
}
