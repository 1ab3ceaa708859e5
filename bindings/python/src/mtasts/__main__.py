# SPDX-License-Identifier: MIT OR Apache-2.0
"""`python -m mtasts example.com`: which policy domains have, and what it means for their MX hosts.

Exit status: 0 when the answers are there, be it that a domain has no policy; 1 when one cannot be
had for now; 2 for misuse."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence

from . import __version__, library_version
from .errors import AddressLiteralError, DnsError, Error
from .host import DefaultHost, MxHosts
from .outcome import Outcome
from .words import Mode

_UNKNOWN = ("dns-temporary", "local-failure", "store-failed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Looks domains up and prints what was found."""
    given = _parser().parse_args(arguments)
    try:
        host = DefaultHost(
            store=given.store,
            local_policies=given.local_policies,
            nameservers=given.nameserver,
            ca_file=given.ca_file,
            https_port=given.https_port,
            allow_non_global=given.allow_non_global,
        )
    except (Error, ImportError) as error:
        print(f"mtasts: {error}", file=sys.stderr)
        return 2
    with host:
        return max([_show(domain, host, given.json) for domain in given.domain])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mtasts", description=str(__doc__).partition(":")[2].strip()
    )
    say = parser.add_argument
    say("domain", nargs="+", help="of a recipient's address; internationalised names are converted")
    say("--json", action="store_true", help="print a line of JSON for each domain")
    say("--store", metavar="FOLDER", help="the policy store, which mail software here shares")
    say("--local-policies", metavar="FOLDER", help="the operator's own policies, DOMAIN.txt each")
    say("--nameserver", metavar="ADDRESS", action="append", default=[], help="may be repeated")
    say("--ca-file", metavar="FILE", help="PEM certificates to trust instead of the system's")
    say("--https-port", metavar="PORT", type=int, default=443, help="of policy hosts, for tests")
    say("--allow-non-global", action="store_true", help="connect to any address, for tests")
    version = f"mtasts {__version__}, libmtasts {library_version}"
    say("--version", action="version", version=version)
    return parser


def _show(domain: str, host: DefaultHost, as_json: bool) -> int:
    """Prints one domain, and gives the exit status."""
    try:
        outcome = host.resolve(domain)
    except AddressLiteralError as error:
        print(json.dumps({"domain": domain, "error": error.kind}) if as_json else str(error))
        return 0
    except Error as error:
        print(f"mtasts: {error}", file=sys.stderr)
        return 2
    try:
        mx: MxHosts | None = host.mx(outcome.domain)
    except DnsError:
        mx = None
    print(json.dumps(_facts(outcome, mx)) if as_json else "\n".join(_lines(outcome, mx)))
    return int(mx is None or _is_unknown(outcome))


def _is_unknown(outcome: Outcome) -> bool:
    """Whether another try may show a policy that this one could not see."""
    return outcome.policy is None and outcome.reason in _UNKNOWN


def _facts(outcome: Outcome, mx: MxHosts | None) -> dict[str, object]:
    policy = outcome.policy
    return {
        "domain": outcome.domain,
        "basis": outcome.basis,
        "reason": outcome.reason,
        "result": outcome.result,
        "explanation": outcome.explanation,
        "id": outcome.id,
        "expires_at": outcome.expires_at,
        "policy": policy
        and {"mode": policy.mode, "max_age": policy.max_age, "mx": list(policy.mx)},
        "mx": None if mx is None else [_verdict(outcome, entry.host) for entry in mx.hosts],
    }


def _verdict(outcome: Outcome, host: str) -> dict[str, object]:
    verdict = outcome.verdict(host)
    return {
        "host": host,
        "action": verdict.action,
        "result": verdict.result,
        "cause": verdict.cause,
    }


def _lines(outcome: Outcome, mx: MxHosts | None) -> Iterable[str]:
    yield outcome.domain
    policy = outcome.policy
    if policy is None:
        what = "unknown" if _is_unknown(outcome) else "no policy"
        yield f"  policy  {what}: {outcome.explanation}"
    else:
        yield f"  policy  {policy.mode}, max_age {policy.max_age}, mx {' '.join(policy.mx)}"
        yield f"  basis   {_basis(outcome)}"
        if outcome.explanation:
            yield f"          no newer one: {outcome.explanation}"
    if mx is None:
        yield "  mx      cannot be looked up for now"
    elif not mx.hosts:
        yield "  mx      none: the domain takes no mail"
    else:
        yield from (f"  mx      {_host_line(outcome, entry.host)}" for entry in mx.hosts)


def _basis(outcome: Outcome) -> str:
    if outcome.expires_at is None:
        return f"{outcome.basis}, whatever the domain publishes"
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(outcome.expires_at))
    return f"{outcome.basis}, id {outcome.id}, until {until}"


def _host_line(outcome: Outcome, host: str) -> str:
    verdict, policy = outcome.verdict(host), outcome.policy
    what = verdict.text
    if not what and policy is not None and policy.mode is Mode.ENFORCE:
        what = "over TLS only, with a valid certificate for this name"
    elif not what:
        what = "as without a policy"
    elif policy is not None and policy.mode is Mode.TESTING:
        what = f"and report: {what}"
    return f"{host}: {verdict.action}: {what}"


if __name__ == "__main__":
    sys.exit(main())
