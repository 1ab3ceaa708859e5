#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The interface `chains` (R-CERT-1): certificates that real TLS servers of the lab show, chains of
every algorithm, and the public x509-limbo suite, with the same expected differences as natively.

    chains.py COMPONENT
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import ssl
import sys
import time
import unittest
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from lab import ROOT, Lab

sys.path.insert(0, str(Path(__file__).parent.parent / "hosts/python"))

from component import Component, EngineError  # noqa: E402

COMPONENT = ""
SCENE = Path(__file__).with_name("scene.toml")
SHARED = Path(os.environ.get("MTASTS_SHARED", ROOT.parent / "shared"))
DIFFERENCES = ROOT / "host/tests/limbo.txt"
NAME = "mx.example.com"


class Roots:
    """Trusted roots in the component."""

    def __init__(self, component: Component, function: str, certificates: Any) -> None:
        self._component = component
        self._roots = component.call("chains", f"[static]roots.{function}", certificates)

    def __enter__(self) -> Roots:
        return self

    def __exit__(self, *_: object) -> None:
        self._component.drop(self._roots)

    def verify(self, chain: list[bytes], name: str, now: int | None = None) -> str:
        """A `certificate-status`."""
        seconds = int(time.time()) if now is None else now
        return self._component.call("chains", "[method]roots.verify", self._roots, chain, name,
                                    seconds)


class Case(unittest.TestCase):
    """With one component for all."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.component = Component(COMPONENT)

    def roots(self, certificates: Iterable[bytes]) -> Roots:
        return Roots(self.component, "from-der", list(certificates))


class ServersOfTheLab(Case):
    """What the handshake with a server brings."""

    def test_each_fault_has_its_status(self) -> None:
        wanted = {"ok": "valid", "wildcard": "valid", "wrong-name": "host-mismatch",
                  "cn-only": "host-mismatch", "ip-san": "host-mismatch", "expired": "expired",
                  "not-yet-valid": "expired", "untrusted": "not-trusted",
                  "self-signed": "not-trusted"}
        with Lab(SCENE) as lab:
            pem = Path(lab.about["ca_file"]).read_bytes()
            with Roots(self.component, "from-pem", pem) as roots:
                for fault, status in wanted.items():
                    with self.subTest(fault):
                        lab.control(f"set wrong.example https={fault}")
                        shown = self.shown(lab, "mta-sts.wrong.example")
                        self.assertEqual(roots.verify([shown], "mta-sts.wrong.example"), status)

    def shown(self, lab: Lab, host: str) -> bytes:
        """The server's own certificate, whatever it is."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        address = ("127.0.0.2", lab.about["https_port"])
        with socket.create_connection(address) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secured:
                shown = secured.getpeercert(True)
        assert shown is not None
        return shown


def ecdsa(curve: ec.EllipticCurve) -> Callable[[], Any]:
    return lambda: ec.generate_private_key(curve)


def rsa_key(bits: int) -> Callable[[], Any]:
    return lambda: rsa.generate_private_key(65537, bits)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def signed(subject: str, key: Any, issuer_key: Any, hashed: Any, pss: bool, is_ca: bool) -> bytes:
    """A certificate by the authority "CA", in DER."""
    today = datetime.datetime.now(datetime.UTC)
    builder = (x509.CertificateBuilder(named("CA"), named(subject), key.public_key(),
                                       x509.random_serial_number())
               .not_valid_before(today - datetime.timedelta(1))
               .not_valid_after(today + datetime.timedelta(1))
               .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True))
    if not is_ca:
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        builder = builder.add_extension(names, critical=False)
    salted = padding.PSS(padding.MGF1(hashed), padding.PSS.DIGEST_LENGTH) if pss else None
    made = builder.sign(issuer_key, hashed, rsa_padding=salted)
    return made.public_bytes(serialization.Encoding.DER)


