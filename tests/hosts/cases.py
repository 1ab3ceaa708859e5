# SPDX-License-Identifier: MIT OR Apache-2.0
"""What every host must do, as data: the part of the lab's scene, what is sent, and what becomes of
it. Cases have domains of their own, so that all of them run at once. Every mail waits that cannot
go as the policy says: a host may never return it (RFC 8461 §5)."""

from __future__ import annotations

from model import (Action, Case, Fate, Refresh, Report, Round, Set, Start, Stop, Table, bounced,
                   deferred, domain, host, opportunistic, record, verified)


def one(name: str, fate: Fate, *scene: Table, doc: str = "", needs: tuple[str, ...] = (),
        report: Report | None = None) -> Case:
    """One mail to NAME.example, which is the first domain of the scene."""
    return Case(name, scene, (Round((), ({f"{name}.example": fate},)),), doc, needs, report=report)


def twice(name: str, first: Fate, then: tuple[Action, ...], second: Fate, *scene: Table,
          doc: str = "") -> Case:
    """A mail to NAME.example, then another when something has changed."""
    to = f"{name}.example"
    return Case(name, scene, (Round((), ({to: first},)), Round(then, ({to: second},))), doc)


def faulty(name: str, fault: str, why: str, doc: str, reported: str) -> Case:
    """A policy is enforced, and its only MX host is wrong."""
    mx = f"mx.{name}.example"
    return one(name, deferred(why), domain(f"{name}.example"), host(mx, fault), doc=doc,
               report=Report("sts", reported, "enforce", (mx,), is_failure=True))


def cached(name: str, doc: str, *then: Action) -> Case:
    """An attacker who has the MX host and blocks the policy meets what is cached."""
    to = f"{name}.example"
    attack = Set(f"mx.{name}.example", "smtp=untrusted")
    return twice(name, verified(f"mx.{to}"), (attack, *then, Refresh(to)), deferred("unverified"),
                 domain(to), doc=doc)


# R-APPLY-1, R-CERT-1, R-MX-1.
ENFORCED = (
    one("good", verified("mx.good.example"), domain("good.example"),
        doc="enforced, and all is well",
        report=Report("sts", "", "enforce", ("mx.good.example",))),
    faulty("wrong-name", "wrong-name", "unverified", "a certificate for another name",
           "certificate-host-mismatch"),
    faulty("expired", "expired", "unverified", "an expired certificate", "certificate-expired"),
    faulty("untrusted", "untrusted", "unverified", "a certificate of a CA that is not trusted",
           "certificate-not-trusted"),
    faulty("self-signed", "self-signed", "unverified", "a certificate that vouches for itself",
           "certificate-not-trusted"),
    faulty("no-starttls", "no-starttls", "no-tls", "no STARTTLS", "starttls-not-supported"),
    faulty("tls-fails", "garbage-after-starttls", "tls-failed", "STARTTLS, and then no TLS",
           "validation-failure"),
    one("fallover", verified("mx2.fallover.example"),
        domain("fallover.example", mx=["mx1.fallover.example", "mx2.fallover.example"],
               policy_mx=["mx2.fallover.example"]),
        doc="the policy does not list the first MX host, but the second",
        report=Report("sts", "validation-failure", "enforce", ("mx2.fallover.example",),
                      is_failure=True, successes=1, needs=("routed",))),
    one("repaired", verified("mx2.repaired.example"),
        domain("repaired.example", mx=["mx1.repaired.example", "mx2.repaired.example"]),
        host("mx1.repaired.example", "expired"),
        doc="the first MX host has a bad certificate, the second a good one",
        report=Report("sts", "certificate-expired", "enforce",
                      ("mx1.repaired.example", "mx2.repaired.example"), is_failure=True,
                      successes=1)),
    one("equal", verified("good.equal.example"),
        domain("equal.example", mx=["evil.elsewhere.example:10", "bad.equal.example:10",
                                    "good.equal.example:10", "last.equal.example:20"],
               policy_mx=["*.equal.example"]),
        host("bad.equal.example", "untrusted"),
        doc="MX hosts of equal preference: one is not listed, one has a bad certificate"),
    one("half-dead", verified("mx2.half-dead.example"),
        domain("half-dead.example", mx=["mx1.half-dead.example", "mx2.half-dead.example"]),
        host("mx1.half-dead.example", hostdns="servfail"),
        doc="the first MX host's address cannot be looked up"),
    one("own-address", deferred("own-address"),
        domain("own-address.example", mx=["mx.elsewhere-own.example"],
               policy_mx=["mx.own-address.example"]),
        record("own-address.example", "MX", "10 mx.own-address.example"),
        record("mx.own-address.example", "A", "127.0.0.1"), needs=("routed",),
        doc="the MX host's address is the sender's own: nothing is frozen"),
    one("alias", deferred("unverified"),
        domain("alias.example", mx=["mx.aliased.example"], policy_mx=["mx.alias.example"]),
        record("alias.example", "MX", "10 mx.alias.example"),
        record("mx.alias.example", "CNAME", "mx.aliased.example"),
        doc="the MX record names an alias: a certificate for what it stands for is none for it"),
    one("unlisted", deferred("unlisted"),
        domain("unlisted.example", policy_mx=["mx.elsewhere.example"]),
        doc="the policy lists none of the MX hosts",
        report=Report("sts", "validation-failure", "enforce", ("mx.elsewhere.example",),
                      is_failure=True, needs=("routed",))),
    one("wildcard", verified("mx1.wildcard.example"),
        domain("wildcard.example", mx=["mx1.wildcard.example"], policy_mx=["*.wildcard.example"]),
        doc="a pattern, and a host one label below it",
        report=Report("sts", "", "enforce", ("*.wildcard.example",))),
    one("wildcard-cert", verified("mx.wildcard-cert.example"), domain("wildcard-cert.example"),
        host("mx.wildcard-cert.example", "wildcard"), doc="a wildcard certificate"),
    one("wildcard-deep", deferred("unlisted"),
        domain("wildcard-deep.example", mx=["a.b.wildcard-deep.example"],
               policy_mx=["*.wildcard-deep.example"]),
        needs=("patterns",), doc="a pattern, and a host two labels below it: no match"),
    one("wildcard-loose", verified("a.b.wildcard-loose.example"),
        domain("wildcard-loose.example", mx=["a.b.wildcard-loose.example"],
               policy_mx=["*.wildcard-loose.example"]),
        needs=("loose-patterns",), doc="the same, where patterns match any number of labels"),
)

