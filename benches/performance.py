#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes docs/performance.md and its plots of build/bench.json, which run.sh has left. Says what was
missed, and what was not measured.
"""

from __future__ import annotations

import json
import pathlib
import statistics
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from plots import Bars, Lines
from results import PARTS

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"
PLOTS = ROOT / "docs/performance"

SUBJECTS = {
    "record_parse": "parse a record, read its id",
    "policy_parse": "parse a six-line policy",
    "match_last": "match: the last of five",
    "match_last_in_capitals": "match: in capitals",
    "match_wildcard": "match: a wildcard",
    "match_none": "match: none of five",
    "verdict": "a verdict",
}

# Where a crate does less than the engine, or the same by other means.
LESS = {
    ("record_parse", "mailrs-mta-sts"): "takes text that is UTF-8 already; does not look at what "
    "the id, names and other fields are made of",
    ("record_parse", "mail-auth"): "does not look at the id's length, nor at other fields",
    ("policy_parse", "mailrs-mta-sts"): "takes text that is UTF-8 already; does not check that mx "
    "is a host name, nor the form of lines that it does not know; keeps no text",
    ("verdict", "mailrs-mta-sts"): "by the MX host's name alone: no TLS, no certificate, no DANE",
}
for _match in ("match_last", "match_last_in_capitals", "match_wildcard", "match_none"):
    LESS[_match, "mailrs-mta-sts"] = "does not check that a wildcard's label is one"

INTRO = """# Performance

What `make bench` has measured on one machine; `benches/performance.py` writes this page. Nothing was
tuned for it: the library is built as it is installed. Other work on the machine only adds, so that
of repeated measurements the least counts, and ratios are medians of ratios taken in turns; seconds
on another machine are others. What is noisy in seconds is held by instructions, in CI
(`benches/instructions.py`).
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """In Markdown; the first column is text, the others are figures."""
    head = list(head)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in [head, rule, *map(list, rows)]] + [""]


def met(word: str) -> str:
    """Missed targets are to be seen."""
    return {"NO": "**missed**", "MISS": "**missed**", "PASS": "yes"}.get(word, word)


def indented(what: str) -> str:
    """A line that belongs to the one before."""
    return f"– {what.strip()}" if what.startswith("  ") else what


def machine(results: Any) -> list[str]:
    """Where this was measured."""
    facts = results["machine"]
    loads = [float(value) for key, value in facts.items() if key.startswith("load")]
    busy = (
        "**Other work kept the machine busy** (the load is above the number of cores): times of "
        "milliseconds and more, percentiles and queries a second are worse than on an idle one."
    )
    note = [busy, ""] if max(loads) > facts["cores"] else []
    return ["## The machine", "", *(f"* {k}: {v}" for k, v in facts.items()), "", *note]


def figures(results: Any) -> list[str]:
    """Each beside its target."""
    rows = [(indented(row["what"]), row["measured"], row["target"], met(row["met"]))
            for row in results["figures"]]  # fmt: skip
    page = ["## The parts", "", *table(["", "measured", "target", "met"], rows)]
    if results["ratios"]:
        doors = [(row["what"], f"{row['ratio']:.2f}") for row in results["ratios"]]
        page += ["The same through another door:", "", *table(["", "ratio"], doors)]
    return page


def peers(results: Any) -> list[str]:
    """The crates that do some of the same."""
    if not results["peers"]:
        return ["## Other crates", "", "Not measured.", ""]
    groups: dict[str, dict[str, float]] = {}
    for row in results["peers"]:
        groups.setdefault(row["subject"], {})[row["name"]] = row["ns"]
    names = list(dict.fromkeys(row["name"] for row in results["peers"]))
    bars = Bars("Nanoseconds a call, beside other crates", names,
                [(SUBJECTS[key], values) for key, values in groups.items()], "ns")  # fmt: skip
    (PLOTS / "peers.svg").write_text(bars.draw())
    rows = [
        (SUBJECTS[row["subject"]], row["name"], f"{row['ns']:.1f} ns", f"{row['ratio']:.2f}",
         LESS.get((row["subject"], row["name"]), ""))
        for row in results["peers"]
    ]  # fmt: skip
    return ["## Other crates", "", "In one process, in turns. The ratio is to `mtasts`: above 1 is "
            "slower. Versions are in `benches/peers/Cargo.lock`; mail-auth reads no policies.", "",
            "![Nanoseconds a call](performance/peers.svg)", "",
            *table(["", "crate", "a call", "ratio", "does less"], rows)]  # fmt: skip


