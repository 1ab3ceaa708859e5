// SPDX-License-Identifier: MIT OR Apache-2.0
// The few things that the page does with its document again and again.

/** The element of this id. */
export const $ = (id) => document.getElementById(id);

/** An element with properties or attributes and content; texts are texts, never markup. */
export function el(name, attributes = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key === "className" ? "class" : key, value === true ? "" : value);
  }
  element.append(...content.flat().filter((part) => part !== undefined && part !== ""));
  return element;
}

let saying;

/** Has a screen reader say this when nothing else has been to say for a moment. */
export function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => sayNow(text), 400);
}

function sayNow(text) {
  clearTimeout(saying);
  $("said").textContent = text;
}

/** Calls `work`, which fills `region`, when nobody has typed for a moment. */
export function settled(region, work) {
  let waiting;
  const run = () => {
    work();
    region.setAttribute("aria-busy", "false");
  };
  return () => {
    region.setAttribute("aria-busy", "true");
    clearTimeout(waiting);
    waiting = setTimeout(run, 120);
  };
}

/** Makes the element's tabs (role `tab`) work with mouse and arrow keys. */
export function tabs(list, onChange) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const select = (tab, focus) => {
    for (const other of all) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    }
    if (focus) tab.focus();
    onChange(tab, focus);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) select(tab, false);
  });
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    select(all.at(to % all.length), true);
  });
  return select;
}

/** A text to take away: a title, buttons, the text. `fileName` has it downloaded too. */
export function artefact({ title, name, text, fileName, id }) {
  const label = name ?? title;
  const buttons = [
    el("button", { type: "button", "aria-label": `Copy ${label}`, onclick: () => copy(text, label) }, "Copy"),
  ];
  if (fileName) {
    const save = () => download(text, fileName);
    buttons.push(
      el(
        "button",
        { type: "button", "aria-label": `Download ${label} as ${fileName}`, onclick: save },
        "Download",
      ),
    );
  }
  const pre = el(
    "pre",
    { tabindex: "0", role: "group", "aria-label": label, id },
    text.replaceAll("\r\n", "\n"),
  );
  return el("div", { className: "artefact" }, el("header", {}, el("span", {}, title), ...buttons), pre);
}

async function copy(text, label) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text);
  }
  sayNow(`Copied: ${label}`);
  toast(`Copied: ${label}`);
}

/** For a page that is opened where the clipboard is not given to scripts. */
function copyBySelection(text) {
  const area = el("textarea", { className: "hidden", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function download(text, fileName) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  el("a", { href: url, download: fileName }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  sayNow(`Downloaded: ${fileName}`);
  toast(`Downloaded: ${fileName}`);
}

/** Shows a word at the lower edge for a moment; `say` is for those who do not see it. */
function toast(text) {
  $("toast")?.remove();
  const shown = el("div", { id: "toast", className: "toast", "aria-hidden": "true" }, text);
  document.body.append(shown);
  setTimeout(() => shown.remove(), 2500);
}
