#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The demo: examples/c/sender mails the domains of a small internet (tests/lab, demo.toml) in three
acts, of which the second has an attacker on the path (R-FLOW-1, R-APPLY-1). Every row of the tables
is compared with what must be, and with what the mail hosts have really received. `make demo` calls:

    demo.py LAB SENDER
"""

from __future__ import annotations

import itertools
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MESSAGE = b"From: me@here.example\nSubject: demo\n\nA line,\n.and one with a dot\n"
SCENE = pathlib.Path(__file__).with_name("demo.toml")

LEGEND = """\
A small MTA in C mails the domains of a small internet on this machine. For each it looks the MTA-STS
policy up ("fresh": fetched now; "cached": known from before) and then tries the MX hosts in turn.
"enforce" means: only to listed hosts, only by TLS, only with a valid certificate; else the mail waits."""

# What happened at an MX host.
TLS = "delivered by TLS"
CLEAR = "delivered in clear"
REFUSED = "refused"
UNTRIED = "not connected"
RETURNED = "returned to sender"


@dataclass(frozen=True)
class Try:
    """What happens at one MX host; the cause is a word of mtasts_cause_name."""

    host: str
    happened: str
    cause: str = "none"
    why: str = field(default="", compare=False)

    def __repr__(self) -> str:
        return f"<{self.host} {self.happened} {self.cause}>"


@dataclass(frozen=True)
class Row:
    """A domain in an act. The policy's reason is a word of mtasts_reason_name."""

    domain: str
    story: str = ""
    policy: str = "enforce"
    basis: str = "cached"
    reason: str = "none"
    tries: tuple[Try, ...] = ()
    fate: str = "deferred"
    why: str = ""


def good(domain: str, story: str = "", basis: str = "fresh", host: str = "") -> Row:
    """Mail goes to a host that is as the policy says."""
    tries = (Try(host or f"mx.{domain}", TLS),)
    return Row(domain, story, basis=basis, tries=tries, fate="delivered")


def plain(domain: str, story: str, policy: str, basis: str, reason: str, *tries: Try) -> Row:
    """Mail goes out as no policy forbids it."""
    return Row(domain, story, policy, basis, reason, tries, "delivered")


def held(domain: str, story: str, *tries: Try, reason: str = "none") -> Row:
    """The cached policy keeps the mail from the attacker."""
    return Row(domain, story, reason=reason, tries=tries)


def refused(host: str, cause: str) -> Try:
    """There was a session, and it may not carry the mail."""
    return Try(host, REFUSED, cause)


NO_TLS = "starttls-not-supported"
OLD = Try("old.two.example", UNTRIED, "mx-not-listed")
EVIL = Try("mx.evil.example", UNTRIED, "mx-not-listed")
CLOSED = Row(
    "closed.example", "takes no mail, says its null MX", "-", "no-policy", "no-record",
    (Try(".", RETURNED),), "failed",
)  # fmt: skip

FIRST = [
    good("good.example"),
    good("wildcard.example", "the policy lists *.wildcard.example", host="mx1.wildcard.example"),
    plain(
        "two.example", "the policy has forgotten the better of two hosts", "enforce", "fresh",
        "none", OLD, Try("mx.two.example", TLS),
    ),
    *(good(f"{name}.example") for name in (
        "hidden", "servfail", "blocked", "forged", "stalled", "expired", "untrusted", "broken",
        "bounce", "moved", "retired",
    )),
    plain("testing.example", "", "testing", "fresh", "none", Try("mx.testing.example", TLS)),
    plain("none.example", "", "none", "fresh", "none", Try("mx.none.example", TLS)),
    plain("plain.example", "", "-", "no-policy", "no-record", Try("mx.plain.example", TLS)),
    CLOSED,
]  # fmt: skip

