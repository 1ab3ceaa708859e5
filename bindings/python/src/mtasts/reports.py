# SPDX-License-Identifier: MIT OR Apache-2.0
"""TLS reports (RFC 8460 section 4.4), as one organisation sends them to another once a day: read,
counted and written (R-RPT-3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from ctypes import byref, c_void_p, create_string_buffer
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _abi
from ._handle import Handle, c_string, handed_out, octets_of, text_of
from .errors import Error, check, fail
from .outcome import TlsrptDetails
from .words import PolicyType, ReportFormat, Result

if TYPE_CHECKING:
    from .outcome import Outcome, Session

_NAME_SIZE = 600
_U64 = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True)
class ReportedFailure:
    """Sessions that failed alike. None is what the report does not say."""

    result_type: str
    """As the sender wrote it."""
    failed_sessions: int
    sending_mta_ip: str | None = None
    """The address that the sessions came from."""
    receiving_mx_hostname: str | None = None
    """The MX host, by its record's name."""
    receiving_mx_helo: str | None = None
    """How the MX host called itself."""
    receiving_ip: str | None = None
    """The address that they went to."""
    additional_information: str | None = None
    """A URI that leads to more."""
    failure_reason_code: str | None = None
    """What exactly failed, in the sender's own words."""

    @property
    def result(self) -> Result | None:
        """The result type; None for one that RFC 8460 does not have."""
        return next((word for word in Result if word.value == self.result_type), None)


@dataclass(frozen=True)
class ReportedPolicy:
    """What was counted against one policy."""

    type_name: str
    """As the sender wrote it."""
    domain: str
    """The domain of the policy; of DANE the TLSA base domain."""
    successful_sessions: int
    """Sessions with TLS as the policy wants it."""
    failed_sessions: int
    """The others, whether mail was sent in them or not."""
    strings: tuple[str, ...] = ()
    """The policy: of MTA-STS its lines, of DANE the TLSA records."""
    mx_hosts: tuple[str, ...] = ()
    """The patterns of the policy's MX hosts."""
    failures: tuple[ReportedFailure, ...] = ()
    """What failed; not all need be told."""

    @property
    def policy_type(self) -> PolicyType | None:
        """The type; None for one that RFC 8460 does not have."""
        return next((word for word in PolicyType if word.value == self.type_name), None)


