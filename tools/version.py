#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""version.py: fails if some file names another version than Cargo.toml does. version.py X.Y.Z: writes
that version into all of them (the changelogs are for people to write)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBER = r"(\d+\.\d+\.\d+)"
PLACES = (
    ("Cargo.toml", rf'^version = "{NUMBER}"'),
    ("wasm/Cargo.toml", rf'^version = "{NUMBER}"'),
    ("bindings/python/src/mtasts/__init__.py", rf'^__version__ = "{NUMBER}"'),
    ("wasm/js/package.json", rf'^  "version": "{NUMBER}"'),
    ("wasm/js/package-lock.json", rf'^  "version": "{NUMBER}"'),
    ("wasm/js/package-lock.json", rf'^      "version": "{NUMBER}",\n      "license": "MIT OR Ap'),
    ("packaging/rpm/mtasts.spec", rf"^Version: +{NUMBER}"),
    ("debian/changelog", rf"\A\w+ \({NUMBER}-"),
    ("CHANGELOG.md", rf"^## {NUMBER}"),
)
PARTS = ("MAJOR", "MINOR", "PATCH")
C_ABI = "ffi/src/version.rs"
BY_HAND = ("debian/changelog", "CHANGELOG.md")


def named(file: str, pattern: str) -> str:
    """The version that a file names first."""
    found = re.search(pattern, (ROOT / file).read_text(), re.MULTILINE)
    return found[1] if found else "none"


def of_c() -> str:
    """The version of the C header, whose source has it in parts."""
    return ".".join(named(C_ABI, rf"MTASTS_VERSION_{part}: i32 = (\d+);") for part in PARTS)


def write(version: str) -> None:
    """Puts a version everywhere but where people write what is new."""
    patterns = [place for place in PLACES if place[0] not in BY_HAND]
    patterns += [(C_ABI, rf"MTASTS_VERSION_{part}: i32 = (\d+);") for part in PARTS]
    numbers = [version] * (len(patterns) - len(PARTS)) + version.split(".")
    for (file, pattern), number in zip(patterns, numbers):
        text = (ROOT / file).read_text()
        found = re.search(pattern, text, re.MULTILINE)
        (ROOT / file).write_text(text[:found.start(1)] + number + text[found.end(1):])
    print(f"{version}: now `make headers`, `cargo check`, and what is new into {', '.join(BY_HAND)}")


def main(words: list[str]) -> int:
    """Checks, or writes."""
    if words:
        if not re.fullmatch(NUMBER, words[0]):
            sys.exit(f"not a version: {words[0]}")
        write(words[0])
        return 0
    wanted = named(*PLACES[0])
    found = {file: named(file, pattern) for file, pattern in PLACES} | {C_ABI: of_c()}
    wrong = {file: version for file, version in found.items() if version != wanted}
    for file, version in wrong.items():
        print(f"{file}: version {version}, where Cargo.toml has {wanted}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