ATTACK = [
    "set good.example mx=mx.evil.example",
    "set wildcard.example record=gone",
    "set mx1.wildcard.example smtp=no-starttls",
    "set mx.two.example smtp=wrong-name",
    "set hidden.example record=gone mx=mx.evil.example",
    "set servfail.example record=servfail",
    "set mx.servfail.example smtp=self-signed",
    "set blocked.example id=2 https=notfound mx=mx.evil.example",
    "set forged.example id=2 https=wrong-name policy=none",
    "set mx.forged.example smtp=no-starttls",
    "set stalled.example id=2 https=stall-http",
    "set mx.stalled.example smtp=starttls-refused",
    "set mx.expired.example smtp=expired",
    "set mx.untrusted.example smtp=untrusted",
    "set mx.broken.example smtp=garbage-after-starttls",
    "set bounce.example mxdns=null",
    "set new.example record=gone mx=mx.evil.example",
    "set mx.testing.example smtp=no-starttls",
    "set mx.none.example smtp=no-starttls",
    "set mx.plain.example smtp=no-starttls",
]
# These are the domains' own, but for the last.
CHANGES = [
    "set moved.example id=2 mx=mx.new-home.example",
    "set retired.example id=2 policy=none",
    "set mx.retired.example smtp=no-starttls",
]
SECOND = [
    held("good.example", "attack: MX redirected", EVIL),
    held(
        "wildcard.example", "attack: record suppressed, STARTTLS stripped",
        refused("mx1.wildcard.example", NO_TLS), reason="no-record",
    ),
    held(
        "two.example", "attack: certificate of another name",
        OLD, refused("mx.two.example", "certificate-host-mismatch"),
    ),
    held("hidden.example", "attack: record suppressed, MX redirected", EVIL, reason="no-record"),
    held(
        "servfail.example", "attack: DNS disturbed, self-signed certificate",
        refused("mx.servfail.example", "certificate-not-trusted"), reason="dns-temporary",
    ),
    held(
        "blocked.example", "attack: record forged, policy host blocked, MX redirected",
        EVIL, reason="status",
    ),
    held(
        "forged.example", "attack: record and policy forged, STARTTLS stripped",
        refused("mx.forged.example", NO_TLS), reason="webpki",
    ),
    held(
        "stalled.example", "attack: record forged, policy host stalled, STARTTLS refused",
        refused("mx.stalled.example", NO_TLS), reason="timeout",
    ),
    held(
        "expired.example", "attack: expired certificate",
        refused("mx.expired.example", "certificate-expired"),
    ),
    held(
        "untrusted.example", "attack: certificate of an untrusted CA",
        refused("mx.untrusted.example", "certificate-not-trusted"),
    ),
    held("broken.example", "attack: TLS handshake disturbed", refused("mx.broken.example", "tls-failed")),
    held("bounce.example", "attack: null MX forged", Try(".", UNTRIED, "mx-not-listed")),
    plain(
        "moved.example", "no attack: has moved, and its new policy is found by a second look", "enforce", "fresh", "none",
        Try("mx.new-home.example", UNTRIED, "mx-not-listed"), Try("mx.new-home.example", TLS),
    ),
    plain(
        "retired.example", "attack: STARTTLS stripped, after the domain has withdrawn its policy", "none", "fresh", "none",
        Try("mx.retired.example", CLEAR),
    ),
    plain(
        "new.example", "attack: record suppressed, MX redirected; never mailed before, so no policy to hold on to",
        "-", "no-policy", "no-record", Try("mx.evil.example", TLS),
    ),
    plain(
        "testing.example", "attack: STARTTLS stripped", "testing", "cached", "none",
        Try("mx.testing.example", CLEAR, NO_TLS),
    ),
    plain(
        "none.example", "attack: STARTTLS stripped", "none", "cached", "none",
        Try("mx.none.example", CLEAR),
    ),
    plain(
        "plain.example", "attack: STARTTLS stripped", "-", "no-policy", "no-record",
        Try("mx.plain.example", CLEAR),
    ),
    CLOSED,
]  # fmt: skip

THIRD = [
    good("good.example", basis="cached"),
    good("wildcard.example", basis="cached", host="mx1.wildcard.example"),
    plain(
        "two.example", "", "enforce", "cached", "none",
        OLD, Try("mx.two.example", TLS),
    ),
    *(good(row.domain, basis="cached") for row in SECOND[3:12]),
    good("new.example", "its policy is known from now on"),
]  # fmt: skip


