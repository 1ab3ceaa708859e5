#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fails if a crate of ours needs one that says it wants a newer Rust than ours says it does.

With clippy's `incompatible_msrv`, which knows since when the standard library has what we call, this
is what there is to say of a Rust that is not at hand; tools/msrv.sh builds with the one that is.
"""

import collections.abc
import json
import subprocess
import sys


def number(version: str | None) -> tuple[int, ...]:
    """1.85 as three numbers; what says nothing works everywhere."""
    parts = [int(part) for part in (version or "0").split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def needed(node: str, nodes: dict[str, dict]) -> collections.abc.Iterator[str]:
    """What a package is built of, itself among it: dependencies for tests are not."""
    seen, ahead = set(), [node]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        ahead += [dep["pkg"] for dep in nodes[name]["deps"]
                  if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]


def main() -> int:
    """Asks cargo, compares, tells."""
    metadata = json.loads(subprocess.check_output(
        ["cargo", "metadata", "--format-version", "1", "--locked",
         "--filter-platform", "x86_64-unknown-linux-gnu"]))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    bad = [(packages[member], packages[name]) for member in metadata["workspace_members"]
           for name in needed(member, nodes)
           if number(packages[name]["rust_version"]) > number(packages[member]["rust_version"])]
    for ours, theirs in bad:
        print(f"{ours['name']} says Rust {ours['rust_version']}, but {theirs['name']} "
              f"{theirs['version']} wants {theirs['rust_version']}", file=sys.stderr)
    print(f"rust versions: {len(metadata['workspace_members'])} crates, {len(bad)} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
