# SPDX-License-Identifier: MIT OR Apache-2.0
"""What goes wrong. All are `Error`, with a `kind` for programs.

None of them means that a domain has no policy, but for `AddressLiteralError`: after any other the
mail waits.

>>> import mtasts
>>> try:
...     mtasts.Policy.parse("version: STSv1\\nmode: maybe\\nmax_age: 86400\\n")
... except mtasts.PolicyError as error:
...     print(error)
...     print(error.kind, error.offset)
line 2, column 7: mode is not 'enforce', 'testing' or 'none'
mode 21
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from . import _abi


@dataclass(frozen=True)
class Problem:
    """What is wrong with an input, or is merely tolerated in it, and where."""

    kind: str
    """One word, such as `mx-missing`; it never changes its meaning."""
    message: str
    """One line for a person."""
    offset: int
    """The octet of the input, from 0."""
    line: int
    """Its line, from 1; 0 where a report as a whole is meant."""
    column: int
    """Its column in the line, in characters, from 1; 0 as for the line."""

    def __str__(self) -> str:
        """The place and the message."""
        if not self.line:
            return self.message
        return f"line {self.line}, column {self.column}: {self.message}"


class Error(Exception):
    """Something failed.

    Attributes:
        kind: what, in one word, such as `host-name`.
        status: the number of the C ABI, `MTASTS_E_…`; 0 where this package itself refuses.
        problem: where in the input, if there is one.
    """

    def __init__(
        self, message: str, kind: str, status: int = 0, problem: Problem | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.problem = problem

    @property
    def offset(self) -> int | None:
        """The octet of the input at which it was seen, from 0; None without an input."""
        return self.problem.offset if self.problem else None

    def __reduce__(self) -> tuple[object, ...]:
        """For pickle, and thus for other processes."""
        return type(self), (str(self), self.kind, self.status, self.problem)


class AnswerError(Error):
    """An answer that no open request of the lookup asks for; nothing has changed.

    Kinds: `stale-request`, `finished`."""


class AddressLiteralError(Error, ValueError):
    """The domain is an address literal such as `[192.0.2.1]`, which has no policy: deliver as
    without MTA-STS. Kind: `address-literal`."""


class CertificateError(Error, ValueError):
    """The certificate cannot be read. Kind: `certificate`."""


class ClosedError(Error, ValueError):
    """The host has been closed. Kind: `closed`."""


class DnsError(Error):
    """A DNS question has no answer. Kinds: `dns-temporary`, `dns-permanent`, `no-records`."""


class DomainError(Error, ValueError):
    """Not a host name. Never read this as "no policy". Kind: `host-name`."""


class HostError(Error, OSError):
    """The default host cannot be opened, or its store not be used.

    Kinds: `store`, `ca-file`, `resolver`, `local-policies`, `tlsrpt`."""


class InternalError(Error):
    """A bug in the library was met and contained. Kind: `internal`."""


class PolicyError(Error, ValueError):
    """A policy breaks the grammar (RFC 8461 section 3.2). Kinds: those of `Problem`."""


class RecordError(Error, ValueError):
    """No record, several, or one that breaks the grammar (RFC 8461 section 3.1, RFC 8460
    section 3). Kinds: those of `Problem`."""


class ReportError(Error, ValueError):
    """A TLS report breaks the schema (RFC 8460 section 4.4). Kind: `report`."""


_STATUSES: dict[int, tuple[type[Error], str]] = {
    1: (Error, "argument"),
    2: (Error, "size"),
    3: (InternalError, "internal"),
    4: (Error, "too-large"),
    5: (DomainError, "host-name"),
    6: (AddressLiteralError, "address-literal"),
    7: (PolicyError, "policy"),
    8: (RecordError, "record"),
    9: (AnswerError, "stale-request"),
    10: (AnswerError, "finished"),
    11: (Error, "unfinished"),
    12: (CertificateError, "certificate"),
    13: (CertificateError, "certificate-host-mismatch"),
    14: (Error, "version"),
    15: (ReportError, "report"),
    100: (HostError, "store"),
    101: (HostError, "ca-file"),
    102: (HostError, "resolver"),
    103: (DnsError, "dns-temporary"),
    104: (DnsError, "dns-permanent"),
    105: (DnsError, "no-records"),
    106: (HostError, "local-policies"),
    107: (HostError, "tlsrpt"),
}


#: Where the library's own words are for C.
_TEXTS = {5: "not a host name (for U-labels there is domain_to_ascii)"}


def problem_of(struct: _abi.Problem) -> Problem:
    """A problem as Python has it."""
    return Problem(
        struct.kind.decode(),
        struct.message.decode(),
        struct.offset,
        struct.line,
        struct.column,
    )


def fail(
    status: int, about: str | None = None, problem: _abi.Problem | None = None, line: str = ""
) -> NoReturn:
    """Raises the error of a status.

    Args:
        about: the input that is short enough to be named.
        line: what is known better than the status says.
    """
    error, kind = _STATUSES.get(status, (Error, f"status-{status}"))
    message = line or _TEXTS.get(status) or _abi.strerror(status).decode()
    if problem is not None and problem.message:
        known = problem_of(problem)
        raise error(str(known), known.kind, status, known)
    raise error(message if about is None else f"{_short(about)}: {message}", kind, status)


def _short(text: str) -> str:
    """For a line of a log: no control characters, no end of the line, and an end."""
    shown = text if text.isprintable() and text else repr(text)
    return shown if len(shown) <= 300 else f"{shown[:100]}… ({len(text)} characters)"


def check(status: int, about: str | None = None) -> None:
    """Raises the error of a status that is not success."""
    if status != 0:
        fail(status, about)
