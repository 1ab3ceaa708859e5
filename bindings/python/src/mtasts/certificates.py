# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates of MX hosts (RFC 8461 section 4.2), and what Python's `ssl` says of them."""

from __future__ import annotations

import ssl
from typing import Union

from . import _abi
from ._handle import c_string
from .errors import DomainError, fail
from .outcome import Session
from .words import Certificate, Tls

#: An end of TLS that stands.
Peer = Union[ssl.SSLSocket, ssl.SSLObject]

_HOST_MISMATCH = 13
# OpenSSL's X509_V_ERR_…, as SSLCertVerificationError.verify_code has them.
_EXPIRED = {9, 10}
_UNTRUSTED = {2, 18, 19, 20, 21, 22}
_MISMATCHED = {62, 64}


def certificate_is_for(der: bytes, host_name: str) -> bool:
    """Whether a certificate is valid for a name. The chain and the dates are not looked at.

    Only DNS names of the subject alternative name count, never the common name; a wildcard stands
    for the whole left-most label.

    Args:
        der: an X.509 version 3 certificate.
        host_name: the name in the MX record, never that of a CNAME's target or an address.

    Raises:
        CertificateError: it cannot be read.
    """
    try:
        name = c_string(host_name)
    except DomainError:
        return False
    status = _abi.certificate_check_name(der, len(der), name)
    if status in (0, _HOST_MISMATCH):
        return bool(status == 0)
    if status == 5:  # no host name
        return False
    fail(status)


def tls_context(cafile: str | None = None) -> ssl.SSLContext:
    """A context for STARTTLS with the MX hosts of domains that enforce a policy: TLS 1.2 or later,
    a chain to a trusted root, and the name in the subject alternative name alone.

    Use it with `server_hostname` set to the name in the MX record. A handshake that it refuses
    raises `ssl.SSLCertVerificationError`, of which `session_of_error` makes a `Session`.

    Args:
        cafile: PEM certificates to trust instead of the system's.
    """
    context = ssl.create_default_context(cafile=cafile)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # RFC 8461 section 4.2 wants a DNS-ID.
    context.hostname_checks_common_name = False
    return context


def session_of(mx_host: str, peer: Peer | None) -> Session:
    """What a TLS session with an MX host says for the verdict.

    The certificate is `Certificate.VALID` only if the context demanded a chain to a trusted root
    (`ssl.CERT_REQUIRED`, as that of `tls_context`) and the name is in it. Where the context did not
    look at the chain it stays `Certificate.UNCHECKED`, which is no good: then
    `DefaultHost.verify` judges the chain.

    Args:
        mx_host: the name in the MX record.
        peer: the connection after its handshake; None without TLS: nothing was offered.
    """
    if peer is None:
        return Session(mx_host, Tls.NOT_OFFERED)
    if peer.version() not in ("TLSv1.2", "TLSv1.3"):
        return Session(mx_host, Tls.FAILED)
    return Session(mx_host, Tls.ESTABLISHED, _judge(mx_host, peer))


def _judge(mx_host: str, peer: Peer) -> Certificate:
    der = peer.getpeercert(True)
    if not der:
        return Certificate.INVALID
    try:
        is_for = certificate_is_for(der, mx_host)
    except ValueError:
        return Certificate.INVALID
    if not is_for:
        return Certificate.HOST_MISMATCH
    if peer.context.verify_mode is not ssl.CERT_REQUIRED:
        return Certificate.UNCHECKED
    return Certificate.VALID


def session_of_error(mx_host: str, error: BaseException) -> Session:
    """What a handshake that failed says for the verdict.

    Args:
        error: what `ssl` raised. A refused certificate is told apart by why OpenSSL refused it.
    """
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Session(mx_host, Tls.FAILED)
    code = error.verify_code
    certificate = Certificate.INVALID
    if code in _EXPIRED:
        certificate = Certificate.EXPIRED
    elif code in _UNTRUSTED:
        certificate = Certificate.NOT_TRUSTED
    elif code in _MISMATCHED:
        certificate = Certificate.HOST_MISMATCH
    return Session(mx_host, Tls.ESTABLISHED, certificate)
