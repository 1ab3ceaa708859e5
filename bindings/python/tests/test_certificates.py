# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates of MX hosts through Python's `ssl`, with the lab's mail hosts: R-CERT-1."""

from __future__ import annotations

import smtplib
import ssl

import pytest
from lab import Lab

import mtasts
from mtasts import Certificate, Session, Tls

HOST = "mx1.good.example"


def session(lab: Lab, context: ssl.SSLContext, name: str = HOST) -> Session:
    """STARTTLS with the mail host, and what came of it."""
    address = lab.ask("hosts")[HOST]
    with smtplib.SMTP(address, lab.about["smtp_port"], timeout=20) as smtp:
        smtp.ehlo()
        if not smtp.has_extn("starttls"):
            return mtasts.session_of(name, None)
        # smtplib sends the name of `connect` in SNI.
        smtp._host = name  # type: ignore[attr-defined]
        try:
            smtp.starttls(context=context)
        except (ssl.SSLError, ConnectionError) as error:
            smtp.close()
            return mtasts.session_of_error(name, error)
        assert isinstance(smtp.sock, ssl.SSLSocket)
        return mtasts.session_of(name, smtp.sock)


@pytest.mark.parametrize(
    ("smtp", "tls", "certificate"),
    [
        ("ok", Tls.ESTABLISHED, Certificate.VALID),
        ("expired", Tls.ESTABLISHED, Certificate.EXPIRED),
        ("not-yet-valid", Tls.ESTABLISHED, Certificate.EXPIRED),
        ("wrong-name", Tls.ESTABLISHED, Certificate.HOST_MISMATCH),
        ("cn-only", Tls.ESTABLISHED, Certificate.HOST_MISMATCH),
        ("untrusted", Tls.ESTABLISHED, Certificate.NOT_TRUSTED),
        ("self-signed", Tls.ESTABLISHED, Certificate.NOT_TRUSTED),
        ("no-starttls", Tls.NOT_OFFERED, Certificate.UNCHECKED),
        ("garbage-after-starttls", Tls.FAILED, Certificate.UNCHECKED),
    ],
)
def test_r_cert_1_what_came_of_starttls(
    lab: Lab, smtp: str, tls: Tls, certificate: Certificate
) -> None:
    lab.set(HOST, f"smtp={smtp}")
    context = mtasts.tls_context(lab.ca_file)
    assert session(lab, context) == Session(HOST, tls, certificate)


def test_what_openssl_did_not_check_is_no_good(lab: Lab) -> None:
    context = mtasts.tls_context(lab.ca_file)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert session(lab, context).certificate is Certificate.UNCHECKED
    lab.set(HOST, "smtp=wrong-name")
    assert session(lab, context).certificate is Certificate.HOST_MISMATCH


def test_r_cert_1_the_default_host_judges_chains(lab: Lab) -> None:
    context = mtasts.tls_context(lab.ca_file)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = lab.ask("hosts")[HOST]

    def certificate() -> bytes:
        with smtplib.SMTP(address, lab.about["smtp_port"], timeout=20) as smtp:
            smtp._host = HOST  # type: ignore[attr-defined]
            smtp.starttls(context=context)
            assert isinstance(smtp.sock, ssl.SSLSocket)
            der = smtp.sock.getpeercert(True)
        assert der is not None
        return der

    with lab.host() as host:
        der = certificate()
        assert host.verify([der], HOST) is Certificate.VALID
        assert host.verify([der], "mx2.good.example") is Certificate.HOST_MISMATCH
        assert mtasts.certificate_is_for(der, HOST)
        for other in ("mx2.good.example", "", "a_b", HOST + "\0"):
            assert not mtasts.certificate_is_for(der, other)
        lab.set(HOST, "smtp=expired")
        assert host.verify([certificate()], HOST) is Certificate.EXPIRED


def test_what_is_no_certificate() -> None:
    for der in (b"", b"rubbish"):
        with pytest.raises(mtasts.CertificateError) as caught:
            mtasts.certificate_is_for(der, HOST)
        assert caught.value.kind == "certificate"
