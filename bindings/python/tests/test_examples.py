# SPDX-License-Identifier: MIT OR Apache-2.0
"""The examples, run as a person would, against the lab: R-APPLY-1, R-FLOW-1."""

from __future__ import annotations

import csv
import pathlib
import subprocess
import sys

import pytest
from lab import Lab

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
MESSAGE = "From: me@here.example\nSubject: hello\n\nHello.\n"


def run(lab: Lab, example: str, *arguments: str, text: str) -> subprocess.CompletedProcess[str]:
    network = [
        *("--nameserver", lab.nameserver, "--ca-file", lab.ca_file),
        *("--https-port", str(lab.about["https_port"]), "--allow-non-global"),
    ]
    command = [sys.executable, str(EXAMPLES / example), *arguments, *network]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def send(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("aiosmtplib")
    port = str(lab.about["smtp_port"])
    return run(lab, "sender.py", "--port", port, "me@here.example", *arguments, text=MESSAGE)


def test_r_apply_1_mail_goes_by_tls_to_a_listed_host(lab: Lab) -> None:
    done = send(lab, "you@good.example")
    assert done.stdout == "you@good.example: delivered to mx1.good.example\n", done.stderr
    assert done.returncode == 0
    (event,) = lab.ask("wait", "delivery", "1", "5000")
    assert (event["host"], event["tls"]) == ("mx1.good.example", True)


@pytest.mark.parametrize(
    ("smtp", "why"),
    [
        ("no-starttls", "the MX host offers no STARTTLS"),
        ("starttls-refused", "no TLS session came of it"),
        ("wrong-name", "the MX host's certificate is for another name"),
        ("expired", "the MX host's certificate has expired or is not valid yet"),
        ("self-signed", "the MX host's certificate has no trusted issuer"),
    ],
)
def test_r_apply_1_mail_waits_rather_than_go_to_a_bad_host(lab: Lab, smtp: str, why: str) -> None:
    lab.set("good.example", "mx=mx1.good.example")
    lab.set("mx1.good.example", f"smtp={smtp}")
    done = send(lab, "you@good.example")
    assert why in done.stdout and done.returncode == 75, done.stderr
    assert lab.count("delivery") == 0


def test_r_apply_1_the_next_host_gets_the_mail(lab: Lab) -> None:
    lab.set("mx1.good.example", "smtp=expired")
    assert "delivered to mx2.good.example" in send(lab, "you@good.example").stdout


def test_r_apply_1_testing_and_no_policy_stop_nothing(lab: Lab) -> None:
    lab.set("mx.testing.example", "smtp=self-signed")
    lab.set("mx.none.example", "smtp=no-starttls")
    done = send(lab, "a@testing.example", "b@none.example")
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.count("delivery") == 2


def test_r_flow_1_the_store_stops_an_attacker(lab: Lab, tmp_path: pathlib.Path) -> None:
    assert send(lab, "you@good.example", "--store", str(tmp_path)).returncode == 0
    lab.set("good.example", "record=gone", "mx=mx.evil.example")
    done = send(lab, "you@good.example", "--store", str(tmp_path))
    assert "mx.evil.example: the MX host is not listed in the policy" in done.stdout
    assert lab.count("delivery", "host=mx.evil.example") == 0


def test_an_audit(lab: Lab) -> None:
    lab.set("d7.load.example", "https=expired")
    names = [f"d{number}.load.example" for number in range(100)]
    text = "# a list\n" + "\n".join(names) + "\na_b.example # no domain\n"
    done = run(lab, "audit.py", text=text)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["domain"] for row in rows] == [*names, "a_b.example"], done.stderr
    assert {row["mode"] for row in rows[:7]} == {"enforce"}
    assert (rows[7]["mode"], rows[7]["reason"], rows[7]["result"]) == (
        *("", "webpki", "sts-webpki-invalid"),
    )
    assert rows[100]["reason"] == "host-name"


def test_500_look_ups_are_in_flight(lab: Lab) -> None:
    names = [f"d{number}.load.example" for number in range(500)]
    # None is answered before all are asked: else this would never end.
    for name in names:
        lab.set(name, "record=timeout")
    command = [sys.executable, str(EXAMPLES / "audit.py"), "--nameserver", lab.nameserver]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write("\n".join(names).encode())
        process.stdin.close()
        asked: set[str] = set()
        while len(asked) < 500 and process.poll() is None:
            events = lab.ask("events")
            asked = {event["name"] for event in events if event["kind"] == "dns"}
        running = process.poll() is None
        process.kill()
    assert running and len(asked) == 500
