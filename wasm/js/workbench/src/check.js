// SPDX-License-Identifier: MIT OR Apache-2.0
// The view "Check": what is wrong with a policy and a record, and what a sender would do.

import { MtastsError, Outcome, Policy, Record } from "mtasts";
import { $, el, say, settled } from "./dom.js";
import { editor } from "./editor.js";
import { decode, hosts, span, toAscii, txtRecords } from "./read.js";

const EXAMPLE = `version: STSv1
mode: enforce
mx: mx1.example.com
mx: *.backup.example.net
mx: 192.0.2.1

max_age: 604800
`;
const MOST_PROBLEMS = 50;
const MOST_HOSTS = 30;

/** How a session with an MX host may stand. */
const SESSIONS = [
  ["TLS, valid certificate", { tls: "established", certificate: "valid" }],
  ["Certificate for another name", { tls: "established", certificate: "host-mismatch" }],
  ["Certificate expired", { tls: "established", certificate: "expired" }],
  ["Certificate of no trusted issuer", { tls: "established", certificate: "not-trusted" }],
  ["STARTTLS fails", { tls: "failed" }],
  ["No STARTTLS", { tls: "not-offered" }],
];

let octets = new Uint8Array();
let editing;

/** Makes the view work. `planFrom(policy, id, hosts)` goes on in the other one. */
export function check(planFrom) {
  const later = settled($("check-region"), show);
  editing = editor((read) => {
    octets = read;
    later();
  });
  for (const id of ["record", "hosts"]) $(id).addEventListener("input", later);
  $("check-form").addEventListener("submit", (event) => event.preventDefault());
  $("example").addEventListener("click", example);
  $("plan-from-here").addEventListener("click", () => {
    planFrom(decode(octets), $("record").value, hosts($("hosts").value));
  });
}

function example() {
  $("record").value ||= "v=STSv1; id=20260101000000Z;";
  $("hosts").value ||= "10 mx1.example.com.\n20 mx2.backup.example.net.\n30 relay.example.org.";
  editing.show(new TextEncoder().encode(EXAMPLE), "an example");
}

function show() {
  const isEmpty = octets.length === 0 && $("record").value.trim() === "";
  $("check-empty").hidden = !isEmpty;
  $("check-results").hidden = isEmpty;
  const read = octets.length > 0 ? readPolicy(octets) : { problems: [] };
  showPolicy(read);
  const record = showRecord($("record").value);
  showVerdicts(read.policy);
  $("to-publish").hidden = !(read.policy && record);
}

/** The policy with its warnings, or why there is none. */
function readPolicy(body) {
  try {
    const policy = Policy.parse(body);
    return { policy, problems: policy.warnings.map((problem) => ({ ...problem, level: "warning" })) };
  } catch (error) {
    if (!(error instanceof MtastsError)) throw error;
    const { message, line, column, kind } = error;
    return { problems: [{ message, line, column, kind, level: "error" }] };
  }
}

function showPolicy({ policy, problems }) {
  const isRefused = problems.some(({ level }) => level === "error");
  $("policy-summary").replaceChildren(...summary(policy, problems, isRefused));
  const text = decode(octets)
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  const shown = problems.slice(0, MOST_PROBLEMS).map((problem) => policyProblem(problem, text));
  const rest = problems.length - shown.length;
  if (rest > 0) shown.push(el("li", { className: "problem warning" }, el("p", {}, `and ${rest} more`)));
  $("policy-problems").replaceChildren(...shown);
  editing.mark(new Map(problems.toReversed().map(({ line, level }) => [line, level])));
  const words = spoken(policy, problems);
  $("policy").setAttribute("aria-invalid", String(isRefused));
  $("policy-status").textContent = words;
  say(words);
}

function spoken(policy, problems) {
  if (octets.length === 0) return "";
  const places = problems
    .slice(0, 3)
    .map(({ level, line, message }) => `${level} in line ${line}: ${message}`);
  const start = policy ? `A legal policy, mode ${policy.mode}` : "No legal policy";
  return [start, ...places].join(". ");
}

function summary(policy, problems, isRefused) {
  if (isRefused) {
    const text =
      "Senders take it for none at all: new ones deliver unprotected, others go by the policy that they remember.";
    return [note("error", "This is no legal policy", el("p", {}, text))];
  }
  if (!policy) return [];
  const count = problems.length;
  const title =
    count === 0 ? "A legal policy" : `A legal policy, with ${count} ${count === 1 ? "warning" : "warnings"}`;
  return [note(count === 0 ? "good" : "warning", title, facts(policy))];
}

function note(level, title, ...content) {
  return el("div", { className: `note ${level}` }, el("strong", {}, title), ...content);
}

function facts(policy) {
  const rows = [
    ["mode", policy.mode],
    ["max_age", `${policy.maxAge} (${span(policy.maxAge)})`],
    [
      "mx",
      policy.mx.slice(0, 20).join("\n") +
        (policy.mx.length > 20 ? `\nand ${policy.mx.length - 20} more` : "") || "none",
    ],
  ];
  return el(
    "dl",
    { className: "facts" },
    rows.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, ...broken(text))]),
  );
}

const broken = (text) => text.split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line]));

function policyProblem({ level, line, column, message }, text) {
  const place = el(
    "button",
    { type: "button", className: "place", onclick: () => editing.go(line) },
    `Line ${line}, column ${column}`,
  );
  return problem(level, place, message, excerpt(`${line}`, text[line - 1] ?? "", column));
}

