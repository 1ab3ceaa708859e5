#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures the Python package, a line "NAME <tab> VALUE <tab> UNIT" for each figure. It is called
by benches/run.sh:

    bench.py LAB

LAB is the lab's program. PYTHONPATH and MTASTS_LIBRARY lead to the package and the libraries.
"""

from __future__ import annotations

import ctypes
import pathlib
import sys
import tempfile
import time
import timeit
from collections.abc import Callable

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE / "src"), str(HERE / "tests"), str(HERE / "examples")]

POLICY = """version: STSv1
mode: enforce
mx: mx1.example.com
mx: mx2.example.com
mx: mx3.example.com
mx: *.mail.example.com
mx: backup.example.net
max_age: 604800
"""
SCENE = """
[defaults]
ttl = 3600
id = "1"
policy = "enforce"
[[domain]]
name = "good.example"
[[bulk]]
count = 1000
pattern = "d{}.load.example"
"""


def nanoseconds(call: Callable[[], object], number: int = 200, rounds: int = 500) -> float:
    """The least of many short rounds, which other work on the machine leaves alone; of one call."""
    return min(timeit.Timer(call).repeat(rounds, number)) / number * 1e9


def say(name: str, value: float, unit: str) -> None:
    """Prints a figure."""
    print(f"{name}\t{value:.1f}\t{unit}", flush=True)


def match(mtasts: object) -> None:
    """`Policy.matches`, beside a call of the same C function that has nothing to do. The loop of
    `timeit` and a closure are in both."""
    policy = mtasts.Policy.parse(POLICY)  # type: ignore[attr-defined]
    library = ctypes.CDLL(mtasts.library_path)  # type: ignore[attr-defined]
    empty = library.mtasts_policy_matches
    empty.restype, empty.argtypes = ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]
    host = "backup.example.net"
    octets = host.encode()
    assert policy.matches(host) and empty(None, octets) == 0
    # In turns, so that what else the machine does meets both.
    rounds = [
        (nanoseconds(lambda: policy.matches(host)), nanoseconds(lambda: empty(None, octets)))
        for _ in range(3)
    ]
    matched, nothing = min(m for m, _ in rounds), min(n for _, n in rounds)
    say("python_match", matched, "ns")
    say("python_empty", nothing, "ns")
    say("python_match_times", matched / nothing * 1000, "thousandths")


def cached(lab: object, store: str) -> None:
    """A look-up of what the store has."""
    with lab.host(store=store) as host:  # type: ignore[attr-defined]
        assert host.resolve("good.example").basis == "fresh"
        assert host.resolve("good.example").basis == "cached"
        say("python_cached", nanoseconds(lambda: host.resolve("good.example"), 50), "ns")


def audit(lab: object) -> None:
    """1 000 domains of the lab by the example, none of which is known before."""
    import audit as example

    domains = [f"d{number}.load.example" for number in range(1000)]
    times: list[float] = []
    for _ in range(3):
        with lab.host() as host:  # type: ignore[attr-defined]
            begun = time.perf_counter()
            rows = example.audit(domains, host, in_flight=500, progress=lambda done: None)
            took = time.perf_counter() - begun
        # On a busy machine some questions are not answered in time.
        if all(row.mode == "enforce" for row in rows):
            times.append(took)
    if times:
        say("python_audit", min(times) * 1e9, "ns")


def main() -> None:
    """Measures."""
    import os

    os.environ["MTASTS_LAB_BIN"] = sys.argv[1]
    from lab import Lab

    import mtasts

    match(mtasts)
    with Lab(SCENE) as lab, tempfile.TemporaryDirectory() as store:
        cached(lab, store)
        audit(lab)


if __name__ == "__main__":
    main()
