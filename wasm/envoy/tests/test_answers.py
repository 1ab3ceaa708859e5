# SPDX-License-Identifier: MIT OR Apache-2.0
"""Queries answered by a real Envoy: DNS by HTTP, policies over HTTPS from the lab (R-FLOW)."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from world import MTASTS, PATIENCE, Envoy, Lab, free_port, get, readme, until

TIMEOUT = 2
HTTPS = ["wrong-name", "untrusted", "expired", "self-signed", "cn-only", "redirect", "notfound",
         "error500", "oversize", "html", "notype", "refused", "tls-refused", "garbage", "truncated"]
SLOW = ["drip", "stall-http", "stall-tls"]
SUPPORTED_VERSIONS = bytes([0, 43, 0, 5, 4, 3, 4, 3, 3])  # in a ClientHello: 1.3 and 1.2
RECORDS = ["gone", "nodata", "two", "invalid", "servfail", "refused"]

GOOD = """
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
policy_mx = ["mx.good.example", "*.mx.example"]

[[domain]]
name = "trial.example"
id = "1"
policy = "testing"
record = "cname"

[[domain]]
name = "chunked.example"
id = "1"
policy = "enforce"
https = "chunked"
"""


def scene() -> str:
    """A domain for each thing that may go wrong."""
    domains = [GOOD]
    for key, values in [("https", HTTPS + SLOW), ("record", RECORDS)]:
        for value in values:
            domains.append(f'[[domain]]\nname = "{key}-{value}.example"\nid = "1"\n'
                           f'policy = "enforce"\n{key} = "{value}"\n')
    for value in ["gone", "servfail"]:
        domains.append(f'[[domain]]\nname = "host-{value}.example"\nid = "1"\n'
                       f'policy = "enforce"\npolicydns = "{value}"\n')
    domains.append('[[domain]]\nname = "status-503.example"\nid = "1"\npolicy = "enforce"\n'
                   "status = 503\n")  # the policy host's own, not Envoy's
    return "\n".join(domains)


class Serve:
    """`mtasts serve` with the same lab."""

    def __init__(self, lab: Lab) -> None:
        self.port = free_port()
        self.dir = tempfile.TemporaryDirectory()
        config = Path(self.dir.name) / "mtasts.toml"
        (Path(self.dir.name) / "store").mkdir()
        config.write_text(f"""
