#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gathers what run.sh has measured, from the files in build/bench, into build/bench.json, and
prints it, each figure beside its target. What was not measured is shown as such.
"""

from __future__ import annotations

import json
import os
import pathlib
import platform
import re
import subprocess
import time
from typing import Any

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build"
FILES = BUILD / "bench"

# A figure's name, what it is, its target.
FIGURES: list[tuple[str, str, float | None]] = [
    ("record_parse", "parse a record", 40),
    ("policy_parse", "parse a six-line policy", 150),
    ("match_last", "match a host against five patterns: the last one", 15),
    ("match_last_in_capitals", "  the last one, in capitals", 15),
    ("match_wildcard", "  a wildcard, the fourth", 15),
    ("match_none", "  none", 15),
    ("abi_verdict", "a verdict from a cached outcome, C ABI", 60),
    ("abi_verdict_allocations", "  heap allocations", 0),
    ("store_lookup_1000000", "a look-up in the store, 1 000 000 domains", 3000),
    ("library", "libmtasts.so, stripped", 640_000),
    ("start", "mtasts --version, with its process", 5e6),
    ("report_show", "report show of 1 000 gzipped reports", 1e9),
    ("python_match_times", "Policy.matches in Python, in empty calls of ctypes", 2000),
    ("python_cached", "DefaultHost.resolve in Python, from the store", 25_000),
    ("python_audit", "an audit of 1 000 domains of the lab in Python", 5e9),
    ("verdict", "a verdict, Rust", None),
    ("lookup_cached", "a look-up of what is at hand, and its verdict, Rust", None),
    ("reply_accept", "accept an HTTPS reply", None),
    ("stored_parse", "read a stored entry", None),
    ("stored_write", "write a stored entry", None),
    ("abi_match", "match a host against five patterns, C ABI", None),
    ("abi_empty", "mtasts_abi_version, for comparison", None),
    ("abi_lookup", "mtasts_resolve from a store, C ABI", None),
    ("abi_lookup_allocations", "  heap allocations", None),
    ("python_match", "Policy.matches in Python", None),
    ("python_empty", "an empty call of ctypes with the same arguments", None),
]

# What the same costs through another door, in what it costs in Rust.
RATIOS = [
    ("abi_match", "match_last", "match a host: C ABI, to Rust"),
    ("abi_verdict", "verdict", "a verdict: C ABI, to Rust"),
    ("component_verdict", "verdict", "a verdict: component in Node, to Rust"),
]

# The parts that print their own tables.
PARTS = {
    "check": "mtasts check",
    "component": "The component",
    "envoy": "The Envoy plugin",
    "js": "The npm package",
}

CURVE = ["lookup", "lookup_p99", "load", "load_p99", "miss", "save", "first", "process"]
SIZES = [100, 1_000, 10_000, 100_000, 1_000_000]

Row = dict[str, Any]


def lines(name: str) -> list[list[str]]:
    """A file of what is between tabs; none if it is not there."""
    file = FILES / name
    return [line.split("\t") for line in file.read_text().splitlines()] if file.exists() else []


def measured() -> dict[str, tuple[float, str]]:
    """Each figure's value and unit. Of several runs the least counts, as other work on the machine
    only adds; what is counted is no matter of luck, and there the most counts."""
    values: dict[str, tuple[float, str]] = {}
    for name, value, unit in lines("figures.tsv"):
        pick = max if unit == "count" else min
        values[name] = (pick(float(value), values.get(name, (float(value), ""))[0]), unit)
    return values


def text(value: float, unit: str) -> str:
    """For a person."""
    if unit != "ns":
        scale, form = {"octets": (1000, "{:.1f} KB"), "thousandths": (1000, "{:.2f}")}.get(
            unit, (1, "{:g}")
        )
        return form.format(value / scale)
    for least, name in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if value >= least:
            return f"{value / least:.2f} {name}"
    return f"{value:.1f} ns"


def figure(known: dict[str, tuple[float, str]], name: str, what: str, target: float | None) -> Row:
    """A row of the first table."""
    if name not in known:
        return {"name": name, "what": what, "measured": "none", "target": "",
                "met": "" if target is None else "NO"}  # fmt: skip
    value, unit = known[name]
    met = "" if target is None else "yes" if value <= target else "NO"
    wanted = "" if target is None else text(target, unit)
    return {"name": name, "what": what, "value": value, "unit": unit, "met": met,
            "measured": text(value, unit), "target": wanted}  # fmt: skip


def part(name: str) -> list[Row]:
    """The rows that a part has printed: what it is in 58 columns, then up to three cells; or before
    a colon, then one."""
    file = BUILD / f"bench-{name}.txt"
    printed = file.read_text().splitlines() if file.exists() else []
    rows = []
    for line in printed:
        what, cells = line[:58].rstrip(), re.split(r"\s{2,}", line[58:].strip())
        if cells == [""] and ": " in what:
            what, cells = what.split(": ", 1)[0], [what.split(": ", 1)[1]]
        if cells != [""] and cells[0] != "measured":
            rows.append({"what": what, **dict(zip(("measured", "target", "met"), cells))})
    return rows


def component_verdict(rows: list[Row]) -> tuple[float, str] | None:
    """From the component's own table."""
    for row in rows:
        if row["what"].startswith("a verdict") and row["measured"].endswith(" ns"):
            return float(row["measured"].split()[0]), "ns"
    return None


