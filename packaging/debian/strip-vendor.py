#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""strip-vendor.py FOLDER: empties vendored crates that no Linux build compiles, by far the largest.
Cargo wants to see their manifests, and a checksum of every file that is there."""

import json
import re
import shutil
import sys
from pathlib import Path

FOREIGN = re.compile(r"(windows|winapi|wasm-bindgen|web-sys|js-sys|wasip|wit-bindgen|r-efi|core-foundation|"
                     r"security-framework|objc|android)")
# Objects and pages that some program has made, whose source is not there, and what others than the
# crate's authors have written, for its tests and examples: some of it under other licences.
UNWANTED = re.compile(r"\.(html|o|pdf)$|^mail-parser-[^/]*/resources/|^csv-[^/]*/examples/data/|"
                      r"^crossbeam-channel-[^/]*/examples/|^num-bigint-[^/]*/benches/")


def empty(crate: Path) -> None:
    """Leaves the manifest, and a library without content."""
    sums = crate / ".cargo-checksum.json"
    package = json.loads(sums.read_text())["package"]
    manifest = (crate / "Cargo.toml").read_text()
    shutil.rmtree(crate)
    (crate / "src").mkdir(parents=True)
    (crate / "src/lib.rs").write_text("")
    (crate / "Cargo.toml").write_text(manifest)
    sums.write_text(json.dumps({"files": {}, "package": package}))


def drop(crate: Path) -> None:
    """What UNWANTED names."""
    sums = crate / ".cargo-checksum.json"
    known = json.loads(sums.read_text())
    unwanted = [name for name in known["files"] if UNWANTED.search(f"{crate.name}/{name}")]
    for name in unwanted:
        (crate / name).unlink()
        del known["files"][name]
    if unwanted:
        sums.write_text(json.dumps(known))


def main(folder: Path) -> None:
    """All crates."""
    for crate in sorted(folder.iterdir()):
        if FOREIGN.match(crate.name):
            empty(crate)
        else:
            drop(crate)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