# R-APPLY-1, R-FLOW-2, and of failed fetches R-RPT-5.
NOT_ENFORCED = (
    one("testing", opportunistic("mx.testing.example"),
        domain("testing.example", policy="testing"), host("mx.testing.example", "untrusted"),
        doc="mode testing: a bad certificate keeps no mail back",
        report=Report("sts", "certificate-not-trusted", "testing", ("mx.testing.example",),
                      is_failure=True)),
    one("testing-name", opportunistic("mx.testing-name.example"),
        domain("testing-name.example", policy="testing"),
        host("mx.testing-name.example", "wrong-name"),
        doc="mode testing: nor does one for another name",
        report=Report("sts", "certificate-host-mismatch", "testing",
                      ("mx.testing-name.example",), is_failure=True, needs=("module",))),
    one("testing-unlisted", opportunistic("mx.testing-unlisted.example"),
        domain("testing-unlisted.example", policy="testing", policy_mx=["mx.elsewhere.example"]),
        doc="mode testing: nor does a host that is not listed",
        report=Report("sts", "validation-failure", "testing", ("mx.elsewhere.example",),
                      is_failure=True, needs=("routed",))),
    one("mode-none", opportunistic("mx.mode-none.example"),
        domain("mode-none.example", policy="none"), host("mx.mode-none.example", "untrusted"),
        doc="mode none"),
    one("no-policy", opportunistic("mx.no-policy.example"),
        domain("no-policy.example", id="", policy=""), host("mx.no-policy.example", "untrusted"),
        doc="no record, no policy",
        report=Report("no-policy-found", "validation-failure")),
    one("no-policy-clear", opportunistic("mx.no-policy-clear.example", tls=False),
        domain("no-policy-clear.example", id="", policy=""),
        host("mx.no-policy-clear.example", "no-starttls"), doc="no policy, and no STARTTLS either",
        report=Report("no-policy-found", "starttls-not-supported", is_failure=True,
                      needs=("module",))),
    one("policy-host-down", opportunistic("mx.policy-host-down.example"),
        domain("policy-host-down.example", https="refused"),
        host("mx.policy-host-down.example", "untrusted"),
        doc="the policy host is down and nothing is cached",
        report=Report("sts", "sts-policy-fetch-error")),
    one("policy-host-cert", opportunistic("mx.policy-host-cert.example"),
        domain("policy-host-cert.example", https="wrong-name"),
        host("mx.policy-host-cert.example", "untrusted"),
        doc="the policy host's certificate is bad and nothing is cached",
        report=Report("sts", "sts-webpki-invalid")),
    one("null-mx", bounced(), domain("null-mx.example", mxdns="null"), needs=("own-mx",),
        doc="a null MX is for the host to understand"),
    one("null-mx-forged", deferred("null-mx"), domain("null-mx-forged.example", mxdns="null"),
        needs=("routed",), doc="a null MX that the policy does not allow: nothing is returned"),
    one("null-mx-alone", bounced(),
        domain("null-mx-alone.example", mxdns="null", id="", policy=""),
        doc="a null MX and no policy"),
)

