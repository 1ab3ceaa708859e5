#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints a software bill of materials in CycloneDX 1.6 (JSON): every crate that is linked into the
libraries and the command, with its licence and the checksum of its archive. Options are cargo
metadata's. The same lock file gives the same octets."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path

from notices import linked, metadata

ROOT = Path(__file__).resolve().parent.parent


def component(package: dict, checksums: dict[tuple[str, str], str]) -> dict:
    """A crate as CycloneDX has it."""
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{version}"
    made = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
            "licenses": [{"expression": package["license"].replace("/", " OR ")}]}
    if checksum := checksums.get((name, version)):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return made


def main(options: list[str]) -> None:
    """All of them, below what they are part of."""
    lock = (ROOT / "Cargo.lock").read_text()
    checksums = {(package["name"], package["version"]): package.get("checksum")
                 for package in tomllib.loads(lock)["package"]}
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    whole = {"type": "application", "bom-ref": "libmtasts", "name": "libmtasts",
             "version": version, "licenses": [{"expression": "MIT OR Apache-2.0"}]}
    components = [component(package, checksums) for package in linked(metadata(options))]
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
           "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, lock)}",
           "metadata": {"component": whole}, "components": components,
           "dependencies": [{"ref": "libmtasts", "dependsOn": [one["purl"] for one in components]}]}
    print(json.dumps(bom, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
