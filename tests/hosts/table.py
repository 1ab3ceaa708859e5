# SPDX-License-Identifier: MIT OR Apache-2.0
"""The results in Markdown, a row for each case and a column for each MTA, between two marks of a
file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from model import Case, Fate

BEGIN, END = "<!-- tests/hosts/run --table -->\n", "<!-- end -->\n"
# The last word of a host's name, and how the table has it.
WAYS = {"socketmap": "socketmap", "table": "table", "proxy": "proxy", "module": "module",
        "socket": "server", "light": "light"}
LEGEND = """\
By `mtasts serve`: **socketmap**, **server** (`${readsocket}`), **light** (the same, Exim without
`${dlfunc}`). By a module in the MTA: **table** (`mtasts:`), **proxy** (`proxy:mtasts:`), **module**
(`${dlfunc}`). *Verified*: delivered to the right MX host over TLS, with its name as SNI and its
certificate (or TLSA record) verified; *delivered*: as without a policy; *waits*: nobody has got it,
and it was not returned; *returned*: for a reason that has nothing to do with MTA-STS.
"""

Results = Mapping[str, Mapping[str, object]]


def write(path: Path, cases: Sequence[Case], results: Results, day: str) -> None:
    """Puts the table into the file, in place of the one that is there."""
    before, after = around(path)
    path.write_text(before + BEGIN + "\n".join(lines(cases, results, day)) + "\n" + END + after)


def around(path: Path) -> tuple[str, str]:
    """What comes before the table in the file, and what after."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no lines `{BEGIN.strip()}` and `{END.strip()}`")
    return before, after


def lines(cases: Sequence[Case], results: Results, day: str) -> Iterator[str]:
    """The lines of the table and what it means."""
    packages = {mta(name): str(result["package"]) for name, result in results.items()
                if "package" in result}
    yield f"| case, {day} | must be | {' | '.join(packages)} |"
    yield f"| --- | --- |{' --- |' * len(packages)}"
    for case in cases:
        cells = [cell(case.name, column, results) for column in packages]
        yield f"| {case.doc} | {fates(case)} | {' | '.join(cells)} |"
    yield ""
    versions = ", ".join(f"{name} is {package}" for name, package in packages.items())
    yield f"{LEGEND}Debian's packages: {versions}."


def mta(name: str) -> str:
    """Of `postfix-3.7-socketmap`: `Postfix 3.7`."""
    program, version, _ = name.split("-")
    return f"{program.capitalize()} {version}"


def cell(case: str, column: str, results: Results) -> str:
    """The ways in which an MTA did what it must, and those in which it did not."""
    words = []
    for name, result in results.items():
        cells = result.get("cases")
        found = cells.get(case) if isinstance(cells, dict) and mta(name) == column else None
        way = WAYS[name.rsplit("-", 1)[1]]
        if found == "ok":
            words.append(way)
        elif isinstance(found, list):
            words.append(f"**{way} FAILED**")
    return ", ".join(words) or "–"


def fates(case: Case) -> str:
    """What must become of the mail of a case, round by round."""
    rounds = [[word(fate) for mail in one.mails for fate in mail.values()] for one in case.rounds]
    return ", then ".join(" and ".join(dict.fromkeys(words)) for words in rounds) or "so"


def word(fate: Fate) -> str:
    """A fate in a word."""
    if fate.fate == "delivered":
        return "verified" if fate.why == "verified" else "delivered"
    return {"deferred": "waits", "bounced": "returned"}[fate.fate]
