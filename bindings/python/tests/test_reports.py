# SPDX-License-Identifier: MIT OR Apache-2.0
"""TLS reports: R-RPT-2, R-RPT-3."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from test_lookup import fresh

import mtasts

DAY = 86400
MORNING = 1767225600  # 2026-01-01T00:00:00Z
SENDER = ("Sender", "tls@sender.example", "mta.sender.example")


def text(**changes: Any) -> str:
    """A report's JSON."""
    report: dict[str, Any] = {
        "organization-name": "A\0ü",
        "date-range": {
            "start-datetime": "2026-01-01T00:00:00Z",
            "end-datetime": "2026-01-01T23:59:59Z",
        },
        "contact-info": "tls@sender.example",
        "report-id": "one",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: testing"],
                    "policy-domain": "example.com",
                    "mx-host": "*.example.com",
                },
                "summary": {"total-successful-session-count": 20, "total-failure-session-count": 3},
                "failure-details": [
                    {"result-type": "certificate-expired", "failed-session-count": 2},
                    {"result-type": "weather", "failed-session-count": 1, "receiving-ip": "::1"},
                ],
            }
        ],
    }
    return json.dumps({**report, **changes})


def test_r_rpt_3_a_report_says_what_it_says() -> None:
    report = mtasts.Report.parse(text().encode())
    assert (report.organization_name, report.contact_info) == ("A\0ü", "tls@sender.example")
    assert (report.report_id, report.domain) == ("one", None)
    assert (report.begin, report.end) == (MORNING, MORNING + DAY - 1)
    assert report.policies == (
        mtasts.ReportedPolicy(
            "sts",
            "example.com",
            20,
            3,
            ("version: STSv1", "mode: testing"),
            ("*.example.com",),
            (
                mtasts.ReportedFailure("certificate-expired", 2),
                mtasts.ReportedFailure("weather", 1, receiving_ip="::1"),
            ),
        ),
    )
    assert repr(report) == "<Report 'one' of 'A\\x00ü'>"


def test_r_rpt_2_types_that_the_rfc_does_not_have_are_texts() -> None:
    [policy] = mtasts.Report.parse(text()).policies
    assert policy.policy_type is mtasts.PolicyType.STS
    assert [failure.result for failure in policy.failures] == [
        mtasts.Result.CERTIFICATE_EXPIRED,
        None,
    ]
    assert mtasts.ReportedPolicy("other", "example.com", 0, 0).policy_type is None


def test_r_rpt_3_what_is_written_is_read_again() -> None:
    report = mtasts.Report.parse(text())
    written = json.loads(report.to_json())
    assert written["policies"][0]["policy"]["mx-host"] == ["*.example.com"]
    for other in (mtasts.Report.parse(report.to_json()), pickle.loads(pickle.dumps(report))):
        assert (other, hash(other), other.policies) == (report, hash(report), report.policies)
    assert copy.copy(report) == report and report != mtasts.Report.parse(text(**{"report-id": "2"}))
    assert report != 1


@pytest.mark.parametrize(
    ("wrong", "line", "message"),
    [
        ("", 1, "EOF"),
        ("[]", 1, "invalid type"),
        ('{\n"report-id": 1}', 2, "invalid type"),
        (text(**{"report-id": None}), 1, "invalid type"),
        ("\ud800", 1, ""),
    ],
)
def test_r_rpt_3_what_is_wrong_is_told_with_its_place(wrong: str, line: int, message: str) -> None:
    with pytest.raises(mtasts.ReportError) as caught:
        mtasts.Report.parse(wrong)
    assert caught.value.problem and (caught.value.kind, caught.value.problem.line) == (
        "report",
        line,
    )
    assert message in caught.value.problem.message


def test_r_rpt_3_what_is_wrong_as_a_whole_has_no_place() -> None:
    days = {"start-datetime": "2026-01-02T00:00:00Z", "end-datetime": "2026-01-01T00:00:00Z"}
    with pytest.raises(mtasts.ReportError, match=r"^date-range ends before it begins$"):
        mtasts.Report.parse(text(**{"date-range": days}))


def test_r_rpt_3_a_huge_report_is_refused() -> None:
    with pytest.raises(mtasts.Error) as caught:
        mtasts.Report.parse(b" " * (2**25 + 1))
    assert caught.value.kind == "too-large"


def test_r_rpt_3_file_names() -> None:
    report = mtasts.Report.parse(text())
    name = report.file_name("S.example", "example.com", "7", mtasts.ReportFormat.JSON)
    assert name == "s.example!example.com!1767225600!1767311999!7.json"
    assert report.file_name("a", "b", "7" * 1000).endswith("7.json.gz")
    for unique in ("", "a!", "ü", "\0"):
        with pytest.raises(mtasts.Error):
            report.file_name("a", "b", unique)
    with pytest.raises(mtasts.DomainError):
        report.file_name("a", "b\0")


def test_r_rpt_3_sessions_become_reports() -> None:
    counter, com = mtasts.ReportCounter(), fresh("example.com")
    expired = mtasts.Session("mx.example.com", mtasts.Tls.ESTABLISHED, mtasts.Certificate.EXPIRED)
    details = mtasts.TlsrptDetails(receiving_mx_helo="mx")
    for _ in range(3):
        counter.session(MORNING, com, expired, details)
    counter.session(MORNING, com, mtasts.Session("mx.example.com"))  # not yet tried
    counter.session(MORNING + DAY, fresh("example.net"), expired)
    assert counter.take(MORNING + DAY - 1, *SENDER) == []
    [report] = counter.take(MORNING + DAY, *SENDER)
    assert (report.domain, report.organization_name) == ("example.com", "Sender")
    [policy] = report.policies
    assert (policy.successful_sessions, policy.failed_sessions) == (0, 3)
    [failure] = policy.failures
    assert (failure.result, failure.failed_sessions) == (mtasts.Result.CERTIFICATE_EXPIRED, 3)
    assert failure.receiving_mx_helo == "mx"
    assert [rest.domain for rest in counter.take(None, *SENDER)] == ["example.net"]


def test_r_rpt_3_reports_add_up() -> None:
    counter, report = mtasts.ReportCounter(), mtasts.Report.parse(text())
    counter.add("Example.COM.", report)
    counter.add("example.com", report)
    with pytest.raises(mtasts.DomainError):
        counter.add("_", report)
    with pytest.raises(mtasts.DomainError):
        counter.take(None, "Sender", "", "_")
    with pytest.raises(mtasts.Error):
        counter.take(None, "Sender\0", "", "a")
    for wrong in (-1, 2**64):
        with pytest.raises(mtasts.Error):
            counter.take(wrong, *SENDER)
    [sum_of_both] = counter.take(None, *SENDER)
    [policy] = sum_of_both.policies
    assert (policy.successful_sessions, policy.failed_sessions) == (40, 6)
    assert [failure.failed_sessions for failure in policy.failures] == [4, 2]
