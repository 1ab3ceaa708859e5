#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Puts the inputs of tests/vectors to this library and to other implementations, and tells who
disagrees where and which requirement decides. Called by `run`:

    differential.py [--write] OURS EXPECTED NAME=COMMAND...

OURS and each COMMAND speak ../conformance/PROTOCOL.md. EXPECTED lists the differences that are
known: one more, or one less, is an error. With --write it is written anew.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"
#: What decides where the vector names no requirement.
RULES = {"record": "R-TXT-3", "policy": "R-POL-2", "match": "R-MX-1"}


@dataclass(frozen=True)
class Input:
    """A request, the vector it comes from, and the requirement that decides it."""

    name: str
    request: str
    rule: str


@dataclass(frozen=True, order=True)
class Difference:
    """Where a peer says something else."""

    peer: str
    name: str
    rule: str
    ours: str
    theirs: str


def word(text: str | bytes) -> str:
    """Octets as a word."""
    octets = text.encode() if isinstance(text, str) else text
    return octets.hex() or "-"


def record_word(strings: Any) -> str:
    """A TXT record as a word."""
    listed = strings if isinstance(strings, list) else [strings]
    octets = [bytes.fromhex(s["hex"]) if isinstance(s, dict) else s.encode() for s in listed]
    return ",".join(map(word, octets))


def body(case: dict[str, Any]) -> bytes:
    """The policy of a case."""
    text = case.get("body")
    return text.encode() if text is not None else bytes.fromhex(case.get("body_hex") or "")


def request(kind: str, case: dict[str, Any]) -> str:
    """What to ask of a case."""
    if kind == "record":
        return " ".join(["record", *map(record_word, case["txt_records"])])
    if kind == "policy":
        return f"policy {word(body(case))}"
    lines = ["version: STSv1", "mode: enforce", *(f"mx: {mx}" for mx in case["patterns"])]
    policy = "\n".join([*lines, "max_age: 86400", ""])
    return f"match {word(policy)} {word(case['mx_host'])}"


def inputs() -> Iterator[Input]:
    """All that can be put to others."""
    for kind, stem in [("record", "sts_txt"), ("policy", "sts_policy"), ("match", "mx_match")]:
        for file in (stem, f"own_{stem}"):
            for case in json.loads((VECTORS / f"{file}.json").read_text())["vectors"]:
                named = re.search(r"\bR-[A-Z]+-\d+\b", f"{case.get('case')} {case.get('basis')}")
                rule = named.group() if named else RULES[kind]
                yield Input(f"{file}/{case['id']}", request(kind, case), rule)


def ask(command: str, asked: list[Input]) -> list[str]:
    """A program's reply to each."""
    lines = "".join(f"{one.request}\n" for one in asked)
    done = subprocess.run(
        shlex.split(command), input=lines, stdout=subprocess.PIPE, text=True, check=True
    )
    replies = done.stdout.splitlines()
    if len(replies) != len(asked):
        raise SystemExit(f"{command}: {len(replies)} replies to {len(asked)} requests")
    return replies


def plain(reply: str) -> str:
    """A reply without what others do not say, for a person: warnings, kinds and places; patterns
    are compared without case and final dot."""
    head, *words = reply.split()
    if head == "invalid":
        return head
    if head == "id":
        return f"id {bytes.fromhex(words[0].replace('-', '')).decode('utf-8', 'replace')!r}"
    if head != "valid":
        return head
    mode, max_age, count, *rest = words
    mx = [bytes.fromhex(name.replace("-", "")) for name in rest[: int(count)]]
    names = sorted({name.decode("utf-8", "replace").lower().rstrip(".") for name in mx})
    shown = " ".join(map(repr, names[:3])) + (" …" if len(names) > 3 else "")
    return f"{mode} {max_age} {len(names)} {shown}".rstrip()


def differences(
    peer: str, asked: list[Input], ours: list[str], theirs: list[str]
) -> Iterator[Difference]:
    """Where the two do not agree; what the peer cannot do is no difference."""
    for one, our, their in zip(asked, ours, theirs):
        if "unsupported" not in (our, their) and plain(our) != plain(their):
            yield Difference(peer, one.name, one.rule, plain(our), plain(their))


def read(path: pathlib.Path) -> set[Difference]:
    """The expected differences."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {Difference(*line.split("\t")) for line in lines if line and line[0] != "#"}


def write(path: pathlib.Path, found: Iterable[Difference]) -> None:
    """Writes them."""
    head = (
        "# SPDX-License-Identifier: MIT OR Apache-2.0\n"
        "# Where other implementations are known to disagree, made by `run --write`.\n"
        "# peer, vector, requirement that decides, ours, theirs\n"
    )
    rows = ("\t".join((d.peer, d.name, d.rule, d.ours, d.theirs)) for d in sorted(found))
    path.write_text(head + "".join(f"{row}\n" for row in rows))


def report(found: set[Difference], answered: dict[str, int]) -> None:
    """A table: peer and requirement."""
    counts = collections.Counter((d.rule, d.peer) for d in found)
    peers = sorted(answered)
    rules = sorted({rule for rule, _ in counts})
    width = max(map(len, peers)) + 2
    print(f"{'disagree by':<12}" + "".join(f"{peer:>{width}}" for peer in peers))
    for rule in rules:
        cells = (counts[rule, peer] or "" for peer in peers)
        print(f"{rule:<12}" + "".join(f"{cell:>{width}}" for cell in cells))
    sums = (sum(d.peer == peer for d in found) for peer in peers)
    print(f"{'all':<12}" + "".join(f"{total:>{width}}" for total in sums))
    print(f"{'of answers':<12}" + "".join(f"{answered[peer]:>{width}}" for peer in peers))


def main() -> int:
    """Asks, compares, tells."""
    parser = argparse.ArgumentParser(description="compare with other implementations")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("ours")
    parser.add_argument("expected", type=pathlib.Path)
    parser.add_argument("peers", nargs="+")
    given = parser.parse_args()
    asked = list(inputs())
    ours = ask(given.ours, asked)
    found: set[Difference] = set()
    answered: dict[str, int] = {}
    for peer in given.peers:
        name, _, command = peer.partition("=")
        theirs = ask(command, asked)
        answered[name] = sum(reply != "unsupported" for reply in theirs)
        found.update(differences(name, asked, ours, theirs))
    report(found, answered)
    if given.write:
        write(given.expected, found)
    expected = {one for one in read(given.expected) if one.peer in answered}
    for one in sorted(found - expected):
        print(f"NEW {one.peer} {one.name}: {one.ours}, they {one.theirs} ({one.rule})")
    for one in sorted(expected - found):
        print(f"GONE {one.peer} {one.name}: expected {one.ours}, they {one.theirs} ({one.rule})")
    wrong = len(found ^ expected)
    print(f"{len(found & expected)} passed, {wrong} failed")
    return 1 if wrong or not all(answered.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
