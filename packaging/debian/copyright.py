#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""copyright.py SOURCE: completes debian/copyright in an unpacked source package, with the holders and
the licences of what is in vendor/ and postfix/: as their manifests, licence files and sources say."""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

NAMES = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)", re.IGNORECASE)
SOURCES = {".rs", ".c", ".h", ".S", ".pl", ".inl"}
HEAD = 40  # lines of a source
HOLDER = re.compile(r"^(?:Portions )?(?:Copyright|©|\(c\)(?= *\d))[\s:,-]*(?:(?:\(c\)|©|Copyright)[\s:,-]*)?(.*)$",
                    re.IGNORECASE)
# Of the texts of licences, which say "copyright" too, and of their templates.
NO_HOLDER = re.compile(r"^&|[\[{]|<[a-z ]*>|^[a-z]|^[A-Z]+(/| [A-Z]+ )[A-Z]+|^The copyright")
TAIL = re.compile(r"[,.;\s]*(all( rights reserved)?|licensed under.*|see the copyright.*)?[,.;\s*/-]*$", re.IGNORECASE)
# What a text is, by words that no other has.
KINDS = {
    "0BSD": r"distribute this software for any purpose with or without fee is hereby granted\. THE SOFTWARE",
    "ISC": r"with or without fee is hereby granted, provided that the above copyright notice",
    "MIT": r"Permission is hereby granted, free of charge, to any person obtaining a copy of this software",
    "BSD-3-Clause": r"Redistributions of source code must retain .* Neither the name",
    "BSD-2-Clause": r"Redistributions of source code must retain (?!.*Neither the name)",
    "Zlib": r"This software is provided .as-is., without any express or implied warranty\. In no event",
    "BSL-1.0": r"Boost Software License - Version 1\.0",
    "Unlicense": r"This is free and unencumbered software released into the public domain",
    "Unicode-3.0": r"UNICODE LICENSE V3",
    "Unicode-DFS-2016": r"UNICODE, INC\. LICENSE AGREEMENT",
    "OLDAP-2.8": r"The OpenLDAP Public License Version 2\.8",
    "LLVM": r"LLVM Exceptions to the Apache 2\.0 License",
}
COMMON = {"Apache-2.0": "Apache-2.0", "CC0-1.0": "CC0-1.0", "LGPL-2.1-or-later": "LGPL-2.1"}
# What says of itself that it is under another licence than its crate.
PARTS = {
    "moka": [("src/common/frequency_sketch.rs src/common/timer_wheel.rs", "Apache-2.0")],
    "ring": [("third_party/fiat/*", "Apache-2.0"), ("src/polyfill/once_cell/*", "MIT OR Apache-2.0")],
    "lmdb-master-sys": [("lmdb/libraries/liblmdb/*", "OLDAP-2.8")],
    "rustix": [("src/backend/linux_raw/vdso.rs",
                "(Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT) AND CC0-1.0")],
    "regex-syntax": [("src/unicode_tables/*", "Unicode-DFS-2016")],
}


@dataclass
class Paragraph:
    """Files that have the same holders and the same licence."""

    files: list[str]
    holders: list[str]
    licence: str  # SPDX's expression
    notice: str = ""  # what the authors want to be handed on


def plain(text: str) -> str:
    """Without line breaks and marks of comments."""
    return " ".join(re.sub(r"^[\s/*#;!-]+", "", line) for line in text.splitlines()).replace("  ", " ")


def holders(lines: list[str]) -> list[str]:
    """Whom these lines name."""
    found = []
    for line in lines:
        match = HOLDER.match(re.sub(r"^[\s/*#;!\"%-]+", "", line))
        name = TAIL.sub("", re.sub(r"\s*<[^>]*@[^>]*>", "", match[1])).strip() if match else ""
        if name and not NO_HOLDER.search(name) and re.search(r"[A-Za-z]{2}", name):
            found.append(name)
    return found


def read(file: Path) -> str:
    """As well as it can be read."""
    return file.read_text(encoding="utf-8", errors="replace")


def of_files(files: list[Path]) -> list[str]:
    """Whom licence files and the heads of sources name, each once."""
    found: dict[str, None] = {}
    for file in files:
        if NAMES.match(file.name):
            found.update(dict.fromkeys(holders(read(file).splitlines())))
        elif file.suffix in SOURCES:
            found.update(dict.fromkeys(holders(read(file).splitlines()[:HEAD])))
    return sorted(found)


def crate(folder: Path) -> list[Paragraph]:
    """A crate, and those parts of it that differ."""
    package = tomllib.loads(read(folder / "Cargo.toml"))["package"]
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    authors = [re.sub(r"\s*<.*", "", author) for author in package.get("authors", [])]
    fallback = authors or [f"The developers of {package['name']}"]
    made = []
    for patterns, licence in PARTS.get(package["name"], []):
        part = [file for pattern in patterns.split() for file in folder.glob(pattern.replace("/*", "/**/*"))]
        if not part:
            raise SystemExit(f"copyright: {folder.name} has no {patterns}")
        files = [file for file in files if file not in part]
        made.append(Paragraph([f"vendor/{folder.name}/{pattern}" for pattern in patterns.split()],
                              of_files(part) or fallback, licence))
    notice = folder / "NOTICE"
    whole = Paragraph([f"vendor/{folder.name}/*"], of_files(files) or fallback, package["license"],
                      read(notice) if notice.exists() else "")
    return [whole, *made]


def debian(expression: str) -> str:
    """SPDX's expression in the words of Debian's format: a comma is weaker than `and` and `or`."""
    expression = expression.replace(" WITH LLVM-exception", " with LLVM exception")
    if " AND " not in expression:
        return " or ".join(sorted(names(expression)))
    words = expression.replace(" OR ", " or ").replace(" AND ", " and ")
    return words.replace(") and", ", and").replace("(", "").replace(")", "")


def names(expression: str) -> list[str]:
    """The licences in it."""
    return re.split(r"\s*/\s*| OR | AND ", expression.replace("(", "").replace(")", ""))


def indented(text: str) -> str:
    """The text of a licence in a field."""
    return "\n".join(f" {line.rstrip()}" if line.strip() else " ." for line in text.strip().splitlines())


def text_of(name: str, texts: list[str]) -> str:
    """The paragraph of a licence, its text from whoever has it alone."""
    if name in COMMON:
        said = f"On Debian systems the text is in /usr/share/common-licenses/{COMMON[name]}."
        return f"License: {name}\n {said}"
    if name.endswith(" WITH LLVM-exception"):
        text = next(text for text in texts if re.search(KINDS["LLVM"], text))
        exception = text[text.index("LLVM Exceptions"):].replace("----", "").strip("- ")
        return (f"License: {debian(name)}\n Apache-2.0, which is in /usr/share/common-licenses/Apache-2.0, "
                f"with\n .\n{indented(exception)}")
    alone = [text for text in texts
             if [kind for kind, words in KINDS.items() if re.search(words, plain(text), re.IGNORECASE)] == [name]]
    if not alone:
        raise SystemExit(f"copyright: no crate has the text of {name}")
    lines = min(alone, key=lambda text: (len(text), text)).splitlines()
    kept = [line for line in lines if not holders([line])]
    return f"License: {name}\n{indented(chr(10).join(kept))}"


def main(source: Path) -> None:
    """Appends to what is there."""
    paragraphs: dict[tuple[str, tuple[str, ...], str], Paragraph] = {}
    texts: list[str] = []
    folders = sorted(folder for folder in (source / "vendor").iterdir() if folder.is_dir())
    for folder in folders:
        texts += [read(file) for file in sorted(folder.rglob("*")) if file.is_file() and NAMES.match(file.name)]
    # What differs from its crate comes after it, and the later paragraph is the one that holds.
    for paragraph in sorted((one for folder in folders for one in crate(folder)), key=lambda one: "/" in
                            one.files[0].split("/", 2)[2]):
        key = (debian(paragraph.licence), tuple(paragraph.holders), paragraph.notice)
        same = Paragraph([], paragraph.holders, key[0], paragraph.notice)
        paragraphs.setdefault(key, same).files.extend(paragraph.files)
    page = source / "debian/copyright"
    head = read(page).rstrip()
    body = []
    for one in paragraphs.values():
        body.append("Files: " + "\n       ".join(one.files) + "\nCopyright: " +
                    "\n           ".join(one.holders) + f"\nLicense: {one.licence}" +
                    (f"\nComment:\n{indented(one.notice)}" if one.notice else ""))
    known = set(re.findall(r"^License: (.*)\n ", head, re.MULTILINE))
    wanted = {name for folder in folders for one in crate(folder) for name in names(one.licence)}
    body += [text_of(name, texts) for name in sorted(wanted) if debian(name) not in known]
    first, _, second = read(source / "postfix/LICENSE").partition("IBM PUBLIC LICENSE VERSION 1.0")
    eclipse = first[first.index("Eclipse Public License - v 2.0"):]
    body += [f"License: EPL-2.0\n{indented(eclipse)}",
             f"License: IPL-1.0\n{indented('IBM PUBLIC LICENSE VERSION 1.0' + second)}"]
    page.write_text("\n\n".join([head, *body]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
