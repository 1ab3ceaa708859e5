#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The test vectors as inputs of fuzz targets, a file each in FOLDER/TARGET:

    seeds.py FOLDER
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).parent.parent
Seed = tuple[str, bytes]


def octets(text: Any) -> bytes:
    """A string of the vectors, which may be {"hex": ...}."""
    return bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()


def records(vector: dict[str, Any]) -> bytes:
    """TXT records, one a line."""
    return b"\n".join(b"".join(map(octets, strings)) for strings in vector["txt_records"])


def mails(report: bytes) -> Iterator[bytes]:
    """A report as mail, and in a mailbox."""
    yield gzip.compress(report, mtime=0)
    for packed, kind in ((report, b"json"), (gzip.compress(report, mtime=0), b"gzip")):
        part = b"Content-Type: application/tlsrpt+" + kind
        part += b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(packed)
        head = b"Subject: a\nMIME-Version: 1.0\n"
        yield head + part
        many = head + b"Content-Type: multipart/report; boundary=x\n\n--x\n" + part + b"--x--\n"
        yield many
        yield b"From a\n" + many + b"\nFrom b\n" + head + b"Content-Type: message/rfc822\n\n" + many


def of_vector(name: str, vector: dict[str, Any]) -> Iterator[Seed]:
    """The inputs in a vector."""
    if "txt_records" in vector:
        yield ("tlsrpt_record" if "tlsrpt" in name else "record"), records(vector)
    if name.endswith("sts_policy.json"):
        body = vector.get("body_hex")
        yield "policy", bytes.fromhex(body) if body else octets(vector.get("body") or "")
    if "patterns" in vector:
        for pattern in vector["patterns"]:
            yield "mx_match", f"{pattern}\n{vector['mx_host']}".encode()
    if "report" in vector:
        yield "report", octets(vector["report"])
        yield from (("mail", mail) for mail in mails(octets(vector["report"])))
    if "netstring" in vector:
        yield "socketmap", octets(vector["netstring"])
    if "key" in vector:
        request = b"postfix " + octets(vector["key"])
        yield "socketmap", b"%d:%s," % (len(request), request)
        yield "readsocket", b"policy " + octets(vector["key"]) + b"\n"
    for lookup in vector.get("lookups", []):
        if stored := lookup.get("stored") or vector.get("stored"):
            yield "stored", octets(stored)


def seeds() -> Iterator[Seed]:
    """All of them."""
    for file in sorted((ROOT / "tests/vectors").glob("*.json")):
        for vector in json.loads(file.read_text())["vectors"]:
            yield from of_vector(file.name, vector)
    yield "readsocket", b"hosts example.com a.example:b.example,c\nroute example.com again\n"
    certificate = (ROOT / "core/tests/data/certificate.der").read_bytes()
    for pick in range(6):
        yield "certificate", bytes([pick]) + certificate


def main() -> None:
    """See the top."""
    for target, data in seeds():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


if __name__ == "__main__":
    main()
