#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The component as a surface of tests/conformance: its line protocol (PROTOCOL.md there), answered
by a world with all that is pure. `conformance.py COMPONENT`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wasmtime.component import Record, ResourceAny, Variant

sys.path.insert(0, str(Path(__file__).parent.parent / "hosts/python"))

from component import Component, EngineError, field, record  # noqa: E402

# Words of the protocol that the WIT writes otherwise.
WEB_PKI = {"webpki": "web-pki"}
POSTFIX = {"3.0": "postfix30", "3.4": "postfix34", "3.10": "postfix310"}
U32 = 0xFFFF_FFFF

REQUESTS = {"record", "tlsrpt", "policy", "match", "certificate", "lookup", "poll", "txt", "https",
            "outcome", "stored", "verdict", "again", "postfix", "next-hop", "netstrings", "framed"}


class Unsupported(Exception):
    """The interface cannot say this."""


def octets(word: str) -> bytes:
    """Hexadecimal digits; `-` is none."""
    return b"" if word == "-" else bytes.fromhex(word)


def text(word: str) -> str:
    """A string of the WIT."""
    try:
        return octets(word).decode()
    except UnicodeDecodeError as error:
        raise Unsupported from error


def hexed(value: bytes | str) -> str:
    """The other way round."""
    raw = value.encode() if isinstance(value, str) else value
    return raw.hex() or "-"


def maybe(value: object) -> str:
    """`*` stands for nothing."""
    return "*" if value is None else str(value)


def strings(word: str) -> list[bytes]:
    """A TXT record."""
    return [octets(string) for string in word.split(",")]


def truth(value: bool) -> str:
    return "yes" if value else "no"


