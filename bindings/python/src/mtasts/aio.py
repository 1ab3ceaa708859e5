# SPDX-License-Identifier: MIT OR Apache-2.0
"""Look-ups for asyncio: the engine says what it needs, and coroutines of the program get it. No C
code calls into Python.

A host is two coroutines, by whatever resolver and HTTPS client the program has:

>>> import asyncio, mtasts
>>> class Host:
...     async def txt(self, name):
...         return mtasts.TxtAnswer(["v=STSv1; id=1;"], ttl=300)
...     async def https(self, request):
...         policy = b"version: STSv1\\nmode: enforce\\nmx: mx.example.com\\nmax_age: 86400\\n"
...         return mtasts.HttpsReply(200, "text/plain", policy)
>>> outcome = asyncio.run(resolve("example.com", Host()))
>>> outcome.policy.mx, outcome.verdict("mx.example.net").cause
(('mx.example.com',), <Cause.MX_NOT_LISTED: 'mx-not-listed'>)

What a host raises counts as a failure where it is one of the network: `asyncio.TimeoutError`,
`ssl.SSLCertVerificationError`, `socket.gaierror`, `OSError`. Anything else goes to the caller: it
is not known whether there is a policy, so the mail waits.
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import logging
import socket
import ssl
import sys
import time
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Callable, Protocol

from .lookup import (
    Answer,
    Config,
    Fetch,
    HttpsReply,
    Load,
    LoadedAnswer,
    LocalPolicy,
    Lookup,
    QueryTxt,
    Step,
    Stored,
    TxtAnswer,
    to_ascii,
)
from .outcome import Outcome
from .words import Failure

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from .host import DefaultHost

__all__ = ["Host", "MemoryStore", "Store", "resolve", "resolve_again", "run"]

_logger = logging.getLogger("mtasts")

#: What this machine lacks is not the domain's fault.
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}


class Host(Protocol):
    """Asks the network."""

    async def txt(self, name: str) -> TxtAnswer | Failure:
        """The TXT records of `name`, CNAMEs followed, past any cache."""
        ...

    async def https(self, request: Fetch) -> HttpsReply | Failure:
        """The reply to a GET of `request.url`: see `mtasts.Fetch` for what it must heed.

        It is cancelled when `request.timeout` is over.
        """
        ...


class Store(Protocol):
    """Remembers domains. `MemoryStore` is one, and `DefaultHost` another, that lasts."""

    def load(self, domain: str) -> Answer:
        """What was last saved of a domain: a `Stored`, None, or `Failure.STORE_FAILED` if it cannot
        be read for now. It may be a coroutine."""

    def save(self, outcome: Outcome) -> object:
        """Keeps `outcome.stored` for `outcome.domain`. An entry that is there already, and whose
        `fetched_at` is later but not in the future, is to stay. It may be a coroutine. What it
        raises goes to the logger `mtasts`."""


class MemoryStore:
    """Policies for as long as the process lives. For one event loop, or with a lock of yours.

    Args:
        limit: how many domains at most; the one that was saved first goes first.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._entries: dict[str, tuple[int, str]] = {}

    def load(self, domain: str) -> Stored | None:
        """What was last saved of a domain."""
        entry = self._entries.get(domain)
        return Stored(entry[1]) if entry else None

    def save(self, outcome: Outcome) -> None:
        """Keeps an outcome."""
        before = self._entries.get(outcome.domain)
        fetched_at = outcome.fetched_at or 0
        if before and fetched_at < before[0] <= time.time():
            return
        self._entries.pop(outcome.domain, None)
        self._entries[outcome.domain] = (fetched_at, outcome.stored)
        while len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def __len__(self) -> int:
        """The number of domains."""
        return len(self._entries)


async def resolve(
    domain: str,
    host: Host | DefaultHost,
    *,
    store: Store | None = None,
    config: Config | None = None,
    executor: Executor | None = None,
) -> Outcome:
    """Looks a domain up, saves what is new, and gives the outcome.

    Args:
        domain: of a recipient's address; A-labels or U-labels.
        host: asks the network. A `DefaultHost` does so in a thread, and has its store with it.
        store: remembers domains. None: nothing is remembered, and whoever is on the path of DNS can
            hide a policy.
        executor: threads for a `DefaultHost`; as many look-ups as it has threads go on at a time.
            None: those of the event loop.

    Raises:
        AddressLiteralError: it has no policy: deliver as without MTA-STS.
        DomainError: it is no host name; the mail waits.
    """
    if _is_default(host):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(executor, host.resolve, domain, config)
    return await run(Lookup(to_ascii(domain), config), host, store=store)


async def resolve_again(
    outcome: Outcome,
    host: Host | DefaultHost,
    *,
    store: Store | None = None,
    config: Config | None = None,
    executor: Executor | None = None,
) -> Outcome:
    """Looks again, as a sender must before it gives a message up for good (RFC 8461 section 5.1).
    If the basis is `Basis.FRESH` there is a new policy to try the MX hosts by."""
    if _is_default(host):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(executor, host.resolve_again, outcome, config)
    return await run(Lookup.again(outcome, config), host, store=store)


def _is_default(host: object) -> TypeIs[DefaultHost]:
    """Whether it is a `DefaultHost`; where there is one, its module is loaded."""
    module = sys.modules.get(f"{__package__}.host")
    return module is not None and isinstance(host, module.DefaultHost)


async def run(
    lookup: Lookup,
    host: Host,
    *,
    store: Store | None = None,
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Drives a lookup to its end, and saves what is new.

    Args:
        clock: gives seconds since 1970 (UTC).
    """
    step = lookup.poll()
    while step is not None:
        lookup.submit(step, await _answer(step, host, store), clock())
        step = lookup.poll()
    outcome = lookup.outcome()
    if store is not None and outcome.is_changed:
        await _save(store, outcome)
    return outcome


async def _save(store: Store, outcome: Outcome) -> None:
    """Without a store there is still an outcome: what fails goes to the log."""
    try:
        await _awaited(store.save(outcome))
    except Exception:
        _logger.exception("%s: the outcome could not be saved", outcome.domain)


async def _answer(step: Step, host: Host, store: Store | None) -> Answer:
    if isinstance(step, Load):
        return await _loaded(step, store)
    try:
        if isinstance(step, QueryTxt):
            return await host.txt(step.name)
        return await asyncio.wait_for(host.https(step), step.timeout)
    except (OSError, asyncio.TimeoutError) as error:
        return failure_of(error, step)


async def _loaded(step: Load, store: Store | None) -> Answer:
    if store is None:
        return None
    answer = await _awaited(store.load(step.name))
    if isinstance(answer, (Stored, LocalPolicy, LoadedAnswer, Failure, type(None))):
        return answer
    raise TypeError(f"a store gives Stored, None or Failure, not {type(answer).__name__}")


async def _awaited(given: object) -> object:
    return await given if inspect.isawaitable(given) else given


def failure_of(error: BaseException, step: Step) -> Failure:
    """What an exception of a resolver or an HTTPS client is for the engine."""
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        return Failure.LOCAL
    if isinstance(step, QueryTxt):
        return Failure.TEMPORARY
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure.WEBPKI
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return Failure.TIMEOUT
    if isinstance(error, socket.gaierror):
        return Failure.DNS
    return Failure.CONNECT
