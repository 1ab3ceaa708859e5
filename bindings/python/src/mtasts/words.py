# SPDX-License-Identifier: MIT OR Apache-2.0
"""The words of RFC 8461 and RFC 8460 as enumerations.

Each member is a string, its word, so that it can be logged, compared and written as JSON as it is:

>>> Mode.ENFORCE == "enforce", f"{Result.STS_WEBPKI_INVALID}"
(True, 'sts-webpki-invalid')
"""

from __future__ import annotations

import functools
from enum import Enum
from typing import Any, TypeVar

W = TypeVar("W", bound="Word")


class Word(str, Enum):
    """A word, and its number in the C ABI."""

    number: int

    def __new__(cls: type[W], word: str, number: int = -1) -> W:
        """Makes a member of its word and its number."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.number = number
        return member

    def __str__(self) -> str:
        """The word."""
        return str(self.value)

    def __format__(self, spec: str) -> str:
        """The word, in whatever version of Python."""
        return format(str(self), spec)

    @classmethod
    def of(cls: type[W], number: int) -> W:
        """The member for a number of the C ABI.

        Raises:
            ValueError: the library is newer than this package and has a word that is not known.
        """
        member: W | None = _members(cls).get(number)
        if member is None:
            raise ValueError(f"{cls.__name__} has no number {number}: upgrade the package mtasts")
        return member


@functools.cache
def _members(words: type[Word]) -> dict[int, Any]:
    return {member.number: member for member in words}


class Mode(Word):
    """The mode of a policy (RFC 8461 section 5)."""

    ENFORCE = "enforce", 1
    TESTING = "testing", 2
    NONE = "none", 3


class Basis(Word):
    """Where the policy of an outcome comes from."""

    NO_POLICY = "no-policy", 0
    """There is none: deliver as if the domain had none."""
    CACHED = "cached", 1
    """The store."""
    FRESH = "fresh", 2
    """It was fetched just now."""
    LOCAL = "local", 3
    """The sending host's operator."""


class Reason(Word):
    """Why there is no policy, or no newer one."""

    BODY_TOO_LARGE = "body-too-large", 1
    CONNECT = "connect", 2
    DNS_PERMANENT = "dns-permanent", 3
    DNS_TEMPORARY = "dns-temporary", 4
    FETCH_LIMIT = "fetch-limit", 5
    FETCH_OTHER = "fetch-other", 6
    MEDIA_TYPE = "media-type", 7
    NO_RECORD = "no-record", 8
    POLICY_HOST_DNS = "policy-host-dns", 9
    POLICY_INVALID = "policy-invalid", 10
    RECORD_INVALID = "record-invalid", 11
    SEVERAL_RECORDS = "several-records", 12
    STATUS = "status", 13
    """The reply's status is not 200; `Outcome.http_status` says which it is."""
    STORE_FAILED = "store-failed", 14
    TIMEOUT = "timeout", 15
    WEBPKI = "webpki", 16
    LOCAL_FAILURE = "local-failure", 17
    """This machine lacks something that a look-up needs: descriptors, memory."""


class Result(Word):
    """A result type of a TLS report (RFC 8460 section 4.3)."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported", 1
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch", 2
    CERTIFICATE_EXPIRED = "certificate-expired", 3
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted", 4
    VALIDATION_FAILURE = "validation-failure", 5
    TLSA_INVALID = "tlsa-invalid", 6
    DNSSEC_INVALID = "dnssec-invalid", 7
    DANE_REQUIRED = "dane-required", 8
    STS_POLICY_FETCH_ERROR = "sts-policy-fetch-error", 9
    STS_POLICY_INVALID = "sts-policy-invalid", 10
    STS_WEBPKI_INVALID = "sts-webpki-invalid", 11


class PolicyType(Word):
    """The type of a policy in a TLS report (RFC 8460 section 4.4)."""

    TLSA = "tlsa", 1
    """DANE."""
    STS = "sts", 2
    """MTA-STS."""
    NO_POLICY_FOUND = "no-policy-found", 3
    """Neither."""


class ReportFormat(Word):
    """In which form a TLS report travels; each is what its file's name ends with."""

    JSON = "json", 0
    """Of media type `application/tlsrpt+json`."""
    GZIP = "json.gz", 1
    """Of media type `application/tlsrpt+gzip`, which is preferred."""


