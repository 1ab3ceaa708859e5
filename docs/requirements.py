#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Holds requirements.md to the tree.

Each row of its first table names code and tests: files that exist and that speak of the number,
as R-POL-5 or, in a test's name, r_pol_5. No number that the tree speaks of is without a row.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INDEX = ROOT / "docs" / "requirements.md"
NUMBER = re.compile(r"\bR-[A-Z]+-\d+\b")


def speaks_of(path: str, number: str) -> bool:
    """Whether the file exists and mentions the number."""
    file = ROOT / path
    if not file.is_file():
        return False
    name = number.lower().replace("-", "_")
    return re.search(rf"\b{number}\b|\b{name}(?![0-9])", file.read_text()) is not None


def rows(text: str) -> dict[str, tuple[list[str], list[str]]]:
    """The table: number, code, tests."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and NUMBER.fullmatch(cells[0]):
            found[cells[0]] = (cells[2].split(), cells[3].split())
    return found


def problems(index: dict[str, tuple[list[str], list[str]]], later: set[str]) -> list[str]:
    """What does not hold."""
    wrong = []
    for number, (code, tests) in index.items():
        if not code or not tests:
            wrong.append(f"{number} has no code or no test")
        wrong += [f"{number}: {path} does not speak of it"
                  for path in code + tests if not speaks_of(path.strip("`"), number)]
    files = subprocess.check_output(["git", "-C", ROOT, "ls-files"], text=True).split()
    for path in files:
        if path.startswith("docs/") or not (ROOT / path).is_file():
            continue
        if not path.endswith((".rs", ".c", ".h", ".json", ".py", ".sh", ".toml")):
            continue
        spoken = set(NUMBER.findall((ROOT / path).read_text(errors="replace")))
        wrong += [f"{path} speaks of {number}, which has no row"
                  for number in sorted(spoken - set(index) - later)]
    return wrong


def main() -> int:
    """Reads, compares, tells."""
    done, _, later = INDEX.read_text().partition("## Not yet")
    index = rows(done)
    wrong = problems(index, set(NUMBER.findall(later)))
    print("\n".join(wrong), file=sys.stderr) if wrong else None
    print(f"requirements: {len(index)} with code and tests, {len(wrong)} problems")
    return 1 if wrong or not index else 0


if __name__ == "__main__":
    sys.exit(main())
