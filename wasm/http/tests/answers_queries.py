#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""`/v1/policy` of the component beside that of `mtasts serve`, against the lab: the same octets."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from lab import Lab
from serving import ROOT, Program, Reply, Served, UnixConnection, exchange

SCENE = Path(__file__).with_name("scene.toml")
NAMES = Path(__file__).with_name("names.mjs")
DOH = ROOT / "tests/lab/doh.py"
MTASTS = Path(os.environ.get("MTASTS_BIN", ROOT / "target/release/mtasts"))
FETCH_MS = 2_500

# Why there is no policy; `None`: there is one, and it was fetched.
CASES = {
    "good": None, "testing": None, "none": None, "split": None, "alias": None, "hosted": None,
    "record-gone": "no-record", "record-nodata": "no-record", "record-two": "several-records",
    "record-invalid": "record-invalid", "record-octets": "record-invalid",
    "record-malformed": "dns-permanent", "record-formerr": "dns-permanent",
    "record-servfail": "dns-temporary", "record-refused": "dns-temporary",
    "record-timeout": "dns-temporary", "host-gone": "policy-host-dns",
    "https-chunked": None, "https-wildcard": None, "https-redirect": "status-301",
    "https-notfound": "status-404", "https-error500": "status-500",
    "https-html": "media-type", "https-notype": "media-type",
    "https-oversize": "body-too-large", "https-gzip": "policy-invalid",
    "https-truncated": "connect", "https-garbage": "fetch-other", "https-reset": "connect",
    "https-tls-refused": "connect", "https-refused": "connect", "https-drip": "timeout",
    "https-stall-http": "timeout", "https-stall-tls": "timeout", "https-wrong-name": "webpki",
    "https-expired": "webpki", "https-not-yet-valid": "webpki", "https-untrusted": "webpki",
    "https-self-signed": "webpki",
}


