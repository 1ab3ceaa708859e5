#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures how long `mtasts --version` takes, a process that starts and ends: the median of 200, in
nanoseconds, as a line of a name, a value and a unit. Takes the command's path."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 200


def run(command: str) -> int:
    """Nanoseconds of one run."""
    begun = time.monotonic_ns()
    subprocess.run([command, "--version"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic_ns() - begun


if __name__ == "__main__":
    print("start", round(statistics.median(run(sys.argv[1]) for _ in range(RUNS))), "ns", sep="\t")