function problem(level, place, message, source) {
  const word = level === "error" ? "Error" : "Warning";
  return el(
    "li",
    { className: `problem ${level}` },
    el("p", {}, el("span", { className: "what" }, `${word} `), place, el("br"), message),
    source,
  );
}

/** A line with its number and a caret below the column, as compilers show it. */
function excerpt(number, line, column) {
  const from = Math.max(0, column - 60);
  const shown = line.slice(from, from + 100).replaceAll("\t", " ");
  const caret = " ".repeat(number.length + 3 + column - 1 - from);
  return el("pre", { "aria-hidden": "true" }, `${number} │ ${shown}\n${caret}`, el("b", {}, "▲"));
}

/** Gives the record, if there is one. */
function showRecord(text) {
  $("record-summary").replaceChildren();
  $("record-problems").replaceChildren();
  $("record-status").textContent = "";
  $("record").setAttribute("aria-invalid", "false");
  const records = txtRecords(text);
  if (records.length === 0) return undefined;
  try {
    const record = Record.select(records.map(({ record }) => record));
    $("record-summary").append(
      note(
        "good",
        "A legal record",
        el("dl", { className: "facts" }, el("dt", {}, "id"), el("dd", {}, record.id)),
      ),
    );
    $("record-status").textContent = `A legal record, id ${record.id}`;
    return record;
  } catch (error) {
    if (!(error instanceof MtastsError)) throw error;
    showRecordError(error, records);
    return undefined;
  }
}

function showRecordError(error, records) {
  const text =
    "Senders take it for none: they do not look for a policy, and go on with one that they remember.";
  $("record-summary").append(note("error", "No legal record", el("p", {}, text)));
  $("record").setAttribute("aria-invalid", "true");
  $("record-status").textContent = `No legal record: ${error.message}`;
  const wrong =
    records.length === 1 ? records[0] : records.find(({ record }) => decode(record).startsWith("v=STSv1;"));
  const isOne = error.kind !== "several-records" && error.kind !== "no-record" && wrong;
  if (!isOne) {
    $("record-problems").append(problem("error", "", error.message));
    return;
  }
  const column = wrong.columns[error.offset] ?? (wrong.columns.at(-1) ?? 0) + 1;
  const place = `Line ${wrong.number}, column ${column}`;
  $("record-problems").append(
    problem("error", place, error.message, excerpt(`${wrong.number}`, wrong.line, column)),
  );
}

function showVerdicts(policy) {
  $("verdicts").replaceChildren();
  if (!policy) return;
  const named = hosts($("hosts").value)
    .slice(0, MOST_HOSTS)
    .map((host) => ({ host, name: host }));
  const rows = named.length > 0 ? named : anyHosts(policy);
  const outcome = Outcome.local("policy.invalid", policy);
  $("verdicts").append(
    el("h3", { id: "verdicts-h" }, "What a sender does with the mail"),
    table(rows, policy, outcome),
  );
}

/** Two hosts that stand for all, where none is named. */
function anyHosts(policy) {
  const listed = policy.mx.map((pattern) => ({
    host: pattern.replace(/^\*/, "mx"),
    name: "A host that the policy lists",
  }));
  return [...listed.slice(0, 1), { host: "unlisted.invalid", name: "Any other host" }];
}

function table(rows, policy, outcome) {
  const caption =
    "For a sender that knows this policy and does no DANE for these hosts. “Waits” is with regard to one host: a sender tries the others, and keeps the mail if none will do.";
  const head = el(
    "thead",
    {},
    el(
      "tr",
      {},
      ["The session", "The mail", "Reported as"].map((text) => el("th", { scope: "col" }, text)),
    ),
  );
  const bodies = rows.map((row, index) => body(row, index, policy, outcome));
  return el(
    "table",
    { className: "matrix", "aria-labelledby": "verdicts-h" },
    el("caption", {}, caption),
    head,
    ...bodies,
  );
}

function body({ host, name }, index, policy, outcome) {
  const ascii = toAscii(host);
  const pattern = policy.patternFor(ascii);
  const match =
    pattern === undefined
      ? el("span", { className: "unlisted" }, "✕ not listed")
      : el(
          "span",
          { className: "listed" },
          `✓ listed${pattern === ascii.toLowerCase().replace(/\.$/, "") ? "" : ` by ${pattern}`}`,
        );
  const head = el(
    "tr",
    {},
    el("th", { scope: "rowgroup", colspan: "3", id: `host-${index}` }, el("b", {}, name), " ", match),
  );
  return el("tbody", { "data-host": host }, head, rowsFor(ascii, outcome));
}

/** A row for each session; where all are alike, one for all of them. */
function rowsFor(mxHost, outcome) {
  const judged = SESSIONS.map(([name, session]) => ({ name, ...outcome.verdict({ mxHost, ...session }) }));
  const isSame = judged.every(
    ({ action, cause }) => action === judged[0].action && cause === judged[0].cause,
  );
  const rows = isSame ? [{ ...judged[0], name: "Whatever the session" }] : judged;
  return rows.map(({ name, action, result, explanation }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, name),
      el("td", {}, act(action, result)),
      el("td", { title: explanation }, result ? el("code", {}, result) : "–"),
    ),
  );
}

function act(action, result) {
  if (action !== "deliver") return el("span", { className: "act defer" }, "waits");
  if (result) return el("span", { className: "act report" }, "is delivered");
  return el("span", { className: "act deliver" }, "is delivered");
}
