# SPDX-License-Identifier: MIT OR Apache-2.0
"""Debian's own packages, unpacked into a private root: an MTA as users have it, with its own libc,
and nothing installed on the machine. The index is checked against Debian's signature, the packages
against the index."""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INDEX = "main/binary-amd64/Packages.xz"
SOURCES = "main/source/Sources.xz"

# What every root has: enough for the MTAs' own scripts.
BASE = ("base-files", "bash", "coreutils", "dash", "diffutils", "findutils", "grep", "hostname",
        "mawk", "netbase", "sed")
# What only an installation needs: without it no root has Perl, dpkg or an init system.
LEFT_OUT = {"adduser", "awk", "cron", "debconf", "debianutils", "dpkg", "e2fsprogs", "exim4-config",
            "init-system-helpers", "install-info", "libfile-fcntllock-perl", "perl", "ssl-cert"}
# Folders that Debian has merged into /usr, which older packages still name.
MERGED = ("bin", "lib", "lib64", "sbin")

Fields = dict[str, str]


class Unavailable(Exception):
    """The registry does not answer, or answers with something else."""


def root(cache: Path, release: str, packages: tuple[str, ...]) -> Path:
    """The root with these packages; made unless an earlier run has."""
    wanted = sorted({*BASE, *packages})
    path = cache / f"{release}-{'+'.join(packages)}"
    stamp = path / ".packages"
    if stamp.is_file() and stamp.read_text().splitlines()[0] == " ".join(wanted):
        return path
    index = Index(release)
    found = list(index.closure(wanted))
    part = path.with_name(path.name + ".part")
    for stale in (path, part):
        shutil.rmtree(stale, ignore_errors=True)
    prepare(part)
    for fields in found:
        unpack(package(cache / "packages", fields), part)
    versions = [f"{fields['Package']} {fields['Version']}" for fields in found]
    (part / ".packages").write_text("\n".join([" ".join(wanted), *versions]) + "\n")
    part.rename(path)
    return path


def version(root: Path, package: str) -> str:
    """The version of a package in a root."""
    lines = (root / ".packages").read_text().splitlines()[1:]
    return dict(line.split() for line in lines)[package]


def source(cache: Path, release: str, package: str) -> Path:
    """The source of a package as its authors have published it; fetched unless an earlier run
    has."""
    path = cache / f"{release}-{package}-source"
    if path.is_dir():
        return path
    (text,) = [text for text in indexed(release, SOURCES)
               if text.startswith(f"Package: {package}\n")]
    fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.MULTILINE))
    found = re.search(r"^ ([0-9a-f]{64}) \d+ (\S+\.orig\.tar\.gz)$", text, re.MULTILINE)
    if not found:
        raise Unavailable(f"Debian's index has no source of {package}")
    packed = download(f"{MIRROR}/{fields['Directory']}/{found[2]}", found[1])
    part = path.with_name(path.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    subprocess.run(["tar", "-xz", "-C", part, "--strip-components=1"], input=packed, check=True)
    part.rename(path)
    return path


def indexed(release: str, index: str) -> list[str]:
    """The paragraphs of a signed index."""
    base = f"{MIRROR}/dists/{release}"
    listed = digest_in(signed(download(f"{base}/InRelease")), index)
    return lzma.decompress(download(f"{base}/{index}", listed)).decode().split("\n\n")


class Index:
    """The packages of a release."""

    def __init__(self, release: str) -> None:
        self.packages: dict[str, Fields] = {}
        self.provided: dict[str, str] = {}
        for text in indexed(release, INDEX):
            self.add(dict(re.findall(r"^([\w-]+): (.*)$", text, re.MULTILINE)))

    def add(self, fields: Fields) -> None:
        """Notes a package and what it stands for."""
        if not fields:
            return
        self.packages[fields["Package"]] = fields
        for name in names(fields.get("Provides", "")):
            self.provided.setdefault(name[0], fields["Package"])

    def closure(self, wanted: Iterable[str]) -> Iterator[Fields]:
        """These packages and all that they depend on."""
        todo, seen = list(wanted), set(LEFT_OUT)
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            fields = self.packages[name]
            yield fields
            for key in ("Depends", "Pre-Depends"):
                todo += [self.choice(one) for one in names(fields.get(key, ""))]

    def choice(self, alternatives: list[str]) -> str:
        """The package to take for `a | b`."""
        for name in alternatives:
            if name in LEFT_OUT or name in self.packages:
                return name
        return next(self.provided[name] for name in alternatives if name in self.provided)


def names(depends: str) -> Iterator[list[str]]:
    """Of `a (>= 1), b:any | c`: the names, alternatives together."""
    for one in filter(None, depends.split(", ")):
        yield [re.split(r"[ :(]", name.strip())[0] for name in one.split("|")]


def signed(text: bytes) -> str:
    """The text, if Debian has signed it; where the machine cannot tell, it is taken as it is."""
    if shutil.which("gpgv") and KEYRING.is_file():
        command = ["gpgv", "-q", "--keyring", str(KEYRING), "-o", "-", "-"]
        done = subprocess.run(command, input=text, capture_output=True, check=False)
        if done.returncode:
            raise Unavailable(f"Debian's index is not signed: {done.stderr.decode()}")
        text = done.stdout
    return text.decode()


def digest_in(release: str, path: str) -> str:
    """The SHA-256 that a Release file has for a path."""
    match = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(path)}$", release, re.MULTILINE)
    if not match:
        raise Unavailable(f"Debian's index does not list {path}")
    return match[1]


def download(url: str, sha256: str = "") -> bytes:
    """Fetches, up to three times, what has this digest."""
    trouble = ""
    for _ in range(3):
        try:
            with urllib.request.urlopen(url, timeout=60) as reply:
                data: bytes = reply.read()
        except OSError as error:
            trouble = str(error)
            continue
        if sha256 in ("", hashlib.sha256(data).hexdigest()):
            return data
        trouble = "not the file that the index lists"
    raise Unavailable(f"{url}: {trouble}")


def package(folder: Path, fields: Fields) -> Path:
    """The file of a package."""
    path = folder / Path(fields["Filename"]).name
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(download(f"{MIRROR}/{fields['Filename']}", fields["SHA256"]))
        part.rename(path)
    return path


def prepare(root: Path) -> None:
    """A root with what scripts of packages would link: /bin is /usr/bin, awk is mawk."""
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    (root / "usr/bin/awk").symlink_to("mawk")


def unpack(package: Path, root: Path) -> None:
    """Adds a package's files, without running its scripts."""
    tar = ["tar", "-x", "-C", str(root), "--keep-directory-symlink"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as files:
        subprocess.run(tar, stdin=files.stdout, check=True)
    if files.returncode:
        raise Unavailable(f"{package.name} cannot be unpacked")
