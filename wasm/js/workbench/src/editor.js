// SPDX-License-Identifier: MIT OR Apache-2.0
// The policy's text area: line numbers with marks where something is wrong, and files.

import { $, el } from "./dom.js";
import { decode, encode } from "./read.js";

const MOST_LINES = 2000; // more numbers help nobody, and cost time
const MOST_OCTETS = 1024 * 1024; // a policy has 64 KiB at most

/** `onChange(octets)` is called with each new text. */
export function editor(onChange) {
  const area = $("policy");
  const gutter = document.querySelector("#policy-editor .gutter");
  let octets; // those of a file, as long as nobody types

  const changed = () => {
    number(area, gutter);
    onChange(octets ?? encode(area.value));
  };
  area.addEventListener("input", () => {
    octets = undefined;
    $("policy-source").textContent = "";
    changed();
  });
  area.addEventListener("scroll", () => (gutter.scrollTop = area.scrollTop));
  const show = (read, source) => {
    octets = read;
    area.value = visible(decode(read));
    $("policy-source").textContent = source;
    area.scrollTop = 0;
    changed();
  };
  files(show);
  number(area, gutter);
  return { show, mark: (marks) => mark(gutter, marks), go: (line) => go(area, line) };
}

/** A text area would make a line end of a lone carriage return, and hide what is wrong. */
const visible = (text) =>
  text
    .replace(/\r(?!\n)/g, "␍")
    .replace(/\r\n/g, "\n")
    .replace(/^\uFEFF/, "␟");

function files(show) {
  const open = async (file) => {
    if (!file) return;
    const read = new Uint8Array(await file.slice(0, MOST_OCTETS).arrayBuffer());
    show(read, `${file.name}, ${file.size} octets, lines end in ${lineEnds(decode(read))}`);
  };
  $("policy-file").addEventListener("change", (event) => {
    open(event.target.files[0]);
    event.target.value = ""; // the same file again is a change, too
  });
  const box = $("policy-editor");
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  box.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    box.classList.add("dropping");
  });
  box.addEventListener("dragleave", () => box.classList.remove("dropping"));
  box.addEventListener("drop", (event) => {
    box.classList.remove("dropping");
    if (!isFile(event)) return;
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });
}

function lineEnds(text) {
  const all = text.split("\n").length - 1;
  const crlf = text.split("\r\n").length - 1;
  if (all === 0) return "nothing";
  return { [all]: "CRLF", 0: "LF" }[crlf] ?? "CRLF and LF";
}

function number(area, gutter) {
  const count = Math.min(area.value.split("\n").length, MOST_LINES);
  area.rows = Math.min(Math.max(count + 1, 7), 22);
  while (gutter.childElementCount > count) gutter.lastElementChild.remove();
  while (gutter.childElementCount < count) {
    gutter.append(el("div", {}, String(gutter.childElementCount + 1)));
  }
  gutter.scrollTop = area.scrollTop;
}

/** Marks lines: `marks` is a map from line to `error` or `warning`. */
function mark(gutter, marks) {
  [...gutter.children].forEach((line, index) => (line.className = marks.get(index + 1) ?? ""));
}

/** Selects a line, and brings it to sight. */
function go(area, line) {
  const before = area.value
    .split("\n")
    .slice(0, line - 1)
    .join("\n");
  const start = line > 1 ? before.length + 1 : 0;
  const end = area.value.indexOf("\n", start);
  area.focus();
  area.setSelectionRange(start, end < 0 ? area.value.length : end);
}
