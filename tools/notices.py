#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints the licences of the crates that are linked into what is built here, each text once: for
whoever hands out the libraries or the command. Options are cargo metadata's."""

import json
import re
import subprocess
import sys
from pathlib import Path

BUILT = ("mtasts-cli", "mtasts-ffi", "mtasts-host")
NAMES = ("LICEN*", "COPYING*", "COPYRIGHT*", "NOTICE*", "UNLICENSE*")
TITLE = "libmtasts contains parts of the following works."


def metadata(options: list[str]) -> dict:
    """What cargo knows of the packages that a build for this machine needs."""
    host = re.search(r"^host: (.*)$", subprocess.check_output(["rustc", "-vV"], text=True), re.MULTILINE)[1]
    command = ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked",
               "--filter-platform", host, *options]
    return json.loads(subprocess.check_output(command))


def linked(metadata: dict) -> list[dict]:
    """The packages that the built ones need at run time, themselves left out."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    found, waiting = set(), [id for id, package in packages.items() if package["name"] in BUILT]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += [dep["pkg"] for dep in nodes[id]["deps"]
                        if any(kind["kind"] is None for kind in dep["dep_kinds"])]
    others = [packages[id] for id in found if packages[id]["source"]]
    return sorted(others, key=lambda package: (package["name"], package["version"]))


def texts(package: dict) -> list[str]:
    """The licences in a package's folder, and of what it brings along in other languages."""
    folder = Path(package["manifest_path"]).parent
    files = sorted({file for name in NAMES for file in folder.rglob(name) if file.is_file()})
    return [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]


def main(options: list[str]) -> None:
    """Each text once, below the names of those that it is for."""
    packages = linked(metadata(options))
    works: dict[str, tuple[str, list[str]]] = {}
    print(TITLE)
    print()
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"  {name}: {package['license']}")
        for text in texts(package):
            works.setdefault(" ".join(text.split()), (text, []))[1].append(name)
    for text, names in works.values():
        print(f"\n{'-' * 80}\n{', '.join(names)}\n\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
