# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a host is: an MTA of a Debian release and the way it asks for policies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from model import Report
from place import Place
from reports import Reporter
from servers import Lab, Lines, Server


class Host(ABC):
    """A host. Its process ends with the namespace."""

    name: ClassVar[str]
    release: ClassVar[str]
    # Debian's packages, the MTA first.
    packages: ClassVar[tuple[str, ...]]
    # What make has to make.
    targets: ClassVar[tuple[str, ...]] = ("build/bin/mtasts",)
    # Keys of the policy server's socketmap listener.
    socketmap: ClassVar[str] = 'postfix = "3.4"'
    # What cases may need: dane, patterns, loose-patterns, own-mx, reports, routed, server, table
    # (README.md).
    traits: ClassVar[frozenset[str]] = frozenset()
    # Why mail went or waits, as the log has it; {rcpt}, {domain}, {sink} are the mail's.
    reasons: ClassVar[Mapping[str, str]]

    # What must never be in its log.
    never: ClassVar[str] = "(?!)"

    def __init__(self, place: Place) -> None:
        self.place = place
        self.log: Lines
        self.reporter: Reporter

    @classmethod
    def prepare(cls, cache: Path) -> None:
        """What has to be had from outside of the namespaces, and is kept in the cache."""

    @abstractmethod
    def start(self) -> None:
        """Writes the configuration and starts the MTA, which takes mail on 127.0.0.1:25. Sets
        `log`."""

    @abstractmethod
    def outcome(self, line: str) -> tuple[str, str] | None:
        """The recipient and the fate that a line of the log tells, if it does."""

    def stop_policies(self, server: Server) -> None:
        """Takes away what it asks for policies."""
        server.stop()

    def start_policies(self, server: Server) -> None:
        """Gives it back."""
        server.start()

    def check(self, name: str, lab: Lab) -> Iterator[str]:
        """Runs a check that is of this kind of host alone; what is wrong."""
        raise NotImplementedError(f"no check: {name}")

    def report_of(self, wanted: Report) -> Report:
        """A TLS report in the words of this kind of host. One with the trait `reports` sets
        `reporter`."""
        raise NotImplementedError(f"no reports: {wanted}")
