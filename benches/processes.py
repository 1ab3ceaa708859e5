# SPDX-License-Identifier: MIT OR Apache-2.0
"""The programs that server.py measures and those it needs: how they are started and ended."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import subprocess
import time
from typing import Any

PATIENCE = 120.0


class Failure(Exception):
    """The bench cannot go on; the text says why."""


class Lab:
    """The small internet of tests/lab, which ends when its standard input does."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path, scene: str) -> None:
        folder.mkdir()
        path = folder / "scene.toml"
        path.write_text(scene)
        command: list[str | pathlib.Path] = [program, "run", path, folder, "--until-eof"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout
        if self.process.stdout.readline() != b"ready\n":
            raise Failure("the lab does not start")
        self.info: dict[str, Any] = json.loads((folder / "lab.json").read_text())

    def close(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.communicate()


class Server:
    """A policy server, which has begun to take connections at an address: HOST:PORT or a path."""

    def __init__(self, name: str, address: str, command: list[Any], cpu: int | None) -> None:
        self.name, self.address = name, address
        everywhere = os.sched_getaffinity(0)
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})  # which the child inherits
        self.process = subprocess.Popen([str(word) for word in command])
        os.sched_setaffinity(0, everywhere)
        try:
            self.wait()
        except Failure:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def wait(self) -> None:
        """Until it takes a connection."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with {self.process.returncode}")
            try:
                connect(self.address).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Failure(f"{self.name} takes no connections at {self.address}")

    def ask(self, domain: str) -> str:
        """The text of its reply to one query."""
        query = f"postfix {domain}"
        with connect(self.address) as stream, stream.makefile("rwb") as file:
            file.write(f"{len(query)}:{query},".encode())
            file.flush()
            size = b""
            while (octet := file.read(1)) not in (b":", b""):
                size += octet
            reply = file.read(int(size or b"0") + 1)
        if not reply.startswith(b"OK secure match=") or not reply.endswith(b","):
            raise Failure(f"{self.name} replies {reply!r} for {domain}")
        return reply[:-1].decode()

    def memory(self) -> int:
        """Its memory that is of no file, in octets."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024

    def wait_for_clients_to_go(self) -> None:
        """Until it has closed what its clients have closed."""
        deadline = time.monotonic() + PATIENCE
        while len(os.listdir(f"/proc/{self.pid}/fd")) > 200:
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} keeps connections that are closed")
            time.sleep(0.01)

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def connect(address: str) -> socket.socket:
    """A connection to HOST:PORT or a path."""
    if "/" not in address:
        host, port = address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=PATIENCE)
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(PATIENCE)
    stream.connect(address)
    return stream


def free_port() -> int:
    """A port that nothing has."""
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        port: int = stream.getsockname()[1]
        return port


def mtasts_config(
    lab: Lab, address: str, store: pathlib.Path | None, http: str | None = None
) -> str:
    """The configuration of `mtasts serve` in the lab."""
    info = lab.info
    lines = [f'store = "{store}"'] if store else []
    lines += ["[network]", f'nameservers = ["{info["dns"]}"]', f'ca_file = "{info["ca_file"]}"']
    lines += [f"https_port = {info['https_port']}", "allow_non_global = true"]
    lines += ["[[listen]]", 'type = "socketmap"', f'address = "{address}"', 'postfix = "3.4"']
    if http:
        lines += ["[[listen]]", 'type = "http"', f'address = "{http}"']
    return "\n".join(lines) + "\n"
