# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a look-up came to, and what it means for the MX hosts of the domain (RFC 8461 section 5)."""

from __future__ import annotations

from ctypes import byref, c_int32, c_size_t, create_string_buffer
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _abi
from ._handle import Handle, c_string, text_of
from .errors import DomainError, check
from .policy import Policy
from .words import (
    Action,
    Basis,
    Cause,
    Certificate,
    Dane,
    DomainDane,
    PostfixFound,
    PostfixLevel,
    PostfixVersion,
    Reason,
    Result,
    Tls,
)

if TYPE_CHECKING:
    from .records import TlsrptRecord

_POSTFIX_VALUE_SIZE = 99998
_DATAGRAM_SIZE = 65000


@dataclass(frozen=True)
class Session:
    """What is known of the session with one MX host; what is not said is the safe choice."""

    mx_host: str
    """The name in the MX record or, without MX records, the domain itself; `.` for a null MX."""
    tls: Tls = Tls.NOT_TRIED
    certificate: Certificate = Certificate.UNCHECKED
    """Looked at if TLS is established."""
    dane: Dane = Dane.NOT_USED
    mx_secure: bool = False
    """Whether the MX records (or, without any, the addresses) were DNSSEC-secure."""

    def _struct(self) -> _abi.Session:
        try:
            host = c_string(self.mx_host)
        except DomainError:
            host = b""  # no host name, which no policy lists
        return _abi.Session(
            mx_host=host,
            tls=self.tls.number,
            certificate=self.certificate.number,
            dane=self.dane.number,
            mx_secure=bool(self.mx_secure),
        )


@dataclass(frozen=True)
class Verdict:
    """Whether a session may carry the mail, for one domain: a connection that is reused for
    another domain needs its own."""

    action: Action
    result: Result | None
    """What to report; in mode `testing` too, where mail is delivered all the same."""
    cause: Cause | None
    """What is wrong; None where nothing is."""

    @property
    def text(self) -> str:
        """One line for a person about the cause; empty without one."""
        return _abi.cause_text(self.cause.number).decode() if self.cause else ""


@dataclass(frozen=True)
class TlsrptDetails:
    """What a report says of a session beside its result (RFC 8460 section 4.4), as far as known."""

    sending_mta_ip: str | None = None
    receiving_ip: str | None = None
    receiving_mx_helo: str | None = None
    """How the MX host called itself in its reply to EHLO."""
    failure_reason_code: str | None = None
    """What failed, in the words of the TLS library for instance. None: the cause."""
    additional_information: str | None = None
    """A URI that leads to more."""

    def _struct(self) -> _abi.TlsrptDetails:
        given = {name: value for name, value in vars(self).items() if value is not None}
        octets = {name: value.encode("utf-8", "replace") for name, value in given.items()}
        return _abi.TlsrptDetails(**{name: text.split(b"\0")[0] for name, text in octets.items()})


