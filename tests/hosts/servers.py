# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lab and the policy server as processes, and logs that can be waited for."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

# The longest that anything may take.
PATIENCE = 30.0

T = TypeVar("T")


class Lines:
    """The lines of a stream, as they come."""

    def __init__(self, stream: Iterable[str], copy: Path | None = None) -> None:
        self.lines: list[str] = []
        self.news = threading.Condition()
        threading.Thread(target=self.read, args=(stream, copy), daemon=True).start()

    @classmethod
    def follow(cls, path: Path) -> Lines:
        """Those of a file that is written, which may come later."""
        command = ["tail", "-n", "+1", "-F", str(path)]
        tail = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, errors="replace")
        assert tail.stdout
        return cls(tail.stdout)

    def read(self, stream: Iterable[str], copy: Path | None) -> None:
        """Takes the stream to its end."""
        with open(copy or "/dev/null", "a", encoding="utf-8") as file:
            for line in stream:
                file.write(line)
                file.flush()
                self.add(line.rstrip("\n"))

    def add(self, line: str) -> None:
        """Takes one line."""
        with self.news:
            self.lines.append(line)
            self.news.notify_all()

    def wait(self, find: Callable[[list[str]], T | None], since: int = 0,
             patience: float = PATIENCE) -> T | None:
        """What `find` finds in the lines from number `since` on, as soon as it does."""
        end = time.monotonic() + patience
        with self.news:
            while (found := find(self.lines[since:])) is None:
                if not self.news.wait(end - time.monotonic()):
                    return find(self.lines[since:])
            return found

    def match(self, pattern: str, since: int = 0, patience: float = PATIENCE) -> str | None:
        """The first line with this regular expression."""
        return self.wait(lambda lines: next((line for line in lines if re.search(pattern, line)),
                                            None), since, patience)


class Lab:
    """The program `lab`: DNS, policy hosts and sinks on the usual ports."""

    def __init__(self, program: Path, scene: str, run: Path) -> None:
        self.control = run / "lab" / "control"
        (run / "scene.toml").write_text(scene)
        command: list[str | Path] = [program, "run", run / "scene.toml", run / "lab",
                                     "--dns-port", "53", "--https-port", "443",
                                     "--smtp-port", "25", "--until-eof"]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)
        assert self.child.stdout
        if not Lines(self.child.stdout).match("^ready$"):
            raise RuntimeError("the lab does not start")

    def ctl(self, line: str) -> Any:
        """Sends a line to the control channel and returns the answer."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(PATIENCE)
            channel.connect(str(self.control))
            channel.sendall(line.encode() + b"\n")
            with channel.makefile() as answers:
                answer = json.loads(answers.readline())
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"lab: {line}: {answer['error']}")
        return answer


class Server:
    """`mtasts serve` with all its protocols."""

    def __init__(self, program: Path, run: Path, postfix: str) -> None:
        self.program, self.run = program, run
        self.config = run / "mtasts.toml"
        self.child: subprocess.Popen[str] | None = None
        (run / "store").mkdir()
        self.config.write_text(f"""\
store = "{run}/store"
control = "{run}/control"
[network]
dane = true
ca_file = "{run}/lab/ca.pem"
allow_non_global = true
[[listen]]
type = "socketmap"
address = "127.0.0.1:8461"
{postfix}
[[listen]]
type = "readsocket"
address = "{run}/readsocket"
""")

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command: list[str | Path] = [self.program, "serve", "--config", self.config]
        self.child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.child.stderr
        if not Lines(self.child.stderr, self.run / "mtasts.log").match(" ready"):
            raise RuntimeError("mtasts serve does not start; see mtasts.log")

    def stop(self) -> None:
        """Ends it as systemd does."""
        if self.child:
            self.child.terminate()
            self.child.wait(PATIENCE)

    def refresh(self, domain: str) -> None:
        """Has it fetch a policy now, whatever comes of that."""
        command: list[str | Path] = [self.program, "cache", "refresh", "--config", self.config,
                                     domain]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        with open(self.run / "mtasts.log", "a", encoding="utf-8") as log:
            log.write(f"# cache refresh {domain}: {done.stdout}{done.stderr}\n")
