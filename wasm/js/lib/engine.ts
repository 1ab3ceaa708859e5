// SPDX-License-Identifier: MIT OR Apache-2.0
// The engine's WebAssembly module, and the only way to it. Nothing is compiled before it is needed.

import * as glue from "./glue.js";
import { MtastsError } from "./errors.js";

export type Engine = typeof glue;

let load: (() => WebAssembly.Module) | undefined;
let isReady = false;

/** Says how this runtime gets at the module. */
export function loadWith(how: () => WebAssembly.Module): void {
  load = how;
}

/** Says how to get at it where nobody knows better: `mtasts/node` brings index.ts everywhere. */
export function loadElseWith(how: () => WebAssembly.Module): void {
  load ??= how;
}

function engine(): Engine {
  if (!isReady) start();
  return glue;
}

function start(): void {
  if (load === undefined) throw new Error("no module of mtasts was loaded");
  const instance = new WebAssembly.Instance(load(), { "./engine_bg.js": { ...glue } });
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as (() => void) | undefined)?.();
  isReady = true;
}

/** Runs `work` on the engine; what it throws becomes an error of this package. */
export function call<T>(work: (engine: Engine) => T): T {
  try {
    return work(engine());
  } catch (thrown) {
    if (thrown instanceof glue.Problem) throw toError(thrown);
    throw typeof thrown === "string" ? new TypeError(thrown) : thrown;
  }
}

/** Takes what is in `problem`, and frees it. */
export function toError(problem: glue.Problem): MtastsError {
  return new MtastsError(take(problem));
}

/** What is wrong or tolerated, and where. */
export interface Facts {
  readonly kind: string;
  readonly message: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** Takes what is in `problem`, and frees it. */
export function take(problem: glue.Problem): Facts {
  const { kind, message, offset, line, column } = problem;
  problem.free();
  return { kind, message, offset, line, column };
}

/** A value in the engine's memory, until it is freed or, at the latest, collected as garbage. */
export class Owned<T extends { free(): void }> {
  #value: T | undefined;

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    if (this.#value === undefined) throw new TypeError("used after it was disposed of");
    return this.#value;
  }

  free(): void {
    this.#value?.free();
    this.#value = undefined;
  }
}

const encoder = new TextEncoder();

/** Text as octets, UTF-8. */
export function octets(text: string | Uint8Array): Uint8Array {
  if (text instanceof Uint8Array) return text;
  if (typeof text !== "string") throw new TypeError("expected a string or an Uint8Array");
  return encoder.encode(text);
}

/** `value`, if it is text: the glue believes types, and would spoil the engine's memory by others. */
export function text<T extends string | undefined>(value: T, what: string): T {
  if (value !== undefined && typeof value !== "string") throw new TypeError(`${what} is a string`);
  return value;
}

/** The same for what must not be missing. */
export function needed(value: string, what: string): string {
  if (value === undefined) throw new TypeError(`${what} is missing`);
  return text(value, what);
}

/** The longest that a timer can take: above it, it takes none. */
export const MOST_MS = 0x7fff_ffff;

/** A setting of which nothing, or more than `most`, would mean that nothing is ever found. */
export function within(name: string, value: number, most = MOST_MS): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new TypeError(`${name} is not a whole number from 1 to ${most}`);
}

/** Milliseconds since 1970, as `Date.now()` gives them, as the engine's seconds. */
export function seconds(time: number): number {
  if (!Number.isFinite(time) || time < 0) throw new TypeError(`${time} is no time`);
  return Math.floor(time / 1000);
}
