# SPDX-License-Identifier: MIT OR Apache-2.0
"""Postfix with the lookup table of bindings/postfix, set up as the README there says: in each smtp
process, in Postfix's chroot, and by proxymap. One module, built against the headers of Postfix 3.7,
serves both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import debian
from postfix import Postfix, Postfix37, Postfix310
from servers import Lab, Server

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = "/etc/postfix/mtasts.cf"

SETTINGS = """\
store = {run}/store
ca_file = {ca}
allow_non_global = yes
dane = yes
"""

# As the README has it.
INSTALL = """\
set -e
install -m 755 "$1" "$(postconf -h shlib_directory)/"
mkdir -p "$(postconf -h meta_directory)/dynamicmaps.cf.d"
echo 'mtasts postfix-mtasts.so dict_mtasts_open' > "$(postconf -h meta_directory)/dynamicmaps.cf.d/mtasts"
install -d -o postfix -g postfix -m 2770 /var/lib/postfix/mtasts
"""

# What `postmap -q` prints for a key, or what it complains of; neither: nothing is found.
ANSWERS = (
    ("table.example", "secure match=mx.table.example servername=hostname", ""),
    ("TABLE.example.", "secure match=mx.table.example servername=hostname", ""),
    ("[table.example]", "secure match=mx.table.example servername=hostname", ""),
    ("[table.example]:submission", "secure match=mx.table.example servername=hostname", ""),
    ("table-testing.example", "", ""),
    (".example", "", ""),
    ("[192.0.2.1]", "", ""),
    ("_no.host.example", "", ""),
    ("unix:private/lmtp", "", ""),
    ("no such.\u00fcber.example", "", "query error"),
    ("table-failing.example", "", "query error"),
)

# Lines to add to the settings, a key, and what comes of that.
OTHER = (
    ("postfix = 3.0", "settings.example", "secure match=mx.settings.example", ""),
    ("postfix = 3.10", "settings.example",
     "secure match=mx.settings.example servername=hostname policy_type=sts ", ""),
    ("postfix = 3.10\nsmtp_tls_security_level = may", "settings-testing.example",
     "may policy_type=sts", ""),
    ("enforce_percent = 0", "settings.example", "", ""),
    ("nameservers = 127.0.0.1, 127.0.0.1:53", "settings.example", "secure match=", ""),
    ("local_policies = /etc/mtasts", "pinned.example", "secure match=mx.pinned.example", ""),
    ("local_policies = /nowhere", "settings.example", "", "/nowhere"),
    ("store = /nowhere", "settings.example", "", "policy store: /nowhere"),
    ("store =", "settings.example", "", "bad value: store = "),
    ("nameservers = localhost", "settings.example", "", "localhost"),
    ("ca_file = /nowhere", "settings.example", "", "/nowhere"),
    ("dane = maybe", "settings.example", "", "bad value: dane = maybe"),
    ("https_port = 443x", "settings.example", "", "bad value: https_port = 443x"),
    ("enforce_percent = 101", "settings.example", "", "bad value: enforce_percent = 101"),
    ("postfix = 2.11", "settings.example", "", "bad value: postfix = 2.11"),
    ("local_policy = /etc/mtasts", "settings.example", "", "there is no setting `local_policy`"),
    ("nonsense", "settings.example", "", "nonsense"),
)
PINNED = "version: STSv1\nmode: enforce\nmx: mx.pinned.example\nmax_age: 86400\n"


class Table(Postfix):
    """A Postfix that does not need the policy server; that is there to refresh what is stored."""

    targets: ClassVar[tuple[str, ...]] = ("build/bin/mtasts", "lib")
    maps = f"mtasts:{FILE}"
    # Of the table, beside SETTINGS.
    more: ClassVar[str] = ""

    @classmethod
    def prepare(cls, cache: Path) -> None:
        source = debian.source(cache, "bookworm", "postfix")
        libraries = {"PKG_CONFIG_PATH": f"{ROOT}/build/lib/pkgconfig"}
        flags = "CFLAGS=-O2 -g -Wall -Wextra -Wpedantic -Werror -fanalyzer"
        subprocess.run(["make", "-s", "-C", ROOT / "bindings" / "postfix", f"POSTFIX={source}",
                        f"OUT={ROOT}/build/postfix", flags],
                       env=os.environ | libraries, check=True)

    def configure(self) -> None:
        super().configure()
        place = self.place
        place.call("/bin/sh", "-c", INSTALL, "install", f"{place.build}/postfix/postfix-mtasts.so")
        self.write(FILE, self.settings_with(self.more))
        store = str(place.run / "store")
        place.call("/usr/bin/chown", "-R", "postfix:postfix", store)
        place.call("/usr/bin/chmod", "2770", store)

    def write(self, path: str, text: str) -> None:
        """Writes a file of settings, as one from before: a new one Postfix lets cool down."""
        self.place.write(path, text)
        os.utime(self.place.root / path.lstrip("/"), (0, 0))

    def stop_policies(self, server: Server) -> None:
        self.restart("store = /nowhere")

    def start_policies(self, server: Server) -> None:
        self.restart(self.more)

    def restart(self, lines: str) -> None:
        """Postfix anew, with other settings."""
        self.write(FILE, self.settings_with(lines))
        self.place.call("/usr/sbin/postfix", "stop")
        self.place.call("/usr/sbin/postfix", "start")

    def check(self, name: str, lab: Lab) -> Iterator[str]:
        """What postmap has of the table."""
        checks = self.answers() if name == "answers" else self.settings_to_try()
        # Postfix's commands take a second to fail.
        with ThreadPoolExecutor() as executor:
            for wrong in executor.map(lambda check: self.ask(*check), list(checks)):
                yield from wrong
        if name == "settings":
            yield from self.share_store()

    def answers(self) -> Iterator[tuple[str, str, str, str]]:
        """File, key, value and complaint for keys of all forms."""
        self.write("/etc/postfix/3.4.cf", self.settings_with("postfix = 3.4"))
        yield from (("/etc/postfix/3.4.cf", *answer) for answer in ANSWERS)

    def settings_to_try(self) -> Iterator[tuple[str, str, str, str]]:
        """The same for settings, right and wrong."""
        self.place.write("/etc/mtasts/pinned.example.txt", PINNED)
        for number, (line, key, value, complaint) in enumerate(OTHER):
            file = f"/etc/postfix/other{number}.cf"
            self.write(file, self.settings_with(line))
            yield file, key, value, complaint
        self.write("/etc/postfix/other.cf", "dane = yes\n")
        yield "/etc/postfix/other.cf", "settings.example", "", "`store` is missing"
        yield "/nowhere.cf", "settings.example", "", "/nowhere.cf: No such file"
        yield "other", "settings.example", "", "other: not the full path"

    def share_store(self) -> Iterator[str]:
        """What root has written to a new store, `postfix` reads and writes too."""
        file = "/etc/postfix/shared.cf"
        self.write(file, self.settings_with("store = /var/lib/postfix/mtasts"))
        user = ("/usr/sbin/chroot", "--userspec=postfix:postfix", "/")
        for key, by in (("settings", ()), ("settings", user), ("settings-too", user)):
            yield from self.ask(file, f"{key}.example", f"secure match=mx.{key}.example", "", by)

    def settings_with(self, lines: str) -> str:
        """The usual settings, with other lines."""
        return SETTINGS.format(run=self.place.run, ca=self.place.ca) + lines + "\n"

    def ask(self, file: str, key: str, value: str, complaint: str,
            user: tuple[str, ...] = ()) -> list[str]:
        """One lookup; what is wrong."""
        done = self.place.attempt(*user, "/usr/sbin/postmap", "-q", key, f"mtasts:{file}")
        is_found = done.stdout.startswith(value) if value else not done.stdout
        is_told = complaint in done.stderr if complaint else "fatal" not in done.stderr
        if is_found and is_told and done.returncode == (0 if value else 1):
            return []
        return [f"{file}, {key}: {done.returncode}, {done.stdout!r}, {done.stderr!r}, "
                f"not {value!r}, {complaint!r}"]


class Postfix37Table(Table, Postfix37):
    """In Debian 12's, in each smtp process."""

    name = "postfix-3.7-table"
    traits = frozenset({"dane", "loose-patterns", "own-mx", "table"})


class Postfix37Proxy(Postfix37Table):
    """In Debian 12's, in proxymap."""

    name = "postfix-3.7-proxy"
    maps = f"proxy:{Table.maps}"


class Postfix310Table(Table, Postfix310):
    """In Debian 13's, in each smtp process."""

    name = "postfix-3.10-table"
    traits = frozenset({"dane", "own-mx", "patterns", "reports", "table"})
    more = "smtp_tls_security_level = may"


class Postfix310Proxy(Postfix310Table):
    """In Debian 13's, in proxymap."""

    name = "postfix-3.10-proxy"
    maps = f"proxy:{Table.maps}"


HOSTS: tuple[type[Table], ...] = (Postfix37Table, Postfix37Proxy, Postfix310Table, Postfix310Proxy)
