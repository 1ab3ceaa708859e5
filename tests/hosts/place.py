# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where a host runs: namespaces of its own for mounts, network and processes, in which 192.0.2.0/24
is local, the name server the lab's, the MTA's root a throw-away copy of the cached one."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNSHARE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
           "--propagation", "private")

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
postfix:x:101:101::/var/spool/postfix:/usr/sbin/nologin
Debian-exim:x:103:103::/var/spool/exim4:/usr/sbin/nologin
"""
GROUP = """\
root:x:0:
adm:x:4:
mail:x:8:
nogroup:x:65534:
postfix:x:101:
postdrop:x:102:
Debian-exim:x:103:
"""
RESOLV = "nameserver 127.0.0.1\n"


class Left(Exception):
    """The machine cannot do this; the tests are left out."""


def missing() -> str:
    """What this machine lacks, in words; empty if nothing."""
    if os.geteuid() != 0:
        return "they need root, for namespaces with a network and mounts of their own"
    for tool in ("unshare", "ip", "mount", "chroot", "tail", "tar", "dpkg-deb"):
        if not shutil.which(tool):
            return f"`{tool}` is not installed"
    done = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    return f"namespaces are not permitted here: {done.stderr.strip()}" if done.returncode else ""


@dataclass(frozen=True)
class Place:
    """Folders of a run. They have the same names inside the MTA's root as outside."""

    root: Path  # the MTA's, and writable
    run: Path  # logs, sockets, the lab's files; kept after the run
    build: Path

    @property
    def ca(self) -> Path:
        """The only certificate authority that is trusted."""
        return self.run / "lab" / "ca.pem"

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Writes a file in the MTA's root."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def call(self, *command: str) -> str:
        """Runs a command in the MTA's root and returns what it prints."""
        done = self.attempt(*command)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the MTA's root, which may fail."""
        return subprocess.run(["chroot", self.root, *command], capture_output=True, text=True,
                              check=False, cwd="/")


def enter(cached: Path, run: Path, build: Path) -> Place:
    """Sets the place up. To be called in the new namespaces, which end it."""
    shell("ip", "link", "set", "lo", "up")
    shell("ip", "route", "add", "local", "192.0.2.0/24", "dev", "lo")
    # A TLS reporter's socket keeps ten datagrams; more than as many sessions end at once.
    Path("/proc/sys/net/unix/max_dgram_qlen").write_text("1000")
    resolv = run / "resolv.conf"
    resolv.write_text(RESOLV)
    mount("--bind", resolv, Path("/etc/resolv.conf").resolve())
    place = Place(overlay(cached, run / "tree"), run, build)
    for path in (Path("/dev"), Path("/proc"), build):
        (place.root / path.relative_to("/")).mkdir(parents=True, exist_ok=True)
        mount("--rbind", path, place.root / path.relative_to("/"))
    for name, text in {"/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/resolv.conf": RESOLV,
                       "/etc/hosts": "127.0.0.1 localhost\n",
                       "/etc/nsswitch.conf": "hosts: files dns\n"}.items():
        place.write(name, text)
    return place


def overlay(cached: Path, tree: Path) -> Path:
    """The cached root, on which changes stay in memory."""
    tree.mkdir()
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", tree)
    upper, work, root = (tree / name for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir()
    mount("-t", "overlay", "-o", f"lowerdir={cached},upperdir={upper},workdir={work}", "overlay",
          root)
    for name in ("tmp", "run", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    return root


def mount(*words: str | Path) -> None:
    """Mounts, or says that the machine does not let us."""
    shell("mount", *words)


def shell(*command: str | Path) -> None:
    """Runs a command of the setting up."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Left(f"`{' '.join(map(str, command))}` is not possible here: {done.stderr.strip()}")
