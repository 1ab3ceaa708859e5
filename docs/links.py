#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT OR Apache-2.0
"""links.py --check: fails if a relative link of a Markdown file leads to nothing.

links.py --copy FOLDER PAGE...: copies pages of the repository, each to the same place below the folder;
links to others are named there instead.

As a preprocessor of mdBook, which book.toml makes it: in the book, pages of the repository that are
included in it are linked to as the book's own, and what is not in the book is named instead of linked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
INCLUDE = re.compile(r"^\{\{#include (\S+\.md)\}\}$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\(([^()\s]+)\)")


def outside_code(text: str, change) -> str:
    """The text, changed but for its blocks of code."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def is_relative(target: str) -> bool:
    """Whether a link leads to a file of the repository."""
    return not re.match(r"[a-z]+:|#", target)


def broken() -> list[str]:
    """Links that lead to nothing, each as FILE: LINK."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, text=True,
                            stdout=subprocess.PIPE).stdout.split("\n")
    found = []
    for name in filter(None, listed):
        def note(part: str, name: str = name) -> str:
            for _, target in LINK.findall(part):
                path = (ROOT / name).parent / target.partition("#")[0]
                if is_relative(target) and not path.exists():
                    found.append(f"{name}: {target}")
            return part
        outside_code((ROOT / name).read_text(), note)
    return found


def named(words: str, path: Path) -> str:
    """What stands instead of a link to a file that is not at hand."""
    name = path.relative_to(ROOT)
    return words if words.strip("`") == str(name) else f"{words} (`{name}`)"


def copy(folder: Path, pages: list[str]) -> None:
    """Copies pages."""
    copied = {(ROOT / page).resolve() for page in pages}
    for page in sorted(copied):
        def one(found: re.Match[str], page: Path = page) -> str:
            words, target = found.groups()
            path = (page.parent / target.partition("#")[0]).resolve()
            return found[0] if not is_relative(target) or path in copied else named(words, path)
        to = folder / page.relative_to(ROOT)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(outside_code(page.read_text(), lambda part, one=one: LINK.sub(one, part)))


class Book:
    """The pages of the book, and which files of the repository they stand for."""

    def __init__(self, chapters: list[dict]) -> None:
        self.pages = {}
        for chapter in chapters:
            page = DOCS / chapter["path"]
            self.pages[page] = page
            for included in INCLUDE.findall(chapter["content"]):
                self.pages[(page.parent / included).resolve()] = page

    def content(self, chapter: dict) -> str:
        """A chapter with what it includes, its links led right."""
        page = DOCS / chapter["path"]
        text = outside_code(chapter["content"], lambda part: self.lead(part, page.parent, page))
        return INCLUDE.sub(lambda found: self.included(found[1], page), text)

    def included(self, name: str, page: Path) -> str:
        """A page of the repository, within a page of the book."""
        path = (page.parent / name).resolve()
        return outside_code(path.read_text(), lambda part: self.lead(part, path.parent, page))

    def lead(self, text: str, folder: Path, page: Path) -> str:
        """Text that stands in a folder and is shown on a page, its links led right."""
        def one(found: re.Match[str]) -> str:
            words, target = found.groups()
            if not is_relative(target):
                return found[0]
            name, hash_, anchor = target.partition("#")
            path = (folder / name).resolve()
            if path in self.pages:
                return f"[{words}]({os.path.relpath(self.pages[path], page.parent)}{hash_}{anchor})"
            if path.is_relative_to(DOCS) and path.is_file() and path.suffix != ".md":
                return found[0]
            return named(words, path)
        return LINK.sub(one, text)


def chapters_of(items: list) -> list[dict]:
    """All chapters below some items of the book."""
    found = []
    for item in items:
        if chapter := isinstance(item, dict) and item.get("Chapter"):
            found += [chapter] if chapter["path"] else []
            found += chapters_of(chapter["sub_items"])
    return found


def main(words: list[str]) -> int:
    """As the command line says."""
    if words[:1] == ["supports"]:
        return 0
    if words == ["--check"]:
        found = broken()
        print("\n".join(found), end="\n" if found else "", file=sys.stderr)
        return 1 if found else 0
    if words[:1] == ["--copy"]:
        copy(Path(words[1]), words[2:])
        return 0
    _, whole = json.load(sys.stdin)
    chapters = chapters_of(whole.get("items", whole.get("sections")))
    book = Book(chapters)
    for chapter, content in [(chapter, book.content(chapter)) for chapter in chapters]:
        chapter["content"] = content
    json.dump(whole, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
