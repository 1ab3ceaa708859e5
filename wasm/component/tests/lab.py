# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab (tests/lab) as a process of a test, which it does not outlive."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(os.environ.get("MTASTS_LAB_BIN", ROOT / "target/release/lab"))


class Lab:
    """A small internet on loopback, as a scene says."""

    def __init__(self, scene: Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        command = [PROGRAM, "run", scene, self._folder.name, "--until-eof"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the lab did not start")
        self.about = json.loads(Path(self._folder.name, "lab.json").read_text())

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program finds it."""
        return {"MTASTS_LAB_DNS": self.about["dns"], "MTASTS_LAB_CA": self.about["ca_file"],
                "MTASTS_LAB_HTTPS_PORT": str(self.about["https_port"])}

    def control(self, line: str) -> Any:
        """Says a line on the control channel, and gives the reply."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(self.about["control"])
            channel.sendall(line.encode() + b"\n")
            channel.shutdown(socket.SHUT_WR)
            reply = json.loads(channel.makefile().readline())
        if isinstance(reply, dict) and "error" in reply:
            raise RuntimeError(reply["error"])
        return reply
