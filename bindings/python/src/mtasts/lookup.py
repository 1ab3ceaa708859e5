# SPDX-License-Identifier: MIT OR Apache-2.0
"""Look-ups without I/O: a `Lookup` says what it needs, and takes the answers (RFC 8461 section 3).

Those who have an event loop, a resolver or an HTTPS client of their own drive it. `resolve` and
`mtasts.aio.resolve` do so for hosts that are methods or coroutines.

>>> lookup = Lookup("example.com")
>>> lookup.submit(lookup.poll(), None, now=1767225600)              # there is no store
>>> step = lookup.poll()
>>> step.name
'_mta-sts.example.com'
>>> lookup.submit(step, TxtAnswer(["v=STSv1; id=1;"], ttl=300), now=1767225600)
>>> step = lookup.poll()
>>> step.url, step.timeout
('https://mta-sts.example.com/.well-known/mta-sts.txt', 60.0)
>>> policy = b"version: STSv1\\nmode: enforce\\nmx: mx.example.com\\nmax_age: 86400\\n"
>>> lookup.submit(step, HttpsReply(200, "text/plain", policy), now=1767225601)
>>> lookup.poll() is None, lookup.outcome().verdict("mx.example.net").action
(True, <Action.DEFER: 'defer'>)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from ctypes import byref, c_void_p
from dataclasses import dataclass, field
from typing import Optional, Union

from . import _abi
from ._handle import Handle, c_string, handed_out, milliseconds, number, octets_of
from .errors import AnswerError, check, fail
from .outcome import Outcome
from .words import Failure

_NO_RECORDS = 1


@dataclass(frozen=True)
class Config:
    """Settings of a look-up. None is the default. A look-up that begins with one that is out of
    range raises `Error`, of kind `argument`."""

    defer_on_dns_failure: bool = False
    """Where the TXT record cannot be looked up for now and no policy is cached, deliveries are
    deferred. Else they proceed as without a policy."""
    divert_percent: int = 0
    """For which share of the domains, in percent, a blocked delivery is not deferred but diverted,
    while enforcement is being introduced."""
    fetch_timeout: float | None = None
    """Time limit of a whole fetch in seconds; 60 by default."""
    min_ttl: int = 0
    """The least time in seconds for which a TXT record counts."""
    max_ttl: int | None = None
    """The most time in seconds for which a TXT record counts; a day by default."""
    max_negative_ttl: int | None = None
    """The most time in seconds for which its absence counts; an hour by default."""
    unknown_ttl: int | None = None
    """The TTL in seconds where the host does not tell it; 300 by default."""
    refresh_after: int | None = None
    """The age in seconds from which a cached policy is fetched again; about a day by default."""
    max_body: int | None = None
    """The largest policy in octets; at most 65536, which is the default."""

    def _struct(self) -> _abi.Config:
        return _abi.Config(
            defer_on_dns_failure=bool(self.defer_on_dns_failure),
            divert_percent=number("divert_percent", self.divert_percent, 0, 100),
            fetch_timeout_ms=milliseconds("fetch_timeout", self.fetch_timeout),
            min_ttl=number("min_ttl", self.min_ttl, 0),
            max_ttl=number("max_ttl", self.max_ttl, 1),
            max_negative_ttl=number("max_negative_ttl", self.max_negative_ttl, 1),
            unknown_ttl=number("unknown_ttl", self.unknown_ttl, 1),
            refresh_after=number("refresh_after", self.refresh_after, 1),
            max_body=number("max_body", self.max_body, 1),
        )


@dataclass(frozen=True)
class Load:
    """The lookup wants what the store has of a domain: a `Stored`, a `LocalPolicy`, None or
    `Failure.STORE_FAILED`."""

    request_id: int
    name: str
    """The domain."""


@dataclass(frozen=True)
class QueryTxt:
    """The lookup wants TXT records, CNAMEs followed, past any cache of the host's own: a
    `TxtAnswer` or a `Failure`."""

    request_id: int
    name: str
    """The name to query."""


@dataclass(frozen=True)
class Fetch:
    """The lookup wants the reply to a GET by HTTPS: a `HttpsReply` or a `Failure`.

    TLS 1.2 or later, SNI and a valid certificate for `name`, no redirect followed, no HTTP cache,
    and no address that is not global, as an attacker may choose the name.
    """

    request_id: int
    name: str
    """The policy host."""
    path: str
    timeout: float
    """The time limit of the whole fetch in seconds, slow bodies included."""
    max_body: int
    """The most octets of body to read."""

    @property
    def url(self) -> str:
        """What to get."""
        return f"https://{self.name}{self.path}"


Step = Union[Load, QueryTxt, Fetch]


@dataclass(frozen=True)
class Stored:
    """What was last saved of the domain: `Outcome.stored`."""

    text: str | bytes


@dataclass(frozen=True)
class LocalPolicy:
    """A policy that the operator has written for the domain, as a policy file of RFC 8461; it comes
    before whatever is stored, and nothing is looked up."""

    text: str | bytes


@dataclass(frozen=True)
class TxtAnswer:
    """TXT records, each with its character-strings concatenated without spaces. None: the name does
    not exist or has no TXT records."""

    records: Sequence[str | bytes] = ()
    ttl: int | None = None
    """In seconds, the least of all records on the way; without records the negative TTL. None: not
    known."""

    def __post_init__(self) -> None:
        """Refuses one record where there should be a list: its letters would be the records, none
        of them of MTA-STS."""
        if isinstance(self.records, (str, bytes, bytearray, memoryview)):
            raise TypeError("records is a list of TXT records, not one record")
        if self.ttl is not None and not isinstance(self.ttl, int):
            raise TypeError(f"ttl is an int, not {type(self.ttl).__name__}")


@dataclass(frozen=True)
class HttpsReply:
    """The first reply of a policy host, whatever its status."""

    status: int
    """100 to 999."""
    content_type: str | None
    """The value of `Content-Type`; several joined by commas. None: there is none."""
    body: bytes = field(repr=False)
    """May end after `max_body` octets and one more."""

    def __post_init__(self) -> None:
        """Refuses what HTTP does not give."""
        if not isinstance(self.body, bytes):
            raise TypeError(f"body is bytes, not {type(self.body).__name__}")
        if not isinstance(self.status, int):
            raise TypeError(f"status is an int, not {type(self.status).__name__}")


@dataclass(frozen=True)
class LoadedAnswer:
    """What a C host's store has given; see `DefaultHost.load`."""

    handle: Handle


