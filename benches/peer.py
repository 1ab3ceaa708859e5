#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starts postfix-mta-sts-resolver, the policy server that most sites run, as its daemon does: its
responder on uvloop, its cache in memory. The cache is filled beforehand, and stays fresh for a day,
so that every query takes its warm path and none the network. Runs in a venv that has it:

    peer.py PORT|PATH DOMAINS PATTERN MX...
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from postfix_mta_sts_resolver import utils
from postfix_mta_sts_resolver.base_cache import CacheEntry
from postfix_mta_sts_resolver.responder import STSSocketmapResponder

DAY = 86400


async def fill(cache: Any, domains: list[str], patterns: list[str]) -> None:
    """Every domain gets a policy as the fetcher would have made it."""
    for domain in domains:
        body = {"version": "STSv1", "mode": "enforce", "mx": patterns, "max_age": 7 * DAY}
        await cache.set(domain, CacheEntry(time.time(), "20260101T000000", body))


async def serve(address: str, domains: list[str], patterns: list[str]) -> None:
    """Until the process is ended."""
    place = {"path": address} if "/" in address else {"host": "127.0.0.1", "port": int(address)}
    config = utils.populate_cfg_defaults({**place, "cache_grace": DAY})
    cache = utils.create_cache(config["cache"]["type"], config["cache"]["options"])
    await cache.setup()
    await fill(cache, domains, patterns)
    responder = STSSocketmapResponder(config, asyncio.get_running_loop(), cache)
    await responder.start()
    await asyncio.Event().wait()


def main() -> None:
    """Reads the arguments."""
    address, count, pattern, *patterns = sys.argv[1:]
    domains = [pattern.replace("{}", str(number)) for number in range(int(count))]
    if not utils.enable_uvloop():
        raise SystemExit("peer.py: there is no uvloop")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(serve(address, domains, patterns))


if __name__ == "__main__":
    main()
