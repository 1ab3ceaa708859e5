# SPDX-License-Identifier: MIT OR Apache-2.0
"""The default host, in the lab: R-FLOW-1, R-DOM-1, R-CERT-1, R-APPLY-2, R-APPLY-3, R-RPT-4."""

from __future__ import annotations

import logging
import pathlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from lab import Lab

import mtasts


def test_a_look_up_and_its_verdicts(lab: Lab, tmp_path: pathlib.Path) -> None:
    with lab.host(store=tmp_path) as host:
        outcome = host.resolve("Good.Example.")
        assert (outcome.basis, outcome.domain) == ("fresh", "good.example")
        mx = host.mx("good.example")
        assert [(entry.preference, entry.host) for entry in mx.hosts] == [
            (10, "mx1.good.example"),
            (50, "mx2.good.example"),
        ]
        assert not mx.is_implicit and not mx.is_secure
        for entry in mx.hosts:
            assert outcome.verdict(entry.host).action is mtasts.Action.DELIVER
        assert outcome.verdict("mx.evil.example").cause is mtasts.Cause.MX_NOT_LISTED
        assert mtasts.resolve("good.example", host).basis is mtasts.Basis.CACHED


def test_r_dom_1_internationalised_domains(lab: Lab) -> None:
    assert mtasts.domain_to_ascii("Bücher.Example.") == "xn--bcher-kva.example"
    with lab.host() as host:
        assert host.resolve("bücher.example").domain == "xn--bcher-kva.example"
        for wrong in ("bü_cher.example", "bücher\0.example", "a_b.example"):
            with pytest.raises(mtasts.DomainError):
                host.resolve(wrong)
        with pytest.raises(mtasts.AddressLiteralError):
            host.resolve("[192.0.2.1]")


def test_r_flow_1_the_store_outlasts_the_network(lab: Lab, tmp_path: pathlib.Path) -> None:
    with lab.host(store=tmp_path) as host:
        host.resolve("good.example")
    lab.set("good.example", "record=servfail", "https=expired", "ttl=0")
    with lab.host(store=tmp_path, dns_timeout=5) as host:
        outcome = host.resolve_again(host.resolve("good.example"))
        assert (outcome.basis, outcome.reason) == ("cached", "dns-temporary")


def test_the_store(lab: Lab, tmp_path: pathlib.Path) -> None:
    with lab.host(store=tmp_path) as host:
        assert host.domains() == []
        assert host.cached("good.example").policy is None
        host.resolve("good.example")
        host.resolve("none.example")
        asked = lab.count("*")
        assert host.domains() == ["good.example", "none.example"]
        assert host.cached("good.example").policy is not None
        assert host.forget("good.example") and not host.forget("good.example")
        assert host.domains() == ["none.example"]
        with pytest.raises(mtasts.AddressLiteralError):
            host.forget("[192.0.2.1]")
        assert lab.count("*") == asked


def test_r_apply_3_local_policies(lab: Lab, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "good.example.txt"
    file.write_text("version: STSv1\nmode: none\nmax_age: 1\n")
    with lab.host(local_policies=tmp_path) as host:
        assert host.resolve("good.example").basis is mtasts.Basis.LOCAL
        file.write_text("mode: none\n")
        with pytest.raises(mtasts.HostError) as caught:
            host.reread()
        assert caught.value.kind == "local-policies"
        file.unlink()
        host.reread()
        assert host.resolve("good.example").basis is mtasts.Basis.FRESH
    file.write_text("mode: none\n")
    with pytest.raises(mtasts.HostError, match=r"good\.example\.txt"):
        lab.host(local_policies=tmp_path)


def test_r_apply_2_dane(lab: Lab) -> None:
    with lab.host(dane=True) as host:
        dane = host.dane("mx.dane.example")
        assert dane.status is mtasts.Dane.USABLE and dane.server_name == "mx.dane.example"
        assert dane.check([b"no certificate"]) is mtasts.Dane.FAILED
        assert host.domain_dane("dane.example") is mtasts.DomainDane.USABLE
        assert host.mx("dane.example").is_secure
        assert host.dane("mx1.good.example").status is mtasts.Dane.NOT_USED


def test_dns_has_no_answer(lab: Lab) -> None:
    lab.set("good.example", "mxdns=servfail")
    with lab.host(dns_timeout=5) as host:
        asks: list[tuple[Callable[[str], object], str, str]] = [
            (host.mx, "good.example", "dns-temporary"),
            (host.addresses, "no.good.example", "no-records"),
            (host.tlsrpt_record, "none.example", "no-records"),
        ]
        for ask, name, kind in asks:
            with pytest.raises(mtasts.DnsError) as caught:
                ask(name)
            assert caught.value.kind == kind


def test_r_rpt_4_results_go_to_the_collector(lab: Lab, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "collector"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as collector:
        collector.bind(str(place))
        with lab.host(tlsrpt_socket=place) as host:
            record = host.tlsrpt_record("good.example")
            assert record.rua == ("mailto:r@good.example",)
            session = mtasts.Session("mx1.good.example", mtasts.Tls.NOT_OFFERED)
            datagram = host.resolve("good.example").tlsrpt_datagram(session, record)
            host.tlsrpt_send(datagram)
            assert collector.recv(65536) == datagram != b""
            place.unlink()
            with pytest.raises(mtasts.HostError) as caught:
                host.tlsrpt_send(datagram)
            assert caught.value.kind == "tlsrpt"


def test_r_cert_1_chains(lab: Lab) -> None:
    with lab.host() as host:
        assert host.verify([], "mx1.good.example") is mtasts.Certificate.INVALID
        assert host.verify([b"rubbish"], "mx1.good.example") is mtasts.Certificate.INVALID


def test_the_administrator_is_told(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.set("good.example", "https=expired")
    with caplog.at_level(logging.INFO, logger="mtasts"), lab.host() as host:
        assert host.resolve("good.example").reason is mtasts.Reason.WEBPKI
    assert any(record.levelno == logging.WARNING for record in caplog.records)
    assert "good.example" in caplog.text


def test_what_cannot_be_opened(lab: Lab, tmp_path: pathlib.Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"store": tmp_path / "missing"}, "store"),
        ({"ca_file": tmp_path / "missing"}, "ca-file"),
        ({"nameservers": ["not an address"]}, "resolver"),
        ({"store": "a\0b"}, "argument"),
    ]
    for options, kind in cases:
        with pytest.raises(mtasts.Error) as caught:
            lab.host(**options)
        assert caught.value.kind == kind


def test_one_address_is_no_list_of_name_servers() -> None:
    with pytest.raises(TypeError):
        mtasts.DefaultHost(nameservers="192.0.2.1")


def test_a_closed_host_says_so(lab: Lab) -> None:
    host = lab.host()
    host.close()
    host.close()
    with pytest.raises(mtasts.ClosedError) as caught:
        host.resolve("good.example")
    assert caught.value.kind == "closed"


@pytest.mark.parametrize("option", [{"dns_timeout": 0}, {"https_port": 65979}, {"https_port": 0}])
def test_an_option_that_does_not_fit_is_not_cut_off(option: dict[str, Any]) -> None:
    with pytest.raises(mtasts.Error) as caught:
        mtasts.DefaultHost(**option)
    assert caught.value.kind == "argument"
