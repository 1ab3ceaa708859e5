#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Python surface for the conformance runner: answers the line protocol of ../PROTOCOL.md by the
package `mtasts`, and by nothing else. MTASTS_LIBRARY says which libmtasts."""

from __future__ import annotations

import pathlib
import sys
from typing import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bindings" / "python" / "src"))

import mtasts
from mtasts import (
    Answer,
    Certificate,
    Config,
    Dane,
    DomainDane,
    Failure,
    HttpsReply,
    LocalPolicy,
    Lookup,
    Outcome,
    Policy,
    PostfixLevel,
    PostfixVersion,
    Problem,
    Report,
    Session,
    Stored,
    Tls,
    TlsrptRecord,
    TxtAnswer,
)

#: Settings of a lookup by their names in the protocol: the name here, and the unit.
SETTINGS: dict[str, Callable[[int], dict[str, object]]] = {
    "defer_on_dns_failure": lambda n: {"defer_on_dns_failure": n != 0},
    "divert_percent": lambda n: {"divert_percent": n},
    "fetch_timeout_ms": lambda n: {"fetch_timeout": n / 1000},
    "max_body": lambda n: {"max_body": n},
    "max_negative_ttl": lambda n: {"max_negative_ttl": n},
    "max_ttl": lambda n: {"max_ttl": n},
    "min_ttl": lambda n: {"min_ttl": n},
    "refresh_after": lambda n: {"refresh_after": n},
    "unknown_ttl": lambda n: {"unknown_ttl": n},
}


class UnsupportedError(Exception):
    """Python cannot say this."""


def octets(word: str) -> bytes:
    """The octets of a word; a record's strings come out joined."""
    return bytes.fromhex(word.replace("-", "").replace(",", ""))


def name(word: str) -> str:
    """A host name or domain: in Python a string, which octets that are no UTF-8 are not."""
    try:
        return octets(word).decode()
    except UnicodeDecodeError as error:
        raise UnsupportedError from error


def said(text: str | bytes) -> str:
    """A word of octets."""
    given = text.encode() if isinstance(text, str) else text
    return given.hex() or "-"


def maybe(value: object) -> str:
    """A word, or `*`."""
    return "*" if value is None else str(value)


def yes(value: bool) -> str:
    """`yes` or `no`."""
    return "yes" if value else "no"


def invalid(error: mtasts.Error) -> str:
    """Why an input was refused, and where."""
    problem = error.problem
    if problem is None:
        raise error
    return f"invalid {problem.kind} {problem.line} {problem.column}"


def warned(problem: Problem) -> str:
    """A warning."""
    return f"{problem.kind}:{problem.line}:{problem.column}"


