# SPDX-License-Identifier: MIT OR Apache-2.0
"""postfix-mta-sts-resolver by the line protocol: its STSResolver, whose DNS and HTTPS give what the
request says. It leaves matching to Postfix."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

from postfix_mta_sts_resolver import resolver

RECORD = b"v=STSv1; id=1;"
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n"


def octets(word: str) -> bytes:
    """The octets of a word."""
    return bytes.fromhex(word.replace("-", "").replace(",", ""))


class Session:
    """A client session of aiohttp that has one reply."""

    body = b""

    def __init__(self, **_: Any) -> None:
        self.parts = [self.body, b""]
        self.status, self.charset = 200, "utf-8"
        self.headers = {"Content-Type": "text/plain; charset=utf-8"}
        self.content = SimpleNamespace(read=self.read)

    def get(self, *_: Any, **__: Any) -> Session:
        """The request is the reply."""
        return self

    async def read(self, _: int) -> bytes:
        """The body, and then no more."""
        return self.parts.pop(0)

    async def __aenter__(self) -> Session:
        """Begins."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends."""


async def resolve(records: list[bytes], body: bytes) -> Any:
    """What the resolver makes of them; None if it is no policy."""
    sts = resolver.STSResolver(timeout=4, loop=asyncio.get_running_loop())

    async def query(*_: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(text=record) for record in records]

    sts._resolver = SimpleNamespace(query=query)
    Session.body = body
    resolver.aiohttp.ClientSession = Session  # type: ignore[misc]
    return (await sts.resolve("example.com"))[1]


def answer(request: str, words: list[str]) -> str:
    """The reply to a request."""
    if request == "record":
        found = asyncio.run(resolve([octets(word) for word in words], POLICY))
        return f"id {found[0].encode().hex() or '-'}" if found else "invalid * 0 0"
    if request != "policy":
        return "unsupported"
    found = asyncio.run(resolve([RECORD], octets(words[0])))
    if not found:
        return "invalid * 0 0"
    policy = found[1]
    mx = [name.encode().hex() or "-" for name in policy.get("mx", [])]
    return " ".join(["valid", policy["mode"], str(policy["max_age"]), str(len(mx)), *mx])


def main() -> None:
    """A line in, a line out."""
    for line in sys.stdin:
        request, *words = line.split()
        try:
            print(answer(request, words), flush=True)
        except (ValueError, KeyError) as error:
            # It has no answer of its own to this; the look-up fails.
            print(f"invalid * 0 0 {type(error).__name__}", flush=True)


if __name__ == "__main__":
    main()
