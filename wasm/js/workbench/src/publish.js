// SPDX-License-Identifier: MIT OR Apache-2.0
// The view "Publish": from a form to files, records, configuration and the order of steps.

import {
  MtastsError,
  Policy,
  PublishError,
  Record,
  configuration,
  nextId,
  plan,
  toPolicyDomain,
  writePolicy,
  writeRecord,
  writeTlsrptRecord,
  zoneLines,
} from "mtasts";
import { $, artefact, el, say, settled, tabs } from "./dom.js";
import { hostLines, hosts, lines, toAscii, txtRecords } from "./read.js";

const SERVERS = { nginx: "nginx", caddy: "Caddy", apache: "Apache", envoy: "Envoy" };
const FIELDS = [
  "domain",
  "mx",
  "max_age",
  "rua",
  "address",
  "present-policy",
  "present-record",
  "longest",
  "path",
  "ttl",
];
const INPUTS = { max_age: ["age", "max_age"], path: ["certificate", "key", "root"] };

let server = "nginx";

/** What a field holds is no good. */
class Refused extends Error {
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/** Makes the view work. */
export function publish() {
  const later = settled($("publish-region"), show);
  $("publish-form").addEventListener("input", later);
  $("publish-form").addEventListener("change", later);
  $("publish-form").addEventListener("submit", (event) => event.preventDefault());
  $("age").addEventListener("change", chooseAge);
}

/** Begins from what is published. */
export function planFrom(policyText, recordText, named) {
  const policy = Policy.parse(policyText);
  $("present-policy").value = policyText;
  $("present-record").value = recordText;
  $("present").open = true;
  $("mx").value = policy.mx.join("\n");
  $("max_age").value = String(policy.maxAge);
  $("named").value = named.join("\n");
  const mode = policy.mode === "testing" ? "enforce" : policy.mode;
  document.querySelector(`input[name=mode][value=${mode}]`).checked = true;
  const known = [...$("age").options].some((option) => option.value === $("max_age").value);
  $("age").value = known ? $("max_age").value : "";
  chooseAge();
  show();
}

function chooseAge() {
  const isOther = $("age").value === "";
  $("age-other").hidden = !isOther;
  if (!isOther) $("max_age").value = $("age").value;
}

/** Where the files are by custom, as long as nobody says otherwise. */
function usualPaths(domain) {
  const host = `mta-sts.${domain}`;
  const usual = {
    certificate: `/etc/letsencrypt/live/${host}/fullchain.pem`,
    key: `/etc/letsencrypt/live/${host}/privkey.pem`,
    root: `/var/www/${host}`,
  };
  for (const [id, path] of Object.entries(usual)) $(id).placeholder = path;
}

function show() {
  FIELDS.forEach((field) => refuse(field, ""));
  const isEmpty = $("domain").value.trim() === "" || ($("mx").value.trim() === "" && mode() !== "none");
  const made = isEmpty ? undefined : attempt(make);
  $("publish-results").hidden = !made;
  $("publish-empty").hidden = Boolean(made);
  if (made) render(made);
  else showRefusal(isEmpty ? undefined : FIELDS.find((field) => $(`${field}-error`).textContent !== ""));
}

/** What is in the way of the results, in their place: its field may be out of sight. */
function showRefusal(field) {
  const hint = el("p", {}, "Give a domain and its MX hosts: the files, records and steps stand here.");
  if (field === undefined) return $("publish-empty").replaceChildren(hint);
  const message = $(`${field}-error`).textContent;
  const input = document.querySelector(`[aria-describedby~="${field}-error"]:not([hidden] *)`);
  const go = el(
    "button",
    { type: "button", onclick: () => input.focus() },
    `Go to “${input.labels[0].firstChild.textContent.trim()}”`,
  );
  $("publish-empty").replaceChildren(
    el("p", { className: "field-error" }, message),
    el("p", { className: "row" }, go),
  );
  return say(message);
}

/** What `work` gives; what it refuses is said at its field. */
function attempt(work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refused) refuse(error.field, error.message);
    else if (error instanceof PublishError) refuse(error.field, placed(error));
    else throw error;
    return undefined;
  }
}