def growth(results: Any) -> list[str]:
    """By the number of domains."""
    curves = {name: {int(n): value for n, value in curve.items()}
              for name, curve in results["growth"].items()}  # fmt: skip
    if not curves:
        return ["## Many domains", "", "Not measured.", ""]
    names = {"engine_ask": "engine, a warm answer", "store_lookup": "store, a look-up",
             "store_miss": "store, no such domain", "store_first": "store, in a new process"}
    drawn = {words: curves[name] for name, words in names.items() if name in curves}
    lines = Lines("Time by the number of domains", drawn, "domains")
    (PLOTS / "growth.svg").write_text(lines.draw())
    sizes = sorted({size for curve in curves.values() for size in curve})
    rows = [
        (name.replace("_", " "),
         *(f"{curve[size] / 1000:.2f}" if size in curve else "" for size in sizes))
        for name, curve in curves.items()
    ]  # fmt: skip
    return ["## Many domains", "", "In microseconds: medians; of the engine the least mean. Its "
            "warm answer comes from its table in memory, domains in random order. In the store a "
            "look-up is to load an entry and to read it; a save is synced; `first` opens the store "
            "in a new process and looks one domain up; `process` is all of that process.", "",
            "![Time by the number of domains](performance/growth.svg)", "",
            *table(["", *(f"{size:,}".replace(",", " ") for size in sizes)], rows)]  # fmt: skip


def server(results: Any) -> list[str]:
    """`mtasts serve`, an echo and postfix-mta-sts-resolver."""
    found = results["server"]
    if not found:
        return ["## The policy server", "", "Not measured.", ""]
    groups: dict[str, dict[str, list[float]]] = {}
    for run in found["runs"]:
        plural = "s" if run["connections"] > 1 else ""
        group = groups.setdefault(f"{run['connections']} connection{plural}", {})
        group.setdefault(run["server"], []).append(run["qps"])
    names = list(dict.fromkeys(run["server"] for run in found["runs"]))
    medians = [
        (group, {name: statistics.median(values) for name, values in servers.items()})
        for group, servers in groups.items()
    ]
    names.sort(key=lambda name: (name != "mtasts", name))
    bars = Bars("Queries a second, all domains known", names, medians, "/s")
    (PLOTS / "server.svg").write_text(bars.draw())
    rows = [
        (indented(row["name"]), f"{row['value']:.4g}", wanted(row), met(row["met"]))
        for row in found["figures"]
    ]
    return ["## The policy server", "", "`mtasts serve` as Postfix asks it, beside the barest "
            "server that can answer (echo, in C; tokio, the same in Rust) and "
            f"postfix-mta-sts-resolver ({found['machine']['resolver']}).", "",
            "![Queries a second](performance/server.svg)", "",
            *table(["", "measured", "target", "met"], rows)]  # fmt: skip


def wanted(row: Any) -> str:
    """A figure's target in words."""
    if row["most"] is not None:
        return f"≤ {row['most']:g}"
    return "" if row["least"] is None else f"≥ {row['least']:g}"


def parts(results: Any) -> Iterator[str]:
    """Those that print their own tables."""
    for name, title in PARTS.items():
        rows = [
            (indented(row["what"]), row["measured"], row.get("target", ""), met(row.get("met", "")))
            for row in results["parts"][name]
        ]
        cells = table(["", "measured", "target", "met"], rows) if rows else ["Not measured.", ""]
        yield from [f"## {title}", "", *cells]


def instructions(results: Any) -> list[str]:
    """What callgrind counts."""
    found = results["instructions"]
    if not found:
        return ["## Instructions", "", "Not counted.", ""]
    rows = [(name, f"{count:.0f}") for name, count in found["instructions"].items()]
    made = ", ".join(f"{key} {value}" for key, value in found["toolchain"].items())
    return ["## Instructions", "", f"Of a call, by callgrind; {made}.", "",
            *table(["", "instructions"], rows)]  # fmt: skip


def main() -> int:
    """Writes the page."""
    results = json.loads((ROOT / "build/bench.json").read_text())
    PLOTS.mkdir(exist_ok=True)
    page = [INTRO, *machine(results), *figures(results), *peers(results), *growth(results),
            *server(results), *parts(results), *instructions(results)]  # fmt: skip
    PAGE.write_text("\n".join(page).rstrip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