class Algorithms(Case):
    """Each signature that is verified, and that one which is wrong is not."""

    def chain(self, make_key: Callable[[], Any], hashed: Any, pss: bool = False) -> list[bytes]:
        """Root and leaf."""
        key = make_key()
        return [signed("CA", key, key, hashed, pss, is_ca=True),
                signed(NAME, ec.generate_private_key(ec.SECP256R1()), key, hashed, pss,
                       is_ca=False)]

    def status(self, root: bytes, leaf: bytes) -> str:
        with self.roots([root]) as roots:
            return roots.verify([leaf], NAME)

    def check(self, make_key: Callable[[], Any], hashed: Any, pss: bool = False) -> None:
        root, leaf = self.chain(make_key, hashed, pss)
        self.assertEqual(self.status(root, leaf), "valid")
        forged = leaf[:-8] + bytes([leaf[-8] ^ 1]) + leaf[-7:]
        self.assertEqual(self.status(root, forged), "not-trusted")
        other, _ = self.chain(make_key, hashed, pss)
        self.assertEqual(self.status(other, leaf), "not-trusted")

    def test_ecdsa(self) -> None:
        for curve in (ec.SECP256R1(), ec.SECP384R1()):
            for hashed in (hashes.SHA256(), hashes.SHA384()):
                with self.subTest(f"{curve.name} {hashed.name}"):
                    self.check(ecdsa(curve), hashed)

    def test_ed25519(self) -> None:
        self.check(ed25519.Ed25519PrivateKey.generate, None)

    def test_rsa(self) -> None:
        for pss in (False, True):
            for hashed in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
                with self.subTest(f"PSS {pss} {hashed.name}"):
                    self.check(rsa_key(2048), hashed, pss)
        self.check(rsa_key(4096), hashes.SHA256())

    def test_what_is_not_trusted_whoever_signs(self) -> None:
        for make_key, hashed in ((rsa_key(1024), hashes.SHA256()),
                                 (ecdsa(ec.SECP521R1()), hashes.SHA512())):
            root, leaf = self.chain(make_key, hashed)
            self.assertNotEqual(self.status(root, leaf), "valid")

    def test_octets_that_are_no_certificate(self) -> None:
        root, leaf = self.chain(ecdsa(ec.SECP256R1()), hashes.SHA256())
        with self.roots([b"no certificate", root]) as roots:
            self.assertEqual(roots.verify([leaf], NAME), "valid")
            self.assertEqual(roots.verify([leaf], "other.example.com"), "host-mismatch")
            self.assertEqual(roots.verify([], NAME), "invalid")
            self.assertEqual(roots.verify([b""], NAME), "invalid")
            self.assertEqual(roots.verify([leaf[:-1], leaf], NAME), "invalid")
        for nothing in ([], [b"no certificate"]):
            with self.assertRaises(EngineError) as raised:
                self.roots(nothing)
            self.assertEqual(raised.exception.kind, "certificate")


class Limbo(Case):
    """As host/tests/limbo.rs runs it."""

    def test_limbo(self) -> None:
        try:
            suite = json.loads((SHARED / "limbo/limbo.json").read_text())
        except FileNotFoundError:
            self.skipTest("no limbo.json")
        lines = DIFFERENCES.read_text().splitlines()
        expected = {line.split(": ")[0] for line in lines if not line.startswith("#")}
        ran, wrong = 0, []
        for case in filter(applies, suite["testcases"]):
            ran += 1
            found = self.judge(case)
            agrees = (found == "valid") == (case["expected_result"] == "SUCCESS")
            if agrees == (case["id"] in expected):
                wrong.append(f"{case['id']}: {found}, expected {case['expected_result']}")
        self.assertGreater(ran, 50)
        self.assertEqual(wrong, [])

    def judge(self, case: dict[str, Any]) -> str:
        chain = [der(pem) for pem in [case["peer_certificate"], *case["untrusted_intermediates"]]]
        at = case["validation_time"]
        now = None if at is None else int(datetime.datetime.fromisoformat(at).timestamp())
        try:
            with self.roots(map(der, case["trusted_certs"])) as roots:
                return roots.verify(chain, case["expected_peer_name"]["value"], now)
        except EngineError:
            return "not-trusted"  # none of the roots can be one


def applies(case: dict[str, Any]) -> bool:
    """Whether a case asks for what we do."""
    name = case["expected_peer_name"] or {}
    return (case["validation_kind"] == "SERVER" and name.get("kind") == "DNS"
            and case["max_chain_depth"] is None and "has-crl" not in case["features"])


def der(pem: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.strip())


if __name__ == "__main__":
    COMPONENT = sys.argv[1]
    unittest.main(argv=sys.argv[:1], verbosity=2)
