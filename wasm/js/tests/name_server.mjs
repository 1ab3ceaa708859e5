// SPDX-License-Identifier: MIT OR Apache-2.0
// A name server that follows no CNAME, as some do not; the lab's does.

import { createSocket } from "node:dgram";
import { once } from "node:events";

const TYPES = { CNAME: 5, TXT: 16 };

const encodeName = (name) => Buffer.concat([...name.split("."), ""].map((label) => Buffer.from([label.length, ...Buffer.from(label)])));
const number = (value, octets) => Buffer.from(value.toString(16).padStart(octets * 2, "0"), "hex");

/** The name in the question of a query, and the octet after it. */
function question(query) {
  const labels = [];
  let at = 12;
  for (; query[at] !== 0; at += query[at] + 1) labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

/** `records` maps names to `{ TXT }` or `{ CNAME }`. Gives the address, and `close`. */
export async function nameServer(records) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const { name, end } = question(query);
    const [[type, value] = []] = Object.entries(records[name] ?? {});
    const isAnswer = TYPES[type] === query.readUInt16BE(end) || type === "CNAME";
    const data = type === "CNAME" ? encodeName(value) : Buffer.from([value?.length, ...Buffer.from(value ?? "")]);
    const answer = [encodeName(name), number(TYPES[type] ?? 0, 2), number(1, 2), number(60, 4), number(data.length, 2), data];
    const code = name in records ? 0 : 3;
    const head = [query.subarray(0, 2), number(0x8180 + code, 2), number(1, 2), number(isAnswer ? 1 : 0, 2), number(0, 4)];
    socket.send(Buffer.concat([...head, query.subarray(12, end + 4), ...(isAnswer ? answer : [])]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}
