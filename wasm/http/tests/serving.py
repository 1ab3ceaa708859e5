# SPDX-License-Identifier: MIT OR Apache-2.0
"""The component, configured and served by Node.js, and clients of it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
COMPONENT = ROOT / "build/wasm/mtasts-http.wasm"
PACK = ROOT / "wasm/pack/target/release/mtasts-pack"
SERVE = ROOT / "build/wasm-http/node/serve.mjs"
PATIENCE = 30  # seconds


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def pack(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs mtasts-pack."""
    return subprocess.run([PACK, *words], capture_output=True, text=True, check=False)


def exchange(client: http.client.HTTPConnection, method: str, path: str,
             headers: dict[str, str]) -> Reply:
    """One request, and the whole response."""
    client.request(method, path, headers=headers)
    response = client.getresponse()
    fields = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, fields, response.read())


class Program:
    """A server that says by a line of its output that it is ready, and ends with the test."""

    def __init__(self, command: list[str | Path], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, env=os.environ | environment)
        assert self._process.stdout is not None
        self.line = self._process.stdout.readline().strip()
        if not self.line:
            raise RuntimeError(f"{command[0]} did not start")

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()


class Served:
    """The component in Node.js. Without a configuration it has none."""

    def __init__(self, configuration: Any, environment: dict[str, str] | None = None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            component = COMPONENT
            if configuration is not None:
                component = Path(folder, "configured.wasm")
                written = Path(folder, "mtasts.json")
                written.write_text(json.dumps(configuration))
                done = pack("configure", COMPONENT, written, component)
                if done.returncode:
                    raise RuntimeError(done.stderr)
            self._node = Program(["node", SERVE, component], environment or {})
        self._port = int(self._node.line.rsplit(":", 1)[1])

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *rest: object) -> None:
        self._node.__exit__(*rest)

    def ask(self, path: str, host: str = "api.test", method: str = "GET",
            **headers: str) -> Reply:
        """A request. Of the names of header fields `_` is `-`."""
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            return exchange(client, method, path, {"Host": host} | fields)
        finally:
            client.close()


class UnixConnection(http.client.HTTPConnection):
    """To a server on a socket of this machine."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))
