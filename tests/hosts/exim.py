# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exim with the files of bindings/exim, set up as its README says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import exim_faults
import reports
from host import Host
from model import Report
from servers import Lab, Lines

FILES = Path(__file__).resolve().parent.parent.parent / "bindings" / "exim"

CONFIGURATION = """\
{settings}
MTASTS_CA_FILE = {ca}
.include /etc/exim4/mtasts.conf
primary_hostname = sender.example
log_file_path = {run}/exim-%slog
local_interfaces = 127.0.0.1
domainlist local_domains =
keep_environment =
tls_advertise_hosts =
dns_dnssec_ok = 1
log_selector = +tls_certificate_verified +tls_peerdn +tls_sni
acl_smtp_rcpt = accept
begin routers
.include /etc/exim4/mtasts.routers
dnslookup:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote_smtp
begin transports
.include /etc/exim4/mtasts.transports
remote_smtp:
  driver = smtp
  event_action = MTASTS_EVENT
  multi_domain = false
  tls_verify_certificates = {ca}
begin retry
* * F,1h,30m
"""


class Exim(Host):
    """Any Exim. What it learns of an MX host it applies to the next mail too, for half an hour."""

    settings: ClassVar[str]
    never = "(?i)frozen"
    targets = ("build/bin/mtasts", "build/exim/mtasts_exim.so")
    reasons = {
        "verified": r"[=-]> {rcpt} .* H={sink} \[.* CV=(yes|dane) ",
        "unverified": r"== {rcpt} R=mtasts T=mtasts_smtp defer \(-37\).*TLS session: ",
        "unlisted": r"== {rcpt} R=mtasts_wait defer .*not listed in the policy",
        "null-mx": r"== {rcpt} R=mtasts_wait defer .*null MX",
        "no-tls": r"== {rcpt} R=mtasts T=mtasts_smtp defer \(-38\)",
        "tls-failed": r"== {rcpt} R=mtasts T=mtasts_smtp defer \(-37\)",
        "own-address": r"== {rcpt} R=mtasts defer .*local host",
        "no-answer": r"== {rcpt} R=mtasts_wait defer .*no answer from mtasts serve",
    }

    def start(self) -> None:
        place = self.place
        for file in FILES.glob("mtasts.*"):
            place.write(f"/etc/exim4/{file.name}", file.read_text())
        names = {"run": place.run, "ca": place.ca, "build": place.build}
        text = CONFIGURATION.format(settings=self.settings.format(**names), **names)
        place.write("/etc/exim4/exim4.conf", text)
        place.run.chmod(0o777)
        place.call("/usr/bin/install", "-d", "-o", "Debian-exim", "-g", "Debian-exim",
                   "/var/spool/exim4")
        # glibc keeps the name server's word on DNSSEC from Exim unless it says so.
        place.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions trust-ad\n")
        # As a child of process 1 it would stay in the foreground; and it keeps a pipe open.
        place.call("/bin/sh", "-c", "/usr/sbin/exim4 -bd > /dev/null 2>&1; exit $?")
        self.log = Lines.follow(place.run / "exim-mainlog")
        # The command has gone to the background before it listens.
        if not self.log.match("daemon started"):
            raise RuntimeError("Exim does not start; see exim-mainlog")

    def outcome(self, line: str) -> tuple[str, str] | None:
        found = re.search(r" (=>|->|==|\*\*) (\S+@\S+) ", line)
        fates = {"==": "deferred", "**": "bounced"}
        return found and (found[2].rstrip(":"), fates.get(found[1], "delivered"))


class Module(Exim):
    """By mtasts_exim.so."""

    traits = frozenset({"dane", "module", "patterns", "reports", "routed"})
    settings = """\
MTASTS_TLSRPT = {run}/tlsrpt
MTASTS_MODULE = {run}/mtasts_exim.so
MTASTS_STORE = {run}/store
MTASTS_OPTIONS = ca_file={ca} allow_non_global=yes dane=yes"""

    @classmethod
    def prepare(cls, cache: Path) -> None:
        reports.prepare()
        exim_faults.prepare()

    def start(self) -> None:
        shutil.copy(self.place.build / "exim" / "mtasts_exim.so", self.place.run)
        self.reporter = reports.Reporter(self.place.run / "tlsrpt", self.place.run)
        store = str(self.place.run / "store")
        self.place.call("/usr/bin/chgrp", "-R", "Debian-exim", store)
        self.place.call("/usr/bin/chmod", "2770", store)
        super().start()

    def check(self, name: str, lab: Lab) -> Iterator[str]:
        return exim_faults.Faults(self.place, self.log, lab).check()

    def report_of(self, wanted: Report) -> Report:
        """Without a policy, certificates are not told of."""
        is_silent = wanted.policy_type == "no-policy-found" and "starttls" not in wanted.failure
        return replace(wanted, failure="", is_failure=False) if is_silent else wanted


class Readsocket(Exim):
    """By the policy server."""

    traits = frozenset({"server", "dane", "patterns", "routed"})
    settings = "MTASTS_SOCKET = {run}/readsocket"


class Exim496Module(Module):
    """Debian 12's."""

    name = "exim-4.96-module"
    release = "bookworm"
    packages = ("exim4-daemon-heavy",)


class Exim496Readsocket(Readsocket):
    """Debian 12's."""

    name = "exim-4.96-socket"
    release = "bookworm"
    packages = ("exim4-daemon-heavy",)


class Exim496Light(Readsocket):
    """Debian 12's without dlfunc."""

    name = "exim-4.96-light"
    release = "bookworm"
    packages = ("exim4-daemon-light",)


class Exim498Module(Module):
    """Debian 13's."""

    name = "exim-4.98-module"
    release = "trixie"
    packages = ("exim4-daemon-heavy",)


class Exim498Readsocket(Readsocket):
    """Debian 13's."""

    name = "exim-4.98-socket"
    release = "trixie"
    packages = ("exim4-daemon-heavy",)


class Exim498Light(Readsocket):
    """Debian 13's without dlfunc."""

    name = "exim-4.98-light"
    release = "trixie"
    packages = ("exim4-daemon-light",)


HOSTS: tuple[type[Exim], ...] = (Exim496Module, Exim496Readsocket, Exim496Light, Exim498Module,
                                 Exim498Readsocket, Exim498Light)
