#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the component imports, and how it gets its configuration."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

from serving import COMPONENT, Served, pack

POLICY = ["version: STSv1", "mode: testing", "mx: mx.example.com", "max_age: 86400"]
PUBLISH = {"policies": {"p": POLICY}, "domains": {"example.com": "p"}}

# Of what the world wasi:http/proxy imports, all but randomness and the standard streams.
IMPORTS = {
    "wasi:clocks/monotonic-clock", "wasi:clocks/wall-clock", "wasi:http/outgoing-handler",
    "wasi:http/types", "wasi:io/error", "wasi:io/poll", "wasi:io/streams",
}


def imports(component: Path) -> set[str]:
    """The interfaces that it imports, without their version."""
    done = pack("imports", component)
    assert done.returncode == 0, done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines()}
    versions = {name.partition("@")[2] for name in names}
    assert all(version.startswith("0.2.") for version in versions), versions
    return {name.partition("@")[0] for name in names}


class Cases(unittest.TestCase):
    """One folder for each."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.out = self.folder / "out.wasm"

    def configure(self, text: str, component: Path = COMPONENT) -> str:
        """What mtasts-pack complains of; nothing if it does not."""
        written = self.folder / "mtasts.json"
        written.write_text(text)
        done = pack("configure", component, written, self.out)
        self.assertEqual(done.returncode == 0, self.out.exists(), done.stderr)
        return done.stderr

    def test_it_imports_what_the_world_has_and_no_more(self) -> None:
        self.assertEqual(imports(COMPONENT), IMPORTS)
        self.assertEqual(self.configure(json.dumps({"publish": PUBLISH})), "")
        self.assertEqual(imports(self.out), IMPORTS)

    def test_a_bad_configuration_is_refused_and_says_where(self) -> None:
        """R-PUB-1."""
        bad = json.dumps({"publish": PUBLISH | {"policies": {"p": [*POLICY[:3], "max_age: x"]}}})
        for text, wanted in {
            bad: "publish: policies.p: line 4, column ",
            '{\n  "publish": {]\n}': "not JSON: key must be a string at line 2 column 15",
            "{}": 'the configuration: "publish" or "query" is wanted',
            '{"query": {}, "api_hosts": ["a"]}': "query.dns: an object is wanted",
            '{"query": {"dns": {"url": "dns.test"}}, "api_hosts": ["a"]}': "query.dns.url: ",
        }.items():
            with self.subTest(wanted):
                self.assertIn(f"mtasts.json: {wanted}", self.configure(text))

    def test_it_is_configured_once(self) -> None:
        text = json.dumps({"publish": PUBLISH})
        self.assertEqual(self.configure(text), "")
        configured = self.out.rename(self.folder / "configured.wasm")
        self.assertIn("or it has a configuration already", self.configure(text, configured))

    def test_what_is_no_component_is_refused(self) -> None:
        text = json.dumps({"publish": PUBLISH})
        for name, octets in {"empty": b"", "text": b"no component, but longer than a header",
                             "cut": COMPONENT.read_bytes()[:-1]}.items():
            with self.subTest(name):
                file = self.folder / name
                file.write_bytes(octets)
                self.assertNotEqual(self.configure(text, file), "")

    def test_without_a_configuration_it_says_so(self) -> None:
        with Served(None) as served:
            reply = served.ask("/healthz")
        self.assertEqual(reply.status, 500)
        self.assertIn("no configuration", reply.json["error"])


if __name__ == "__main__":
    unittest.main()