store = "{self.dir.name}/store"
control = "{self.dir.name}/control"
[[listen]]
type = "http"
address = "127.0.0.1:{self.port}"
[network]
nameservers = ["{lab.dns[0]}:{lab.dns[1]}"]
https_port = {lab.https_port}
ca_file = "{lab.ca_file}"
allow_non_global = true
fetch_timeout = "{TIMEOUT}s"
""")
        self.process = subprocess.Popen([MTASTS, "serve", "--config", str(config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("mtasts serve answers", self.is_ready)

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError("mtasts serve has ended")
        try:
            return get(self.port, "/healthz")[0] == 200
        except OSError:
            return False

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()
        self.dir.cleanup()


class Answers(unittest.TestCase):
    """With the README's configuration, against the lab."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = Lab(scene())
        cls.addClassCleanup(cls.lab.close)

    def setUp(self) -> None:
        self.lab.ctl("reset")
        self.lab.ctl("clear")
        self.envoy = self.start()

    def start(self, **fetch: int) -> Envoy:
        def change(envoy: Envoy) -> None:
            envoy.settings(1, lambda settings: settings["query"]["fetch"].update(
                timeout_ms=TIMEOUT * 1000, **fetch))

        envoy = Envoy(self.lab, change=change)
        self.addCleanup(envoy.close)
        return envoy

    def test_answers_are_those_of_mtasts_serve_octet_for_octet(self) -> None:
        serve = Serve(self.lab)
        self.addCleanup(serve.close)
        domains = ["good", "trial", "chunked", "unknown"]
        domains += [f"https-{fault}" for fault in HTTPS + SLOW]
        domains += [f"record-{fault}" for fault in RECORDS] + ["host-gone", "host-servfail"]
        domains.append("status-503")
        queries = [f"domain={name}.example&mx=mx.good.example,evil.example" for name in domains]
        queries += ["", "domain=no_domain", "domain=[192.0.2.1]", "mx=a", "domain=a&domain=b",
                    "domain=GOOD.example.&mx=a.mx.example&mx=", "domain=good.example&x=1"]
        for query in queries:
            path = f"/v1/policy?{query}"
            ours, theirs = get(self.envoy.mail, path), get(serve.port, path)
            self.assertEqual(ours[0], theirs[0], query)
            self.assertEqual(timeless(ours[2]), timeless(theirs[2]), query)
            for name in ["content-type", "cache-control"]:
                self.assertEqual(ours[1][name], theirs[1][name], query)

    def test_other_methods_and_heads(self) -> None:
        path = "/v1/policy?domain=good.example"
        status, headers, body = get(self.envoy.mail, path, method="HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["content-length"]), 100)
        self.assertEqual(get(self.envoy.mail, path, method="POST")[0], 405)
        self.assertEqual(get(self.envoy.mail, "/other")[0], 404)

    def test_r_get_1_policy_hosts_are_offered_tls_1_2_and_1_3(self) -> None:
        """R-GET-1: by itself Envoy speaks 1.2 at most to upstreams."""
        with socket.create_server(("", 0)) as host:
            host.settimeout(PATIENCE)
            envoy = self.start(port=host.getsockname()[1])
            client = threading.Thread(target=envoy.policy, args=["domain=good.example"])
            client.start()
            connection, _ = host.accept()
            with connection:
                hello = connection.recv(65536)
            client.join(PATIENCE)
        self.assertIn(SUPPORTED_VERSIONS, hello)

    def test_r_get_6_no_policy_host_is_at_an_address_that_is_not_global(self) -> None:
        """R-GET-6: with the README's filter, without which the others are run."""
        def change(envoy: Envoy) -> None:
            cache = readme()["static_resources"]["clusters"][1]["cluster_type"]["typed_config"]
            kept = cache["dns_cache_config"]["resolved_address_filter"]
            hosts = envoy.clusters[1]["cluster_type"]["typed_config"]
            hosts["dns_cache_config"]["resolved_address_filter"] = kept

        envoy = Envoy(self.lab, change=change)
        self.addCleanup(envoy.close)
        answer = envoy.policy("domain=good.example")
        self.assertEqual((answer["policy"], answer["reason"]), (None, "policy-host-dns"))
        self.assertGreater(envoy.stat("dns_cache.policy_hosts.dns_address_filter_out"), 0)
        self.assertEqual(self.lab.count("https-connect"), 0)

    def test_r_flow_1_a_cached_policy_outlasts_everything(self) -> None:
        """R-FLOW-1."""
        self.lab.ctl("set good.example ttl=0")
        first = self.envoy.policy("domain=good.example")
        self.assertEqual(first["basis"], "fresh")
        for fault in [*(f"record={fault}" for fault in RECORDS + ["malformed"]),
                      *(f"id=n{n} https={fault}" for n, fault in enumerate(HTTPS))]:
            self.lab.ctl("reset good.example")
            self.lab.ctl(f"set good.example ttl=0 {fault}")
            answer = self.envoy.policy("domain=good.example")
            self.assertEqual((answer["basis"], answer["policy"]), ("cached", first["policy"]), fault)

    def test_r_flow_8_many_clients_share_one_look_up_in_a_thread(self) -> None:
        """R-FLOW-8."""
        answers = []
        ask = lambda: answers.append(self.envoy.policy("domain=good.example"))  # noqa: E731
        clients = [threading.Thread(target=ask) for _ in range(40)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(PATIENCE)
        self.assertEqual(len(answers), 40)
        self.assertLessEqual(self.lab.count("https", host="mta-sts.good.example"), 2)

    def test_r_flow_8_what_one_thread_has_fetched_another_knows(self) -> None:
        """Connections go to either thread by chance; both answer from what the first has found."""
        self.assertEqual(self.envoy.policy("domain=good.example")["basis"], "fresh")
        threads = {"worker_0", "worker_1"}
        for _ in range(60):
            self.assertEqual(self.envoy.policy("domain=good.example")["basis"], "cached")
        for thread in threads:
            counted = f"listener.127.0.0.1_{self.envoy.mail}.{thread}.downstream_cx_total"
            self.assertGreater(self.envoy.stat(counted), 0, "both threads were asked")
        self.assertEqual(self.lab.count("https", host="mta-sts.good.example"), 1)

    def test_a_policy_outlasts_a_new_configuration(self) -> None:
        first = self.envoy.policy("domain=good.example")
        self.envoy.settings(1, lambda settings: settings["query"].update(max_waiting=77))
        self.envoy.write_listeners()
        until("a new configuration",
              lambda: self.envoy.stat("listener_manager.listener_modified") >= 1)
        self.lab.ctl("set good.example dns=servfail")
        for _ in range(20):
            answer = self.envoy.policy("domain=good.example")
            self.assertEqual((answer["basis"], answer["policy"]), ("cached", first["policy"]))

    def test_clients_that_leave_do_no_harm(self) -> None:
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", self.envoy.mail)) as client:
                client.sendall(b"GET /v1/policy?domain=https-stall-http.example HTTP/1.1\r\n"
                               b"Host: x\r\n\r\n")
                self.lab.ctl(f"wait https-connect 1 {int(PATIENCE * 1000)}")
        answer = self.envoy.policy("domain=https-stall-http.example")
        self.assertEqual(answer["reason"], "timeout")
        self.assertEqual(self.envoy.policy("domain=good.example")["basis"], "fresh")

    def test_without_dns_over_http_nothing_is_known(self) -> None:
        self.envoy.doh.shutdown()
        self.envoy.doh.server_close()
        answer = self.envoy.policy("domain=good.example")
        self.assertEqual((answer["reason"], answer["policy"]), ("dns-temporary", None))

    def test_queries_are_counted(self) -> None:
        self.envoy.policy("domain=good.example")
        self.envoy.policy("domain=unknown.example")
        self.envoy.policy("domain=https-notfound.example")
        get(self.envoy.mail, "/v1/policy")
        expected = {"query_policy": 1, "query_no_policy": 2, "query_malformed": 1, "txt": 3,
                    "txt_failed": 0, "fetch": 2, "fetch_failed": 1}
        until("statistics", lambda: expected == {
            name: self.envoy.stat(f"wasmcustom.mtasts_{name}") for name in expected})


def timeless(body: bytes) -> bytes:
    """Without the times, which two servers cannot have in common."""
    return re.sub(rb'"(fetched_at|expires_at)":[0-9]+', rb'"\1":0', body)


if __name__ == "__main__":
    unittest.main()
