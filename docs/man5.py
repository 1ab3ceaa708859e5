#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""man5.py FOLDER: the manual page mtasts.toml(5), made of the comments in cli/etc/mtasts.toml."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from man3 import ROOT, bold, escape

HEAD = r'''.TH mtasts.toml 5 "" "mtasts {version}" "MTA\-STS for mail software"
.SH NAME
mtasts.toml \- configuration of the MTA\-STS policy server
.SH SYNOPSIS
.B /etc/mtasts/mtasts.toml
.SH DESCRIPTION
A file in the format TOML. Each setting is shown as it is in the example configuration that is installed:
there in a comment if that is the default, or an example where the text says "Default".'''
TAIL = r'''.SH SEE ALSO
.BR mtasts\-serve (1),
.BR mtasts (7)'''


def settings(text: str) -> str:
    """Comments and what they are about."""
    made, comment = [], []
    for line in text.splitlines()[2:]:
        header = re.fullmatch(r"#?(\[+[a-z]+\]+)", line)
        setting = re.fullmatch(r"#?([a-z_]+ = .*)", line)
        if header:
            made += [f".SH {escape(header[1])}", *flow(comment)]
        elif setting:
            made += [".TP", rf"\fB{escape(setting[1])}\fR", *flow(comment)]
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").removeprefix(" "))
            continue
        else:
            made += [".PP", *flow(comment)] if comment else []
        comment = []
    return "\n".join(made)


def flow(comment: list[str]) -> list[str]:
    """The lines of a comment; those that are indented stand for themselves."""
    lines = []
    for line in comment:
        own = line.startswith("  ")
        lines += [".br"] * own + [bold(escape(line.strip()))] + [".br"] * own
    return lines


def main(folder: Path) -> None:
    """Writes the page."""
    folder.mkdir(parents=True, exist_ok=True)
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    text = (ROOT / "cli/etc/mtasts.toml").read_text()
    page = [HEAD.replace("{version}", version), settings(text), TAIL]
    (folder / "mtasts.toml.5").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
