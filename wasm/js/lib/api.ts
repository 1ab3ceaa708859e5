// SPDX-License-Identifier: MIT OR Apache-2.0
// All that the package `mtasts` has, whatever the runtime.

export { checkCertificateName } from "./certificate.js";
export { toPolicyDomain } from "./domain.js";
export { MtastsError } from "./errors.js";
export type { ErrorKind, Warning, WarningKind } from "./errors.js";
export type { FetchAnswer, FetchFailure, FetchRequest, Host, HostOptions, Stored } from "./host.js";
export type { TxtAnswer, TxtFailure } from "./host.js";
export { Lookup } from "./lookup.js";
export type { Config, LookupOptions, Step } from "./lookup.js";
export { Outcome } from "./outcome.js";
export type { Action, Basis, Cause, Certificate, Dane, Reason } from "./outcome.js";
export type { ResultType, Session, Verdict } from "./outcome.js";
export { Policy } from "./policy.js";
export type { Mode, ParseOptions } from "./policy.js";
export { nextHop } from "./postfix.js";
export type { PostfixStyle, PostfixValue } from "./postfix.js";
export { Record, TlsrptRecord } from "./record.js";
export type { TxtRecord } from "./record.js";
export { lookAgain, resolve } from "./resolve.js";
export type { ResolveOptions } from "./resolve.js";
export { memoryStore, supersedes, uselessAfter } from "./store.js";
export type { MemoryStoreOptions, Store } from "./store.js";
