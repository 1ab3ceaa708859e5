# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab (tests/lab of the repository) from Python: a small internet on loopback for a `with`."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import socket
import subprocess
import tempfile
from types import TracebackType
from typing import Any

import mtasts

LAB = os.environ["MTASTS_LAB_BIN"]


class Lab:
    """A running lab. It ends with the block."""

    def __init__(self, scene: str) -> None:
        self.scene = scene

    def __enter__(self) -> Lab:
        self.folder = tempfile.TemporaryDirectory()
        place = pathlib.Path(self.folder.name)
        (place / "scene.toml").write_text(self.scene)
        self.process = subprocess.Popen(
            [LAB, "run", place / "scene.toml", place / "run", "--until-eof"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.about: dict[str, Any] = json.loads((place / "run" / "lab.json").read_text())
        self.ca_file = self.about["ca_file"]
        self.nameserver = self.about["dns"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def ask(self, *words: str) -> Any:
        """A line of the control channel, and what came back."""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self.about["control"])
            link.sendall((shlex.join(words) + "\n").replace("'", '"').encode())
            with link.makefile() as replies:
                reply = json.loads(replies.readline())
        assert not (isinstance(reply, dict) and "error" in reply), reply
        return reply

    def set(self, name: str, *pairs: str) -> None:
        """Changes a domain or a mail host."""
        self.ask("set", name, *pairs)

    def count(self, kind: str, *filters: str) -> int:
        """How many events there were."""
        return int(self.ask("count", kind, *filters))

    @property
    def options(self) -> dict[str, Any]:
        """What a `DefaultHost` needs to see this internet."""
        return {
            "nameservers": [self.nameserver],
            "ca_file": self.ca_file,
            "https_port": self.about["https_port"],
            "allow_non_global": True,
        }

    def host(self, **more: Any) -> mtasts.DefaultHost:
        """A default host that sees it."""
        return mtasts.DefaultHost(**{**self.options, **more})
