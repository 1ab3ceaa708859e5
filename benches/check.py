#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures `mtasts check --file` of 200 domains of the lab, once with an MX host that they share and
once with an MX host each, and prints each figure beside its target: the least of three runs, since
other work on the machine only adds. Nothing fails for being slow. Fails where a domain is not found
good, as then there is nothing to measure.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from processes import Failure, Lab

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

DOMAINS = 200
TARGET = 10.0
ROUNDS = 3

DEFAULTS = """[defaults]
id = "20260101T000000"
policy = "enforce"
max_age = 1209600
tlsrpt = "mailto:r@load.example"
"""


def shared() -> str:
    """All domains have the same MX host."""
    return DEFAULTS + f'[[bulk]]\ncount = {DOMAINS}\npattern = "d{{}}.load.example"\n'


def apart() -> str:
    """Each domain has two MX hosts of its own."""
    one = '[[domain]]\nname = "{0}"\nmx = ["mx1.{0}", "mx2.{0}"]\n'
    return DEFAULTS + "".join(one.format(domain) for domain in domains())


def domains() -> list[str]:
    """Their names."""
    return [f"d{number}.load.example" for number in range(DOMAINS)]


def run(lab: Lab, names: pathlib.Path) -> float:
    """Checks all of them; how long that takes, in seconds."""
    command = [RELEASE / "mtasts", "check", "--allow-non-global", "--file", names,
               "--nameserver", lab.info["dns"], "--https-port", lab.info["https_port"],
               "--smtp-port", lab.info["smtp_port"], "--ca-file", lab.info["ca_file"]]
    begun = time.monotonic()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False)
    took = time.monotonic() - begun
    if done.returncode or not done.stdout.startswith(f"MTA-STS OK - {DOMAINS} domains"):
        raise Failure(f"mtasts check: {done.stderr or done.stdout[:500]}")
    return took


def row(figure: str, measured: str, target: str, met: str) -> None:
    """A line of the table."""
    print(f"{figure:<58} {measured:>12} {target:>12} {met:>6}")


def main() -> int:
    """Measures and prints."""
    print("mtasts check")
    row("figure", "measured", "target", "met")
    with tempfile.TemporaryDirectory() as folder:
        names = pathlib.Path(folder, "domains")
        names.write_text("\n".join(domains()) + "\n")
        for what, scene in [("with one MX host", shared()), ("with two MX hosts each", apart())]:
            lab = Lab(RELEASE / "lab", pathlib.Path(folder, what.replace(" ", "-")), scene)
            try:
                took = min(run(lab, names) for _ in range(ROUNDS))
            finally:
                lab.close()
            met = "yes" if took <= TARGET else "NO"
            row(f"check of {DOMAINS} domains of the lab {what}", f"{took:.2f} s",
                f"{TARGET:.2f} s", met)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench: {failure}")
