#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The interface `reports` (R-RPT-2, R-RPT-3): sessions are counted and become reports, which are
written, read and added up. `reports.py COMPONENT`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wasmtime.component import ResourceAny, Variant

sys.path.insert(0, str(Path(__file__).parent.parent / "hosts/python"))

from component import Component, EngineError, field, record  # noqa: E402

MORNING, DAY = 1767225600, 86400
LAST = 2**64 - 1
POLICY = b"version: STSv1\nmode: testing\nmx: mx.example.com\nmax_age: 86400\n"
SENDER = record(organization_name="Sender", contact_info="tls@sender.example",
                submitter="mta.sender.example")


class Reports:
    """A counter of the component's, and a domain with a policy."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self.outcome = self.looked_up()
        self.counter = self.call("[constructor]counter")

    def call(self, name: str, *arguments: Any) -> Any:
        return self.component.call("reports", name, *arguments)

    def of_counter(self, name: str, *arguments: Any) -> Any:
        return self.call(f"[method]counter.{name}", self.counter, *arguments)

    def looked_up(self) -> ResourceAny:
        def of(name: str, *arguments: Any) -> Any:
            return self.component.call("lookups", f"[method]lookup.{name}", machine, *arguments)

        machine = self.component.call("lookups", "[static]lookup.start", "example.com",
                                      Variant("empty"), None, MORNING)
        of("txt", of("poll").payload.id, MORNING, record(records=[[b"v=STSv1; id=1;"]], ttl=None))
        reply = record(status=200, content_type="text/plain", body=POLICY)
        of("https", of("poll").payload.id, MORNING, reply)
        return of("outcome")

    def count(self, certificate: str, address: str | None = None) -> None:
        session = record(mx_host="mx.example.com", tls=Variant("established", certificate),
                         dane="not-used", mx_secure=False)
        details = None if address is None else record(
            sending_mta_ip=None, receiving_ip=address, receiving_mx_helo=b"mx\xff",
            failure_reason_code="", additional_information="")
        self.of_counter("count", MORNING, self.outcome, session, details)


def refused(kind: str, function: Callable[..., Any], *arguments: Any) -> None:
    try:
        function(*arguments)
    except EngineError as error:
        assert error.kind == kind, error.kind
        return
    raise AssertionError(f"{arguments} is not refused")


def sessions_become_reports(reports: Reports) -> Any:
    reports.count("valid")
    reports.count("expired", "2001:db8::1")
    refused("report", reports.count, "expired", "here")
    refused("host-name", reports.of_counter, "take", LAST, record(
        organization_name="", contact_info="", submitter="_"))
    assert reports.of_counter("take", MORNING + DAY - 1, SENDER) == []
    [found] = reports.of_counter("take", MORNING + DAY, SENDER)
    assert found.domain == "example.com" and reports.of_counter("take", LAST, SENDER) == []
    [policy] = found.report.policies
    assert field(policy, "policy-type").tag == "sts"
    assert field(policy, "total-successful-session-count") == 1
    [failure] = field(policy, "failure-details")
    assert (failure.result.tag, failure.result.payload) == ("known", "certificate-expired")
    assert field(failure, "receiving-ip") == "2001:db8::1"
    assert field(failure, "receiving-mx-helo") == "mx\N{REPLACEMENT CHARACTER}"
    return found.report


def reports_add_up(reports: Reports, report: Any) -> None:
    again = reports.call("parse", reports.call("to-json", report).encode())
    for one in (report, again):
        reports.of_counter("add", "Example.COM.", one)
    refused("host-name", reports.of_counter, "add", "_", report)
    [found] = reports.of_counter("take", LAST, SENDER)
    [policy] = found.report.policies
    assert field(policy, "total-failure-session-count") == 2
    assert [field(one, "failed-session-count") for one in field(policy, "failure-details")] == [2]


def files_are_named(reports: Reports, report: Any) -> None:
    name = reports.call("file-name", report, "s.example", "example.com", None, "gzip")
    assert name == "s.example!example.com!1767225600!1767311999.json.gz", name
    refused("report", reports.call, "file-name", report, "s.example", "a.example", "!", "json")
    refused("host-name", reports.call, "file-name", report, "_", "a.example", None, "json")


def main() -> None:
    reports = Reports(Component(sys.argv[1]))
    report = sessions_become_reports(reports)
    reports_add_up(reports, report)
    files_are_named(reports, report)
    refused("report", reports.call, "parse", b"{}")
    print("reports.py: 4 passed, 0 failed")


if __name__ == "__main__":
    main()
