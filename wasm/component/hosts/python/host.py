#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A host of the world `resolving`: it answers the component's questions, and the component does the
rest. `host.py COMPONENT` looks up what its standard input asks for; ../README.md says how."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from component import Component, EngineError, field, record
from network import FetchFailure, Network, TxtFailure
from wasmtime.component import Record, ResourceAny, Variant


class Host:
    """The interface `host`, with a store of one entry: that of the domain under way."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.stored: str | None = None
        self.is_readable = True

    def functions(self) -> dict[str, Any]:
        """As the component imports them."""
        return {"now": self.now, "query-txt": self.query_txt, "fetch": self.fetch,
                "load": self.load, "save": self.save}

    def now(self) -> int:
        """The wall clock."""
        return int(time.time())

    def query_txt(self, name: str) -> Record | Variant:
        """A `txt-answer` or a `txt-failure`."""
        try:
            records, ttl = self.network.txt(name)
        except TxtFailure as failure:
            return Variant(failure.word, failure.ttl)
        return record(records=records, ttl=ttl)

    def fetch(self, request: Record) -> Record | str:
        """An `https-reply` or a `fetch-failure`."""
        timeout = field(request, "timeout-ms") / 1000
        try:
            reply = self.network.get(request.host, request.path, timeout,
                                     field(request, "max-body"))
        except FetchFailure as failure:
            return failure.word
        return record(status=reply.status, content_type=reply.content_type, body=reply.body)

    def load(self, _domain: str) -> Variant:
        """The entry, if there is one."""
        return Variant("ok", self.stored) if self.is_readable else Variant("err")

    def save(self, entry: Record) -> None:
        """Takes its place."""
        self.stored = entry.text


def answer(component: Component, host: Host, asked: dict[str, Any]) -> dict[str, Any]:
    """One look-up, and its verdicts."""
    host.stored = asked.get("stored")
    host.is_readable = not asked.get("unreadable", False)
    try:
        outcome = component.call("resolver", "resolve", asked["domain"], None)
    except EngineError as error:
        return {"error": error.kind}
    if asked.get("again"):
        first, outcome = outcome, component.call("resolver", "look-again", outcome, None)
        component.drop(first)
    facts = outcome_facts(component, outcome)
    facts["verdicts"] = [verdict(component, outcome, session) for session in asked["sessions"]]
    component.drop(outcome)
    return facts


def outcome_facts(component: Component, outcome: ResourceAny) -> dict[str, Any]:
    """What is to be known of an outcome."""
    def get(name: str) -> Any:
        return component.call("lookups", f"[method]outcome.{name}", outcome)

    reason, policy = get("reason"), get("policy")
    facts = {"basis": get("basis"), "reason": reason and word(reason),
             "result": get("result-type"), "id": get("id"), "try_later": get("is-try-later"),
             "changed": get("is-changed"), "stored": get("stored"), "mode": None, "mx": []}
    if policy is not None:
        facts["mode"] = component.call("policies", "[method]policy.mode", policy)
        facts["mx"] = component.call("policies", "[method]policy.mx", policy)
        component.drop(policy)
    return facts


def word(variant: Variant) -> str:
    """`status` with its number is `status-404`."""
    return variant.tag if variant.payload is None else f"{variant.tag}-{variant.payload}"


def verdict(component: Component, outcome: ResourceAny, asked: dict[str, str]) -> dict[str, Any]:
    """Of one session."""
    session = record(mx_host=asked["mx_host"], tls=Variant(asked["tls"], asked.get("certificate")),
                     dane="not-used", mx_secure=False)
    found = component.call("lookups", "[method]outcome.verdict", outcome, session)
    return {"action": found.action, "result": found.result, "cause": found.cause}


def lab_network() -> Network:
    """As the variables of the lab say."""
    address, port = os.environ["MTASTS_LAB_DNS"].rsplit(":", 1)
    return Network((address, int(port)), os.environ["MTASTS_LAB_CA"],
                   int(os.environ["MTASTS_LAB_HTTPS_PORT"]), allow_non_global=True)


def main() -> None:
    host = Host(lab_network())
    component = Component(sys.argv[1], host.functions())
    for line in sys.stdin:
        print(json.dumps(answer(component, host, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