class Action(Word):
    """What to do with mail for an MX host."""

    DEFER = "defer", 0
    """Not to this host, and never in the clear: on to the next MX host in the usual order. When
    none is left: a transient failure."""
    DELIVER = "deliver", 1
    """Go on: connect, or send."""
    DIVERT = "divert", 2
    """Not to this host; a configured fallback route, a policy domain of its own, may take it."""


class Cause(Word):
    """What is wrong with a session; fit for the `failure-reason-code` of a report."""

    CERTIFICATE_EXPIRED = "certificate-expired", 1
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch", 2
    CERTIFICATE_INVALID = "certificate-invalid", 3
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted", 4
    DANE_FAILED = "dane-failed", 5
    DANE_LOOKUP_FAILED = "dane-lookup-failed", 6
    MX_NOT_LISTED = "mx-not-listed", 7
    POLICY_UNKNOWN = "policy-unknown", 8
    STARTTLS_NOT_SUPPORTED = "starttls-not-supported", 9
    TLS_FAILED = "tls-failed", 10


class Tls(Word):
    """How far TLS with an MX host came."""

    NOT_TRIED = "not-tried", 0
    """Not yet connected: the verdict says whether the host is worth a try."""
    NOT_OFFERED = "not-offered", 1
    """The server offers no STARTTLS, or refused it."""
    FAILED = "failed", 2
    """STARTTLS began and no session of TLS 1.2 or later came of it."""
    ESTABLISHED = "established", 3
    """TLS stands."""


class Certificate(Word):
    """What was found of an MX host's certificate."""

    UNCHECKED = "unchecked", 0
    """It has not been checked, which counts as one that is no good."""
    VALID = "valid", 1
    """Chains to a trusted root, is in time, and is valid for the name in the MX record."""
    EXPIRED = "expired", 2
    HOST_MISMATCH = "host-mismatch", 3
    INVALID = "invalid", 4
    """Unreadable, none shown, or not for servers."""
    NOT_TRUSTED = "not-trusted", 5


class Dane(Word):
    """What DANE (RFC 7672) says of an MX host."""

    NOT_USED = "not-used", 0
    """The sender does no DANE, or the host has no secure TLSA records."""
    LOOKUP_FAILED = "lookup-failed", 1
    UNUSABLE = "unusable", 2
    USABLE = "usable", 3
    """Usable TLSA records; TLS has not been tried."""
    PASSED = "passed", 4
    FAILED = "failed", 5


class DomainDane(Word):
    """What DANE says of a domain as a whole."""

    TEMPORARY = "temporary", 0
    """It could not be found out: the mail waits."""
    NONE = "none", 1
    USABLE = "usable", 2


class Failure(Word):
    """Why a question of a lookup has no answer."""

    PERMANENT = "permanent", 2
    """TXT: the answer is malformed, or the name cannot be asked for."""
    TEMPORARY = "temporary", 3
    """TXT: time-out, SERVFAIL, REFUSED, no network."""
    BODY_TOO_LARGE = "body-too-large", 4
    """HTTPS, as those that follow."""
    CONNECT = "connect", 5
    DNS = "dns", 6
    OTHER = "other", 7
    TIMEOUT = "timeout", 8
    WEBPKI = "webpki", 9
    """The policy host's certificate is not valid for it."""
    STORE_FAILED = "store-failed", 10
    """Store: the entry exists, or may exist, and cannot be read for now."""
    LOCAL = "local", 11
    """TXT, HTTPS: this machine lacks something; mail waits."""


class PostfixVersion(Word):
    """Which Postfix reads a value; an older one refuses the policy."""

    V3_0 = "3.0", 0
    V3_4 = "3.4", 1
    V3_10 = "3.10", 2


class PostfixLevel(Word):
    """The `smtp_tls_security_level` of a Postfix from 3.10 on, so that it reports against policies
    that are not enforced."""

    NONE = "none", 0
    """It is told nothing of them."""
    MAY = "may", 1
    ENCRYPT = "encrypt", 2


class PostfixFound(Word):
    """What Postfix is told: the words of a socketmap reply are `TEMP`, `OK` and `NOTFOUND`."""

    TEMPORARY = "temporary", 0
    POLICY = "policy", 1
    NOT_FOUND = "not-found", 2