class Report:
    """A TLS report on one day's sessions with one domain. Immutable: any thread may use it. Two of
    the same JSON are equal. Its texts are as the sender wrote them, who may be anybody: escape them
    before they are shown.

    >>> report = Report.parse('''{"organization-name": "Sender", "report-id": "1", "date-range":
    ... {"start-datetime": "2026-01-31T00:00:00Z", "end-datetime": "2026-01-31T23:59:59Z"},
    ... "policies": [{"policy": {"policy-type": "sts", "policy-domain": "example.com"}, "summary":
    ... {"total-successful-session-count": 20, "total-failure-session-count": 3},
    ... "failure-details": [{"result-type": "certificate-expired", "failed-session-count": 3,
    ... "receiving-mx-hostname": "mx.example.com"}]}]}''')
    >>> report.organization_name, report.end - report.begin
    ('Sender', 86399)
    >>> [policy] = report.policies
    >>> policy.policy_type, policy.successful_sessions, policy.failures[0].receiving_mx_hostname
    (<PolicyType.STS: 'sts'>, 20, 'mx.example.com')
    >>> report.file_name("sender.example", "example.com")
    'sender.example!example.com!1769817600!1769903999.json.gz'
    """

    __slots__ = ("_facts", "_handle")

    def __init__(self, handle: Handle) -> None:
        """For this package alone: programs use `Report.parse` or a `ReportCounter`."""
        self._handle = handle
        self._facts = _abi.ReportFacts()
        check(_abi.report_get(handle.pointer, byref(self._facts)))

    @classmethod
    def parse(cls, json: bytes | str) -> Report:
        """Reads a report.

        Args:
            json: at most 32 MiB. Whoever has it in gzip unpacks it before, no further than that.

        Raises:
            ReportError: it breaks the schema.
            Error: it is larger; kind `too-large`.
        """
        octets = octets_of(json)
        place, problem = c_void_p(), _abi.Problem()
        status = _abi.report_parse(octets, len(octets), byref(place), byref(problem))
        if status != 0:
            fail(status, problem=problem)
        return cls(Handle(place.value or 0, _abi.report_free))

    @property
    def organization_name(self) -> str:
        """Who sends the report; empty where it does not say."""
        return text_of(self._facts.organization_name) or ""

    @property
    def contact_info(self) -> str:
        """How to reach the sender; empty where it does not say."""
        return text_of(self._facts.contact_info) or ""

    @property
    def report_id(self) -> str:
        """The sender's name for this report."""
        return text_of(self._facts.report_id) or ""

    @property
    def begin(self) -> int:
        """The first second that it is about, since 1970 (UTC)."""
        return int(self._facts.begin)

    @property
    def end(self) -> int:
        """The last second that it is about, since 1970 (UTC)."""
        return int(self._facts.end)

    @property
    def domain(self) -> str | None:
        """The domain whose TLSRPT record says where the report goes; None for one that was read."""
        return text_of(self._facts.domain)

    @property
    def policies(self) -> tuple[ReportedPolicy, ...]:
        """What was counted, by policy; made anew each time."""
        return tuple(self._policy(index) for index in range(self._facts.policy_count))

    def _policy(self, at: int) -> ReportedPolicy:
        facts, pointer = _abi.ReportPolicyFacts(), self._handle.pointer
        check(_abi.report_policy(pointer, at, byref(facts)))
        lent = (_abi.report_policy_string(pointer, at, n) for n in range(facts.string_count))
        hosts = (_abi.report_mx_host(pointer, at, n) for n in range(facts.mx_host_count))
        return ReportedPolicy(
            text_of(facts.type_name) or "",
            text_of(facts.domain) or "",
            facts.successful_sessions,
            facts.failed_sessions,
            tuple(text_of(text) or "" for text in lent),
            tuple(text_of(host) or "" for host in hosts),
            tuple(self._failure(at, n) for n in range(facts.failure_count)),
        )

    def _failure(self, policy: int, at: int) -> ReportedFailure:
        facts = _abi.ReportFailureFacts()
        check(_abi.report_failure(self._handle.pointer, policy, at, byref(facts)))
        return ReportedFailure(
            text_of(facts.result_type) or "",
            facts.failed_sessions,
            text_of(facts.sending_mta_ip),
            text_of(facts.receiving_mx_hostname),
            text_of(facts.receiving_mx_helo),
            text_of(facts.receiving_ip),
            text_of(facts.additional_information),
            text_of(facts.failure_reason_code),
        )

    def to_json(self) -> str:
        """The report as JSON in one line."""
        return text_of(_abi.report_json(self._handle.pointer)) or ""

    def file_name(
        self,
        submitter: str,
        domain: str,
        unique: str | None = None,
        format: ReportFormat = ReportFormat.GZIP,
    ) -> str:
        """The name of the report's file (RFC 8460 section 5.1).

        Args:
            submitter: the sender's domain.
            domain: the one that the report is about.
            unique: letters and digits, to tell apart those that otherwise have the same name.

        Raises:
            DomainError: a domain is none.
            Error: `unique` has something else; kind `argument`.
        """
        if unique is not None and not (unique.isascii() and unique.isalnum()):
            raise Error(f"{unique!r} is not letters and digits", "argument", 1)
        apart = None if unique is None else unique.encode()
        buffer = create_string_buffer(_NAME_SIZE + len(apart or b""))
        names = (c_string(submitter), c_string(domain), apart)
        pointer = self._handle.pointer
        check(_abi.report_file_name(pointer, *names, format.number, buffer, len(buffer)))
        return buffer.value.decode()

    def __eq__(self, other: object) -> bool:
        """Whether the JSON is the same."""
        return self.to_json() == other.to_json() if isinstance(other, Report) else NotImplemented

    def __hash__(self) -> int:
        """That of the JSON."""
        return hash(self.to_json())

    def __repr__(self) -> str:
        """Which it is."""
        return f"<Report {self.report_id!r} of {self.organization_name!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        """For pickle, and thus for other processes; `domain` does not go along."""
        return Report.parse, (self.to_json(),)


class ReportCounter:
    """Counts sessions, by UTC day and domain, and makes reports of them, for senders that leave
    that to no collector. Threads take turns with it.

    It is in memory alone. A process that ends takes its reports out by `take(None, …)`, keeps their
    JSON, and adds them again when it has been started anew:

    >>> counter = ReportCounter()
    >>> counter.add("example.com", Report.parse('''{"report-id": "1", "date-range":
    ... {"start-datetime": "2026-01-31T00:00:00Z", "end-datetime": "2026-01-31T23:59:59Z"},
    ... "policies": [{"policy": {"policy-type": "sts", "policy-domain": "example.com"}, "summary":
    ... {"total-successful-session-count": 20, "total-failure-session-count": 0}}]}'''))
    >>> [report] = counter.take(1769904000, "Sender", "tls@sender.example", "sender.example")
    >>> report.domain, report.report_id
    ('example.com', '2026-01-31_example.com@sender.example')
    """

    __slots__ = ("_handle", "_lock")

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._handle = handed_out(_abi.report_counter_free, _abi.report_counter_new)
        self._lock = threading.Lock()

    def session(
        self,
        now: int,
        outcome: Outcome,
        session: Session,
        details: TlsrptDetails | None = None,
    ) -> None:
        """Counts one session, if there is something to report of it. Call it once for a session,
        when no more comes to be known of it, and for domains with a TLSRPT record alone.

        Args:
            now: in seconds since 1970 (UTC).
            session: the same as for the verdict.
        """
        about, more = session._struct(), (details or TlsrptDetails())._struct()
        place = (_time(now), outcome._handle.pointer, byref(about), byref(more))
        with self._lock:
            check(_abi.report_counter_session(self._handle.pointer, *place))

    def add(self, domain: str, report: Report) -> None:
        """Adds what a report has counted to the day that it is about.

        Args:
            domain: the one whose TLSRPT record asks for it.

        Raises:
            DomainError: `domain` is none, or a policy's domain is none; nothing is added.
        """
        place = (c_string(domain), report._handle.pointer)
        with self._lock:
            check(_abi.report_counter_add(self._handle.pointer, *place), domain)

    def take(
        self, now: int | None, organization_name: str, contact_info: str, submitter: str
    ) -> list[Report]:
        """Takes out the reports on the days that were over at `now`, in the order of days, then
        domains; each knows its `domain`.

        Args:
            now: in seconds since 1970 (UTC); None: today's too, for a process that ends.
            organization_name: who reports, for people.
            contact_info: how to reach them, such as a mail address.
            submitter: the mail server's domain in A-labels, part of each report's id.

        Raises:
            DomainError: `submitter` is none.
        """
        sender = _abi.ReportSender(
            organization_name=_line("organization_name", organization_name),
            contact_info=_line("contact_info", contact_info),
            submitter=c_string(submitter),
        )
        with self._lock:
            return list(self._taken(_U64 if now is None else _time(now), sender))

    def _taken(self, now: int, sender: _abi.ReportSender) -> Iterator[Report]:
        while True:
            place = c_void_p()
            pointer = self._handle.pointer
            check(_abi.report_counter_take(pointer, now, byref(sender), byref(place)))
            if not place.value:
                return
            yield Report(Handle(place.value, _abi.report_free))


def _time(now: int) -> int:
    if not isinstance(now, int):
        raise TypeError(f"now is an int, not {type(now).__name__}")
    if not 0 <= now <= _U64:
        raise Error(f"now is {now}, which is no time in seconds since 1970", "argument", 1)
    return now


def _line(name: str, text: str) -> bytes:
    """A text for the library, which takes it to end at the first NUL."""
    if "\0" in text or not text.isprintable():
        raise Error(f"{name} is not one line of printable characters", "argument", 1)
    return text.encode()