def ratios(known: dict[str, tuple[float, str]]) -> list[Row]:
    """Those of which both sides are known."""
    both = [row for row in RATIOS if row[0] in known and row[1] in known]
    return [{"what": what, "ratio": known[one][0] / known[other][0]} for one, other, what in both]


def growth(known: dict[str, tuple[float, str]]) -> dict[str, dict[int, float]]:
    """Nanoseconds by the number of domains."""
    names = ["engine_ask", *[f"store_{name}" for name in CURVE]]
    curves = {
        name: {n: known[f"{name}_{n}"][0] for n in SIZES if f"{name}_{n}" in known}
        for name in names
    }
    return {name: curve for name, curve in curves.items() if curve}


def peers() -> list[Row]:
    """The crates, beside the engine."""
    keys = ("subject", "name", "ns", "ratio")
    rows: list[Row] = [dict(zip(keys, line, strict=True)) for line in lines("peers.tsv")]
    return [{**row, "ns": float(row["ns"]), "ratio": float(row["ratio"])} for row in rows]


def load_json(file: pathlib.Path) -> Any:
    """None if it is not there."""
    return json.loads(file.read_text()) if file.exists() else None


def machine() -> dict[str, Any]:
    """Where this was measured."""
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    facts = dict(lines("machine.tsv"))
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "rustc": subprocess.check_output(["rustc", "--version"], text=True).strip(),
        "cc": subprocess.check_output(["cc", "--version"], text=True).splitlines()[0],
        "load after": f"{os.getloadavg()[0]:.1f}",
        **facts,
    }


def gather() -> dict[str, Any]:
    """Everything."""
    known = measured()
    parts = {name: part(name) for name in PARTS}
    component = component_verdict(parts["component"])
    if component:
        known["component_verdict"] = component
    return {
        "machine": machine(),
        "figures": [figure(known, *row) for row in FIGURES],
        "ratios": ratios(known),
        "growth": growth(known),
        "peers": peers(),
        "instructions": load_json(FILES / "instructions.json"),
        "server": load_json(BUILD / "bench-server.json"),
        "parts": parts,
    }


def show(what: str, measured: str, target: str = "", met: str = "") -> None:
    """A line of a table."""
    print(f"{what:<58} {measured:>12} {target:>12} {met:>6}".rstrip())


def report(results: dict[str, Any]) -> None:
    """The tables; those of the parts have been printed."""
    for name, value in results["machine"].items():
        print(f"{name}: {value}")
    print()
    show("figure", "measured", "target", "met")
    for row in results["figures"]:
        show(row["what"], row["measured"], row["target"], row["met"])
    for row in results["ratios"]:
        show(row["what"], f"{row['ratio']:.2f}")
    print("\nBeside other crates: the least of all rounds, and the median of the ratios.")
    for row in results["peers"]:
        show(f"{row['subject']}, {row['name']}", f"{row['ns']:.1f} ns", f"{row['ratio']:.2f}")
    print("\nBy the number of domains, in microseconds: a warm answer of the engine; the store,")
    print("where a look-up is to load an entry and to read it; a save is synced; first: a process that")
    print("has just begun opens the store and looks up; process: all of its life.")
    print(f"{'':17}" + "".join(f"{size:>11}" for size in SIZES))
    for name, curve in results["growth"].items():
        cells = [f"{curve[size] / 1000:11.3f}" if size in curve else f"{'':11}" for size in SIZES]
        print(f"{name:17}" + "".join(cells))


def main() -> None:
    """Gathers, writes, prints."""
    results = gather()
    (BUILD / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    report(results)


if __name__ == "__main__":
    main()
