# SPDX-License-Identifier: MIT OR Apache-2.0
"""checkdmarc by the line protocol. What it asks of DNS comes from the request."""

from __future__ import annotations

import sys

from checkdmarc import mta_sts


def octets(word: str) -> bytes:
    """The octets of a word."""
    return bytes.fromhex(word.replace("-", "").replace(",", ""))


def said(text: str) -> str:
    """A word of octets."""
    return text.encode().hex() or "-"


def record(words: list[str]) -> str:
    """The one record among several, through its own query."""
    texts = [octets(word).decode() for word in words]
    mta_sts.query_dns = lambda *_, **__: texts
    mta_sts._txt_cname_conflict_warning = lambda *_, **__: None
    try:
        found = mta_sts.query_mta_sts_record("example.com")["record"]
        return f"id {said(mta_sts.parse_mta_sts_record(found)['tags']['id'])}"
    except mta_sts.MTASTSError:
        return "invalid * 0 0"


def policy(words: list[str]) -> str:
    """A policy."""
    try:
        found = mta_sts.parse_mta_sts_policy(octets(words[0]).decode())["policy"]
    except mta_sts.MTASTSError:
        return "invalid * 0 0"
    mx = found.get("mx") or []
    return " ".join(["valid", found["mode"], str(found["max_age"]), str(len(mx)), *map(said, mx)])


def match(words: list[str]) -> str:
    """Whether a policy lists a host."""
    body, host = (octets(word).decode() for word in words)
    try:
        found = mta_sts.parse_mta_sts_policy(body)["policy"]
    except mta_sts.MTASTSError:
        return "no"
    return "yes" if mta_sts.mx_in_mta_sts_patterns(host, found.get("mx") or []) else "no"


def main() -> None:
    """A line in, a line out."""
    for line in sys.stdin:
        request, *words = line.split()
        answer = {"record": record, "policy": policy, "match": match}.get(request)
        try:
            print(answer(words) if answer else "unsupported", flush=True)
        except UnicodeDecodeError:
            print("unsupported", flush=True)  # it takes text alone


if __name__ == "__main__":
    main()
