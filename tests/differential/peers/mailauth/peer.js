// SPDX-License-Identifier: MIT OR Apache-2.0
// mailauth by the line protocol. Its DNS gives what the request says.
"use strict";
const readline = require("node:readline");
const sts = require("mailauth/lib/mta-sts.js");

const octets = (word) => Buffer.from(word.replace(/[-,]/g, ""), "hex");
const said = (text) => Buffer.from(text).toString("hex") || "-";

async function record(words) {
  const rows = words.map((word) => [octets(word).toString()]);
  const id = await sts.resolvePolicy("example.com", { resolver: async () => rows });
  return id ? `id ${said(id)}` : "invalid * 0 0";
}

function policy([body]) {
  const found = sts.parsePolicy(octets(body));
  const mx = found.mx || [];
  return ["valid", found.mode, found.maxAge, mx.length, ...mx.map(said)].join(" ");
}

function match([body, host]) {
  return sts.validateMx(octets(host).toString(), sts.parsePolicy(octets(body))).valid ? "yes" : "no";
}

async function answer(request, words) {
  try {
    if (request === "record") return await record(words);
    if (request === "policy") return policy(words);
    return request === "match" ? match(words) : "unsupported";
  } catch {
    return request === "match" ? "no" : "invalid * 0 0";
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [request, ...words] = line.split(" ");
    console.log(await answer(request, words));
  }
}

main();
