#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fails if a dependency has no licence among those that the project takes."""

import json
import re
import subprocess
import sys

TAKEN = {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Unicode-3.0",
         "MIT-0", "Zlib", "Unlicense", "CC0-1.0", "OpenLDAP", "BSL-1.0", "0BSD"}


def is_taken(expression: str) -> bool:
    """Of an SPDX expression: every AND part has one OR alternative that is taken."""
    parts = expression.replace("/", " OR ").replace("(", "").replace(")", "").split(" AND ")
    first = [part.split(" WITH ")[0] for part in parts]
    return all(any(word in TAKEN for word in re.split(r"\s+OR\s+", part)) for part in first)


def main() -> int:
    """Asks cargo for what Linux builds need."""
    command = ["cargo", "metadata", "--format-version", "1",
               "--filter-platform", "x86_64-unknown-linux-gnu"]
    packages = json.loads(subprocess.check_output(command))["packages"]
    bad = [package for package in packages if not is_taken(package["license"] or "")]
    for package in bad:
        print(f"{package['name']} {package['version']}: {package['license']}", file=sys.stderr)
    print(f"licences: {len(packages) - len(bad)} packages taken, {len(bad)} not")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
