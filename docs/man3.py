#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""man3.py FOLDER: the manual pages of the C functions, made of the comments in include/: a page for
each group, and for each function an alias. A function, type or constant that no group takes is an
error."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADERS = {"mtasts.h": "libmtasts", "mtasts_host.h": "libmtasts-host"}

# Page, what it is about, and what belongs there. The first that matches a name takes it.
GROUPS = (
    ("mtasts_status", "what functions return", r"mtasts_strerror|MTASTS_(OK|E_\w+)"),
    ("mtasts_version", "versions of header, library and ABI",
     r"mtasts_(abi_)?version(_check)?|MTASTS_(VERSION|ABI_VERSION|PREREQ)\w*"),
    ("mtasts_resolve", "look up what applies to a domain, with a host that blocks",
     r"mtasts_(resolve\w*|host|saved|fetch|config)|MTASTS_(LOG|HOST_V|STORE)_?\w*"),
    ("mtasts_verdict", "judge a session with an MX host",
     r"mtasts_(outcome_verdict|verdict|session|(action|cause|result)_(name|text))"
     r"|MTASTS_(TLS|CERTIFICATE|DANE|ACTION|CAUSE|RESULT)_[A-Z0-9_]+"),
    ("mtasts_outcome", "what a look-up came to",
     r"mtasts_(outcome\w*|(basis|reason)_name)|MTASTS_(BASIS|REASON)_\w+"),
    ("mtasts_policy", "a policy", r"mtasts_(policy_(?!type)\w+|policy|mode_name)|MTASTS_MODE_\w+"),
    ("mtasts_lookup", "look up a domain from an event loop",
     r"mtasts_(lookup|step)\w*|MTASTS_STEP_\w+"),
    ("mtasts_answer", "answers to the questions of a look-up",
     r"mtasts_answer\w*|MTASTS_(TXT|FETCH|LOCAL)_\w+"),
    ("mtasts_certificate", "whether a certificate is for a name", r"mtasts_certificate_\w+"),
    ("mtasts_record", "the TXT record", r"mtasts_(record_select|problem|str|bytes)|MTASTS_(ID|PARSE)\w*"),
    ("mtasts_postfix", "what Postfix is told",
     r"mtasts_postfix_\w+|MTASTS_(POSTFIX|DOMAIN_DANE)_\w+"),
    ("mtasts_report_counter", "count sessions and make TLS reports (RFC 8460)",
     r"mtasts_report_(counter\w*|sender)|MTASTS_REPORT_(JSON|GZIP)"),
    ("mtasts_report", "read TLS reports (RFC 8460)",
     r"mtasts_(report\w*|policy_type_name)|MTASTS_(REPORT_SIZE|POLICY_TYPE_\w+)"),
    ("mtasts_tlsrpt", "the TLSRPT record, and datagrams for a TLS reporter",
     r"mtasts_tlsrpt\w*|MTASTS_TLSRPT\w*"),
    ("mtasts_default_host_store", "the policies that are kept",
     r"mtasts_(default_host_store|domain_list)\w*"),
    ("mtasts_default_host_tlsrpt", "TLS reporting by the default host",
     r"mtasts_default_host_tlsrpt\w*"),
    ("mtasts_dane", "TLSA records and DANE",
     r"mtasts_(dane|default_host_dane)\w*|MTASTS_HOST_DANE\w*"),
    ("mtasts_mx_list", "MX hosts and their addresses",
     r"mtasts_(mx_list|address_list|default_host_(mx|addresses))\w*"),
    ("mtasts_default_host", "DNS, HTTPS and a store of policies",
     r"mtasts_(default_host|der|domain_to_ascii)\w*|MTASTS_(HOST|DOMAIN)_\w+"),
)


@dataclass
class Item:
    """A declaration of a header with its comment."""

    header: str
    kind: str  # function, type or constant
    name: str
    code: str
    comment: str


@dataclass
class Page:
    """A group and what is in it."""

    name: str
    about: str
    items: list[Item] = field(default_factory=list)

    def of(self, kind: str) -> list[Item]:
        """Its functions, types or constants."""
        return [item for item in self.items if item.kind == kind]


def clean(comment: str) -> str:
    """A comment without its stars."""
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in comment.strip().splitlines()]
    return "\n".join(lines).strip()


def items(header: str) -> list[Item]:
    """All that a header declares."""
    text = (ROOT / "include" / header).read_text()
    found = []
    for comment, code in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\n((?:typedef struct \w+ \{.*?^\}[^;]*;)"
                                    r"|#define (?:[^\n]*\\\n)*[^\n]*|[^\n/][^;]*;)", text,
                                    re.DOTALL | re.MULTILINE):
        if code.startswith("#define"):
            kind, name = "constant", re.split(r"[ (]", code)[1]
        elif code.startswith("typedef"):
            kind, name = "type", re.split(r"[ ;{]+", code)[2]
        else:
            kind, name = "function", re.search(r"(mtasts_\w+)\(", code)[1]
        found.append(Item(header, kind, name, code, clean(comment)))
    return found


