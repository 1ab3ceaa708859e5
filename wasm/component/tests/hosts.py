#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A host of the component against the lab: real DNS and HTTPS, done by the host.

    hosts.py COMMAND...

COMMAND is the host; ../hosts/README.md says what goes in and comes out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

from lab import Lab

COMMAND: list[str] = []
SCENE = Path(__file__).with_name("scene.toml")
ENFORCED = {"basis": "fresh", "reason": None, "result": None, "mode": "enforce", "id": "1"}


class HostProcess:
    """The host, as long as it is wanted."""

    def __init__(self, lab: Lab) -> None:
        environment = os.environ | lab.environment
        self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env=environment)

    def __enter__(self) -> HostProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, domain: str, sessions: list[dict[str, str]] | None = None,
            **more: Any) -> dict[str, Any]:
        """A look-up."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"domain": domain, "sessions": sessions or [], **more}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the host is gone")
        return json.loads(line)


def session(mx_host: str, tls: str = "not-tried", certificate: str | None = None) -> dict[str, Any]:
    """With an MX host."""
    return {"mx_host": mx_host, "tls": tls, "certificate": certificate}


def verdict(action: str, cause: str | None = None, result: str | None = None) -> dict[str, Any]:
    """On it."""
    return {"action": action, "result": result, "cause": cause}


class Cases(unittest.TestCase):
    """One lab and one host for all."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = cls.enterClassContext(Lab(SCENE))
        cls.host = cls.enterClassContext(HostProcess(cls.lab))

    def tearDown(self) -> None:
        self.lab.control("reset")

    def check(self, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        """As far as `wanted` says something."""
        self.assertEqual({name: found.get(name) for name in wanted}, wanted)

    def count(self, kind: str, field: str) -> int:
        return self.lab.control(f"count {kind} {field}")

    def test_a_good_policy_is_found(self) -> None:
        found = self.host.ask("Good.Example")
        self.check(found, ENFORCED | {"mx": ["*.good.example", "backup.example"], "changed": True})

    def test_verdicts(self) -> None:
        """R-APPLY-1, R-MX-1, R-RPT-2."""
        mx = "mx1.good.example"
        asked = {
            (mx, "not-tried"): verdict("deliver"),
            (mx, "established", "valid"): verdict("deliver"),
            (mx, "not-offered"): verdict("defer", *["starttls-not-supported"] * 2),
            (mx, "failed"): verdict("defer", "tls-failed", "validation-failure"),
            (mx, "established", "expired"): verdict("defer", *["certificate-expired"] * 2),
            (mx, "established", "host-mismatch"):
                verdict("defer", *["certificate-host-mismatch"] * 2),
            ("a.b.good.example", "established", "valid"):
                verdict("defer", "mx-not-listed", "validation-failure"),
        }
        sessions = [session(*words) for words in asked]
        self.check(self.host.ask("good.example", sessions), {"verdicts": list(asked.values())})

    def test_mode_testing_delivers_and_reports(self) -> None:
        found = self.host.ask("testing.example", [session("mx.testing.example", "not-offered")])
        reported = verdict("deliver", *["starttls-not-supported"] * 2)
        self.check(found, {"mode": "testing", "verdicts": [reported]})

    def test_strings_of_a_record_are_joined(self) -> None:
        """R-TXT-1."""
        self.check(self.host.ask("split.example"), ENFORCED | {"id": "2026"})

    def test_aliases_are_followed(self) -> None:
        """R-TXT-1; the certificate is for the policy host all the same."""
        self.check(self.host.ask("alias.example"), ENFORCED)

    def test_no_record_is_no_policy(self) -> None:
        """R-FLOW-2."""
        found = self.host.ask("plain.example", [session("mx.plain.example", "not-offered")])
        self.check(found, {"basis": "no-policy", "reason": "no-record", "result": None,
                           "mode": None, "try_later": False, "verdicts": [verdict("deliver")]})
        self.assertIn("record: - until", found["stored"])
        self.check(self.host.ask("two.example"), {"reason": "several-records"})

    def test_failing_dns_is_not_remembered_as_absence(self) -> None:
        """R-FLOW-10."""
        self.lab.control("set good.example record=servfail")
        found = self.host.ask("good.example")
        self.check(found, {"basis": "no-policy", "reason": "dns-temporary", "changed": False})
        self.assertNotIn("record:", found["stored"])

    def test_wrong_certificates_of_the_policy_host(self) -> None:
        """R-GET-1."""
        for fault in ("wrong-name", "expired", "not-yet-valid", "untrusted", "self-signed",
                      "cn-only", "ip-san"):
            with self.subTest(fault):
                self.lab.control(f"set wrong.example https={fault}")
                self.check(self.host.ask("wrong.example"),
                           {"basis": "no-policy", "reason": "web-pki",
                            "result": "sts-webpki-invalid"})

    def test_what_is_no_reply_with_a_policy(self) -> None:
        """R-GET-2, R-GET-3, R-POL-7."""
        reasons = {"redirect": "status-301", "notfound": "status-404", "html": "media-type",
                   "notype": "media-type", "oversize": "body-too-large", "truncated": "connect",
                   "refused": "connect", "garbage": "fetch-other"}
        for fault, reason in reasons.items():
            with self.subTest(fault):
                self.lab.control(f"set wrong.example https={fault}")
                self.check(self.host.ask("wrong.example"),
                           {"basis": "no-policy", "reason": reason,
                            "result": "sts-policy-fetch-error"})
        self.lab.control("set wrong.example policydns=gone")
        self.check(self.host.ask("wrong.example"), {"reason": "policy-host-dns"})

    def test_a_cached_policy_outlasts_the_network(self) -> None:
        """R-FLOW-1, R-FLOW-6."""
        stored = self.host.ask("attacked.example")["stored"]
        clear = [session("mx.attacked.example", "not-offered")]
        kept = {"basis": "cached", "mode": "enforce", "id": "1", "verdicts": [
            verdict("defer", *["starttls-not-supported"] * 2)]}
        for attack, reason in {"record=gone": "no-record", "record=servfail": "dns-temporary",
                               "record=refused": "dns-temporary", "record=two": "several-records",
                               "id=2 https=refused": "connect",
                               "id=2 https=wrong-name": "web-pki"}.items():
            with self.subTest(attack):
                self.lab.control(f"set attacked.example {attack}")
                found = self.host.ask("attacked.example", clear, stored=stored, again=True)
                self.check(found, kept | {"reason": reason})
                self.lab.control("reset attacked.example")

    def test_what_is_stored_is_read_by_another_process(self) -> None:
        """R-FLOW-3, R-FLOW-4: within its TTL no question is asked."""
        stored = self.host.ask("kept.example")["stored"]
        asked = (self.count("dns", "name~kept.example"), self.count("https", "host~kept.example"))
        with HostProcess(self.lab) as other:
            found = other.ask("kept.example", stored=stored)
        self.check(found, {"basis": "cached", "reason": None, "mode": "enforce", "changed": False,
                           "stored": stored})
        after = (self.count("dns", "name~kept.example"), self.count("https", "host~kept.example"))
        self.assertEqual(after, asked)

    def test_a_store_that_cannot_be_read_may_hold_a_policy(self) -> None:
        """R-FLOW-1: the mail waits."""
        for trouble in ({"unreadable": True}, {"stored": "no such text"}):
            with self.subTest(trouble):
                found = self.host.ask("plain.example", [session("mx.plain.example")], **trouble)
                self.check(found, {"reason": "store-failed", "try_later": True,
                                   "verdicts": [verdict("defer", "policy-unknown")]})

    def test_domains_that_are_none(self) -> None:
        """R-FLOW-7, R-DOM-1."""
        self.assertEqual(self.host.ask("[192.0.2.1]"), {"error": "address-literal"})
        self.assertEqual(self.host.ask("bücher.example"), {"error": "host-name"})


if __name__ == "__main__":
    COMMAND = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)
