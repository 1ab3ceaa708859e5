# SPDX-License-Identifier: MIT OR Apache-2.0
"""Look-ups without I/O: R-FLOW-1, R-FLOW-2, R-FLOW-6, R-FLOW-7, R-FLOW-9, R-DOM-1."""

from __future__ import annotations

from typing import Any

import pytest

import mtasts
from mtasts import Failure, HttpsReply, Lookup, Stored, TxtAnswer

NOW = 1767225600
POLICY = b"version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 86400\n"


def give(lookup: Lookup, *answers: mtasts.Answer) -> None:
    """Answers what the lookup asks, one after the other."""
    for answer in answers:
        step = lookup.poll()
        assert step is not None
        lookup.submit(step, answer, NOW)


def fresh(domain: str = "example.com") -> mtasts.Outcome:
    """The outcome where all goes well."""
    lookup = Lookup(domain)
    record = TxtAnswer(["v=STSv1; id=1;"], ttl=300)
    give(lookup, None, record, HttpsReply(200, "text/plain", POLICY))
    return lookup.outcome()


def test_an_outcome_tells_everything() -> None:
    outcome = fresh("Example.COM.")
    assert (outcome.domain, outcome.id, outcome.basis) == ("example.com", "1", "fresh")
    assert (outcome.fetched_at, outcome.expires_at) == (NOW, NOW + 86400)
    assert (outcome.reason, outcome.result, outcome.http_status) == (None, None, None)
    assert (outcome.explanation, outcome.try_later, outcome.is_changed) == ("", False, True)
    assert outcome.policy is not None and outcome.policy.mx == ("*.example.com",)
    assert outcome.useless_after >= NOW + 86400
    assert repr(outcome) == "<Outcome example.com: fresh>"


def test_the_policy_outlives_its_outcome() -> None:
    policy = fresh().policy
    assert policy is not None and policy.matches("mx.example.com")


def test_r_flow_1_what_is_stored_counts_when_dns_fails() -> None:
    lookup = Lookup("example.com")
    lookup.submit(0, Stored(fresh().stored), NOW + 3600)
    step = lookup.poll()
    assert isinstance(step, mtasts.QueryTxt)
    lookup.submit(step, Failure.TEMPORARY, NOW + 3600)
    outcome = lookup.outcome()
    assert (outcome.basis, outcome.reason) == ("cached", "dns-temporary")
    assert outcome.verdict("mx.example.net").action is mtasts.Action.DEFER


def test_r_flow_2_a_reason_and_what_to_report() -> None:
    lookup = Lookup("example.com")
    give(lookup, None, TxtAnswer(["v=STSv1; id=1;"]), HttpsReply(404, None, b""))
    outcome = lookup.outcome()
    assert (outcome.policy, outcome.reason, outcome.http_status) == (None, "status", 404)
    assert outcome.result is mtasts.Result.STS_POLICY_FETCH_ERROR
    assert outcome.fetched_at is None and outcome.expires_at is None


def test_r_flow_6_looking_again() -> None:
    lookup = Lookup.again(fresh())
    step = lookup.poll()
    assert isinstance(step, mtasts.QueryTxt)
    lookup.submit(step, TxtAnswer(["v=STSv1; id=1;"]), NOW + 1)
    assert lookup.outcome().basis is mtasts.Basis.CACHED


def test_r_flow_9_answers_that_nobody_asked_for() -> None:
    lookup = Lookup("example.com")
    give(lookup, None)
    step = lookup.poll()
    assert step is not None
    for number, answer in [
        (0, None),
        (step.request_id + 1, TxtAnswer()),
        (step.request_id, HttpsReply(200, "text/plain", POLICY)),
        (step.request_id, Failure.WEBPKI),
        (step.request_id, Failure.STORE_FAILED),
        (step.request_id, None),
    ]:
        with pytest.raises(mtasts.AnswerError) as caught:
            lookup.submit(number, answer, NOW)
        assert caught.value.kind == "stale-request"
        assert lookup.poll() == step
    give(lookup, TxtAnswer())
    with pytest.raises(mtasts.AnswerError) as caught:
        lookup.submit(step, TxtAnswer(), NOW)
    assert caught.value.kind == "finished"


def test_there_is_no_outcome_before_its_time() -> None:
    with pytest.raises(mtasts.Error) as caught:
        Lookup("example.com").outcome()
    assert caught.value.kind == "unfinished"


def test_r_apply_3_a_local_policy_comes_first_and_a_bad_one_makes_mail_wait() -> None:
    lookup = Lookup("example.com")
    lookup.submit(0, mtasts.LocalPolicy("version: STSv1\nmode: none\nmax_age: 1\n"), NOW)
    assert lookup.outcome().basis is mtasts.Basis.LOCAL
    lookup = Lookup("example.com")
    with pytest.raises(mtasts.PolicyError):
        lookup.submit(0, mtasts.LocalPolicy("mode: none\n"), NOW)
    give(lookup, TxtAnswer())
    assert lookup.outcome().try_later


