#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Holds the crates of every Cargo.lock to deny.toml.

    crates.py               licences, sources, duplicate versions
    crates.py advisories    what the RustSec database knows of them; where it cannot be reached, a
                            line says that nobody looked
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = "/peers/"  # other implementations: how tidy they are is their own affair
# cargo-deny's words for a line of deny.toml that a lock file does not need.
NOT_NEEDED = {"unmatched-skip": "bans", "unnecessary-skip": "bans",
              "license-not-encountered": "licenses"}


def output(*command: str) -> str:
    """What a command prints; its failure is ours."""
    return subprocess.check_output(command, cwd=ROOT, text=True)


def deny(tool: str, lock: str, checks: list[str]) -> tuple[list[str], set[tuple[str, str]]]:
    """The errors in a lock file, and the lines of deny.toml that it does not need."""
    manifest = str(pathlib.PurePath(lock).with_name("Cargo.toml"))
    command = [tool, "--format", "json", "--config", "deny.toml", "--manifest-path", manifest,
               "--locked", "check", *checks]
    run = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    errors, spare = [], set()
    for line in run.stderr.splitlines():
        said = json.loads(line)["fields"]
        label = (said.get("labels") or [{}])[0].get("span", "")
        if said.get("code") in NOT_NEEDED:
            spare.add((NOT_NEEDED[said["code"]], label))
        elif said.get("severity", said.get("level", "")).lower() == "error":
            crates = {f"{graph['Krate']['name']} {graph['Krate']['version']}"
                      for graph in said.get("graphs", [])}
            errors.append(f"{lock}: {said['message']}: {' '.join(sorted(crates) or [label])}")
    if run.returncode and not errors:
        errors.append(f"{lock}: {tool} failed: {run.stderr}")
    return errors, spare


def checks_of(lock: str, wanted: list[str]) -> list[str]:
    """Other implementations may have a crate twice."""
    return [check for check in wanted if check != "bans" or PEERS not in lock]


def problems(tool: str, locks: list[str], wanted: list[str]) -> list[str]:
    """All errors, and the lines of deny.toml that no lock file needs."""
    wrong: list[str] = []
    spare: dict[str, list[set[tuple[str, str]]]] = {}
    for lock in locks:
        checks = checks_of(lock, wanted)
        errors, unneeded = deny(tool, lock, checks)
        wrong += errors
        for check in checks:
            spare.setdefault(check, []).append(unneeded)
    for check, unneeded_in in spare.items():
        wrong += sorted(f"deny.toml: nothing needs {label}"
                        for of, label in set.intersection(*unneeded_in) if of == check)
    return wrong


def main() -> int:
    """Finds the lock files, asks, tells."""
    tool = output("tools/supply/tools.sh").strip() + "/cargo-deny"
    locks = output("git", "ls-files", "*Cargo.lock").split()
    wanted = sys.argv[1:] or ["bans", "licenses", "sources"]
    if "advisories" in wanted:
        fetch = subprocess.run([tool, "--config", "deny.toml", "fetch", "db"], cwd=ROOT, check=False)
        if fetch.returncode:
            print("crates: advisories SKIPPED: the database cannot be reached, so nobody looked")
            return 0
    wrong = problems(tool, locks, wanted)
    print("\n".join(wrong), file=sys.stderr) if wrong else None
    print(f"crates: {', '.join(wanted)} of {len(locks)} lock files, {len(wrong)} problems")
    return 1 if wrong or not locks else 0


if __name__ == "__main__":
    sys.exit(main())
