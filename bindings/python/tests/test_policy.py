# SPDX-License-Identifier: MIT OR Apache-2.0
"""Policies and records: R-POL-5, R-MX-1, R-TXT-2, R-RPT-1."""

from __future__ import annotations

import copy
import pickle

import pytest

import mtasts

TEXT = "version: STSv1\nmode: enforce\nmx: MX1.example.com.\nmx: *.example.net\n\nmax_age: 86400\n"


def test_a_policy_says_what_it_says() -> None:
    policy = mtasts.Policy.parse(TEXT.encode())
    assert (policy.mode, policy.max_age) == (mtasts.Mode.ENFORCE, 86400)
    assert policy.mx == ("mx1.example.com", "*.example.net")
    assert policy.text == TEXT
    assert repr(policy) == "<Policy enforce, max_age 86400, mx mx1.example.com *.example.net>"


def test_r_pol_5_what_is_tolerated_is_told_and_strict_refuses_it() -> None:
    warnings = mtasts.Policy.parse(TEXT).warnings
    assert [(w.kind, w.line, w.column) for w in warnings] == [
        ("mx-trailing-dot", 3, 5),
        ("blank-line", 5, 1),
    ]
    with pytest.raises(mtasts.PolicyError) as caught:
        mtasts.Policy.parse(TEXT, strict=True)
    assert (caught.value.kind, caught.value.offset) == ("mx-trailing-dot", warnings[0].offset)


@pytest.mark.parametrize(
    ("host", "is_listed"),
    [
        ("mx1.example.com", True),
        ("MX1.EXAMPLE.COM.", True),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("mx2.example.com", False),
        # A C string ends at its first NUL.
        ("mx1.example.com\0.evil.example", False),
        ("mx1.example.com\0", False),
        ("mx1.examplé.com", False),
        ("\ud800", False),
        ("", False),
    ],
)
def test_r_mx_1_hosts_are_listed_or_not(host: str, is_listed: bool) -> None:
    assert mtasts.Policy.parse(TEXT).matches(host) is is_listed


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("", "version-missing", 1),
        ("version: STSv1\nmode: enforce\nmax_age: 1\n", "mx-missing", 1),
        ("version: STSv1\nmode: enforced\nmx: a.example\nmax_age: 1\n", "mode", 2),
        (b"version: STSv1\nmode: \xff\n", "utf8", 2),
        ("version: STSv1\nmode: \ud800\n", "utf8", 2),
        (b"x" * 65537, "body-too-large", 1),
    ],
)
def test_r_pol_errors_have_a_kind_and_a_place(text: str | bytes, kind: str, line: int) -> None:
    with pytest.raises(mtasts.PolicyError) as caught:
        mtasts.Policy.parse(text)
    error = caught.value
    assert error.kind == kind
    assert error.problem is not None and error.problem.line == line
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.kind, again.problem) == (type(error), kind, error.problem)


def test_policies_are_values() -> None:
    policy = mtasts.Policy.parse(TEXT)
    for same in (mtasts.Policy.parse(TEXT), pickle.loads(pickle.dumps(policy)), copy.copy(policy)):
        assert (same, hash(same)) == (policy, hash(policy))
    assert policy != mtasts.Policy.parse(TEXT.replace("enforce", "testing"))
    assert policy != TEXT


def test_words_are_strings() -> None:
    assert f"{mtasts.Mode.TESTING:>8}" == " testing"
    assert mtasts.Result("sts-policy-invalid") is mtasts.Result.STS_POLICY_INVALID
    with pytest.raises(ValueError, match="upgrade"):
        mtasts.Result.of(99)


def test_r_txt_2_one_record_is_picked() -> None:
    assert mtasts.select_record([b"v=spf1 -all", "v=STSv1; id=a1;"]) == "a1"
    for records, kind in [
        ([], "no-record"),
        (["v=STSv1; id=1;"] * 2, "several-records"),
        (["v=STSv1; id=-;"], "id"),
    ]:
        with pytest.raises(mtasts.RecordError) as caught:
            mtasts.select_record(records)
        assert caught.value.kind == kind


def test_r_rpt_1_report_addresses() -> None:
    record = mtasts.TlsrptRecord.select(["v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/"])
    assert record.rua == ("mailto:a@b.example", "https://c.example/")
    with pytest.raises(mtasts.RecordError) as caught:
        mtasts.TlsrptRecord.select(["v=TLSRPTv1; rua=gopher:x"])
    assert caught.value.kind in ("rua", "rua-missing")


def test_keys_of_postfix() -> None:
    assert mtasts.next_hop("[mail.example]:25") == "mail.example"
    assert mtasts.next_hop("[192.0.2.1]") is None
    with pytest.raises(mtasts.DomainError):
        mtasts.next_hop("a\0b")
