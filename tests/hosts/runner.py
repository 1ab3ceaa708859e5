# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the cases on one host, inside its place: first all that can run together, a round at a time,
then those that cannot."""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from host import Host
from model import Case, Fate, Refresh, Report, Set, Stop, domain, toml
from servers import PATIENCE, Lab, Server

SENDER = "sender@here.example"
MESSAGE = "From: sender@here.example\r\nSubject: test\r\n\r\nA line.\r\n"
DEFAULTS = """\
[defaults]
ttl = 0
negative_ttl = 0
smtp_base = "192.0.2.1"
id = "1"
policy = "enforce"
tlsrpt = "mailto:reports@here.example"

# By it hosts and server see that the name server validates.
[[record]]
name = "."
type = "NS"
value = "ns.here.example"
secure = true
"""


def scene(cases: Sequence[Case]) -> str:
    """The lab's scene; every case has its part of it."""
    tables = [table for case in cases for table in case.scene]
    return DEFAULTS + toml([domain("here.example", id="", policy=""), *tables])


def first_domain(case: Case) -> str:
    """The first domain of a case's scene."""
    return str(case.scene[0]["name"])


@dataclass
class Sent:
    """One recipient of a mail that the host has taken."""

    case: Case
    domain: str
    rcpt: str
    wanted: Fate


@dataclass
class Run:
    """A host under test. `failures` has a list for each case that has run."""

    host: Host
    lab: Lab
    server: Server
    failures: dict[str, list[str]] = field(default_factory=dict)

    def all(self, cases: Sequence[Case]) -> None:
        """Runs the cases."""
        self.failures = {case.name: [] for case in cases}
        together = [case for case in cases if not case.is_alone]
        self.rounds(together)
        end = time.monotonic() + PATIENCE
        for case in cases:
            if report := self.report_due(case):
                self.check_report(case, report, end)
            if case.check:
                self.failures[case.name] += self.host.check(case.check, self.lab)
        for case in cases:
            if case.is_alone:
                self.rounds([case])
        self.read_reports(cases)

    def rounds(self, cases: Sequence[Case]) -> None:
        """Runs cases together, round by round."""
        for number in range(max((len(case.rounds) for case in cases), default=0)):
            self.round([case for case in cases if number < len(case.rounds)], number)

    def round(self, cases: Sequence[Case], number: int) -> None:
        """One round: all mails are sent, and when the host has tried all of them, judged."""
        for case in cases:
            self.act(case, number)
        since = len(self.host.log.lines)
        sent = [one for case in cases for one in self.send(case, number)]
        fates = self.await_fates({one.rcpt for one in sent}, since)
        log = self.host.log.lines[since:]
        deliveries = [event for event in self.lab.ctl("events") if event["kind"] == "delivery"]
        for one in sent:
            taken = [event for event in deliveries if one.rcpt in event["rcpts"]]
            self.failures[one.case.name] += [f"round {number + 1}, {one.rcpt}: {wrong}" for wrong in
                                             self.judge(one, fates.get(one.rcpt), taken, log)]

    def act(self, case: Case, number: int) -> None:
        """What comes before the mails of a round."""
        for action in case.rounds[number].actions:
            if isinstance(action, Set):
                self.lab.ctl(f"set {action.name} {action.pairs}")
            elif isinstance(action, Refresh):
                self.server.refresh(action.domain)
            elif isinstance(action, Stop):
                self.host.stop_policies(self.server)
            else:
                self.host.start_policies(self.server)

    def send(self, case: Case, number: int) -> Iterator[Sent]:
        """Hands the mails of a round to the host."""
        for mail in case.rounds[number].mails:
            sent = [Sent(case, to, f"{case.name}.{number + 1}@{to}", fate)
                    for to, fate in mail.items()]
            with smtplib.SMTP("127.0.0.1", timeout=PATIENCE) as client:
                client.sendmail(SENDER, [one.rcpt for one in sent], MESSAGE)
            yield from sent

    def await_fates(self, rcpts: set[str], since: int) -> dict[str, str]:
        """What became of each recipient, once the host has tried all of them."""
        fates: dict[str, str] = {}

        def find(lines: list[str]) -> bool | None:
            for outcome in filter(None, map(self.host.outcome, lines)):
                fates[outcome[0]] = outcome[1]
            return rcpts <= fates.keys() or None

        self.host.log.wait(find, since)
        return fates

    def judge(self, sent: Sent, fate: str | None, taken: list[dict[str, Any]],
              log: list[str]) -> Iterator[str]:
        """All that is not as it must be."""
        wanted = sent.wanted
        if fate != wanted.fate:
            yield f"{fate or 'nothing'}, not {wanted.fate}"
        if len(taken) != (1 if wanted.fate == "delivered" else 0):
            yield f"taken by {[event['host'] for event in taken]}"
        for event in taken if wanted.sink else ():
            facts = {"host": wanted.sink, "tls": wanted.tls}
            facts |= {"sni": wanted.sni} if wanted.sni else {}
            yield from (f"{key} is {event[key]!r}, not {value!r}"
                        for key, value in facts.items() if event[key] != value)
        yield from (f"in the log: {line}" for line in log if re.search(self.host.never, line))
        if wanted.why:
            pattern = self.host.reasons[wanted.why].format(
                rcpt=re.escape(sent.rcpt), domain=re.escape(sent.domain),
                sink=re.escape(wanted.sink))
            if not any(re.search(pattern, line) for line in log):
                yield f"no `{pattern}` in the log"

    def report_due(self, case: Case) -> Report | None:
        """What the host has to tell its reporter of the case's first domain, if anything."""
        report = case.report
        if not report or not {"reports", *report.needs} <= self.host.traits:
            return None
        return self.host.report_of(report)

    def check_report(self, case: Case, wanted: Report, end: float) -> None:
        """The host's reporter is told of the first domain, until `end`."""
        wrong = self.host.reporter.wait(first_domain(case), wanted, end - time.monotonic())
        self.failures[case.name] += [f"report: {wrong}"] if wrong else []

    def read_reports(self, cases: Sequence[Case]) -> None:
        """The reports that are made in the end say that and no more."""
        due = {first_domain(case): report for case in cases if (report := self.report_due(case))}
        names = {first_domain(case): case.name for case in cases}
        for domain, wrong in self.host.reporter.read_back(due) if due else ():
            self.failures[names[domain]].append(wrong)
