# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a host says of its TLS sessions (RFC 8460): each datagram as it comes, and the reports that
tlsrpt-reporter makes of all of them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from model import Report
from servers import Lines

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests" / "tlsrpt"))
from reporter import Collector, Trouble, report_in  # noqa: E402

PROGRAMS = ROOT / "build" / "tlsrpt-reporter-0.6.0"

# libtlsrpt's numbers for the words of RFC 8460.
POLICY_TYPES = {"tlsa": 1, "sts": 2, "no-policy-found": 9}
RESULTS = {"starttls-not-supported": 201, "certificate-host-mismatch": 202,
           "certificate-not-trusted": 203, "certificate-expired": 204, "validation-failure": 205,
           "sts-policy-fetch-error": 301, "sts-webpki-invalid": 303}


def prepare() -> None:
    """Has tlsrpt-reporter installed in build/, unless PyPI does not answer."""
    subprocess.run([ROOT / "tests" / "tlsrpt" / "run", "--install"], check=True)


class Reporter:
    """Takes the datagrams at a socket, and hands them on to tlsrpt-collectd, if that is there."""

    def __init__(self, path: Path, run: Path) -> None:
        self.stack = ExitStack()
        self.collector: Collector | None = None
        if (PROGRAMS / "complete").exists():
            (run / "reports").mkdir()
            collector = Collector(PROGRAMS / "bin", run / "reports")
            self.collector = self.stack.enter_context(collector.collecting())
        reporter = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        reporter.bind(str(path))
        path.chmod(0o666)
        self.datagrams = Lines(self.take(reporter), run / "tlsrpt.log")

    def take(self, reporter: socket.socket) -> Iterator[str]:
        """What comes in, a line each."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as onward:
            while True:
                datagram = reporter.recv(65_536)
                if self.collector:
                    onward.sendto(datagram, str(self.collector.socket))
                yield datagram.decode() + "\n"

    def wait(self, domain: str, wanted: Report, patience: float) -> str:
        """Waits so many seconds for a datagram on a domain; what is wrong, or nothing."""
        told: list[str] = []

        def find(lines: list[str]) -> bool | None:
            told[:] = [line for line in lines if json.loads(line)["d"] == domain]
            return any(tells(json.loads(line), wanted) for line in told) or None

        is_told = self.datagrams.wait(find, 0, patience)
        return "" if is_told else f"{told or 'none'} is not {wanted}"

    def read_back(self, wanted: Mapping[str, Report]) -> Iterator[tuple[str, str]]:
        """Has the day end and the reports made; each domain with what is wrong."""
        if not self.collector:
            print("tlsrpt-reporter cannot be installed: no reports are read back", file=sys.stderr)
            return
        try:
            reports = self.reports(self.collector)
        except Trouble as trouble:
            yield from ((domain, str(trouble)) for domain in wanted)
            return
        for domain, report in wanted.items():
            found = read(reports[domain]) if domain in reports else None
            if found != due(report):
                yield domain, f"the report has {found}, due is {due(report)}"

    def reports(self, collector: Collector) -> dict[str, dict[str, Any]]:
        """The reports on all that was told, by domain."""
        with self.stack:
            told = list(self.datagrams.lines)
            collector.await_sessions(len(told))
            collector.end_the_day(len(told))
            mails, _ = collector.reports(len({json.loads(line)["d"] for line in told}))
        return {str(mail["TLS-Report-Domain"]): report_in(mail) for mail in mails}


def tells(datagram: dict[str, Any], wanted: Report) -> bool:
    """Whether a datagram of libtlsrpt says this and no more."""
    policy = datagram["policies"][0]
    lines = policy_lines(wanted)
    codes = [RESULTS[wanted.failure]] if wanted.failure else []
    # What TLSA records were used is the MTA's affair.
    is_told = wanted.policy_type == "tlsa" or (
        policy["policy-domain"] == datagram["d"]
        and policy.get("policy-string", []) == lines
        and policy.get("mx-host", []) == list(wanted.mx))
    return (is_told and policy["policy-type"] == POLICY_TYPES[wanted.policy_type]
            and [detail["c"] for detail in policy.get("failure-details", [])] == codes
            and policy["f"] == int(wanted.is_failure))


def policy_lines(wanted: Report) -> list[str]:
    """The policy, as the lab makes it."""
    if not wanted.mode:
        return []
    return ["version: STSv1", f"mode: {wanted.mode}", *(f"mx: {mx}" for mx in wanted.mx),
            "max_age: 604800"]


def due(wanted: Report) -> list[object]:
    """What the report must be that is made of it."""
    policy = policy_lines(wanted) if wanted.policy_type != "tlsa" else None
    failures = [(wanted.failure, 1)] if wanted.failure else []
    return [wanted.policy_type, policy, wanted.successes + int(not wanted.is_failure),
            int(wanted.is_failure), failures]


def read(report: dict[str, Any]) -> list[object]:
    """A report in the same form."""
    (entry,) = report["policies"]
    policy, summary = entry["policy"], entry["summary"]
    lines = policy.get("policy-string", []) if policy["policy-type"] != "tlsa" else None
    return [policy["policy-type"], lines, summary["total-successful-session-count"],
            summary["total-failure-session-count"],
            [(one["result-type"], one["failed-session-count"])
             for one in entry["failure-details"]]]
