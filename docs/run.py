#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT OR Apache-2.0
"""run.py PAGE...: runs each block of commands of these pages in the root of the repository, with the
built `mtasts` at hand, and compares what comes out with the block of text that follows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from blocks import blocks, pattern

ROOT = Path(__file__).resolve().parent.parent


def run(script: str, lines: list[str]) -> str:
    """What is wrong with a block; empty if nothing."""
    environment = {**os.environ, "PATH": f"{ROOT / 'target/release'}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-ec", script], cwd=ROOT, env=environment, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    missing = [line for line in lines
               if not re.search(f"^{pattern(line)}$", done.stdout, re.MULTILINE)]
    if done.returncode == 0 and not missing:
        return ""
    wrong = f"prints no `{missing[0]}`" if missing else f"exit status {done.returncode}"
    return f"{script}-- {wrong}:\n{done.stdout}"


def main(pages: list[str]) -> int:
    """Stops at the first block that does otherwise."""
    for page in pages:
        found = list(blocks(Path(page).read_text()))
        for script, lines in found:
            if wrong := run(script, lines):
                print(f"{page}: {wrong}", file=sys.stderr)
                return 1
        print(f"{page}: {len(found)} blocks of commands do as it says")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
