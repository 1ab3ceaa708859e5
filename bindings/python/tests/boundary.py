# SPDX-License-Identifier: MIT OR Apache-2.0
"""Everything that crosses the boundary to C, a few times, for valgrind: called by ../test.sh."""

from __future__ import annotations

import asyncio
import tempfile

from lab import Lab
from test_ends import POLICY, cycle

import mtasts

SCENE = """
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
tlsrpt = "mailto:r@good.example"
"""


class Network:
    """A host of two coroutines."""

    async def txt(self, name: str) -> mtasts.TxtAnswer:
        return mtasts.TxtAnswer(["v=STSv1; id=1;"])

    async def https(self, request: mtasts.Fetch) -> mtasts.HttpsReply:
        return mtasts.HttpsReply(200, "text/plain", POLICY)


def with_the_host(lab: Lab, store: str) -> None:
    """All calls of the default host."""
    with lab.host(store=store, dane=True) as host:
        outcome = host.resolve_again(host.resolve("good.example"))
        host.cached("good.example")
        host.mx("good.example")
        host.addresses("mx.good.example")
        host.dane("mx.good.example").check([b"\0"], "good.example")
        host.domain_dane("good.example")
        host.verify([b"\0", b""], "mx.good.example")
        session = mtasts.Session("mx.good.example", mtasts.Tls.FAILED)
        host.tlsrpt_send(outcome.tlsrpt_datagram(session, host.tlsrpt_record("good.example")))
        host.reread()
        asyncio.run(mtasts.aio.resolve("example.com", Network(), store=host))
        assert host.domains() == ["example.com", "good.example"]
        assert host.forget("good.example")
    policy = outcome.policy
    del outcome
    assert policy is not None and policy.matches("mx.good.example")
    for wrong in ("\0", "ü_", "\ud800"):
        try:
            mtasts.domain_to_ascii(wrong)
        except mtasts.DomainError:
            continue
        raise AssertionError


def main() -> None:
    """Twice, so that what is left over shows."""
    for _ in range(2):
        cycle()
        with Lab(SCENE) as lab, tempfile.TemporaryDirectory() as store:
            with_the_host(lab, store)


if __name__ == "__main__":
    main()
