#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sends a message by SMTP to the recipients' own mail hosts, and honours MTA-STS. Needs aiosmtplib.

    sender.py --store /var/lib/mtasts me@here.example you@there.example < message

Exit status: 0 when all have it, 75 (EX_TEMPFAIL) when one is to be tried again later.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import ssl
import sys
from dataclasses import dataclass

import aiosmtplib

import mtasts
from mtasts import Action, Session


@dataclass
class Network:
    """The default host, and what tests change."""

    host: mtasts.DefaultHost
    context: ssl.SSLContext
    """For domains that enforce a policy: it refuses what is no good for them."""
    port: int = 25


@dataclass(frozen=True)
class Report:
    """What became of a message for a domain."""

    delivered_to: str = ""
    why: str = ""


async def deliver(network: Network, sender: str, recipient: str, message: bytes) -> Report:
    """Tries the MX hosts of the recipient's domain in turn."""
    domain = recipient.rpartition("@")[2]
    try:
        outcome = await mtasts.aio.resolve(domain, network.host)
    except mtasts.AddressLiteralError:
        return Report(why="this example sends to domains only")
    except mtasts.Error as error:
        # It is not known whether there is a policy, so the mail waits.
        return Report(why=str(error))
    try:
        mx = await asyncio.to_thread(network.host.mx, outcome.domain)
    except mtasts.DnsError as error:
        return Report(why=str(error))
    why = "the domain takes no mail"
    for entry in mx.hosts:
        why = await attempt(network, outcome, entry.host, (sender, recipient, message))
        if not why:
            return Report(delivered_to=entry.host)
    return Report(why=why)


async def attempt(
    network: Network, outcome: mtasts.Outcome, mx: str, mail: tuple[str, str, bytes]
) -> str:
    """Tries one MX host. What is wrong; nothing if it has taken the message."""
    before = outcome.verdict(mx)
    if before.action is not Action.DELIVER:
        return f"{mx}: {before.text}"
    try:
        address = (await asyncio.to_thread(network.host.addresses, mx))[0]
        client = aiosmtplib.SMTP(hostname=address, port=network.port, start_tls=False, timeout=60)
        async with client:
            session = await start_tls(client, mx, context_for(network, outcome))
            verdict = outcome.verdict(session)
            if verdict.action is not Action.DELIVER:
                return f"{mx}: {verdict.text}"
            sender, recipient, message = mail
            await client.sendmail(sender, [recipient], message)
            return ""
    except (aiosmtplib.SMTPException, mtasts.DnsError, OSError) as error:
        return f"{mx}: {error}"


def context_for(network: Network, outcome: mtasts.Outcome) -> ssl.SSLContext:
    """Where no policy is enforced, any TLS is better than none."""
    if outcome.policy is not None and outcome.policy.mode is mtasts.Mode.ENFORCE:
        return network.context
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def start_tls(client: aiosmtplib.SMTP, mx: str, context: ssl.SSLContext) -> Session:
    """STARTTLS, if the host has it, and what came of it."""
    await client.ehlo()
    if not client.supports_extension("starttls"):
        return mtasts.session_of(mx, None)
    try:
        # The name in the MX record, for SNI and for the certificate.
        await client.starttls(server_hostname=mx, tls_context=context)
    except (aiosmtplib.SMTPException, OSError) as error:
        return mtasts.session_of_error(mx, error.__cause__ or error)
    assert client.transport is not None
    return mtasts.session_of(mx, client.transport.get_extra_info("ssl_object"))


async def send_all(network: Network, given: argparse.Namespace, message: bytes) -> int:
    """Sends to each recipient, and gives the exit status."""
    sends = (deliver(network, given.sender, to, message) for to in given.recipient)
    reports = await asyncio.gather(*sends)
    for recipient, report in zip(given.recipient, reports):
        what = f"delivered to {report.delivered_to}" if report.delivered_to else report.why
        print(f"{recipient}: {what}")
    return 0 if all(report.delivered_to for report in reports) else os.EX_TEMPFAIL


def main() -> int:
    """Reads the message and sends it."""
    parser = argparse.ArgumentParser(description="send a message, and honour MTA-STS")
    say = parser.add_argument
    say("sender")
    say("recipient", nargs="+")
    say("--store", metavar="FOLDER", help="the policy store, which mail software here shares")
    say("--nameserver", action="append", default=[], metavar="ADDRESS")
    say("--ca-file", metavar="FILE")
    say("--port", type=int, default=25)
    say("--https-port", type=int, default=443, metavar="PORT", help="for tests")
    say("--allow-non-global", action="store_true", help="for tests")
    given = parser.parse_args()
    with mtasts.DefaultHost(
        store=given.store,
        nameservers=given.nameserver,
        ca_file=given.ca_file,
        https_port=given.https_port,
        allow_non_global=given.allow_non_global,
    ) as host:
        network = Network(host, mtasts.tls_context(given.ca_file), given.port)
        return asyncio.run(send_all(network, given, sys.stdin.buffer.read()))


if __name__ == "__main__":
    sys.exit(main())