class Surface:
    """A method for each request; the lookup and the outcome stay from one to the next."""

    def __init__(self) -> None:
        self.config = Config()
        self.lookup_now: Lookup | None = None
        self.outcome_now: Outcome | None = None

    def answer(self, line: str) -> str:
        """The reply to a request."""
        request, *words = line.split()
        method = getattr(self, "do_" + request.replace("-", "_"), None)
        if method is None:
            return "unsupported"
        try:
            return str(method(*words))
        except UnsupportedError:
            return "unsupported"
        except (mtasts.AnswerError, mtasts.AddressLiteralError, mtasts.DomainError) as error:
            return f"refused {error.kind}"
        except Exception as error:  # the runner shows it
            return f"error {type(error).__name__}: {error}".replace("\n", " ")

    def do_record(self, *records: str) -> str:
        """`record RECORD…`."""
        try:
            return f"id {said(mtasts.select_record(map(octets, records)))}"
        except mtasts.RecordError as error:
            return invalid(error)

    def do_tlsrpt(self, *records: str) -> str:
        """`tlsrpt RECORD…`."""
        try:
            return " ".join(["rua", *map(said, TlsrptRecord.select(map(octets, records)).rua)])
        except mtasts.RecordError as error:
            return invalid(error)

    def do_report(self, json: str) -> str:
        """A TLS report, written again."""
        try:
            return f"report {said(Report.parse(octets(json)).to_json())}"
        except mtasts.ReportError as error:
            return invalid(error)

    def do_policy(self, body: str) -> str:
        """`policy BODY`."""
        try:
            policy = Policy.parse(octets(body))
        except mtasts.PolicyError as error:
            return invalid(error)
        facts = [str(policy.mode), str(policy.max_age), str(len(policy.mx))]
        return " ".join(["valid", *facts, *map(said, policy.mx), *map(warned, policy.warnings)])

    def do_match(self, body: str, mx_host: str) -> str:
        """`match BODY MX_HOST`."""
        try:
            return yes(Policy.parse(octets(body)).matches(name(mx_host)))
        except mtasts.PolicyError:
            return "no"

    def do_certificate(self, der: str, host_name: str) -> str:
        """`certificate DER NAME`."""
        try:
            return yes(mtasts.certificate_is_for(octets(der), name(host_name)))
        except mtasts.CertificateError:
            return "no"

    def do_lookup(self, domain: str, store: str, now: str, *settings: str) -> str:
        """`lookup DOMAIN STORE NOW SETTING…`."""
        given: dict[str, object] = {}
        for setting in settings:
            key, value = setting.split("=")
            if key not in SETTINGS:
                return "unsupported"
            given.update(SETTINGS[key](int(value)))
        self.config = Config(**given)  # type: ignore[arg-type]
        self.lookup_now = Lookup(name(domain), self.config)
        return self.submit(0, self.stored_answer(store), int(now))

    @staticmethod
    def stored_answer(store: str) -> Answer:
        """STORE."""
        kind, _, text = store.partition(":")
        if kind == "failed":
            return Failure.STORE_FAILED
        if kind == "local":
            return LocalPolicy(octets(text))
        return Stored(octets(text)) if kind == "text" else None

    def submit(self, request_id: int, answer: Answer, now: int) -> str:
        """Gives the answer, and keeps the outcome if that was the last."""
        lookup = self.lookup
        lookup.submit(request_id, answer, now)
        if lookup.poll() is None:
            self.outcome_now = lookup.outcome()
        return "ok"

    @property
    def lookup(self) -> Lookup:
        """The lookup under way."""
        if self.lookup_now is None:
            raise RuntimeError("there is no lookup")
        return self.lookup_now

    @property
    def outcome(self) -> Outcome:
        """The outcome of the last lookup that is done."""
        if self.outcome_now is None:
            raise RuntimeError("there is no outcome")
        return self.outcome_now

    def do_poll(self) -> str:
        """`poll`."""
        step = self.lookup.poll()
        if isinstance(step, mtasts.QueryTxt):
            return f"query-txt {step.request_id} {said(step.name)}"
        if isinstance(step, mtasts.Fetch):
            limits = f"{round(step.timeout * 1000)} {step.max_body}"
            return f"fetch {step.request_id} {said(step.name)} {said(step.path)} {limits}"
        return "done"

    def do_txt(self, request_id: str, now: str, kind: str, ttl: str, *records: str) -> str:
        """`txt ID NOW records TTL RECORD…` and `txt ID NOW FAILURE TTL`."""
        answer: Answer = TxtAnswer(
            [octets(record) for record in records], None if ttl == "*" else int(ttl)
        )
        if kind not in ("records", "no-records"):
            answer = Failure(kind)
        return self.submit(int(request_id), answer, int(now))

    def do_https(self, request_id: str, now: str, kind: str, *reply: str) -> str:
        """`https ID NOW reply STATUS CONTENT_TYPE BODY` and `https ID NOW FAILURE`."""
        if kind != "reply":
            return self.submit(int(request_id), Failure(kind), int(now))
        status, content_type, body = reply
        if not 100 <= int(status) <= 999:
            return "unsupported"
        value = None if content_type == "*" else octets(content_type).decode()
        return self.submit(int(request_id), HttpsReply(int(status), value, octets(body)), int(now))

    def do_again(self) -> str:
        """`again`."""
        self.lookup_now = Lookup.again(self.outcome, self.config)
        return "ok"

    def do_outcome(self) -> str:
        """`outcome`."""
        outcome, policy = self.outcome, self.outcome.policy
        reason = outcome.reason and str(outcome.reason)
        if outcome.http_status is not None:
            reason = f"status-{outcome.http_status}"
        fetched = policy is not None and outcome.id is not None
        words = [
            outcome.basis,
            maybe(reason),
            maybe(outcome.result),
            yes(outcome.is_changed),
            yes(outcome.try_later),
            maybe(policy and policy.mode),
            maybe(outcome.id),
            maybe(policy and policy.max_age),
            maybe(outcome.fetched_at if fetched else None),
            maybe(outcome.expires_at if fetched else None),
            *map(said, policy.mx if policy else ()),
        ]
        return " ".join(["outcome", *words])

    def do_stored(self) -> str:
        """`stored`."""
        return f"stored {said(self.outcome.stored)}"

    def do_verdict(self, host: str, tls: str, certificate: str, dane: str, secure: str) -> str:
        """`verdict MX_HOST TLS CERTIFICATE DANE SECURE`."""
        session = Session(
            name(host), Tls(tls), Certificate(certificate), Dane(dane), secure == "secure"
        )
        verdict = self.outcome.verdict(session)
        return f"verdict {verdict.action} {maybe(verdict.result)} {maybe(verdict.cause)}"

    def do_postfix(self, dane: str, version: str, level: str) -> str:
        """`postfix DOMAIN_DANE VERSION LEVEL`."""
        given = PostfixLevel.NONE if level == "*" else PostfixLevel(level)
        found, value = self.outcome.postfix(DomainDane(dane), PostfixVersion(version), given)
        return f"postfix {found} {said(value)}"

    def do_next_hop(self, key: str) -> str:
        """`next-hop KEY`."""
        domain = mtasts.next_hop(name(key))
        return f"next-hop {'*' if domain is None else said(domain)}"


def main() -> None:
    """A line in, a line out."""
    surface = Surface()
    for line in sys.stdin:
        print(surface.answer(line), flush=True)


if __name__ == "__main__":
    main()
