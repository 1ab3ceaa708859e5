// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading what people paste: records as zone files and dig print them, lists of hosts.

import { toPolicyDomain } from "mtasts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Octets as text, and back; what is no UTF-8 shows as a replacement character. */
export const decode = (octets) => decoder.decode(octets);
export const encode = (text) => encoder.encode(text);

/** The lines of a text with their numbers from 1, without blank ones. */
export function lines(text) {
  const numbered = text.split("\n").map((line, index) => ({ line, number: index + 1 }));
  return numbered.filter(({ line }) => line.trim() !== "");
}

/**
 * The TXT records in a text, a record a line: its octets, and for each octet the column of the line
 * where it stands. Quoted strings are joined as DNS joins them, and what precedes them in a zone
 * file is left out.
 */
export function txtRecords(text) {
  return lines(text).map(({ line, number }) => ({ number, line, ...unquoted(line) }));
}

function unquoted(line) {
  const start = line.search(/\S/);
  if (!line.includes('"')) return plain(line.trimEnd(), start);
  const octets = [];
  const columns = [];
  let inside = false;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '"') inside = !inside;
    else if (inside) {
      const { octet, length } = escaped(line, at);
      for (const one of octet) {
        octets.push(one);
        columns.push(at + 1);
      }
      at += length - 1;
    }
  }
  return { record: Uint8Array.from(octets), columns };
}

/** `\"`, `\\` and `\065` (RFC 1035 §5.1), or the character itself. */
function escaped(line, at) {
  const decimal = /^\\(\d{3})/.exec(line.slice(at, at + 4));
  if (decimal) return { octet: [Number(decimal[1]) & 255], length: 4 };
  const length = line[at] === "\\" && at + 1 < line.length ? 2 : 1;
  return { octet: encode(line[at + length - 1]), length };
}

function plain(line, start) {
  const columns = [];
  for (let at = start; at < line.length; at++) {
    columns.push(...Array.from(encode(line[at]), () => at + 1));
  }
  return { record: encode(line.slice(start)), columns };
}

/** The hosts of a list and their lines, a host a line: `10 mx1.example.com.` is one, too. */
export function hostLines(text) {
  const named = lines(text).map(({ line, number }) => ({ host: line.trim().split(/\s+/).at(-1), number }));
  return named.filter(({ host }) => host !== ".");
}

/** The hosts of a list. */
export const hosts = (text) => hostLines(text).map(({ host }) => host);

/** A host or pattern with its U-labels as A-labels; what is no name stays as it is. */
export function toAscii(pattern) {
  if (/^[\u0000-\u007f]*$/.test(pattern)) return pattern;
  const [, wildcard, name] = /^(\*\.)?(.*)$/s.exec(pattern);
  try {
    return (wildcard ?? "") + toPolicyDomain(name);
  } catch {
    return pattern;
  }
}

/** A lifetime for a person, in the greatest unit that is not broken. */
export function span(seconds) {
  const units = [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [length, unit] =
    units.find(([length]) => seconds % length === 0 && seconds >= length) ?? units.at(-1);
  const number = seconds / length;
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}
