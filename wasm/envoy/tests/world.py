# SPDX-License-Identifier: MIT OR Apache-2.0
"""A lab, a DNS server that speaks HTTP, and Envoy with the README's configuration."""

from __future__ import annotations

import copy
import http.client
import http.server
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
ROOT = HERE.parents[2]
ENVOY = os.environ.get("ENVOY", str(ROOT / "build/envoy/bin/envoy"))
PLUGIN = os.environ.get("PLUGIN", str(ROOT / "build/envoy-plugin/mtasts_envoy_plugin.wasm"))
PANICKY = os.environ.get("PANICKY", str(ROOT / "build/envoy-plugin/panic.wasm"))
LAB = os.environ.get("LAB", str(ROOT / "target/release/lab"))
MTASTS = os.environ.get("MTASTS", str(ROOT / "target/release/mtasts"))
PATIENCE = float(os.environ.get("PATIENCE", "60"))


def free_port() -> int:
    """A port of loopback that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what: str, holds: Any) -> Any:
    """Waits until `holds` gives something true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(what)


class Lab:
    """The lab (tests/lab), a process of its own."""

    def __init__(self, scene: str) -> None:
        self.dir = tempfile.TemporaryDirectory()
        path = Path(self.dir.name)
        (path / "scene.toml").write_text(scene)
        self.process = subprocess.Popen(
            [LAB, "run", str(path / "scene.toml"), str(path / "run"), "--until-eof"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout and self.process.stdout.readline().strip() == b"ready"
        info = json.loads((path / "run/lab.json").read_text())
        host, port = info["dns"].rsplit(":", 1)
        self.dns = (host, int(port))
        self.https_port = info["https_port"]
        self.ca_file = info["ca_file"]
        self.control = str(path / "run/control")

    def ctl(self, line: str) -> Any:
        """Sends a line to the lab and gives the reply."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.control)
            control.sendall(line.encode() + b"\n")
            reply = json.loads(control.makefile().readline())
        if isinstance(reply, dict) and "error" in reply:
            raise ValueError(f"{line}: {reply['error']}")
        return reply

    def count(self, kind: str, **fields: str) -> int:
        """How many events of this kind there were."""
        return self.ctl(" ".join(["count", kind, *(f"{k}={v}" for k, v in fields.items())]))

    def close(self) -> None:
        """Ends the lab."""
        self.process.communicate()
        self.dir.cleanup()


class Doh(http.server.BaseHTTPRequestHandler):
    """Passes DNS messages on (RFC 8484): to the lab by UDP, and by TCP what is too long for that."""

    protocol_version = "HTTP/1.1"
    upstream = ("127.0.0.1", 53)
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:  # noqa: N802
        question = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/dns-query"
        assert self.headers["content-type"] == "application/dns-message"
        answer = self.server.ask(question)  # type: ignore[attr-defined]
        self.send_response(200 if answer else 502)
        self.send_header("content-type", "application/dns-message")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class DohServer(http.server.ThreadingHTTPServer):
    """Such a server."""

    daemon_threads = True

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Doh)
        self.upstream = upstream
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def ask(self, question: bytes) -> bytes:
        """The answer of the DNS server behind; nothing where it gives none."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(10)
            udp.sendto(question, self.upstream)
            try:
                answer = udp.recv(65535)
            except OSError:
                return b""
        if not answer[2] & 2:
            return answer
        with socket.create_connection(self.upstream, 10) as tcp:
            tcp.sendall(struct.pack("!H", len(question)) + question)
            stream = tcp.makefile("rb")
            return stream.read(struct.unpack("!H", stream.read(2))[0])


def readme() -> dict[str, Any]:
    """The configuration in the README."""
    text = README.read_text()
    block = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert block
    return yaml.safe_load(block.group(1))


def plugin_of(listener: dict[str, Any]) -> dict[str, Any]:
    """The plugin's configuration in a listener: what is below `config`."""
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return manager["http_filters"][0]["typed_config"]["config"]


def change_settings(listener: dict[str, Any], change: Any) -> None:
    """Changes what the plugin itself reads."""
    configuration = plugin_of(listener)["configuration"]
    settings = json.loads(configuration["value"])
    change(settings)
    configuration["value"] = json.dumps(settings)


class Envoy:
    """Envoy with the README's configuration, as far as ports, paths and names allow."""

    def __init__(self, lab: Lab | None = None, plugin: str = PLUGIN, change: Any = None,
                 threads: int = 2) -> None:
        self.dir = tempfile.TemporaryDirectory()
        self.path = Path(self.dir.name)
        self.admin, self.web, self.mail = free_port(), free_port(), free_port()
        self.doh = DohServer(lab.dns if lab else ("127.0.0.1", 9))
        config = readme()
        config["admin"]["address"]["socket_address"]["port_value"] = self.admin
        self.listeners = config["static_resources"].pop("listeners")
        for listener, port in zip(self.listeners, [self.web, self.mail], strict=True):
            listener["filter_chains"][0].pop("transport_socket", None)  # TLS is Envoy's affair
            address = listener["address"]["socket_address"]
            address["address"], address["port_value"] = "127.0.0.1", port
            vm_config = plugin_of(listener)["vm_config"]
            vm_config["code"]["local"]["filename"] = plugin
        self.clusters = config["static_resources"]["clusters"]
        self._clusters(self.clusters, lab)
        if change:
            change(self)
        config["node"] = {"id": "test", "cluster": "test"}
        config["dynamic_resources"] = {
            "lds_config": {"path_config_source": {"path": str(self.path / "lds.json")}}}
        self.write_listeners()
        (self.path / "envoy.json").write_text(json.dumps(config))
        self.log = self.path / "log"
        self.process = subprocess.Popen(
            [ENVOY, "-c", str(self.path / "envoy.json"), "--concurrency", str(threads),
             "--disable-hot-restart", "--drain-strategy", "immediate", "--drain-time-s", "5", "-l", "warning", "--component-log-level", "wasm:info",
             "--log-path", str(self.log)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until("Envoy listens", self._is_ready)
        except TimeoutError as error:
            self.process.kill()
            raise RuntimeError(self.log.read_text()) from error

    def _clusters(self, clusters: list[dict[str, Any]], lab: Lab | None) -> None:
        doh, hosts = clusters
        del doh["transport_socket"], doh["typed_extension_protocol_options"]
        endpoint = doh["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        endpoint["address"]["socket_address"] = {
            "address": "127.0.0.1", "port_value": self.doh.server_address[1]}
        doh["type"] = "STATIC"
        if not lab:
            return
        cache = hosts["cluster_type"]["typed_config"]["dns_cache_config"]
        del cache["resolved_address_filter"]  # the lab is at loopback
        resolver = cache["typed_dns_resolver_config"]["typed_config"]
        resolver["resolvers"] = [
            {"socket_address": {"address": lab.dns[0], "port_value": lab.dns[1]}}]
        context = hosts["transport_socket"]["typed_config"]["common_tls_context"]
        context["validation_context"]["trusted_ca"]["filename"] = lab.ca_file
        self.settings(1, lambda settings: settings["query"]["fetch"].update(port=lab.https_port))

    def settings(self, listener: int, change: Any) -> None:
        """Changes what the plugin in a listener reads."""
        change_settings(self.listeners[listener], change)

    def write_listeners(self) -> None:
        """Has Envoy read the listeners anew."""
        kind = "type.googleapis.com/envoy.config.listener.v3.Listener"
        resources = [{"@type": kind, **copy.deepcopy(one)} for one in self.listeners]
        new = self.path / "lds.new"
        new.write_text(json.dumps({"resources": resources}))
        new.rename(self.path / "lds.json")

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"Envoy has ended:\n{self.log.read_text()}")
        try:
            return get(self.admin, "/ready")[0] == 200 and bool(
                get(self.admin, "/listeners")[2].count(b"\n") >= len(self.listeners))
        except OSError:
            return False

    def stat(self, name: str) -> int:
        """A statistic."""
        text = get(self.admin, f"/stats?filter=^{re.escape(name)}$")[2].decode()
        return int(text.rsplit(": ", 1)[1]) if ": " in text else 0

    def policy(self, query: str) -> dict[str, Any]:
        """The answer to a query."""
        status, _, body = get(self.mail, f"/v1/policy?{query}")
        assert status == 200, (status, body)
        return json.loads(body)

    def close(self) -> None:
        """Ends Envoy."""
        self.process.terminate()
        self.process.wait()
        self.doh.shutdown()
        self.doh.server_close()
        self.dir.cleanup()


def get(port: int, path: str, host: str = "localhost", method: str = "GET",
        **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a reply over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host, **named})
        reply = connection.getresponse()
        found = {name.lower(): value for name, value in reply.getheaders()}
        return reply.status, found, reply.read()
    finally:
        connection.close()