Answer = Union[Stored, LocalPolicy, TxtAnswer, HttpsReply, Failure, LoadedAnswer, None]

_OF_TXT = {Failure.PERMANENT, Failure.TEMPORARY, Failure.LOCAL}


def _is_taken(step: Step, answer: Answer) -> bool:
    """Whether an answer is of the kind that a step asks for."""
    if isinstance(answer, Failure):
        of_store, of_txt = answer is Failure.STORE_FAILED, answer in _OF_TXT
        if isinstance(step, Load):
            return of_store
        if isinstance(step, QueryTxt):
            return of_txt
        return not of_store and (not of_txt or answer is Failure.LOCAL)
    if isinstance(step, Load):
        return answer is None or isinstance(answer, (Stored, LocalPolicy, LoadedAnswer))
    return isinstance(answer, TxtAnswer if isinstance(step, QueryTxt) else HttpsReply)


class Lookup:
    """The look-up of one domain. Threads take turns."""

    __slots__ = ("_handle", "_lock")

    def __init__(self, domain: str, config: Config | None = None) -> None:
        """Begins a look-up.

        Args:
            domain: of a recipient's address, or a smart host; in A-labels (`domain_to_ascii`), any
                case, with or without a final dot.

        Raises:
            AddressLiteralError: it has no policy.
            DomainError: it is no host name; that is not "no policy".
        """
        self._lock = threading.Lock()
        name, settings = c_string(domain), byref((config or Config())._struct())
        place = c_void_p()
        check(_abi.lookup_new(name, settings, byref(place)), domain)
        self._handle = Handle(place.value or 0, _abi.lookup_free)

    @classmethod
    def again(cls, outcome: Outcome, config: Config | None = None) -> Lookup:
        """Looks again, as a sender must before it gives a message up for good (RFC 8461
        section 5.1). If what comes of it has the basis `Basis.FRESH` there is a new policy to try
        the MX hosts by."""
        lookup = cls.__new__(cls)
        lookup._lock = threading.Lock()
        settings = byref((config or Config())._struct())
        of = outcome._handle
        lookup._handle = handed_out(_abi.lookup_free, _abi.outcome_look_again, of.pointer, settings)
        return lookup

    def poll(self) -> Step | None:
        """What the lookup needs now; None when the outcome is there. It may be asked again."""
        with self._lock:
            step = _abi.Step()
            check(_abi.lookup_poll(self._handle.pointer, byref(step)))
            return _step(step)

    def submit(self, step: Step | int, answer: Answer, now: float | None = None) -> None:
        """Gives the answer to a step.

        Args:
            step: what `poll` gave, or its `request_id`.
            answer: of the step's kind; None for a store that has nothing.
            now: in seconds since 1970 (UTC); None takes the clock.

        Raises:
            AnswerError: nothing asks for this answer (any more), and nothing has changed.
            PolicyError: a local policy breaks the grammar; what the operator wanted is not known,
                so that the mail waits.
        """
        request_id = step if isinstance(step, int) else step.request_id
        seconds = int(time.time() if now is None else now)
        with self._lock:
            self._refuse_other_kinds(request_id, answer)
            filled, refused = _filled(answer)
            status = _abi.lookup_submit(self._handle.pointer, request_id, filled.pointer, seconds)
        check(status)
        if refused is not None:
            fail(*refused)

    def _refuse_other_kinds(self, request_id: int, answer: Answer) -> None:
        """An answer in C does not say to which kind of question it is one."""
        step = _abi.Step()
        check(_abi.lookup_poll(self._handle.pointer, byref(step)))
        open_step = _step(step)
        if open_step is None or open_step.request_id != request_id:
            return  # the library says what is wrong
        if not _is_taken(open_step, answer):
            line = f"{answer!r} is no answer to {type(open_step).__name__}"
            raise AnswerError(line, "stale-request", 9)

    def outcome(self) -> Outcome:
        """The outcome, which does not need the lookup any more.

        Raises:
            Error: it is not there yet; kind `unfinished`.
        """
        with self._lock:
            made = handed_out(_abi.outcome_free, _abi.lookup_outcome, self._handle.pointer)
        return Outcome(made)


