# SPDX-License-Identifier: MIT OR Apache-2.0
"""asyncio: R-FLOW-1, R-FLOW-6, R-DOM-1, R-GET-4."""

from __future__ import annotations

import asyncio
import errno
import pathlib
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lab import Lab

import mtasts
from mtasts import Failure, Fetch, HttpsReply, Stored, TxtAnswer, aio

POLICY = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n"


class Network:
    """A host whose answers are given; an exception is raised."""

    def __init__(self, txt: Any = None, https: Any = None) -> None:
        self.answers = {
            "txt": txt or TxtAnswer(["v=STSv1; id=1;"], ttl=0),
            "https": https or HttpsReply(200, "text/plain", POLICY),
        }
        self.asked: list[str] = []

    def give(self, kind: str, what: str) -> Any:
        self.asked.append(what)
        answer = self.answers[kind]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def txt(self, name: str) -> TxtAnswer | Failure:
        return self.give("txt", name)  # type: ignore[no-any-return]

    async def https(self, request: Fetch) -> HttpsReply | Failure:
        return self.give("https", request.url)  # type: ignore[no-any-return]


def resolve(network: Network, **more: Any) -> mtasts.Outcome:
    return asyncio.run(aio.resolve("example.com", network, **more))


def test_coroutines_are_asked() -> None:
    network = Network()
    outcome = resolve(network)
    assert outcome.basis is mtasts.Basis.FRESH
    assert network.asked == [
        "_mta-sts.example.com",
        "https://mta-sts.example.com/.well-known/mta-sts.txt",
    ]


@pytest.mark.parametrize(
    ("txt", "reason"),
    [
        (TxtAnswer(), "no-record"),
        (Failure.PERMANENT, "dns-permanent"),
        (Failure.TEMPORARY, "dns-temporary"),
        (OSError("no network"), "dns-temporary"),
        (asyncio.TimeoutError(), "dns-temporary"),
        (OSError(errno.EMFILE, "too many open files"), "local-failure"),
    ],
)
def test_dns_fails(txt: Any, reason: str) -> None:
    assert resolve(Network(txt=txt)).reason == reason


@pytest.mark.parametrize(
    ("https", "reason"),
    [
        (Failure.BODY_TOO_LARGE, "body-too-large"),
        (ssl.SSLCertVerificationError("expired"), "webpki"),
        (asyncio.TimeoutError(), "timeout"),
        (TimeoutError(), "timeout"),
        (socket.gaierror("no such host"), "policy-host-dns"),
        (ConnectionRefusedError(), "connect"),
        (ssl.SSLError("handshake"), "connect"),
        (OSError(errno.ENFILE, "too many open files"), "local-failure"),
    ],
)
def test_https_fails(https: Any, reason: str) -> None:
    assert resolve(Network(https=https)).reason == reason


def test_what_is_no_failure_of_the_network_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        resolve(Network(https=ZeroDivisionError()))


def test_r_get_4_a_fetch_has_an_end() -> None:
    class Silent(Network):
        async def https(self, request: Fetch) -> HttpsReply:
            await asyncio.Event().wait()
            raise AssertionError

    outcome = resolve(Silent(), config=mtasts.Config(fetch_timeout=0.01))
    assert outcome.reason is mtasts.Reason.TIMEOUT


def test_r_flow_1_a_store_outlasts_the_network() -> None:
    store = aio.MemoryStore()
    resolve(Network(), store=store)
    assert len(store) == 1
    outcome = resolve(Network(txt=Failure.TEMPORARY), store=store)
    assert (outcome.basis, outcome.reason) == ("cached", "dns-temporary")


def test_a_store_of_coroutines() -> None:
    class Remote:
        def __init__(self) -> None:
            self.kept: dict[str, str] = {}
            self.fails = False

        async def load(self, domain: str) -> Stored | Failure | None:
            if self.fails:
                return Failure.STORE_FAILED
            return Stored(self.kept[domain]) if domain in self.kept else None

        async def save(self, outcome: mtasts.Outcome) -> None:
            self.kept[outcome.domain] = outcome.stored

    store = Remote()
    assert resolve(Network(), store=store).basis is mtasts.Basis.FRESH
    lasting = Network(txt=TxtAnswer(["v=STSv1; id=1;"], ttl=0))
    assert resolve(lasting, store=store).basis is mtasts.Basis.CACHED
    store.fails = True
    assert resolve(Network(txt=TxtAnswer()), store=store).try_later


def test_a_store_that_gives_nonsense_is_an_error() -> None:
    class Nonsense(aio.MemoryStore):
        def load(self, domain: str) -> Any:
            return "text"

    with pytest.raises(TypeError, match="Stored"):
        resolve(Network(), store=Nonsense())


def test_a_store_that_does_not_save_leaves_the_outcome(caplog: pytest.LogCaptureFixture) -> None:
    class Full(aio.MemoryStore):
        def save(self, outcome: mtasts.Outcome) -> None:
            raise OSError(errno.ENOSPC, "no space left on device")

    assert resolve(Network(), store=Full()).basis == "fresh"
    assert "example.com" in caplog.text and "no space left" in caplog.text


def test_memory_is_bounded_and_a_later_fetch_stays() -> None:
    store = aio.MemoryStore(limit=2)
    for number in range(3):
        asyncio.run(aio.resolve(f"d{number}.example", Network(), store=store))
    assert len(store) == 2 and store.load("d0.example") is None
    lookup = mtasts.Lookup("d2.example")
    network = Network()
    old = asyncio.run(aio.run(lookup, network, clock=lambda: time.time() - 3600))
    before = store.load("d2.example")
    store.save(old)
    assert store.load("d2.example") == before


def test_r_flow_6_looking_again() -> None:
    first = resolve(Network())
    newer = Network(txt=TxtAnswer(["v=STSv1; id=2;"]))
    outcome = asyncio.run(aio.resolve_again(first, newer))
    assert (outcome.basis, outcome.id) == ("fresh", "2")


def test_r_dom_1_u_labels() -> None:
    network = Network()
    outcome = asyncio.run(aio.resolve("bücher.example", network))
    assert outcome.domain == "xn--bcher-kva.example"


def test_the_default_host_in_threads(lab: Lab, tmp_path: pathlib.Path) -> None:
    async def all_of_them() -> list[mtasts.Outcome]:
        with lab.host(store=tmp_path) as host, ThreadPoolExecutor(50) as threads:
            names = [f"d{number}.load.example" for number in range(100)]
            asks = [aio.resolve(name, host, executor=threads) for name in names]
            return await asyncio.gather(*asks)

    outcomes = asyncio.run(all_of_them())
    assert {outcome.basis for outcome in outcomes} == {mtasts.Basis.FRESH}


def test_the_default_host_as_a_store(lab: Lab, tmp_path: pathlib.Path) -> None:
    with lab.host(store=tmp_path) as store:
        assert resolve(Network(), store=store).basis is mtasts.Basis.FRESH
        assert store.domains() == ["example.com"]
        again = resolve(Network(txt=Failure.TEMPORARY), store=store)
        assert again.basis is mtasts.Basis.CACHED
        network = Network()
        outcome = asyncio.run(aio.resolve_again(again, store))
        assert outcome.policy is not None and not network.asked
