// SPDX-License-Identifier: MIT OR Apache-2.0
// The page begins here: two views, of which one is seen.

import { check } from "./check.js";
import { $, el, tabs } from "./dom.js";
import { planFrom, publish } from "./publish.js";

/** A mistake of ours, or a browser without WebAssembly: nothing on the page is to be believed then. */
addEventListener("error", ({ message }) => {
  $("failure").hidden = false;
  $("failure").replaceChildren(
    el("strong", {}, "The workbench does not work here"),
    el("p", {}, `Please reload the page. The browser says: ${message}`),
  );
});

const select = tabs($("views"), (tab, byKey) => {
  for (const other of $("views").children) $(other.getAttribute("aria-controls")).hidden = other !== tab;
  if (byKey !== undefined) history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`);
});

check((policy, record, hosts) => {
  select($("tab-publish"), false);
  planFrom(policy, record, hosts);
  $("domain").focus();
});
publish();
if (location.hash === "#publish") select($("tab-publish"));
document.documentElement.dataset.ready = "true";
