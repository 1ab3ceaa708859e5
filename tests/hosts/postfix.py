# SPDX-License-Identifier: MIT OR Apache-2.0
"""Postfix by socketmap, set up as the README says, on Debian's own master.cf."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

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


# libtlsrpt's numbers for the words of RFC 8460.
POLICY_TYPES = {"tlsa": 1, "sts": 2, "no-policy-found": 9}
RESULTS = {"starttls-not-supported": 201, "certificate-host-mismatch": 202,
           "certificate-expired": 204, "validation-failure": 205, "sts-policy-fetch-error": 301,
           "sts-webpki-invalid": 303}


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
    traits = frozenset({"server", "dane", "loose-patterns"})

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
    traits = frozenset({"server", "dane", "patterns", "reports"})
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

    def configure(self) -> None:
        super().configure()
        path = self.place.root / "var/spool/postfix/tlsrpt"
        reporter = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        reporter.bind(str(path))
        path.chmod(0o666)
        self.reports = Lines(datagrams(reporter), self.place.run / "tlsrpt.log")

    def report(self, domain: str, wanted: Report) -> str:
        told: list[str] = []

        def find(lines: list[str]) -> bool | None:
            told[:] = [line for line in lines if json.loads(line)["d"] == domain]
            return any(tells(json.loads(line), wanted) for line in told) or None

        return "" if self.reports.wait(find) else f"{told or 'none'} is not {wanted}"


def tells(datagram: dict[str, Any], wanted: Report) -> bool:
    """Whether a datagram of libtlsrpt says this and no more."""
    policy = datagram["policies"][0]
    lines = ["version: STSv1", f"mode: {wanted.mode}", *(f"mx: {mx}" for mx in wanted.mx),
             "max_age: 604800"]
    codes = [RESULTS[wanted.failure]] if wanted.failure else []
    # What TLSA records were used is Postfix's affair.
    is_told = wanted.policy_type == "tlsa" or (
        policy["policy-domain"] == datagram["d"]
        and policy.get("policy-string", []) == (lines if wanted.mode else [])
        and policy.get("mx-host", []) == list(wanted.mx))
    return (is_told and policy["policy-type"] == POLICY_TYPES[wanted.policy_type]
            and [detail["c"] for detail in policy.get("failure-details", [])] == codes
            and policy["f"] == len(codes))


def datagrams(reporter: socket.socket) -> Iterator[str]:
    """What comes in for the TLS reporter, a line each."""
    while True:
        yield reporter.recv(65_536).decode() + "\n"


HOSTS: tuple[type[Postfix], ...] = (Postfix37, Postfix310)
