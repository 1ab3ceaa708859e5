#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counts by callgrind what the hot paths take in instructions, which no other work on the machine
changes, and compares with instructions.json: more than 5 % off fails, up or down, so that what is
gained stays. `instructions.py --renew` writes the file. With another toolchain than the file's the
counts are shown and nothing fails. Needs `make lib`.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches/instructions.json"
LIB = ROOT / "build/lib"
CALLS = 100  # as in instructions.rs and abi.c
ALLOWED = 0.05


def output(*command: str | pathlib.Path) -> str:
    """What a command prints."""
    return subprocess.check_output([str(word) for word in command], cwd=ROOT, text=True)


def toolchain() -> dict[str, str]:
    """All that counts hang on besides the source."""
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "rustc": output("rustc", "--version").strip(),
        "cc": output(os.environ.get("CC", "cc"), "-dumpfullversion").strip(),
        "libc": os.confstr("CS_GNU_LIBC_VERSION") or "",
        "valgrind": output("valgrind", "--version").strip(),
        "machine": os.uname().machine,
        "avx2": str("avx2" in (flags[1].split() if flags else [])).lower(),
    }


def build_engine() -> pathlib.Path:
    """instructions.rs."""
    cargo = os.environ.get("CARGO", "cargo")
    words = "build -q --release -p mtasts --features report --bench instructions"
    messages = output(cargo, *words.split(), "--message-format", "json").splitlines()
    made = [message["executable"] for message in map(json.loads, messages)
            if message["reason"] == "compiler-artifact" and message.get("executable")]  # fmt: skip
    return pathlib.Path(made[-1])


def build_abi() -> pathlib.Path:
    """abi.c, with the library."""
    program = ROOT / "build/bench-abi"
    words = "-std=c99 -O2 -Wall -Wextra -Wpedantic -Werror -I include benches/abi.c -o"
    output(os.environ.get("CC", "cc"), *words.split(), program, "-L", LIB, "-lmtasts",
           f"-Wl,-rpath,{LIB}")  # fmt: skip
    return program


def counts(function: str, *command: str | pathlib.Path) -> dict[str, float]:
    """The instructions of a call of each subject that the program names."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out")
        names = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no",
             f"--toggle-collect={function}", f"--dump-after={function}", *map(str, command)],
            env={**os.environ, "LD_BIND_NOW": "1"}, check=True, text=True, capture_output=True,
        ).stdout.splitlines()  # fmt: skip
        dumps = [pathlib.Path(f"{out}.{number}").read_text() for number in range(1, 1 + len(names))]
    totals = [re.search(r"^totals: (\d+)$", dump, re.MULTILINE) for dump in dumps]
    return {name: int(total[1]) / CALLS for name, total in zip(names, totals, strict=True) if total}


def compare(found: dict[str, float], known: dict[str, float]) -> list[str]:
    """Prints the counts; the names of those that are off, or there on one side only."""
    print(f"{'instructions of a call':<26} {'counted':>10} {'baseline':>10} {'change':>8}")
    off = sorted(set(known) - set(found))
    for name, count in found.items():
        if name not in known:
            print(f"{name:<26} {count:10.0f} {'none':>10}")
            off.append(name)
            continue
        change = count / known[name] - 1
        if abs(change) > ALLOWED:
            off.append(name)
        print(f"{name:<26} {count:10.0f} {known[name]:10.0f} {change:+8.1%}")
    return off


def main() -> int:
    """Counts and compares, or renews."""
    parser = argparse.ArgumentParser(description="Count the instructions of the hot paths.")
    parser.add_argument("--renew", action="store_true", help="write the baseline")
    parser.add_argument("--json", type=pathlib.Path, help="a file for the counts")
    options = parser.parse_args()
    found = counts("instructions::measured", build_engine())
    found |= counts("measured", build_abi(), "instructions")
    here: dict[str, Any] = {"toolchain": toolchain(), "instructions": found}
    if options.json:
        options.json.write_text(json.dumps(here, indent=1) + "\n")
    if options.renew:
        BASELINE.write_text(json.dumps(here, indent=1) + "\n")
    baseline = json.loads(BASELINE.read_text())
    off = compare(found, baseline["instructions"])
    if here["toolchain"] != baseline["toolchain"]:
        print("counted with another toolchain than the baseline: nothing is held")
        return 0
    if off:
        print(f"more than {ALLOWED:.0%} off: {', '.join(off)}. If that is meant to be:",
              "benches/instructions.py --renew", file=sys.stderr)  # fmt: skip
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