/** `Line 2: …`, where the field is a list. */
function placed({ field, index, message }) {
  if (index === undefined) return sentence(message);
  const listed = field === "mx" ? hostLines($(field).value) : lines($(field).value);
  const number = listed[index]?.number ?? index + 1;
  return `Line ${number}: ${message}`;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function refuse(field, message) {
  const shown = $(`${field}-error`);
  shown.textContent = message;
  const details = shown.closest("details");
  if (details && message !== "") details.open = true;
  for (const id of INPUTS[field] ?? [field]) $(id).setAttribute("aria-invalid", String(message !== ""));
}

const mode = () => document.querySelector("input[name=mode]:checked").value;

function make() {
  const domain = readDomain();
  usualPaths(domain);
  const draft = {
    mode: mode(),
    maxAge: readSeconds("max_age"),
    mx: mode() === "none" ? [] : hosts($("mx").value).map(toAscii),
  };
  const policy = writePolicy(draft);
  const options = { present: readPresent(draft.mode), now: Date.now() };
  const steps = plan(domain, draft, options);
  const now = firstOf(steps) ?? { policy: policy.text, record: writeRecord(nextId(draft, options)) };
  const rua = lines($("rua").value).map(({ line }) => line.trim());
  const tlsrpt = rua.length > 0 ? writeTlsrptRecord(rua) : undefined;
  const zone = zoneLines(domain, {
    address: $("address").value,
    record: now.record,
    tlsrpt,
    ttl: readSeconds("ttl"),
  });
  const served = { ...Policy.parse(now.policy).toJSON() };
  const configure = (name) => configuration(name, domain, served, paths());
  configure(server);
  return { domain, policy, now, tlsrpt, zone, steps, configure };
}

/** The policy and the record with which a plan begins. */
function firstOf(steps) {
  const policy = steps.find((step) => step.policy)?.policy;
  const record = steps.find((step) => step.record)?.record;
  return policy && record ? { policy, record } : undefined;
}

function readDomain() {
  try {
    return toPolicyDomain($("domain").value.trim());
  } catch (error) {
    if (!(error instanceof MtastsError)) throw error;
    throw new Refused("domain", sentence(error.message));
  }
}

function readSeconds(id) {
  const text = $(id).value.trim();
  if (!/^\d{1,9}$/.test(text)) throw new Refused(id, "A whole number of seconds, please.");
  return Number(text);
}

function readPresent(wanted) {
  if ($("present-policy").value.trim() === "") {
    if (wanted !== "none") return undefined;
    $("present").open = true;
    throw new Refused(
      "present-policy",
      "To plan the way out, paste the policy and the record that are published now.",
    );
  }
  const longestMaxAge = $("longest").value.trim() === "" ? undefined : readSeconds("longest");
  const named = hosts($("named").value).map(toAscii);
  return {
    policy: readPresentPolicy(),
    id: readPresentId(),
    longestMaxAge,
    mxHosts: named.length > 0 ? named : undefined,
  };
}

function readPresentPolicy() {
  try {
    return Policy.parse($("present-policy").value);
  } catch (error) {
    if (!(error instanceof MtastsError)) throw error;
    throw new Refused("present-policy", `Line ${error.line}: ${error.message}`);
  }
}

function readPresentId() {
  try {
    return Record.select(txtRecords($("present-record").value).map(({ record }) => record)).id;
  } catch (error) {
    if (!(error instanceof MtastsError)) throw error;
    throw new Refused("present-record", sentence(error.message));
  }
}

function paths() {
  const path = (id) => $(id).value.trim() || $(id).placeholder;
  return { certificate: { chain: path("certificate"), key: path("key") }, root: path("root") };
}

function render(made) {
  $("advice").replaceChildren(
    ...made.policy.advice.map((text) => el("li", { className: "problem warning" }, el("p", {}, text))),
  );
  $("plan").replaceChildren(...made.steps.map(step));
  if (made.steps.length === 0)
    $("plan").append(el("li", {}, el("b", {}, "Nothing to do"), "What is published is what you want."));
  $("artefacts").replaceChildren(...artefacts(made));
  say(`${made.steps.length} steps, and what to publish.`);
}

function step({ title, detail, section, policy, record, wait }, index) {
  const of = `of step ${index + 1}`;
  const content = [el("b", {}, title), `${detail} `, el("span", { className: "section" }, section)];
  if (policy)
    content.push(
      artefact({ title: "mta-sts.txt", name: `policy ${of}`, text: policy, fileName: "mta-sts.txt" }),
    );
  if (record) content.push(artefact({ title: "TXT record", name: `record ${of}`, text: record }));
  if (wait) content.push(el("p", { className: "wait" }, wait));
  return el("li", {}, ...content);
}

function artefacts({ domain, now, tlsrpt, zone, configure }) {
  const parts = [
    el("h3", {}, "Policy"),
    el(
      "p",
      { className: "note-text" },
      "The first one of the plan. Lines end in CRLF, in the copy and in the file.",
    ),
    artefact({
      title: `https://mta-sts.${domain}/.well-known/mta-sts.txt`,
      name: "policy",
      text: now.policy,
      fileName: "mta-sts.txt",
      id: "made-policy",
    }),
    el("h3", {}, "Record"),
    artefact({ title: `TXT at _mta-sts.${domain}`, name: "record", text: now.record, id: "made-record" }),
  ];
  if (tlsrpt) {
    parts.push(
      el("h3", {}, "TLSRPT record"),
      artefact({
        title: `TXT at _smtp._tls.${domain}`,
        name: "TLSRPT record",
        text: tlsrpt,
        id: "made-tlsrpt",
      }),
    );
  }
  parts.push(
    el("h3", {}, "Zone file"),
    artefact({
      title: `Lines for the zone of ${domain}`,
      name: "zone lines",
      text: zone,
      fileName: `${domain}.zone`,
      id: "made-zone",
    }),
  );
  parts.push(el("h3", { id: "server-h" }, "Web server"), ...servers(configure));
  return parts;
}

function servers(configure) {
  const list = el(
    "div",
    { role: "tablist", className: "tabs servers", "aria-labelledby": "server-h" },
    Object.entries(SERVERS).map(([id, name]) =>
      el(
        "button",
        {
          type: "button",
          role: "tab",
          id: `server-${id}`,
          "data-server": id,
          "aria-controls": "server-panel",
        },
        name,
      ),
    ),
  );
  const panel = el("div", { role: "tabpanel", id: "server-panel", tabindex: "-1" });
  const select = tabs(list, (tab) => {
    server = tab.dataset.server;
    panel.setAttribute("aria-labelledby", tab.id);
    panel.replaceChildren(...configured(configure(server)));
  });
  select(list.querySelector(`[data-server=${server}]`), false);
  return [list, panel];
}

function configured({ text, fileName, policyFile }) {
  const where = policyFile
    ? [
        "It serves the policy’s file, which has to be at ",
        el("code", {}, policyFile),
        ", alone in its folder.",
      ]
    : ["It holds the policy itself: no other file is needed, and a new policy means a new configuration."];
  const certificate = server === "caddy" ? " Caddy gets the certificate by itself." : "";
  return [
    el("p", { className: "note-text" }, ...where, certificate),
    artefact({
      title: fileName,
      name: `${SERVERS[server]} configuration`,
      text,
      fileName,
      id: "made-configuration",
    }),
  ];
}
