#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fails if a package from npm or PyPI has no licence among those that the project takes.

    licences.py         npm: every package-lock.json, which says the licences itself
    licences.py pypi    every requirements.txt, as pip resolves it now; needs the network

Crates are tools/supply/crates.py's. What these registries give is run in builds and tests; of it
nothing is shipped.
"""

import collections.abc
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TAKEN = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"}
# Run in tests as they are: neither changed nor linked.
ALSO = {"axe-core": "MPL-2.0", "pathspec": "MPL-2.0", "typing_extensions": "PSF-2.0"}
# How packages that are older than SPDX's names in metadata say it.
OLD = {"Apache Software License": "Apache-2.0", "BSD": "BSD-3-Clause",
       "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0"}

Found = collections.abc.Iterator[tuple[str, str]]


def is_taken(name: str, expression: str) -> bool:
    """Of an SPDX expression: every AND part has one OR alternative that is taken."""
    taken = TAKEN | {ALSO.get(name, "")} - {""}
    parts = expression.replace("(", "").replace(")", "").split(" AND ")
    return all(any(word.split(" WITH ")[0] in taken for word in re.split(r"\s+OR\s+", part.strip()))
               for part in parts)


def files(pattern: str) -> list[str]:
    """Those of the repository."""
    return subprocess.check_output(["git", "ls-files", pattern], cwd=ROOT, text=True).split()


def npm() -> Found:
    """Packages and their licences; the empty path is the project itself."""
    for lock in files("*package-lock.json"):
        for path, package in json.loads((ROOT / lock).read_text())["packages"].items():
            if path:
                yield path.rpartition("node_modules/")[2], package.get("license", "")


def licence(metadata: dict) -> str:
    """What a wheel says of itself, in SPDX's words."""
    old = [line.split(" :: ")[-1] for line in metadata.get("classifier", [])
           if line.startswith("License ::")]
    said = metadata.get("license_expression") or metadata.get("license") or " AND ".join(old)
    return OLD.get(said, said)


def pypi() -> Found:
    """Asks a pip that reads today's metadata; installs nothing."""
    pip = [subprocess.check_output(ROOT / "tools/supply/tools.sh", text=True).strip() + "/python",
           "-m", "pip", "-q", "--disable-pip-version-check"]
    for wanted in files("*requirements*.txt"):
        report = subprocess.check_output(
            [ROOT / "tools/retry.sh", *pip, "install", "--dry-run", "--ignore-installed",
             "--report", "-", "-r", ROOT / wanted], text=True)
        for package in json.loads(report)["install"]:
            yield package["metadata"]["name"], licence(package["metadata"])


def main() -> int:
    """Tells what is not taken."""
    registry = "pypi" if sys.argv[1:] == ["pypi"] else "npm"
    found = set(pypi() if registry == "pypi" else npm())
    bad = sorted((name, said) for name, said in found if not is_taken(name, said))
    for name, said in bad:
        print(f"{name}: {said or 'says no licence'}", file=sys.stderr)
    print(f"licences: {registry}: {len(found) - len(bad)} packages taken, {len(bad)} not")
    return 1 if bad or not found else 0


if __name__ == "__main__":
    sys.exit(main())