def pages() -> list[Page]:
    """The groups, filled."""
    made = {name: Page(name, about) for name, about, _ in GROUPS}
    for header in HEADERS:
        for item in items(header):
            group = next((name for name, _, pattern in GROUPS
                          if re.fullmatch(pattern, item.name)), None)
            if not group:
                sys.exit(f"man3.py: no group takes {item.name}")
            made[group].items.append(item)
    return list(made.values())


def escape(text: str) -> str:
    """Text for troff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def prose(comment: str) -> str:
    """A comment's paragraphs, lists and code."""
    parts = []
    for paragraph in re.split(r"\n\n+", comment):
        if paragraph.startswith("```") or re.match(r" {4}", paragraph):
            code = "\n".join(line for line in paragraph.splitlines() if not line.startswith("```"))
            parts.append(f".PP\n.nf\n{escape(code)}\n.fi")
            continue
        text = re.sub(r"^[*-] ", "\n.IP \\(bu 2\n", paragraph, flags=re.MULTILINE)
        lines = [line if line.startswith(".IP") else bold(escape(line))
                 for line in text.splitlines() if line.strip()]
        parts.append("\n".join([".PP", *lines] if not text.startswith("\n.IP") else lines))
    return "\n".join(parts)


def bold(text: str) -> str:
    """What stands between backticks."""
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)


def code(text: str) -> str:
    """A declaration as it is, without the comments in it."""
    text = re.sub(r"\n\s*/\*\*.*?\*/", "", text, flags=re.DOTALL)
    return f".nf\n{escape(text)}\n.fi"


def members(item: Item) -> str:
    """What a struct's comments say of its members."""
    found = re.findall(r"/\*\*(.*?)\*/\n\s*(.*?);", item.code, re.DOTALL)
    return "\n".join(f".TP\n.B {escape(name(declared))}\n{bold(escape(clean(comment)))}"
                     for comment, declared in found)


def name(declared: str) -> str:
    """The member that a line declares."""
    found = re.search(r"\(\*(\w+)\)|(\w+)(\[\d+\])?$", declared)
    return found[1] or found[2]


def render(page: Page, version: str) -> str:
    """A page in troff."""
    functions, types = page.of("function"), page.of("type")
    header = (functions or types or page.items)[0].header
    title = ", ".join([page.name, *(item.name for item in functions if item.name != page.name)])
    text = [f'.TH {page.name} 3 "" "{HEADERS[header]} {version}" "MTA\\-STS for mail software"',
            ".SH NAME", f"{title} \\- {escape(page.about)}", ".SH SYNOPSIS", ".nf",
            f".B #include <{header}>", ".fi"]
    for item in functions:
        text += [".PP", code(item.code)]
    text.append(".SH DESCRIPTION")
    for item in functions:
        text += [f".SS {item.name}()", prose(item.comment)]
    for item in types:
        text += [f".SH {item.name.upper()}", prose(item.comment)]
        if "{" in item.code:
            text += [".PP", code(item.code), members(item)]
    if constants := page.of("constant"):
        text.append(".SH CONSTANTS")
        text += [f".TP\n.B {escape(' '.join(item.code.split()[1:3]))}\n{bold(escape(item.comment))}"
                 for item in constants]
    others = sorted({name for name, _, _ in GROUPS} - {page.name})
    text += [".SH SEE ALSO", ".BR libmtasts (3),"]
    text += [f".BR {other} (3){',' if other != others[-1] else ''}" for other in others]
    return "\n".join(text) + "\n"


def overview(version: str) -> str:
    """The comment at the head of mtasts.h."""
    text = (ROOT / "include/mtasts.h").read_text()
    head = clean(re.search(r"\n/\*\n(.*?)\*/", text, re.DOTALL)[1])
    # Of the header itself.
    head = re.sub(r"(^libmtasts: |In this header).*?\n\n", "", head, flags=re.DOTALL)
    return "\n".join([f'.TH libmtasts 3 "" "libmtasts {version}" "MTA\\-STS for mail software"',
                      ".SH NAME", "libmtasts \\- MTA\\-STS (RFC 8461) for mail software",
                      ".SH SYNOPSIS", ".nf", ".B #include <mtasts.h>", ".B #include <mtasts_host.h>",
                      ".PP", ".B cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs libmtasts\\-host)",
                      ".fi", ".SH DESCRIPTION", prose(head), ".SH SEE ALSO", ".BR mtasts (7),",
                      *(f".BR {name} (3){',' if name != GROUPS[-1][0] else ''}"
                        for name, _, _ in GROUPS)]) + "\n"


def main(folder: Path) -> None:
    """Writes all pages."""
    folder.mkdir(parents=True, exist_ok=True)
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    (folder / "libmtasts.3").write_text(overview(version))
    for page in pages():
        (folder / f"{page.name}.3").write_text(render(page, version))
        for item in page.of("function"):
            if item.name != page.name:
                (folder / f"{item.name}.3").write_text(f".so man3/{page.name}.3\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
