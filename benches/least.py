#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints the least of the samples that criterion has left below a folder: a line of a name, a value
and a unit for each benchmark."""

from __future__ import annotations

import json
import pathlib
import sys


def main() -> None:
    """Reads and prints."""
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*/new/sample.json")):
        sample = json.loads(file.read_text())
        pairs = zip(sample["times"], sample["iters"], strict=True)
        print(file.parts[-3], f"{min(time / count for time, count in pairs):.2f}", "ns", sep="\t")


if __name__ == "__main__":
    main()