# R-FLOW-1.
CACHED = (
    cached("cached", "the policy host goes down: the cached policy stays",
           Set("cached.example", "https=refused")),
    cached("suppressed", "the record vanishes: the cached policy stays",
           Set("suppressed.example", "record=gone")),
    cached("servfail", "DNS fails: the cached policy stays",
           Set("servfail.example", "record=servfail policydns=servfail")),
    twice("retired", deferred("unverified"),
          (Set("retired.example", "policy=none id=2"), Refresh("retired.example")),
          opportunistic("mx.retired.example"), domain("retired.example"),
          host("mx.retired.example", "untrusted"),
          doc="the policy is replaced by one of mode none"),
    twice("moved", deferred("unlisted"),
          (Set("moved.example", "policy_mx=mx.moved.example id=2"), Refresh("moved.example")),
          verified("mx.moved.example"),
          domain("moved.example", policy_mx=["mx.old.example"]),
          doc="the id changes, and the new policy lists the host"),
)

# R-APPLY-2.
DANE = (
    one("dane-over-sts", verified("mx.dane-over-sts.example"),
        domain("dane-over-sts.example", secure=True),
        host("mx.dane-over-sts.example", "untrusted", tlsa="match", hostsecure=True),
        needs=("dane",), doc="TLSA records that match, where MTA-STS would refuse",
        report=Report("tlsa")),
    one("dane-fails", deferred("unverified"), domain("dane-fails.example", secure=True),
        host("mx.dane-fails.example", tlsa="mismatch", hostsecure=True),
        needs=("dane",), doc="TLSA records that do not match, where MTA-STS would agree"),
    one("dane-alone", verified("mx.dane-alone.example"),
        domain("dane-alone.example", secure=True, id="", policy=""),
        host("mx.dane-alone.example", "untrusted", tlsa="match", hostsecure=True),
        needs=("dane",), doc="TLSA records and no policy"),
)


def sharing(name: str, mx: list[str] | None = None, **keys: object) -> Table:
    """A domain whose MX host others have too."""
    return domain(f"several-{name}.example", mx=mx or ["mx.shared.example"], **keys)


# R-APPLY-5.
OTHERS = (
    Case("several",
         (sharing("a"), sharing("b", policy_mx=["mx.b.example"]), sharing("c", id="", policy=""),
          sharing("d", policy_mx=["*.shared.example"])),
         (Round((), ({"several-a.example": verified("mx.shared.example"),
                      "several-b.example": deferred("unlisted"),
                      "several-c.example": opportunistic("mx.shared.example"),
                      "several-d.example": verified("mx.shared.example")},)),),
         "one mail to domains that share an MX host, not all of which list it"),
    Case("at-once",
         (sharing("g"), sharing("h", policy_mx=["mx.h.example"]), sharing("i"),
          sharing("j", id="", policy="")),
         (Round((), ({"several-g.example": verified("mx.shared.example")},
                     {"several-h.example": deferred("unlisted")},
                     {"several-i.example": verified("mx.shared.example")},
                     {"several-j.example": opportunistic("mx.shared.example")})),),
         "mails at once to domains that share an MX host: none goes by another's session"),
    Case("neighbour", (sharing("e", ["mx.worse.example"]), sharing("f", ["mx.worse.example"],
                                                                   id="", policy=""),
                       host("mx.worse.example", "untrusted")),
         (Round((), ({"several-e.example": deferred("unverified")},)),
          Round((), ({"several-f.example": opportunistic("mx.worse.example")},))),
         "a policy keeps mail from an MX host: not that of other domains"),
    Case("server-down",
         (domain("server-down.example"), domain("server-down-too.example", id="", policy="")),
         (Round((Stop(),), ({"server-down.example": deferred("no-answer"),
                             "server-down-too.example": deferred("no-answer")},)),
          Round((Start(),), ({"server-down.example": verified("mx.server-down.example")},))),
         "the policy server is down: all mail waits, until it is back", ("server",), is_alone=True),
    Case("module-faults",
         (domain("faults.example"), domain("faults-free.example", id="", policy="")), (),
         "the module crashes, panics, is missing, has no store or a bad one: all mail waits",
         ("module",), check="faults"),
    Case("table-down",
         (domain("table-down.example"), domain("table-down-too.example", id="", policy="")),
         (Round((Stop(),), ({"table-down.example": deferred("no-answer"),
                             "table-down-too.example": deferred("no-answer")},)),
          Round((Start(),), ({"table-down.example": verified("mx.table-down.example")},))),
         "the lookup table has lost its store: all mail waits, until it is back", ("table",),
         is_alone=True),
    Case("table-answers",
         (domain("table.example"), domain("table-testing.example", policy="testing"),
          domain("table-failing.example", mxdns="servfail")), (),
         "what the lookup table answers for keys of all forms", ("table",), check="answers"),
    Case("table-settings", (domain("settings.example"), domain("settings-too.example"),
                            domain("settings-testing.example", policy="testing")), (),
         "the lookup table heeds its settings, and refuses what it does not know", ("table",),
         check="settings"),
)

CASES = (*ENFORCED, *NOT_ENFORCED, *CACHED, *DANE, *OTHERS)
