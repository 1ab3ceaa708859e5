# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures `mtasts report show` of 1,000 gzipped reports: the least of five runs of the program
given, after one that fills the file cache. Prints a line for run.sh."""

from __future__ import annotations

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import time

REPORTS = 1_000


def report(number: int) -> bytes:
    """One day's report with twenty kinds of failure, in gzip."""
    day = f"2026-{1 + number % 12:02}-{1 + number % 28:02}"
    failures = [
        {"result-type": "certificate-expired", "sending-mta-ip": f"192.0.2.{count}",
         "receiving-mx-hostname": f"mx{count % 5}.example.com", "receiving-ip": "198.51.100.9",
         "failed-session-count": count}
        for count in range(1, 21)
    ]  # fmt: skip
    policy = {"policy-type": "sts", "policy-domain": f"d{number % 50}.example.com",
              "policy-string": ["version: STSv1", "mode: testing"]}  # fmt: skip
    summary = {"total-successful-session-count": 5000, "total-failure-session-count": 210}
    content = {
        "organization-name": f"Sender {number % 40}",
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "contact-info": "tlsrpt@sender.example",
        "report-id": str(number),
        "policies": [{"policy": policy, "summary": summary, "failure-details": failures}],
    }
    return gzip.compress(json.dumps(content).encode())


def seconds(program: str, folder: str) -> float:
    """How long one run takes; it must have read all."""
    begin = time.perf_counter()
    shown = subprocess.check_output([program, "report", "show", folder], text=True)
    taken = time.perf_counter() - begin
    if not shown.startswith(f"{REPORTS} reports "):
        raise SystemExit(f"reports.py: not all were read: {shown.splitlines()[0]}")
    return taken


def main() -> None:
    """Writes, measures, prints."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(REPORTS):
            (pathlib.Path(folder) / str(number)).write_bytes(report(number))
        seconds(sys.argv[1], folder)
        least = min(seconds(sys.argv[1], folder) for _ in range(5))
    print(f"report_show\t{round(least * 1e9)}\tns")


if __name__ == "__main__":
    main()