class Surface:
    """The lookup under way, and the last outcome."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self.config: Record | None = None
        self.machine: ResourceAny | None = None
        self.last: ResourceAny | None = None

    def answer(self, line: str) -> str:
        """The reply to one request."""
        name, *words = line.split()
        if name not in REQUESTS:
            return "unsupported"
        method: Callable[..., str] = getattr(self, name.replace("-", "_"))
        try:
            return method(*words)
        except Unsupported:
            return "unsupported"

    # Documents.

    def record(self, *records: str) -> str:
        return self.read("id", "sts-id", records)

    def tlsrpt(self, *records: str) -> str:
        return self.read("rua", "tlsrpt-rua", records)

    def read(self, head: str, function: str, records: Sequence[str]) -> str:
        try:
            found = self.component.call("records", function, [strings(word) for word in records])
        except EngineError as error:
            return invalid(error)
        return " ".join([head, *map(hexed, [found] if isinstance(found, str) else found)])

    def policy(self, body: str) -> str:
        try:
            policy = self.parsed(octets(body))
        except EngineError as error:
            return invalid(error)
        mx = self.of_policy(policy, "mx")
        warnings = [f"{warning.kind}:{warning.line}:{warning.column}"
                    for warning in self.of_policy(policy, "warnings")]
        mode, max_age = self.of_policy(policy, "mode"), self.of_policy(policy, "max-age")
        assert self.of_policy(policy, "text").encode() == octets(body)
        self.component.drop(policy)
        return " ".join(["valid", mode, str(max_age), str(len(mx)), *map(hexed, mx), *warnings])

    def match(self, body: str, mx_host: str) -> str:
        try:
            policy = self.parsed(octets(body))
        except EngineError:
            return "no"
        is_match = self.of_policy(policy, "matches", text(mx_host))
        self.component.drop(policy)
        return truth(is_match)

    def certificate(self, der: str, name: str) -> str:
        try:
            self.component.call("certificates", "check-name", octets(der), text(name))
        except EngineError:
            return "no"
        return "yes"

    def parsed(self, body: bytes) -> ResourceAny:
        return self.component.call("policies", "[static]policy.parse", body)

    def of_policy(self, policy: ResourceAny, name: str, *arguments: Any) -> Any:
        return self.component.call("policies", f"[method]policy.{name}", policy, *arguments)

    # A lookup.

    def lookup(self, domain: str, store: str, now: str, *settings: str) -> str:
        self.config = self.configured(settings)
        self.component.drop(self.machine)
        self.machine = None
        kind, _, word = store.partition(":")
        try:
            if kind == "local":
                self.machine = self.local(text(domain), octets(word))
            else:
                stored = Variant(kind, text(word) if kind == "text" else None)
                self.machine = self.component.call("lookups", "[static]lookup.start", text(domain),
                                                   stored, self.config, int(now))
        except EngineError as error:
            return f"refused {error.kind}"
        return "ok"

    def configured(self, settings: Sequence[str]) -> Record:
        config = self.component.call("lookups", "default-config")
        for setting in settings:
            name, _, number = setting.partition("=")
            name, value = name.replace("_", "-"), int(number)
            if not hasattr(config, name) or value > U32:
                raise Unsupported
            setattr(config, name, bool(value) if name == "defer-on-dns-failure" else value)
        return config

    def local(self, domain: str, body: bytes) -> ResourceAny:
        """A lookup that is done; that of a local policy looks nothing up."""
        policy = self.parsed(body)
        try:
            outcome = self.component.call("lookups", "[static]outcome.local", domain, policy)
        finally:
            self.component.drop(policy)
        machine = self.component.call("lookups", "[method]outcome.look-again", outcome, self.config)
        self.component.drop(outcome)
        return machine

    def poll(self) -> str:
        step = self.of_lookup("poll")
        match step.tag:
            case "query-txt":
                return f"query-txt {step.payload.id} {hexed(step.payload.name)}"
            case "fetch":
                asked = step.payload.request
                limits = f"{field(asked, 'timeout-ms')} {field(asked, 'max-body')}"
                return f"fetch {step.payload.id} {hexed(asked.host)} {hexed(asked.path)} {limits}"
        self.keep(self.of_lookup("outcome"))
        return "done"

    def txt(self, id: str, now: str, head: str, ttl: str, *records: str) -> str:
        seconds = None if ttl == "*" else int(ttl)
        if head == "records":
            found = [strings(word) for word in records]
            return self.give("txt", id, now, record(records=found, ttl=seconds))
        return self.give("txt", id, now, Variant(head, seconds if head == "no-records" else None))

    def https(self, id: str, now: str, head: str, *words: str) -> str:
        if head != "reply":
            return self.give("https", id, now, WEB_PKI.get(head, head))
        status, content_type, body = words
        reply = record(status=int(status), body=octets(body),
                       content_type=None if content_type == "*" else text(content_type))
        return self.give("https", id, now, reply)

    def give(self, kind: str, id: str, now: str, answer: Any) -> str:
        try:
            self.of_lookup(kind, int(id), int(now), answer)
        except EngineError as error:
            return f"refused {error.kind}"
        return "ok"

    def of_lookup(self, name: str, *arguments: Any) -> Any:
        return self.component.call("lookups", f"[method]lookup.{name}", self.machine, *arguments)

    # Its outcome.

    def keep(self, outcome: ResourceAny) -> None:
        self.component.drop(self.last)
        self.last = outcome

    def of_outcome(self, name: str, *arguments: Any) -> Any:
        return self.component.call("lookups", f"[method]outcome.{name}", self.last, *arguments)

    def outcome(self) -> str:
        get, policy = self.of_outcome, self.of_outcome("policy")
        mode, max_age, mx = None, None, []
        if policy is not None:
            mode, max_age, mx = (self.of_policy(policy, name) for name in ("mode", "max-age", "mx"))
            self.component.drop(policy)
        facts = [get("basis"), reason(get("reason")), get("result-type"),
                 truth(get("is-changed")), truth(get("is-try-later")), mode, get("id"), max_age,
                 get("fetched-at"), get("expires-at")]
        return " ".join(["outcome", *map(maybe, facts), *map(hexed, mx)])

    def stored(self) -> str:
        return f"stored {hexed(self.of_outcome('stored'))}"

    def verdict(self, mx_host: str, tls: str, certificate: str, dane: str, secure: str) -> str:
        session = record(mx_host=text(mx_host), dane=dane, mx_secure=secure == "secure",
                         tls=Variant(tls, certificate if tls == "established" else None))
        found = self.of_outcome("verdict", session)
        return f"verdict {found.action} {maybe(found.result)} {maybe(found.cause)}"

    def again(self) -> str:
        machine = self.of_outcome("look-again", self.config)
        self.component.drop(self.machine)
        self.machine = machine
        return "ok"

    # What Postfix reads.

    def postfix(self, dane: str, version: str, level: str) -> str:
        style = record(version=POSTFIX[version], level=None if level == "*" else level)
        found = self.component.call("postfix", "policy", self.last, dane, style)
        head = "policy" if found.tag == "value" else found.tag
        return f"postfix {head} {hexed(found.payload or '')}"

    def next_hop(self, key: str) -> str:
        name = self.component.call("postfix", "next-hop", text(key))
        return f"next-hop {'*' if name is None else hexed(name)}"

    def netstrings(self, word: str, limit: str) -> str:
        rest, payloads, found = octets(word), [], None
        while True:
            found = self.component.call("postfix", "read-netstring", rest, min(int(limit), U32))
            if not isinstance(found, Record):
                break
            payloads.append(hexed(found.payload))
            rest = rest[found.length:]
        return " ".join(["netstrings", maybe(found), str(len(rest)), *payloads])

    def framed(self, payload: str) -> str:
        return f"framed {hexed(self.component.call('postfix', 'write-netstring', octets(payload)))}"


def invalid(error: EngineError) -> str:
    return f"invalid {error.kind} {error.line} {error.column}"


def reason(variant: Variant | None) -> str | None:
    """`status` with its number is `status-404`."""
    if variant is None:
        return None
    word = {wit: word for word, wit in WEB_PKI.items()}.get(variant.tag, variant.tag)
    return word if variant.payload is None else f"{word}-{variant.payload}"


def main() -> None:
    surface = Surface(Component(sys.argv[1]))
    for line in sys.stdin:
        print(surface.answer(line), flush=True)


if __name__ == "__main__":
    main()