class Lab:
    """The program `lab`, which ends when its standard input does."""

    def __init__(self, program: str, folder: pathlib.Path) -> None:
        command = [program, "run", str(SCENE), str(folder), "--until-eof"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit("demo: the lab does not start")
        self.info = json.loads((folder / "lab.json").read_text())
        self.seen = 0

    def __call__(self, line: str) -> Any:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(self.info["control"])
            channel.sendall(f"{line}\n".encode())
            reply = json.loads(channel.makefile().readline())
        if isinstance(reply, dict) and "error" in reply:
            raise SystemExit(f"demo: {line}: {reply['error']}")
        return reply

    def events(self) -> list[dict[str, Any]]:
        """What has happened since the last call."""
        events: list[dict[str, Any]] = self(f"events {self.seen}")
        self.seen = max((event["seq"] for event in events), default=self.seen)
        return events

    def close(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.communicate()


def address(domain: str) -> str:
    """A recipient."""
    return f"you@{domain}"


def send(program: str, lab: Lab, store: pathlib.Path, rows: list[Row]) -> list[Row]:
    """Mails all domains by one call of the sender; what it says."""
    info = lab.info
    command = [program, "-j", "-L", "-t", "2", "-f", "me@here.example", "-e", "here.example"]
    command += ["-s", str(store), "-C", info["ca_file"], "-n", info["dns"]]
    command += ["-p", str(info["smtp_port"]), "-P", str(info["https_port"])]
    for row in rows:
        command += ["-r", address(row.domain)]
    done = subprocess.run(command, input=MESSAGE, stdout=subprocess.PIPE, timeout=100, check=False)
    lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    return [read(row, [line for line in lines if line[1] == row.domain]) for row in rows]


def read(row: Row, lines: list[list[str]]) -> Row:
    """What the lines say of the row's domain. Of two policies the second holds."""
    policy, basis, reason, why = "?", "?", "?", ""
    tries: list[Try] = []
    fate = "?"
    for kind, _, *rest in lines:
        if kind == "policy":
            policy, basis, reason, why = rest
        elif kind == "mx":
            tries.append(read_try(*rest))
        elif kind == "rcpt":
            fate = rest[1]
    return Row(row.domain, row.story, policy, basis, reason, tuple(tries), fate, why)


def read_try(
    host: str, place: str, tls: str, action: str, cause: str, _result: str, what: str
) -> Try:
    """What a line `mx` says."""
    if what.startswith("delivered"):
        happened = CLEAR if tls in ("no STARTTLS", "TLS failed") else TLS
    elif place == "-":
        happened = RETURNED if action == "deliver" else UNTRIED
    else:
        happened = REFUSED if action == "defer" else what
    _, _, why = what.replace(", though ", ": ").partition(": ")
    return Try(host, happened, cause, why or (what if place == "-" else tls))


def check(wanted: Row, found: Row, events: list[dict[str, Any]]) -> list[str]:
    """What is wrong with a row."""
    facts = ("policy", "basis", "reason", "tries", "fate")
    problems = [
        f"{wanted.domain}: {fact} is {getattr(found, fact)} instead of {getattr(wanted, fact)}"
        for fact in facts
        if getattr(found, fact) != getattr(wanted, fact)
    ]
    deliveries = [
        (event["host"], event["tls"], event["message"])
        for event in events
        if event["kind"] == "delivery" and address(wanted.domain) in event["rcpts"]
    ]
    text = MESSAGE.decode().replace("\n", "\r\n")
    due = [(t.host, t.happened == TLS, text) for t in wanted.tries if t.happened in (TLS, CLEAR)]
    if deliveries != due:
        problems.append(f"{wanted.domain}: the mail hosts received {deliveries}, due was {due}")
    return problems


def check_hosts(rows: list[Row], events: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the number of connections and of MAIL commands that hosts saw."""
    tries = [t for row in rows for t in row.tries]
    due = Counter(
        [("smtp-connect", t.host) for t in tries if t.happened in (TLS, CLEAR, REFUSED)]
        + [("smtp-mail", t.host) for t in tries if t.happened in (TLS, CLEAR)]
    )
    seen = Counter(
        (e["kind"], e["host"]) for e in events if e["kind"] in ("smtp-connect", "smtp-mail")
    )
    wrong = sorted(key for key in due.keys() | seen.keys() if due[key] != seen[key])
    return [f"{host}: {seen[kind, host]} {kind}, {due[kind, host]} due" for kind, host in wrong]


class Table:
    """Rows of cells that wrap, each with a line about its domain below."""

    HEAD = ("domain", "policy", "basis", "MX host tried", "what happened", "why", "as due")

    def __init__(self) -> None:
        columns = min(max(shutil.get_terminal_size((132, 24)).columns, 108), 144)
        self.widths = [17, 7, 9, 20, 18]
        self.widths += [columns - sum(self.widths) - 2 * 6 - 6, 6]
        self.colour = sys.stdout.isatty()

    def line(self, cells: Iterable[str], mark: str = "") -> None:
        """Prints a line, marked by a code for terminals."""
        padded = "  ".join(cell.ljust(width) for cell, width in zip(cells, self.widths)).rstrip()
        print(f"\033[{mark}m{padded}\033[0m" if self.colour and mark else padded)

    def head(self) -> None:
        """Prints the names of the columns."""
        self.line(self.HEAD, "1")
        self.line("-" * width for width in self.widths)

    def row(self, row: Row, fine: bool) -> None:
        """Prints a row."""
        verdict = "ok" if fine else "WRONG"
        cells: list[list[str]] = [[row.domain], [row.policy], [row.basis], [], [], [], [verdict]]
        for t in row.tries:
            why = textwrap.wrap(t.why, self.widths[5]) or [""]
            for column, texts in zip(cells[3:6], ([t.host], [t.happened], why)):
                column.extend(texts + [""] * (len(why) - len(texts)))
        for line in itertools.zip_longest(*cells, fillvalue=""):
            self.line(line, "" if fine else "31")
        trouble = "nothing newer" if row.basis == "cached" else "no policy"
        notes = "; ".join(filter(None, (row.story, row.why and f"{trouble}: {row.why}")))
        if notes:
            self.line([f"    {notes}"], "2")


def act(title: str, rows: list[Row], found: list[Row], events: list[dict[str, Any]]) -> int:
    """Prints an act; how many things are wrong."""
    table = Table()
    print(f"\n{title}\n")
    table.head()
    problems: list[str] = []
    for wanted, row in zip(rows, found):
        wrong = check(wanted, row, events)
        table.row(row, not wrong)
        problems += wrong
    problems += check_hosts(rows, events)
    for problem in problems:
        print(f"WRONG: {problem}")
    return len(problems)


def play(lab: Lab, sender: str, store: pathlib.Path) -> int:
    """All acts; how many things are wrong."""

    def perform(title: str, rows: list[Row]) -> int:
        return act(title, rows, send(sender, lab, store, rows), lab.events())

    print(LEGEND)
    wrong = perform("Act one: everybody behaves, and the sender gets to know the policies.", FIRST)
    for line in ATTACK + CHANGES:
        lab(line)
    wrong += perform("Act two: an attacker is on the path, and cached policies hold.", SECOND)
    for name in dict.fromkeys(line.split()[1] for line in ATTACK):
        lab(f"reset {name}")
    wrong += perform("Act three: the attacker is gone, and what was deferred arrives.", THIRD)
    print(
        f"\n{wrong} WRONG" if wrong else "\nEverything is as it must be, also for the mail hosts."
    )
    return wrong


def main() -> int:
    """See the top."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="mtasts-demo-") as name:
        folder = pathlib.Path(name)
        store = folder / "store"
        store.mkdir()
        lab = Lab(sys.argv[1], folder / "lab")
        try:
            return 1 if play(lab, sys.argv[2], store) else 0
        finally:
            lab.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
