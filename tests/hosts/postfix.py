# SPDX-License-Identifier: MIT OR Apache-2.0
"""Postfix by socketmap, set up as the README says, on Debian's own master.cf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import reports
from host import Host
from model import Report
from servers import Lines

MAIN = """\
compatibility_level = 3.6
myhostname = sender.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
maillog_file = {run}/mail.log
maillog_file_prefixes = {run}
smtp_tls_loglevel = 1
smtp_tls_CAfile = {ca}
smtp_tls_security_level = may
smtp_dns_support_level = dnssec
"""


class Postfix(Host):
    """Any Postfix."""

    maps: ClassVar[str] = "socketmap:inet:127.0.0.1:8461:postfix"
    settings: ClassVar[str] = ""
    reasons: ClassVar[Mapping[str, str]] = {
        "verified": r"Verified TLS connection established to {sink}\[",
        "unverified": r"to=<{rcpt}>.* status=deferred \(Server certificate not (verified|trusted)",
        "unlisted": r"to=<{rcpt}>.* status=deferred \(Server certificate not verified",
        "no-tls": r"to=<{rcpt}>.* status=deferred \(TLS is required, but was not offered",
        "tls-failed": r"to=<{rcpt}>.* status=deferred \(Cannot start TLS: handshake failure",
        "no-answer": r"to=<{rcpt}>.* status=deferred \(client TLS configuration problem",
    }

    def start(self) -> None:
        self.configure()
        self.place.call("/usr/sbin/postfix", "start")
        self.log = Lines.follow(self.place.run / "mail.log")

    def configure(self) -> None:
        """main.cf, and Debian's master.cf."""
        place = self.place
        settings = f"smtp_tls_policy_maps = {self.maps}\n{self.settings}"
        place.write("/etc/postfix/main.cf",
                    (MAIN + settings).format(run=place.run, ca=place.ca))
        master = (place.root / "usr/share/postfix/master.cf.dist").read_text()
        place.write("/etc/postfix/master.cf", master)
        # What installing the package would.
        place.call("/usr/bin/chown", "postfix:postfix", "/var/lib/postfix")
        for program in ("/usr/sbin/postqueue", "/usr/sbin/postdrop"):
            place.call("/usr/bin/chgrp", "postdrop", program)
            place.call("/usr/bin/chmod", "2555", program)

    def outcome(self, line: str) -> tuple[str, str] | None:
        found = re.search(r"postfix/\w+\[.* to=<([^>]*)>.* status=(sent|deferred|bounced)", line)
        return found and (found[1], found[2].replace("sent", "delivered"))


class Postfix37(Postfix):
    """Debian 12's."""

    name = "postfix-3.7-socketmap"
    release = "bookworm"
    packages = ("postfix", "cpio", "tar")
    traits = frozenset({"server", "dane", "loose-patterns", "own-mx"})

    def configure(self) -> None:
        super().configure()
        # What Debian's service does before each start, for Postfix's own chroot.
        self.place.call("/usr/lib/postfix/configure-instance.sh", "-")


class Postfix310(Postfix):
    """Debian 13's, which checks MX hosts itself and reports."""

    name = "postfix-3.10-socketmap"
    release = "trixie"
    packages = ("postfix", "cpio", "perl-base")
    socketmap = 'postfix = "3.10"\nsmtp_tls_security_level = "may"'
    traits = frozenset({"server", "dane", "patterns", "reports", "own-mx"})
    settings = """\
smtp_tls_loglevel = 1, untrusted
smtp_tlsrpt_enable = yes
# In the queue directory, where Postfix has its chroot.
smtp_tlsrpt_socket_name = tlsrpt
"""
    reasons: ClassVar[Mapping[str, str]] = {
        **Postfix.reasons,
        "unlisted": r"warning: MX name '[^']*' does not match STS MX pattern for '{domain}'",
    }

    @classmethod
    def prepare(cls, cache: Path) -> None:
        super().prepare(cache)
        reports.prepare()

    def configure(self) -> None:
        super().configure()
        self.reporter = reports.Reporter(self.place.root / "var/spool/postfix/tlsrpt",
                                         self.place.run)

    def report_of(self, wanted: Report) -> Report:
        """A Postfix without libtlsrpt's finer words; and what fails counts as a session."""
        failure = wanted.failure.replace("certificate-not-trusted", "validation-failure")
        return replace(wanted, failure=failure, is_failure=bool(failure))


HOSTS: tuple[type[Postfix], ...] = (Postfix37, Postfix310)