def to_ascii(domain: str) -> str:
    """The domain for a lookup, which takes A-labels (R-DOM-1): U-labels are converted by
    libmtasts-host.

    Raises:
        DomainError: it holds what no host name has.
        ImportError: it has U-labels, and libmtasts-host is not there.
    """
    if domain.isascii():
        return domain
    from .host import domain_to_ascii

    return domain_to_ascii(domain)


def _step(step: _abi.Step) -> Step | None:
    name = step.name.decode() if step.name else ""
    if step.kind == 1:
        return Load(step.request_id, name)
    if step.kind == 2:
        return QueryTxt(step.request_id, name)
    if step.kind == 3:
        path = step.path.decode()
        return Fetch(step.request_id, name, path, step.timeout_ms / 1000, step.max_body)
    return None


Refused = tuple[int, Optional[str], Optional[_abi.Problem]]


def new_answer() -> Handle:
    """An empty answer of the C ABI."""
    return handed_out(_abi.answer_free, _abi.answer_new)


def _filled(answer: Answer) -> tuple[Handle, Refused | None]:
    """The answer in C, and what is wrong with a local policy."""
    if isinstance(answer, LoadedAnswer):
        return answer.handle, None
    handle = new_answer()
    into = handle.pointer
    refused = None
    if isinstance(answer, Stored):
        text = octets_of(answer.text)
        check(_abi.answer_stored(into, text, len(text)))
    elif isinstance(answer, LocalPolicy):
        refused = _fill_local_policy(into, octets_of(answer.text))
    elif isinstance(answer, TxtAnswer):
        _fill_txt(into, answer)
    elif isinstance(answer, HttpsReply):
        _fill_reply(into, answer)
    elif isinstance(answer, Failure):
        check(_abi.answer_fail(into, answer.number))
    return handle, refused


def _fill_local_policy(into: int, text: bytes) -> Refused | None:
    problem = _abi.Problem()
    status = _abi.answer_local_policy(into, text, len(text), byref(problem))
    return (status, None, problem) if status else None


def _fill_txt(into: int, answer: TxtAnswer) -> None:
    for record in map(octets_of, answer.records):
        # Too much makes the answer a permanent failure, of itself.
        _abi.answer_txt_record(into, record, len(record))
    if not answer.records:
        check(_abi.answer_fail(into, _NO_RECORDS))
    if answer.ttl is not None:
        check(_abi.answer_ttl(into, min(max(answer.ttl, 0), 0xFFFFFFFF)))


def _fill_reply(into: int, reply: HttpsReply) -> None:
    check(_abi.answer_http_status(into, reply.status))
    if reply.content_type is not None:
        value = octets_of(reply.content_type)
        check(_abi.answer_content_type(into, value, len(value)))
    # Too much makes the answer "body too large", of itself.
    _abi.answer_body(into, reply.body, len(reply.body))
