# SPDX-License-Identifier: MIT OR Apache-2.0
"""tlsrpt-reporter, as a mail server's administrator has it: tlsrpt-collectd counts the datagrams,
tlsrpt-fetcher reads the counts, tlsrpt-reportd makes and sends the reports."""

from __future__ import annotations

import contextlib
import email
import email.policy
import gzip
import json
import pathlib
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

PATIENCE = 60  # seconds for any one thing

Report = dict[str, Any]


class Trouble(Exception):
    """What did not come to be in time."""


def wait_for(what: str, is_so: Callable[[], Any]) -> Any:
    """Asks until the answer is one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := is_so():
            return answer
        time.sleep(0.02)
    raise Trouble(f"in {PATIENCE} s: {what}")


@contextlib.contextmanager
def running(command: list[str | pathlib.Path], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program, ended at the end."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def count(database: pathlib.Path) -> int:
    """The sessions that tlsrpt-collectd has written down; -1 if it cannot write yet."""
    try:
        connect = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        with contextlib.closing(connect) as connection:
            (total,) = connection.execute("SELECT total(cntrtotal) FROM finalresults").fetchone()
    except sqlite3.OperationalError:
        return -1
    return int(total)


class Collector:
    """tlsrpt-collectd at FOLDER/collector, from `collecting` on."""

    def __init__(self, programs: pathlib.Path, folder: pathlib.Path) -> None:
        self.programs, self.folder = programs, folder
        self.socket = folder / "collector"
        self.database = folder / "collectd.db"
        self.yesterday = pathlib.Path(f"{self.database}.yesterday")
        self.storage = f"sqlite://{self.database}"
        self.process: subprocess.Popen[bytes]

    @contextlib.contextmanager
    def collecting(self) -> Iterator[Collector]:
        """Runs it."""
        command: list[str | pathlib.Path] = [
            f"{self.programs}/tlsrpt-collectd", "--socketname", self.socket,
            "--storage", self.storage, "--max_uncommited_datagrams", "1",
        ]  # fmt: skip
        with running(command, stdout=subprocess.DEVNULL) as self.process:
            wait_for("tlsrpt-collectd does not start",
                     lambda: count(self.yesterday) == count(self.database) == 0)  # fmt: skip
            yield self

    def await_sessions(self, due: int) -> None:
        """Waits until it has written down as many."""
        wait_for("sessions are missing", lambda: count(self.database) >= due)

    def end_the_day(self, due: int) -> None:
        """For developers: now is midnight, and so many sessions were yesterday's."""
        self.process.send_signal(signal.SIGUSR2)
        wait_for("the day does not end", lambda: count(self.yesterday) >= due)

    def reports(self, due: int) -> tuple[list[email.message.EmailMessage], list[Report]]:
        """Has the reports on yesterday made and sent, `due` of them; those that went by mail, and
        those by HTTPS."""
        out = self.folder / "out"
        out.mkdir()
        fetcher = f"{self.programs}/tlsrpt-fetcher --storage {self.storage}"
        command: list[str | pathlib.Path] = [
            f"{self.programs}/tlsrpt-reportd", "--dbname", str(self.folder / "reportd.db"),
            "--fetchers", fetcher, "--organization_name", "Here",
            "--contact_info", "tlsrpt@here.example", "--sender_address", "tlsrpt@here.example",
            "--spread_out_delivery", "1", "--interval_main_loop", "1",
            "--sendmail_script", f"cat > {out}/$$.part && mv {out}/$$.part {out}/$$.mail",
            "--http_script", f"cat > {out}/$$.part && mv {out}/$$.part {out}/$$.http #",
        ]  # fmt: skip
        with running(command):
            wait_for("reports are missing", lambda: len(list(out.glob("*.[mh]*"))) >= due)
        mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                 for file in out.glob("*.mail")]  # fmt: skip
        posts = [json.loads(gzip.decompress(file.read_bytes())) for file in out.glob("*.http")]
        return mails, posts


def report_in(message: email.message.EmailMessage) -> Report:
    """The report in a mail."""
    report: Report = json.loads(
        gzip.decompress(list(message.iter_attachments())[0].get_content())
    )
    return report