class Daemon:
    """`mtasts serve` on the lab, without a store."""

    def __init__(self, about: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._socket = Path(self._folder.name, "http")
        configuration = Path(self._folder.name, "mtasts.toml")
        configuration.write_text(f"""
[network]
nameservers = ["{about["dns"]}"]
ca_file = "{about["ca_file"]}"
https_port = {about["https_port"]}
allow_non_global = true
dns_timeout = "1s"
fetch_timeout = "{FETCH_MS}ms"
[[listen]]
type = "http"
address = "{self._socket}"
""")
        self._process = subprocess.Popen([MTASTS, "serve", "--config", configuration],
                                         stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if " ready" in line:
                return
        raise RuntimeError("mtasts serve did not start")

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()

    def ask(self, path: str, method: str = "GET") -> Reply:
        client = UnixConnection(self._socket)
        try:
            return exchange(client, method, path, {})
        finally:
            client.close()


def timeless(reply: Reply) -> tuple[int, bytes, list[str | None]]:
    """Two servers fetch one after the other; everything else is to be the same."""
    body = re.sub(rb'("(?:fetched|expires)_at"):\d{10}', rb"\1:0", reply.body)
    names = ("content-type", "cache-control", "content-length")
    return reply.status, body, [reply.headers.get(name) for name in names]


class Cases(unittest.TestCase):
    """One lab and one of each server for all."""

    @classmethod
    def setUpClass(cls) -> None:
        enter = cls.enterClassContext
        cls.lab = enter(Lab(SCENE))
        front = enter(Program(["python3", DOH, cls.lab.about["dns"]], {}))
        cls.daemon = enter(Daemon(cls.lab.about))
        configuration = {
            "api_hosts": ["api.test"],
            "query": {"dns": {"url": front.line},
                      "fetch": {"port": cls.lab.about["https_port"], "timeout_ms": FETCH_MS}},
        }
        environment = {"NODE_EXTRA_CA_CERTS": cls.lab.about["ca_file"],
                       "NODE_OPTIONS": f"--import {NAMES.as_uri()}"}
        cls.served = enter(Served(configuration, cls.lab.environment | environment))

    def tearDown(self) -> None:
        self.lab.control("reset")

    def both(self, query: str, method: str = "GET") -> Reply:
        """The component's reply, which is that of `mtasts serve`."""
        path = f"/v1/policy{query}"
        ours, theirs = self.served.ask(path, method=method), self.daemon.ask(path, method)
        self.assertEqual(timeless(ours), timeless(theirs))
        return ours

    def find(self, name: str) -> tuple[str, str | None]:
        """Basis and reason."""
        found = self.both(f"?domain={name}.example&mx=mx.{name}.example,evil.example").json
        return found["basis"], found["reason"]

    def count(self, kind: str, field: str) -> int:
        return self.lab.control(f"count {kind} {field}")

    def test_every_case_is_answered_as_by_the_server(self) -> None:
        """R-TXT-1, R-GET-1, R-GET-2, R-GET-3, R-GET-4, R-FLOW-2, R-RPT-2."""
        for name, reason in CASES.items():
            with self.subTest(name):
                basis = "no-policy" if reason else "fresh"
                self.assertEqual(self.find(name), (basis, reason))
        # No redirect was followed (R-GET-2).
        self.assertEqual(self.count("https", "host=mta-sts.redirect.test"), 0)

    def test_hosts_are_judged(self) -> None:
        """R-MX-1, R-APPLY-1."""
        found = self.both("?domain=Good.Example.&mx=mx1.good.example,a.b.good.example&mx=backup"
                          ".example").json
        actions = {host["host"]: host["action"] for host in found["mx"]}
        self.assertEqual(actions, {"mx1.good.example": "deliver", "a.b.good.example": "defer",
                                   "backup.example": "deliver"})
        self.assertIsNone(self.both("?domain=good.example").json["mx"])

    def test_what_is_known_is_not_asked_again(self) -> None:
        """R-FLOW-4, R-GET-5: as long as the runtime keeps the instance."""
        for name, basis in {"good": "cached", "record-gone": "no-policy",
                            "https-notfound": "no-policy"}.items():
            with self.subTest(name):
                self.find(name)
                of_domain = f"name~{name}.example", f"host~{name}.example"
                before = self.count("dns", of_domain[0]), self.count("https", of_domain[1])
                self.assertEqual(self.find(name)[0], basis)
                after = self.count("dns", of_domain[0]), self.count("https", of_domain[1])
                self.assertEqual(after, before)

    def test_a_cached_policy_outlasts_trouble(self) -> None:
        """R-FLOW-1."""
        self.find("kept")
        for trouble, reason in {"record=servfail": "dns-temporary",
                                "id=2 https=notfound": "status-404",
                                "record=gone": "no-record"}.items():
            with self.subTest(trouble):
                self.lab.control(f"set kept.example {trouble}")
                self.assertEqual(self.find("kept"), ("cached", reason))
                self.lab.control("reset kept.example")

    def test_a_question_that_is_none(self) -> None:
        """R-DOM-1."""
        for query in ("", "?domain=", "?domain=a_b.example", "?domain=[192.0.2.1]",
                      "?domain=a.example&domain=b.example", "?domain=a.example&other=1"):
            with self.subTest(query):
                self.assertEqual(self.both(query).status, 400)
        self.assertEqual(self.both("?domain=good.example", "POST").status, 405)
        reply = self.served.ask("/v1/policy?domain=b%C3%BCcher.example")
        self.assertEqual(reply.status, 400)
        self.assertIn("A-labels", reply.json["error"])

    def test_only_who_may_ask_is_answered(self) -> None:
        for host in ("other.test", "mta-sts.good.example"):
            self.assertEqual(self.served.ask("/v1/policy?domain=good.example", host).status, 404)

    def test_it_says_how_much_it_knows(self) -> None:
        self.find("good")
        health = self.served.ask("/healthz").json
        self.assertEqual((health["status"], health["store"]), ("ok", "none"))
        self.assertGreater(health["domains"], 0)
        self.assertEqual(list(health), list(self.daemon.ask("/healthz").json))


if __name__ == "__main__":
    unittest.main()
