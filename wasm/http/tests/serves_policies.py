#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The component as the Policy Host of many domains (R-PUB-1)."""

from __future__ import annotations

import unittest

from serving import Reply, Served

PATH = "/.well-known/mta-sts.txt"
STANDARD = "version: STSv1\nmode: enforce\nmx: *.mail.example\nmax_age: 604800\n"
TRIAL = ["version: STSv1", "mode: testing", "mx: mx.example.net", "max_age: 86400"]
MANY = {f"d{number}.many-of-them.example": "trial" for number in range(10_000)}
LARGE = STANDARD + "".join(f"x{number}: {'y' * 100}\n" for number in range(500))
CONFIGURATION = {
    "publish": {
        "policies": {"standard": STANDARD, "trial": TRIAL, "large": LARGE},
        "domains": {"example.com": "standard", "*.example.net": "trial", "large.example": "large",
                    **MANY},
    },
    "api_hosts": ["api.test"],
}


class Cases(unittest.TestCase):
    """One server for all."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.served = cls.enterClassContext(Served(CONFIGURATION))

    def policy(self, domain: str, method: str = "GET", **headers: str) -> Reply:
        return self.served.ask(PATH, f"mta-sts.{domain}", method, **headers)

    def test_a_policy_is_served(self) -> None:
        reply = self.policy("example.com")
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.body, STANDARD.replace("\n", "\r\n").encode())
        self.assertEqual(reply.headers["content-type"], "text/plain")
        self.assertEqual(reply.headers["content-length"], str(len(reply.body)))
        self.assertEqual(reply.headers["etag"], f'"{reply.headers["mta-sts-id"]}"')

    def test_hosts_are_told_apart(self) -> None:
        trial = "".join(f"{line}\r\n" for line in TRIAL).encode()
        for domain, body in {"EXAMPLE.com:8080": self.policy("example.com").body,
                             "a.b.example.net": trial, "d9999.many-of-them.example": trial,
                             "large.example": LARGE.replace("\n", "\r\n").encode()}.items():
            with self.subTest(domain):
                self.assertEqual(self.policy(domain).body, body)
        for host in ("mta-sts.example.net", "mta-sts.sub.example.com", "example.com", "api.test"):
            with self.subTest(host):
                self.assertEqual(self.served.ask(PATH, host).status, 404)

    def test_head_is_get_without_a_body(self) -> None:
        get, head = self.policy("example.com"), self.policy("example.com", "HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        for name in ("content-length", "content-type", "etag", "mta-sts-id"):
            self.assertEqual(head.headers[name], get.headers[name], name)

    def test_who_has_the_policy_is_told_so(self) -> None:
        etag = self.policy("example.com").headers["etag"]
        reply = self.policy("example.com", if_none_match=f'"other", {etag}')
        self.assertEqual((reply.status, reply.body, reply.headers["etag"]), (304, b"", etag))
        self.assertEqual(self.policy("example.com", if_none_match='"other"').status, 200)

    def test_other_methods_are_refused(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            with self.subTest(method):
                reply = self.policy("example.com", method)
                self.assertEqual((reply.status, reply.headers["allow"]), (405, "GET, HEAD"))

    def test_records_for_whoever_maintains_the_dns(self) -> None:
        identity = self.policy("example.com").headers["mta-sts-id"]
        reply = self.served.ask("/v1/records?domain=example.com")
        (record,) = reply.json["records"]
        self.assertEqual(record["name"], "_mta-sts.example.com")
        self.assertEqual(record["value"], f"v=STSv1; id={identity};")
        everything = self.served.ask("/v1/records").json["records"]
        self.assertEqual(len(everything), 3 + len(MANY))
        self.assertEqual(self.served.ask("/v1/records?domain=other.example").status, 404)
        self.assertEqual(self.served.ask("/v1/records", method="POST").status, 405)

    def test_the_api_is_at_its_hosts_alone(self) -> None:
        for host in ("mta-sts.example.com", "other.test"):
            self.assertEqual(self.served.ask("/v1/records", host).status, 404)
        # No queries are configured.
        reply = self.served.ask("/v1/policy?domain=example.com")
        self.assertEqual((reply.status, reply.json), (404, {"error": "no such path"}))

    def test_it_says_that_it_is_well(self) -> None:
        reply = self.served.ask("/healthz", "203.0.113.1")
        self.assertEqual((reply.status, reply.json["status"]), (200, "ok"))


if __name__ == "__main__":
    unittest.main()
