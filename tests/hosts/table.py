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
✓: in every way to ask; else in those that are named, as the case is theirs alone. By `mtasts
serve`: **socketmap**, **server** (`${readsocket}`), **light** (the same in an Exim without
`${dlfunc}`). By a module in the MTA: **table** (`mtasts:`), **proxy** (`proxy:mtasts:`),
**module** (`${dlfunc}`). *Verified*: delivered to the right MX host over TLS, with its name as
SNI, and its certificate (or TLSA record) verified. *Delivered*: as without a policy. *Waits*:
nobody has got it, and it was not returned. *Returned*: for a reason that has nothing to do with
MTA-STS. What Postfix 3.10 and Exim's module say of these sessions has gone through
tlsrpt-reporter, and its reports were read.
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
    yield LEGEND
    for name, package in packages.items():
        ways = [WAYS[host.rsplit("-", 1)[1]] for host in results if mta(host) == name]
        yield f"* {name}: Debian's {package}, by {', '.join(ways)}"


def mta(name: str) -> str:
    """Of `postfix-3.7-socketmap`: `Postfix 3.7`."""
    program, version, _ = name.split("-")
    return f"{program.capitalize()} {version}"


def cell(case: str, column: str, results: Results) -> str:
    """The ways in which an MTA did what it must, and those in which it did not."""
    found = {name.rsplit("-", 1)[1]: cells.get(case) for name, result in results.items()
             if isinstance(cells := result.get("cases"), dict) and mta(name) == column}
    words = [WAYS[way] if mark == "ok" else f"**{WAYS[way]} FAILED**"
             for way, mark in found.items() if mark == "ok" or isinstance(mark, list)]
    is_all_well = all(mark == "ok" for mark in found.values())
    return "✓" if is_all_well else ", ".join(words) or "–"


def fates(case: Case) -> str:
    """What must become of the mail of a case, round by round."""
    rounds = [[word(fate) for mail in one.mails for fate in mail.values()] for one in case.rounds]
    return ", then ".join(" and ".join(dict.fromkeys(words)) for words in rounds) or "as said"


def word(fate: Fate) -> str:
    """A fate in a word."""
    if fate.fate == "delivered":
        return "verified" if fate.why == "verified" else "delivered"
    return {"deferred": "waits", "bounced": "returned"}[fate.fate]
