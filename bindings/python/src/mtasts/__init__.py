# SPDX-License-Identifier: MIT OR Apache-2.0
"""MTA-STS (RFC 8461): which domains want their mail over TLS only, and to which hosts.

>>> import mtasts
>>> outcome = mtasts.resolve("example.com")                              # doctest: +SKIP
>>> outcome.verdict("mx1.example.com").action                            # doctest: +SKIP
<Action.DELIVER: 'deliver'>

The engine is libmtasts, a C library without I/O, which the wheel carries. `resolve` asks the
network by the default host, `mtasts.aio.resolve` by coroutines of yours, and a `Lookup` asks
nobody: it says what it needs.

Threads: `Policy`, `Outcome`, `TlsrptRecord`, `Report`, `DaneRecords` and `DefaultHost` may be used
by several at once; a `Lookup` and a `ReportCounter` by one after the other, for which they have a
lock. No lock is held while the network is asked, nor the GIL. In the free-threaded build the same
holds; nothing here turns the GIL on.

Forks: all objects may be used in a child, but for a `Lookup` or `ReportCounter` that another thread
was using at the moment of the fork. A `DefaultHost` opens its store anew there.

Ends: what an object needs lives as long as the object, and what is closed goes when the last call
that uses it is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _abi
from .certificates import certificate_is_for, session_of, session_of_error, tls_context
from .default import resolve
from .errors import (
    AddressLiteralError,
    AnswerError,
    CertificateError,
    ClosedError,
    DnsError,
    DomainError,
    Error,
    HostError,
    InternalError,
    PolicyError,
    Problem,
    RecordError,
    ReportError,
)
from .lookup import (
    Answer,
    Config,
    Fetch,
    HttpsReply,
    Load,
    LocalPolicy,
    Lookup,
    QueryTxt,
    Step,
    Stored,
    TxtAnswer,
)
from .outcome import Outcome, Session, TlsrptDetails, Verdict
from .policy import Policy
from .postfix import next_hop
from .records import TlsrptRecord, select_record
from .reports import Report, ReportCounter, ReportedFailure, ReportedPolicy
from .words import (
    Action,
    Basis,
    Cause,
    Certificate,
    Dane,
    DomainDane,
    Failure,
    Mode,
    PolicyType,
    PostfixFound,
    PostfixLevel,
    PostfixVersion,
    Reason,
    ReportFormat,
    Result,
    Tls,
)

if TYPE_CHECKING:
    from . import aio
    from .host import DaneRecords, DefaultHost, Mx, MxHosts, domain_to_ascii

__version__ = "0.1.0"

#: The version of the libmtasts that is loaded, and where it is.
library_version: str = _abi.version().decode()
library_path: str = _abi.libraries.path

#: What needs libmtasts-host, which is loaded with the first of these.
_OF_HOST = ("DaneRecords", "DefaultHost", "Mx", "MxHosts", "domain_to_ascii")

__all__ = [
    "Action",
    "AddressLiteralError",
    "Answer",
    "AnswerError",
    "Basis",
    "Cause",
    "Certificate",
    "CertificateError",
    "ClosedError",
    "Config",
    "Dane",
    "DaneRecords",
    "DefaultHost",
    "DnsError",
    "DomainDane",
    "DomainError",
    "Error",
    "Failure",
    "Fetch",
    "HostError",
    "HttpsReply",
    "InternalError",
    "Load",
    "LocalPolicy",
    "Lookup",
    "Mode",
    "Mx",
    "MxHosts",
    "Outcome",
    "Policy",
    "PolicyError",
    "PolicyType",
    "PostfixFound",
    "PostfixLevel",
    "PostfixVersion",
    "Problem",
    "QueryTxt",
    "Reason",
    "RecordError",
    "Report",
    "ReportCounter",
    "ReportError",
    "ReportFormat",
    "ReportedFailure",
    "ReportedPolicy",
    "Result",
    "Session",
    "Step",
    "Stored",
    "Tls",
    "TlsrptDetails",
    "TlsrptRecord",
    "TxtAnswer",
    "Verdict",
    "aio",
    "certificate_is_for",
    "domain_to_ascii",
    "library_path",
    "library_version",
    "next_hop",
    "resolve",
    "select_record",
    "session_of",
    "session_of_error",
    "tls_context",
]


def __getattr__(name: str) -> object:
    """Imports what needs libmtasts-host when it is asked for."""
    from importlib import import_module

    if name == "aio":
        return import_module(".aio", __name__)
    if name in _OF_HOST:
        return getattr(import_module(".host", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """All names, whether they are there yet or not."""
    return sorted({*globals(), *__all__})
