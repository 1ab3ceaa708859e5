# SPDX-License-Identifier: MIT OR Apache-2.0
"""`python -m mtasts`."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

from lab import Lab


def run(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    network = [
        *("--nameserver", lab.nameserver, "--ca-file", lab.ca_file),
        *("--https-port", str(lab.about["https_port"]), "--allow-non-global"),
    ]
    command = [sys.executable, "-m", "mtasts", *arguments, *network]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


def test_a_domain_is_told(lab: Lab) -> None:
    done = run(lab, "good.example")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0] == "good.example"
    assert lines[1].startswith("  policy  enforce, max_age 604800, mx mx1.good.example *.good")
    assert lines[2].startswith("  basis   fresh, id 1, until 2")
    assert lines[3] == (
        "  mx      mx1.good.example: deliver: over TLS only, with a valid certificate for this name"
    )


def test_several_domains_as_json(lab: Lab) -> None:
    done = run(lab, "--json", "testing.example", "none.example", "[192.0.2.1]")
    testing, none, literal = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert testing["policy"]["mode"] == "testing"
    assert testing["mx"][0]["cause"] == "mx-not-listed" and testing["mx"][0]["action"] == "deliver"
    assert (none["policy"], none["reason"]) == (None, "no-record")
    assert literal == {"domain": "[192.0.2.1]", "error": "address-literal"}


def test_what_cannot_be_told_for_now(lab: Lab) -> None:
    lab.set("good.example", "dns=servfail")
    done = run(lab, "good.example")
    assert done.returncode == 1
    assert "policy  unknown: " in done.stdout and "mx      cannot be looked up" in done.stdout


def test_misuse(lab: Lab, tmp_path: pathlib.Path) -> None:
    assert run(lab, "a_b.example").returncode == 2
    assert run(lab).returncode == 2
    done = run(lab, "good.example", "--store", str(tmp_path / "missing"))
    assert done.returncode == 2 and "missing" in done.stderr
