# SPDX-License-Identifier: MIT OR Apache-2.0
"""Policies served by a real Envoy, among the routes of others (R-PUB-1)."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from world import PANICKY, README, Envoy, get, plugin_of, until

PATH = "/.well-known/mta-sts.txt"
STANDARD = b"version: STSv1\r\nmode: enforce\r\nmx: *.mail.example\r\nmax_age: 604800\r\n"


class Serves(unittest.TestCase):
    """With the README's configuration."""

    @classmethod
    def setUpClass(cls) -> None:
        def change(envoy: Envoy) -> None:
            envoy.settings(0, lambda settings: settings.update(api_hosts=["api.example", "mtasts.example.net"]))

        cls.envoy = Envoy(change=change)
        cls.addClassCleanup(cls.envoy.close)

    def get(self, host: str, path: str = PATH, method: str = "GET", **headers: str):
        return get(self.envoy.web, path, host, method, **headers)

    def test_r_pub_1_a_policy_is_served(self) -> None:
        for host in ["mta-sts.example.com", "MTA-STS.example.com:443"]:
            status, headers, body = self.get(host)
            self.assertEqual((status, body), (200, STANDARD))
            self.assertEqual(headers["content-type"], "text/plain")
            self.assertEqual(headers["content-length"], str(len(STANDARD)))
        status, _, body = self.get("mta-sts.a.b.example.net")
        self.assertEqual((status, body.split(b"\r\n")[1]), (200, b"mode: testing"))

    def test_head_and_if_none_match(self) -> None:
        status, headers, body = self.get("mta-sts.example.com", method="HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(headers["content-length"], str(len(STANDARD)))
        tag = headers["etag"]
        status, headers, body = self.get("mta-sts.example.com", If_None_Match=tag)
        self.assertEqual((status, body, headers["etag"]), (304, b"", tag))
        self.assertEqual(self.get("mta-sts.example.com", If_None_Match='"x"')[0], 200)

    def test_what_is_not_served_and_what_is_anothers(self) -> None:
        self.assertEqual(self.get("mta-sts.other.example")[0], 404)
        status, headers, _ = self.get("mta-sts.example.com", method="POST")
        self.assertEqual((status, headers["allow"]), (405, "GET, HEAD"))
        for host, path in [("www.example.com", PATH), ("mta-sts.example.com", "/"),
                           ("mta-sts.example.com", "/.well-known/acme-challenge/x"),
                           ("www.example.com", "/v1/records"), ("www.example.com", "/v1/policy")]:
            self.assertEqual(self.get(host, path)[2], b"the web site\n", (host, path))

    def test_r_pub_1_records_have_the_id_of_the_policy(self) -> None:
        status, _, body = self.get("api.example", "/v1/records")
        records = {one["domain"]: one for one in json.loads(body)["records"]}
        self.assertEqual((status, set(records)), (200, {"example.com", "*.example.net"}))
        served = self.get("mta-sts.example.com")[1]["mta-sts-id"]
        self.assertEqual(records["example.com"]["value"], f"v=STSv1; id={served};")
        self.assertEqual(records["example.com"]["name"], "_mta-sts.example.com")

    def test_the_records_are_had_as_the_readme_says(self) -> None:
        (commands, shown) = re.search(r"^```sh\n(.*?)^# (\{.*?)\n```", README.read_text(),
                                      re.MULTILINE | re.DOTALL).groups()
        with tempfile.TemporaryDirectory() as home:
            there = f"mtasts.example.net:80:127.0.0.1:{self.envoy.web}"
            Path(home, ".curlrc").write_text(f"connect-to = {there}\nwrite-out = \\n\n")
            printed = subprocess.run(["sh", "-ec", commands], env={**os.environ, "CURL_HOME": home},
                                     check=True, text=True, stdout=subprocess.PIPE).stdout
        every, one = filter(None, printed.splitlines())
        self.assertEqual(len(json.loads(every)["records"]), 2)
        self.assertRegex(one, re.escape(shown).replace("…", "[^;]+"))

    def test_what_is_served_is_counted(self) -> None:
        envoy = Envoy()  # its own, as the other tests' requests are counted up to a second later
        self.addCleanup(envoy.close)
        get(envoy.web, PATH, "mta-sts.example.com")
        get(envoy.web, PATH, "mta-sts.other.example")
        until("statistics", lambda: envoy.stat("wasmcustom.mtasts_served") == 1)
        until("statistics", lambda: envoy.stat("wasmcustom.mtasts_not_served") == 1)


class Load(threading.Thread):
    """Asks for a policy as often as it can, over one connection; notes what is amiss."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.bodies, self.wrong = port, set(), []
        self.stopping = threading.Event()
        self.answered = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stopping.is_set():
            try:
                connection.request("GET", PATH, headers={"Host": "mta-sts.example.com"})
                reply = connection.getresponse()
                body = reply.read()
            except (http.client.HTTPException, OSError) as error:
                self.wrong.append(repr(error))
                return
            if reply.status != 200:
                self.wrong.append(f"status {reply.status}")
            if reply.getheader("connection") == "close":
                connection.close()  # Envoy drains the old listener
            self.bodies.add(body)
            self.answered += 1
        connection.close()


class Reloads(unittest.TestCase):
    """Configurations that change while Envoy runs."""

    def setUp(self) -> None:
        self.envoy = Envoy()
        self.addCleanup(self.envoy.close)

    def policy(self, lines: list[str]) -> None:
        self.envoy.settings(0, lambda settings: settings["publish"]["policies"].update(
            standard=lines))
        self.envoy.write_listeners()

    def served(self) -> bytes:
        return get(self.envoy.web, PATH, "mta-sts.example.com")[2]

    def test_under_load_no_request_fails(self) -> None:
        clients = [Load(self.envoy.web) for _ in range(4)]
        for client in clients:
            client.start()
        first = get(self.envoy.web, PATH, "mta-sts.example.com")[1]["mta-sts-id"]
        for max_age in range(86400, 86404):
            lines = ["version: STSv1", "mode: enforce", "mx: mx.example.com", f"max_age: {max_age}"]
            self.policy(lines)
            text = "".join(f"{line}\r\n" for line in lines).encode()
            until("the new policy", lambda text=text: self.served() == text)
            answered = [client.answered for client in clients]
            until("more answers", lambda answered=answered: all(
                client.answered > before for client, before in zip(clients, answered)
                if client.is_alive()))
        for client in clients:
            client.stopping.set()
            client.join()
        self.assertEqual([client.wrong for client in clients], [[]] * 4)
        self.assertGreater(len(set.union(*(client.bodies for client in clients))), 2)
        second = get(self.envoy.web, PATH, "mta-sts.example.com")[1]["mta-sts-id"]
        self.assertNotEqual(first, second)

    def test_a_bad_configuration_is_refused_and_the_old_one_serves_on(self) -> None:
        self.policy(["version: STSv1", "mode: enforce", "mx: not_a_host", "max_age: 86400"])
        line = "publish: policies.standard: line 3, column 5"
        until("the refusal in the log", lambda: line in self.envoy.log.read_text())
        until("the refusal counted", lambda: self.envoy.stat("listener_manager.lds.update_rejected"))
        self.assertEqual(self.served(), STANDARD)


class Panics(unittest.TestCase):
    """A plugin that panics (its test build does so when asked)."""

    def envoy(self, policy: str) -> Envoy:
        def change(envoy: Envoy) -> None:
            plugin_of(envoy.listeners[0])["failure_policy"] = policy

        envoy = Envoy(plugin=PANICKY, change=change)
        self.addCleanup(envoy.close)
        return envoy

    def test_fail_closed_answers_503_and_never_lets_a_request_through(self) -> None:
        envoy = self.envoy("FAIL_CLOSED")
        self.assertEqual(get(envoy.web, "/", "www.example.com")[0], 200)
        for _ in range(20):  # both threads get it
            self.assertEqual(get(envoy.web, "/v1/panic", "www.example.com")[0], 503)
        for _ in range(20):
            self.assertEqual(get(envoy.web, "/", "www.example.com")[0], 503)
            self.assertEqual(get(envoy.web, PATH, "mta-sts.example.com")[0], 503)
        self.assertIsNone(envoy.process.poll(), "Envoy goes on")

    def test_fail_reload_begins_anew(self) -> None:
        envoy = self.envoy("FAIL_RELOAD")
        self.assertEqual(get(envoy.web, "/v1/panic", "www.example.com")[0], 503)
        good = (200, STANDARD)

        def is_well() -> bool:
            replies = [get(envoy.web, PATH, "mta-sts.example.com") for _ in range(10)]
            return all((status, body) == good for status, _, body in replies)

        until("policies are served again", is_well)


if __name__ == "__main__":
    unittest.main()
