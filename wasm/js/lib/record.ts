// SPDX-License-Identifier: MIT OR Apache-2.0
// TXT records: that of MTA-STS (RFC 8461 §3.1) and that of TLSRPT (RFC 8460 §3).

import type * as glue from "./glue.js";
import { call, octets } from "./engine.js";

/** A TXT record: its text, or its character strings, which are one text. Strings are UTF-8. */
export type TxtRecord = string | Uint8Array | readonly (string | Uint8Array)[];

/** @internal Hands records over to the engine; whoever takes them frees them. */
export function toRecords(engine: typeof glue, records: readonly TxtRecord[]): glue.Records {
  if (!Array.isArray(records)) throw new TypeError("TXT records are an array"); // not the letters of one
  const list = new engine.Records();
  for (const record of records) list.push(concat(record));
  return list;
}

function concat(record: TxtRecord): Uint8Array {
  if (typeof record === "string" || record instanceof Uint8Array) return octets(record);
  if (!Array.isArray(record)) throw new TypeError("a TXT record is a string, an Uint8Array, or an array of them");
  const strings = record.map(octets);
  const whole = new Uint8Array(strings.reduce((sum, string) => sum + string.length, 0));
  let at = 0;
  for (const string of strings) {
    whole.set(string, at);
    at += string.length;
  }
  return whole;
}

function select<T>(records: readonly TxtRecord[], read: (engine: typeof glue, records: glue.Records) => T): T {
  return call((engine) => {
    const list = toRecords(engine, records);
    try {
      return read(engine, list);
    } finally {
      list.free();
    }
  });
}

/** The record at `_mta-sts.<domain>`: it says that there is a policy, and by its `id` which one. */
export class Record {
  /** 1 to 32 letters or digits; another one means another policy. */
  readonly id: string;

  private constructor(id: string) {
    this.id = id;
  }

  /**
   * Reads one record.
   *
   * @throws {MtastsError} that says what is wrong, at which column.
   */
  static parse(record: TxtRecord): Record {
    return Record.select([record]);
  }

  /**
   * The one record among all TXT records of the name: others are passed over.
   *
   * @throws {MtastsError} as `parse`, or of kind `no-record` or `several-records`.
   */
  static select(records: readonly TxtRecord[]): Record {
    return new Record(select(records, (engine, list) => engine.selectRecord(list)));
  }
}

/** The record at `_smtp._tls.<domain>`: where reports go. */
export class TlsrptRecord {
  /** The `mailto:` and `https:` URIs, in their order. */
  readonly rua: readonly string[];

  private constructor(rua: string[]) {
    this.rua = Object.freeze(rua);
  }

  /** Reads one record; throws as {@link Record.parse}. */
  static parse(record: TxtRecord): TlsrptRecord {
    return TlsrptRecord.select([record]);
  }

  /** The one record among all TXT records of the name; throws as {@link Record.select}. */
  static select(records: readonly TxtRecord[]): TlsrptRecord {
    return new TlsrptRecord(select(records, (engine, list) => engine.selectTlsrptRecord(list)));
  }
}
