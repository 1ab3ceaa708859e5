#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Audits the MTA-STS policies of a list of domains: a row of CSV for each, and a bar that tells how
far it is.

    audit.py [--in-flight 500] [DOMAINS.txt] > audit.csv

Domains come a line each, from a file or standard input; `#` begins a comment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields

import mtasts

#: A look-up needs about eight while it is under way.
DESCRIPTORS = 10
#: Seconds between the first look-ups: a burst overflows a resolver's buffer, and each question that
#: is lost is asked anew after seconds.
APART = 0.003


@dataclass(frozen=True)
class Row:
    """What was found of a domain."""

    domain: str
    mode: str = ""
    max_age: str = ""
    mx: str = ""
    reason: str = ""
    result: str = ""
    remarks: str = ""


def row_of(outcome: mtasts.Outcome) -> Row:
    """An outcome in a row."""
    policy = outcome.policy
    reason, result = str(outcome.reason or ""), str(outcome.result or "")
    if policy is None:
        return Row(outcome.domain, reason=reason, result=result, remarks=outcome.explanation)
    # The policy of an outcome has no warnings; its text has.
    warnings = mtasts.Policy.parse(policy.text).warnings
    remarks = "; ".join(map(str, warnings))
    mx = " ".join(policy.mx)
    return Row(outcome.domain, policy.mode, str(policy.max_age), mx, reason, result, remarks)


async def look_up(domain: str, host: mtasts.DefaultHost, threads: ThreadPoolExecutor) -> Row:
    """The row of a domain."""
    try:
        return row_of(await mtasts.aio.resolve(domain, host, executor=threads))
    except mtasts.Error as error:
        return Row(domain, reason=error.kind, remarks=str(error))


async def audit_all(
    domains: Iterable[str],
    host: mtasts.DefaultHost,
    threads: ThreadPoolExecutor,
    in_flight: int,
    progress: Callable[[int], None],
) -> list[Row]:
    """Rows in the order of the domains. As one look-up ends, the next begins."""
    rows: dict[int, Row] = {}
    queue = enumerate(domains)

    async def worker(delay: float) -> None:
        await asyncio.sleep(delay)
        for number, domain in queue:
            rows[number] = await look_up(domain, host, threads)
            progress(len(rows))

    await asyncio.gather(*(worker(begun * APART) for begun in range(in_flight)))
    return [rows[number] for number in sorted(rows)]


def audit(
    domains: Iterable[str],
    host: mtasts.DefaultHost,
    in_flight: int,
    progress: Callable[[int], None],
) -> list[Row]:
    """Audits domains.

    Args:
        in_flight: how many look-ups are under way at a time.
        progress: is told how many domains are done.
    """
    allow_descriptors(in_flight * DESCRIPTORS)
    with ThreadPoolExecutor(in_flight) as threads:
        return asyncio.run(audit_all(domains, host, threads, in_flight, progress))


def allow_descriptors(count: int) -> None:
    """Raises the soft limit of descriptors as far as need be and may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 256
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def bar(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if somebody is looking."""
    shown = -1

    def show(done: int) -> None:
        nonlocal shown
        tenths = done * 1000 // max(total, 1)
        if sys.stderr.isatty() and tenths != shown:
            shown = tenths
            filled = "#" * (tenths // 25)
            print(f"\r[{filled:<40}] {done}/{total}", end="", file=sys.stderr, flush=True)

    show(0)
    yield show
    if sys.stderr.isatty():
        print(file=sys.stderr)


def read(lines: Iterable[str]) -> list[str]:
    """The domains of a file."""
    names = (line.partition("#")[0].strip() for line in lines)
    return [name for name in names if name]


def main() -> int:
    """Reads, asks, prints."""
    parser = argparse.ArgumentParser(description="audit the MTA-STS policies of a list of domains")
    say = parser.add_argument
    say("file", nargs="?", type=argparse.FileType(), default=sys.stdin)
    say("--in-flight", type=int, default=500, metavar="N", help="look-ups at a time [500]")
    say("--nameserver", action="append", default=[], metavar="ADDRESS")
    say("--ca-file", metavar="FILE")
    say("--https-port", type=int, default=443, metavar="PORT", help="for tests")
    say("--allow-non-global", action="store_true", help="for tests")
    given = parser.parse_args()
    domains = read(given.file)
    with (
        mtasts.DefaultHost(
            nameservers=given.nameserver,
            ca_file=given.ca_file,
            https_port=given.https_port,
            allow_non_global=given.allow_non_global,
        ) as host,
        bar(len(domains)) as progress,
    ):
        rows = audit(domains, host, given.in_flight, progress)
    writer = csv.writer(sys.stdout)
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(map(astuple, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