class Outcome:
    """What a look-up came to. Immutable: any number of threads may use it, and ask for verdicts."""

    __slots__ = ("_facts", "_handle", "_policy")

    def __init__(self, handle: Handle) -> None:
        """For this package alone: `resolve` and `Lookup.outcome` give outcomes."""
        self._handle = handle
        self._facts = _abi.OutcomeFacts()
        check(_abi.outcome_get(handle.pointer, byref(self._facts)))
        # Its owner is the outcome's handle, which lives as long as one of the two is used.
        policy = _abi.outcome_policy(handle.pointer)
        self._policy = Policy(handle, policy) if policy else None

    @property
    def domain(self) -> str:
        """The Policy Domain, in A-labels, lower-case."""
        return text_of(_abi.outcome_domain(self._handle.pointer)) or ""

    @property
    def policy(self) -> Policy | None:
        """The policy to apply; None if there is none."""
        return self._policy

    @property
    def id(self) -> str | None:
        """The id of the policy to apply; None without one, and for a local policy."""
        return text_of(_abi.outcome_id(self._handle.pointer))

    @property
    def basis(self) -> Basis:
        """Where the policy comes from."""
        return Basis.of(self._facts.basis)

    @property
    def reason(self) -> Reason | None:
        """Why there is no policy, or no newer one; None where all went well."""
        return Reason.of(self._facts.reason) if self._facts.reason else None

    @property
    def http_status(self) -> int | None:
        """The status of the policy host's reply if that is the reason, else None."""
        return self._facts.http_status or None

    @property
    def result(self) -> Result | None:
        """What to report of the reason; None for nothing."""
        return Result.of(self._facts.result) if self._facts.result else None

    @property
    def explanation(self) -> str:
        """One line for a person or a log: without a policy why there is none, with a cached one
        why there is none that is newer. Empty where all went well."""
        return text_of(_abi.outcome_explanation(self._handle.pointer)) or ""

    @property
    def try_later(self) -> bool:
        """Whether deliveries are to wait, as it is not known whether there is a policy. Ask for the
        verdict all the same: where DANE decides, the mail need not wait."""
        return bool(self._facts.try_later)

    @property
    def fetched_at(self) -> int | None:
        """When the policy was fetched, in seconds since 1970 (UTC); None without a fetched one.
        For a store: of the stored policy, whether or not it applies."""
        return self._facts.fetched_at or None

    @property
    def expires_at(self) -> int | None:
        """When its lifetime ends, in seconds since 1970 (UTC); None without a fetched policy."""
        return self._facts.expires_at or None

    @property
    def is_changed(self) -> bool:
        """Whether `stored` is new and is to be saved. Those who look up through a host need not
        care: it was saved already."""
        return bool(self._facts.changed)

    @property
    def stored(self) -> str:
        """What to remember of the domain, for programs that drive a `Lookup` and keep a store of
        their own."""
        return text_of(_abi.outcome_stored(self._handle.pointer)) or ""

    @property
    def useless_after(self) -> int:
        """From when on a store may drop `stored`, in seconds since 1970 (UTC)."""
        return int(self._facts.useless_after)

    def verdict(self, session: Session | str) -> Verdict:
        """Judges a session with one MX host: whether it may carry the mail.

        Args:
            session: what is known of it; the host's name alone before connecting.
        """
        if isinstance(session, str):
            session = Session(session)
        struct, verdict = session._struct(), _abi.Verdict()
        check(_abi.outcome_verdict(self._handle.pointer, byref(struct), byref(verdict)))
        return Verdict(
            Action.of(verdict.action),
            Result.of(verdict.result) if verdict.result else None,
            Cause.of(verdict.cause) if verdict.cause else None,
        )

    def postfix(
        self,
        dane: DomainDane = DomainDane.NONE,
        version: PostfixVersion = PostfixVersion.V3_4,
        level: PostfixLevel = PostfixLevel.NONE,
    ) -> tuple[PostfixFound, str]:
        """What Postfix's table smtp_tls_policy_maps has for the domain.

        Args:
            dane: what DANE says of the domain, if this sender does DANE.
            version: which Postfix reads it. An older one refuses the policy.
            level: for Postfix 3.10 and later: its security level for domains without a policy.

        Returns:
            What was found, and the value of the table if that is `PostfixFound.POLICY`, else "".
        """
        style = _abi.PostfixStyle(dane=dane.number, version=version.number, level=level.number)
        buffer, found = create_string_buffer(_POSTFIX_VALUE_SIZE), c_int32()
        place = (byref(found), buffer, len(buffer), None)
        check(_abi.postfix_policy(self._handle.pointer, byref(style), *place))
        return PostfixFound.of(found.value), buffer.value.decode()

    def tlsrpt_datagram(
        self, session: Session, record: TlsrptRecord, details: TlsrptDetails = TlsrptDetails()
    ) -> bytes:
        """What a session came to, as a TLSRPT collector such as tlsrpt-collectd reads it
        (`DefaultHost.tlsrpt_send`). Ask once for a session, when no more comes to be known of it.

        Args:
            session: the same as for the verdict.
            record: that of the outcome's domain.

        Returns:
            The datagram; empty if there is nothing to report.
        """
        about, more = session._struct(), details._struct()
        buffer, length = create_string_buffer(_DATAGRAM_SIZE), c_size_t()
        check(
            _abi.tlsrpt_datagram(
                self._handle.pointer,
                byref(about),
                record._handle.pointer,
                byref(more),
                buffer,
                len(buffer),
                byref(length),
            )
        )
        return buffer.raw[: length.value]

    def __repr__(self) -> str:
        """What it is, in short."""
        why = f", {self.explanation}" if self.explanation else ""
        return f"<Outcome {self.domain}: {self.basis}{why}>"
