# SPDX-License-Identifier: MIT OR Apache-2.0
"""The words that cases.py is written in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# A table of the lab's scene; its section is under the key "".
Table = Mapping[str, object]


def domain(name: str, **keys: object) -> Table:
    """A domain, which enforces a policy with its own MX hosts unless the keys say otherwise."""
    return {"": "domain", "name": name, **keys}


def host(name: str, smtp: str = "ok", **keys: object) -> Table:
    """A mail host and its fault."""
    return {"": "host", "name": name, "smtp": smtp, **keys}


def record(name: str, kind: str, value: str) -> Table:
    """A DNS record."""
    return {"": "record", "name": name, "type": kind, "value": value}


def toml(tables: Iterable[Table]) -> str:
    """The tables as the lab reads them. Strings, numbers and lists are written as in JSON."""
    text = []
    for table in tables:
        text.append(f"[[{table['']}]]")
        text += [f"{key} = {json.dumps(value)}" for key, value in table.items() if key]
    return "\n".join(text) + "\n"


@dataclass(frozen=True)
class Fate:
    """What becomes of one recipient. `why` is a word of Host.reasons, whose regular expression
    must be in the host's log."""

    fate: str  # delivered, deferred, bounced
    why: str = ""
    sink: str = ""
    tls: bool = True
    sni: str | None = None  # None: any, none included


def verified(sink: str) -> Fate:
    """To this host, over TLS, and the certificate (or TLSA record) was verified."""
    return Fate("delivered", "verified", sink, sni=sink)


def opportunistic(sink: str, tls: bool = True) -> Fate:
    """To this host, as without a policy."""
    return Fate("delivered", "", sink, tls)


def deferred(why: str) -> Fate:
    """To no host; it waits."""
    return Fate("deferred", why)


def bounced() -> Fate:
    """Returned to the sender, for a reason that has nothing to do with MTA-STS."""
    return Fate("bounced")


@dataclass(frozen=True)
class Report:
    """What a host with TLS reports (RFC 8460) tells its reporter of the first domain. The policy's
    other lines are those that the lab makes."""

    policy_type: str
    failure: str = ""  # a result type; empty: a success
    mode: str = ""  # with `mx`: the policy's; empty: none is told
    mx: tuple[str, ...] = ()
    is_failure: bool = False  # of a session; else a success, whatever became of the policy
    successes: int = 0  # of other sessions
    needs: tuple[str, ...] = ()  # traits of hosts without which nothing is reported


@dataclass(frozen=True)
class Set:
    """Changes the lab."""

    name: str
    pairs: str


@dataclass(frozen=True)
class Refresh:
    """Has the policy server look now; else it would tomorrow."""

    domain: str


@dataclass(frozen=True)
class Stop:
    """Takes away what the host asks for policies: the policy server, or what stands for it."""


@dataclass(frozen=True)
class Start:
    """Gives it back."""


Action = Set | Refresh | Stop | Start


@dataclass(frozen=True)
class Round:
    """Mails, each with its recipients' domains, after some actions."""

    actions: tuple[Action, ...]
    mails: tuple[Mapping[str, Fate], ...]


@dataclass(frozen=True)
class Case:
    """Rounds that follow each other. `needs` are traits of hosts without which it does not apply;
    `is_alone`: what it does would disturb others; `check`: what the host itself has to check."""

    name: str
    scene: tuple[Table, ...]
    rounds: tuple[Round, ...]
    doc: str
    needs: tuple[str, ...] = ()
    is_alone: bool = False
    report: Report | None = None
    check: str = ""