def test_limits_make_an_answer_a_failure() -> None:
    lookup = Lookup("example.com", mtasts.Config(max_body=65536))
    record = TxtAnswer(["v=STSv1; id=1;"], ttl=1 << 40)
    give(lookup, None, record, HttpsReply(200, "text/plain", b"x" * 70000))
    assert lookup.outcome().reason is mtasts.Reason.BODY_TOO_LARGE


@pytest.mark.parametrize(
    "domain", ["", "a_b", "x" * 64 + ".example", "bücher.example", "a\0b", "\ud800"]
)
def test_r_dom_1_what_is_no_domain(domain: str) -> None:
    with pytest.raises(mtasts.DomainError) as caught:
        Lookup(domain)
    assert caught.value.kind == "host-name" and caught.value.offset is None


def test_r_flow_7_an_address_literal_has_no_policy() -> None:
    with pytest.raises(mtasts.AddressLiteralError):
        Lookup("[192.0.2.1]")


def test_settings_are_checked() -> None:
    with pytest.raises(mtasts.Error) as caught:
        Lookup("example.com", mtasts.Config(divert_percent=101))
    assert caught.value.kind == "argument"


def test_r_apply_1_verdicts() -> None:
    outcome = fresh()
    session = mtasts.Session("mx.example.com", mtasts.Tls.ESTABLISHED)
    verdict = outcome.verdict(session)
    # What has not been checked is no good.
    assert verdict.action is mtasts.Action.DEFER
    assert (verdict.cause, verdict.result) == ("certificate-invalid", "validation-failure")
    assert verdict.text == "the MX host's certificate cannot be used"
    good = mtasts.Session("mx.example.com", mtasts.Tls.ESTABLISHED, mtasts.Certificate.VALID)
    assert outcome.verdict(good) == mtasts.Verdict(mtasts.Action.DELIVER, None, None)
    for no_host in ("mx.example.com\0", "\ud800", ""):
        assert outcome.verdict(no_host).cause is mtasts.Cause.MX_NOT_LISTED


def test_what_postfix_is_told() -> None:
    found, value = fresh().postfix()
    assert found is mtasts.PostfixFound.POLICY
    assert value.startswith("secure match=.example.com")
    assert fresh().postfix(dane=mtasts.DomainDane.TEMPORARY) == ("temporary", "")


def test_r_rpt_4_datagrams_for_the_collector() -> None:
    record = mtasts.TlsrptRecord.select(["v=TLSRPTv1; rua=mailto:a@b.example"])
    session = mtasts.Session("mx.example.com", mtasts.Tls.NOT_OFFERED)
    details = mtasts.TlsrptDetails(receiving_ip="192.0.2.7", failure_reason_code="a\0b")
    datagram = fresh().tlsrpt_datagram(session, record, details)
    assert b"192.0.2.7" in datagram and b"\0" not in datagram
    untried = mtasts.Session("mx.example.com")
    assert fresh().tlsrpt_datagram(untried, record) == b""


def test_one_record_is_no_list_of_them() -> None:
    for record in ("v=STSv1; id=1;", b"v=STSv1; id=1;"):
        with pytest.raises(TypeError, match="list"):
            TxtAnswer(record)  # type: ignore[arg-type, unused-ignore]
    lookup = Lookup("example.com")
    give(lookup, None)
    step = lookup.poll()
    assert step is not None
    with pytest.raises(TypeError):
        lookup.submit(step, TxtAnswer([5]))  # type: ignore[list-item]
    assert lookup.poll() == step


@pytest.mark.parametrize(
    "settings",
    [
        {"fetch_timeout": 0},
        {"fetch_timeout": -1.0},
        {"fetch_timeout": float("nan")},
        {"fetch_timeout": 1e12},
        {"divert_percent": 2**32},
        {"divert_percent": 101},
        {"min_ttl": -1},
        {"max_ttl": 2**40},
        {"max_negative_ttl": 0},
        {"max_body": -1},
    ],
)
def test_a_setting_that_does_not_fit_is_not_cut_off(settings: dict[str, Any]) -> None:
    with pytest.raises(mtasts.Error) as caught:
        Lookup("example.com", mtasts.Config(**settings))
    assert caught.value.kind == "argument" and next(iter(settings)) in str(caught.value)


def test_what_is_wrong_with_a_name_fits_a_line_of_a_log() -> None:
    for domain in ("example.com\n", "", "x" * 100_000):
        with pytest.raises(mtasts.DomainError) as caught:
            Lookup(domain)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    with pytest.raises(TypeError, match="str"):
        Lookup(b"example.com")  # type: ignore[arg-type]
