# SPDX-License-Identifier: MIT OR Apache-2.0
"""What becomes of mail when the module of bindings/exim is broken: it waits, nothing goes in the
clear, Exim goes on, and when all is well again the mail is delivered as its policy says."""

from __future__ import annotations

import re
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from place import Place
from servers import PATIENCE, Lab, Lines

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
# With a policy to enforce, and with none.
DOMAINS = ("faults.example", "faults-free.example")
# Of faults.c: how a look-up ends. A process that ends says nothing in Exim's log.
ENDS = ("abort", "crash", "exit")
KINDS = (*ENDS, "panic", "no module", "no store", "bad store")


def prepare() -> None:
    """Builds the libraries with faults."""
    for name, define in (("faults", "-DLOOKUPS"), ("report-faults", "-DREPORTS")):
        subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared",
                        "-fPIC", define, f"-I{BUILD}/include", "-o",
                        BUILD / "hosts" / f"{name}.so", HERE / "faults.c"], check=True)


class Faults:
    """Breaks the module of an Exim that runs at `place`, again and again."""

    def __init__(self, place: Place, log: Lines, lab: Lab) -> None:
        self.place, self.log, self.lab = place, log, lab
        self.module, self.store = place.run / "mtasts_exim.so", place.run / "store"
        place.write("/run/faults", "", 0o666)
        self.met = Lines.follow(place.root / "run" / "faults")

    def check(self) -> Iterator[str]:
        """All kinds; what is wrong."""
        for kind in KINDS:
            yield from (f"{kind}: {wrong}" for wrong in self.one(kind))
        for kind in ENDS:
            yield from (f"{kind} in a report: {wrong}" for wrong in self.report(kind))

    def one(self, kind: str) -> Iterator[str]:
        """One kind."""
        rcpts = [f"{kind.replace(' ', '-')}@{domain}" for domain in DOMAINS]
        since, met = len(self.log.lines), len(self.met.lines)
        self.break_by(kind)
        for rcpt in rcpts:
            self.send(rcpt)
            met += 1
            if not (self.met.wait(lambda lines, due=met: len(lines) >= due or None)
                    if kind in ENDS else self.log.match(f" == {rcpt} ", since)):
                yield f"{rcpt}: it was not tried"
        # Once more, to the end.
        self.place.attempt("/usr/sbin/exim4", "-M", *self.queued(rcpts))
        yield from self.wait_all(rcpts, since)
        ids = self.queued(rcpts)
        self.mend(kind)
        self.place.attempt("/usr/sbin/exim4", "-M", *ids)
        yield from self.gone(rcpts, since)
        yield from self.root(met - len(rcpts))

    def report(self, kind: str) -> Iterator[str]:
        """A fault of the reports, by which no mail waits."""
        rcpts = [f"report-{kind}@{domain}" for domain in DOMAINS]
        since, met = len(self.log.lines), len(self.met.lines)
        self.place.write("/etc/mtasts-fault", kind)
        self.place.write("/etc/ld.so.preload", f"{BUILD}/hosts/report-faults.so\n")
        for rcpt in rcpts:
            self.send(rcpt)
        yield from self.gone(rcpts, since)
        due = met + len(rcpts)
        if not self.met.wait(lambda lines: len(lines) >= due or None):
            yield "no report was tried"
        yield from self.root(met)
        self.mend(kind)

    def root(self, since: int) -> Iterator[str]:
        """What the module did as root, in which Exim routes."""
        yield from (f"as root: {line}" for line in self.met.lines[since:] if line.endswith(" 0"))

    def wait_all(self, rcpts: list[str], since: int) -> Iterator[str]:
        """That all mail waits, and will be tried again; what is wrong."""
        queue = self.place.call("/usr/sbin/exim4", "-bp")
        for rcpt in rcpts:
            if not re.search(rf"^ +{rcpt}$", queue, re.MULTILINE):
                yield f"{rcpt} is not in the queue: {queue}"
            if any(re.search(rf" (=>|->|\*\*) {rcpt}", line) for line in self.log.lines[since:]):
                yield f"{rcpt} is said to be delivered or returned"
            if self.taken(rcpt):
                yield f"{rcpt}: taken by {self.taken(rcpt)}"
        if "frozen" in queue:
            yield f"frozen: {queue}"

    def gone(self, rcpts: list[str], since: int) -> Iterator[str]:
        """That all mail has been delivered, once and as its policy says; what is wrong."""
        for rcpt, pattern in zip(rcpts, (" CV=yes ", "")):
            if not self.log.match(rf" => {rcpt} .*{pattern}", since):
                yield f"{rcpt} was not delivered, or not verified"
            if len(self.taken(rcpt)) != 1:
                yield f"{rcpt}: taken by {self.taken(rcpt)}"

    def queued(self, rcpts: list[str]) -> list[str]:
        """The mails in the queue that have one of these recipients."""
        queue = self.place.call("/usr/sbin/exim4", "-bp")
        mails = re.findall(r"^ *\S+ +\S+ +(\S+) <.*\n +(\S+)$", queue, re.MULTILINE)
        return [mail for mail, rcpt in mails if rcpt in rcpts]

    def taken(self, rcpt: str) -> list[str]:
        """The hosts that have the mail."""
        events = self.lab.ctl("events")
        return [event["host"] for event in events
                if event["kind"] == "delivery" and rcpt in event["rcpts"]]

    def send(self, rcpt: str) -> None:
        """Hands Exim's daemon a mail, which shows that it is there."""
        with smtplib.SMTP("127.0.0.1", timeout=PATIENCE) as client:
            client.sendmail("sender@here.example", [rcpt], "Subject: test\r\n\r\nA line.\r\n")

    def break_by(self, kind: str) -> None:
        """Breaks it."""
        if kind == "no module":
            self.module.rename(f"{self.module}.away")
        elif kind == "no store":
            self.store.rename(f"{self.store}.away")
        elif kind == "bad store":
            data = self.store / "data.mdb"
            data.rename(f"{data}.away")
            data.write_bytes(b"nonsense" * 8192)
        else:
            self.place.write("/etc/mtasts-fault", kind)
            self.place.write("/etc/ld.so.preload", f"{BUILD}/hosts/faults.so\n")

    def mend(self, kind: str) -> None:
        """Makes it whole again."""
        broken = {"no module": self.module, "no store": self.store,
                  "bad store": self.store / "data.mdb"}
        if kind in broken:
            Path(f"{broken[kind]}.away").rename(broken[kind])
        else:
            (self.place.root / "etc/ld.so.preload").unlink()
