# SPDX-License-Identifier: MIT OR Apache-2.0
"""Blocks of commands in Markdown pages, and what has to come out of them: a block of text that
follows, in which … stands for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator


def blocks(page: str) -> Iterator[tuple[str, list[str]]]:
    """The blocks of commands of a page, each with the lines that have to come out."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for number, (kind, text) in enumerate(found):
        if kind == "sh":
            after = found[number + 1] if number + 1 < len(found) else ("sh", "")
            yield text, after[1].splitlines() if after[0] == "text" else []


def pattern(line: str) -> str:
    """A line of a page as a regular expression."""
    return ".*".join(re.escape(part.strip()) for part in line.split("…"))
