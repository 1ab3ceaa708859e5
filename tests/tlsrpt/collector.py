#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What sender says of its sessions, through the programs of tlsrpt-reporter to reports in the mail
(R-RPT-4, R-RPT-5): tlsrpt-collectd counts the datagrams, tlsrpt-fetcher reads the counts,
tlsrpt-reportd makes and sends the reports, whose every number is compared with what must be.

    collector.py LAB SENDER FOLDER_OF_TLSRPT_REPORTER
"""

from __future__ import annotations

import email.message
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

from reporter import Collector, Trouble, report_in, running

SCENE = pathlib.Path(__file__).with_name("scene.toml")

Failure = tuple[str, str, str, int]  # result type, MX host, reason code, sessions
Policy = tuple[str, str, list[str], int, int, list[Failure]]


def sts(
    domain: str, mx: list[str], successes: int, *failures: Failure, mode: str = "enforce"
) -> Policy:
    """A policy in a report, whose failed sessions are those of `failures`."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in mx), "max_age: 604800"]
    return ("sts", domain, lines + mx, successes, sum(f[3] for f in failures), list(failures))


# Two messages go to each domain. They have at most ten sessions that wait for tlsrpt-collectd, as
# many as Linux keeps for it.
BATCHES = (
    ("good.example", "two.example", "moved.example", "testing.example", "stripped.example"),
    ("absent.example", "plain.example", "none.example", "quiet.example", "odd.example"),
) * 2  # fmt: skip
REPORTS: dict[str, Policy] = {
    "good.example": sts("good.example", ["mx.good.example"], 2),
    "two.example": sts(
        "two.example", ["*.two.example", "mx.other.example"], 2,
        ("certificate-host-mismatch", "old.two.example", "certificate-host-mismatch", 2),
    ),
    "moved.example": sts(
        "moved.example", ["mx.moved.example"], 2,
        ("validation-failure", "mx.elsewhere.example", "mx-not-listed", 2),
    ),
    "testing.example": sts(
        "testing.example", ["mx.testing.example"], 0,
        ("certificate-expired", "mx.testing.example", "certificate-expired", 2), mode="testing",
    ),
    "stripped.example": sts(
        "stripped.example", ["mx.stripped.example"], 0,
        ("starttls-not-supported", "mx.stripped.example", "starttls-not-supported", 2),
    ),
    "absent.example": (
        "sts", "absent.example", [], 2, 0, [("sts-policy-fetch-error", "", "status-404", 2)],
    ),
    "plain.example": (
        "no-policy-found", "plain.example", [], 0, 2,
        [("starttls-not-supported", "mx.plain.example", "starttls-not-supported", 2)],
    ),
    "odd.example": sts("odd.example", ["mx.odd.example"], 2),
}  # fmt: skip
SESSIONS = sum(policy[3] + policy[4] for policy in REPORTS.values())


def send(sender: list[str], domains: tuple[str, ...]) -> None:
    """Mails the domains."""
    command = sender + [word for domain in domains for word in ("-r", f"you@{domain}")]
    done = subprocess.run(
        command, input=b"Subject: test\n\nA line\n", capture_output=True, timeout=100, check=False
    )
    if done.returncode not in (0, 75) or b"TLSRPT" in done.stderr:
        raise Trouble(f"sender: {done.returncode}\n{done.stderr.decode()}")


def sender_in(info: dict[str, Any], folder: pathlib.Path, program: str) -> list[str]:
    """The command that sends in the lab."""
    store = folder / "store"
    store.mkdir()
    command = [program, "-j", "-L", "-v", "-t", "5", "-f", "me@here.example", "-e", "here.example"]
    command += ["-s", str(store), "-T", str(folder / "collector"), "-C", info["ca_file"]]
    command += ["-n", info["dns"], "-p", str(info["smtp_port"]), "-P", str(info["https_port"])]
    return command


def sessions(domains: Iterable[str]) -> int:
    """How many are reported for one message to each."""
    policies = [REPORTS[domain] for domain in domains if domain in REPORTS]
    return sum(policy[3] + policy[4] for policy in policies) // 2


def read(report: dict[str, Any]) -> Policy:
    """What a report says of its one policy."""
    (entry,) = report["policies"]
    policy, summary = entry["policy"], entry["summary"]
    failures = [
        (
            failure["result-type"],
            failure.get("receiving-mx-hostname", ""),
            failure["failure-reason-code"],
            failure["failed-session-count"],
        )
        for failure in entry["failure-details"]
    ]
    return (
        policy["policy-type"],
        policy["policy-domain"],
        policy.get("policy-string", []) + policy.get("mx-host", []),
        summary["total-successful-session-count"],
        summary["total-failure-session-count"],
        failures,
    )


def addresses(report: dict[str, Any]) -> set[str]:
    """The sending and receiving addresses in a report."""
    details = [failure for entry in report["policies"] for failure in entry["failure-details"]]
    return {
        f"{key} {'127.' if failure[key].startswith('127.') else failure[key]}"
        for failure in details
        for key in ("sending-mta-ip", "receiving-ip")
        if key in failure
    }


def check_mail(domain: str, message: email.message.EmailMessage) -> list[str]:
    """What is wrong with a report that came by mail."""
    report = report_in(message)
    wrong = []
    if message["To"] != f"reports@{domain}":
        wrong.append(f"{domain}: mailed to {message['To']}")
    if (found := read(report)) != REPORTS[domain]:
        wrong.append(f"{domain}:\n  {found}, due is\n  {REPORTS[domain]}")
    if domain == "testing.example" and addresses(report) != {
        "sending-mta-ip 127.",
        "receiving-ip 127.",
    }:
        wrong.append(f"{domain}: {addresses(report)}")
    return wrong


def check_reports(collector: Collector) -> list[str]:
    """Has the reports made and sent; what is wrong with them."""
    mails, posts = collector.reports(len(REPORTS) + 1)
    wrong = []
    for message in mails:
        domain = str(message["TLS-Report-Domain"])
        wrong += check_mail(domain, message) if domain in REPORTS else [f"a report for {domain}"]
    if [read(report) for report in posts] != [REPORTS["odd.example"]]:
        wrong.append("odd.example: the posted report is another")
    if len(mails) != len(REPORTS):
        wrong.append(f"{len(mails)} reports by mail, {len(REPORTS)} due")
    return wrong


def test(lab: str, sender: str, programs: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """All of it; what is wrong."""
    lab_command = [lab, "run", SCENE, folder / "lab", "--until-eof"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with running(lab_command, **pipes) as internet, Collector(
        programs, folder
    ).collecting() as collector:
        assert internet.stdout
        if internet.stdout.readline() != b"ready\n":
            raise Trouble("the lab does not start")
        info = json.loads((folder / "lab/lab.json").read_text())
        command, due = sender_in(info, folder, sender), 0
        for domains in BATCHES:
            send(command, domains)
            due += sessions(domains)
            collector.await_sessions(due)
        collector.end_the_day(SESSIONS)
        return check_reports(collector)


def main() -> int:
    """See the top."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mtasts-tlsrpt-") as name:
        try:
            wrong = test(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(name))
        except Trouble as trouble:
            wrong = [str(trouble)]
    for line in wrong:
        print(f"WRONG: {line}")
    if not wrong:
        print(f"tests/tlsrpt: {SESSIONS} sessions, {len(REPORTS)} reports: all as they must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
