// SPDX-License-Identifier: MIT OR Apache-2.0
//! The policy hosts serve policies, and fail as they are told.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use common::{LIMIT, address, connect, fetch, get, https_connect, lab};

const HOST: &str = "mta-sts.good.example";

#[test]
fn serves_the_policy() {
    let lab = lab();
    let reply = fetch(&lab, "good.example").unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain"),
        "{head}"
    );
    let policy = "version: STSv1\r\nmode: enforce\r\nmx: *.good.example\r\nmax_age: 604800\r\n";
    assert_eq!(body, policy);
    let event = &lab
        .wait("https", 1, LIMIT, "host=mta-sts.good.example")
        .unwrap()[0];
    assert_eq!(event["path"], "/.well-known/mta-sts.txt");
    assert_eq!(event["sni"], HOST);
    assert_eq!(event["status"], 200);
    assert_eq!(event["agent"], "test");
}

#[test]
fn bulk_domains_have_policies_and_share_a_mail_host() {
    let lab = lab();
    assert!(
        fetch(&lab, "d2.load.example")
            .unwrap()
            .contains("mx: mx.load.example\r\n")
    );
    assert!(address(&lab, "mx.load.example").is_loopback());
}

#[test]
fn the_policy_can_be_anything() {
    let lab = lab();
    lab.set(
        "good.example",
        "policy=testing max_age=9 policy_mx=a.example,b.example",
    )
    .unwrap();
    let reply = fetch(&lab, "good.example").unwrap();
    assert!(reply.ends_with("mode: testing\r\nmx: a.example\r\nmx: b.example\r\nmax_age: 9\r\n"));
    lab.set(
        "good.example",
        r#"policy_text="version: STSv1\nmode: none" type=text/html"#,
    )
    .unwrap();
    let reply = fetch(&lab, "good.example").unwrap();
    assert!(reply.ends_with("\r\n\r\nversion: STSv1\nmode: none"));
    assert!(reply.contains("Content-Type: text/html\r\n"));
    lab.set("good.example", "pad=65536 status=203").unwrap();
    let reply = fetch(&lab, "good.example").unwrap();
    assert_eq!(reply.split_once("\r\n\r\n").unwrap().1.len(), 65_536);
    assert!(reply.starts_with("HTTP/1.1 203 "));
}

#[test]
fn the_reply_fails_as_told() {
    let lab = lab();
    for (fault, start, within) in [
        (
            "redirect",
            "HTTP/1.1 301 ",
            "Location: https://mta-sts.redirect.test:",
        ),
        ("notfound", "HTTP/1.1 404 ", "not found"),
        ("error500", "HTTP/1.1 500 ", "out of order"),
        ("html", "HTTP/1.1 200 ", "<!DOCTYPE html>"),
        (
            "notype",
            "HTTP/1.1 200 OK\r\nContent-Length",
            "mode: enforce",
        ),
        ("oversize", "HTTP/1.1 200 ", "Content-Length: 70000\r\n"),
        ("chunked", "HTTP/1.1 200 ", "\r\n0\r\n\r\n"),
        ("gzip", "HTTP/1.1 200 ", "Content-Encoding: gzip\r\n"),
        ("truncated", "HTTP/1.1 200 ", "mode: enforce"),
        ("garbage", "\0", "not HTTP"),
    ] {
        lab.set("good.example", &format!("https={fault}")).unwrap();
        let reply = fetch(&lab, "good.example").unwrap();
        assert!(
            reply.starts_with(start) && reply.contains(within),
            "{fault}: {reply}"
        );
    }
    assert!(fetch(&lab, "redirect.test").unwrap().contains("mode: none"));
}

#[test]
fn bad_certificates_do_not_verify() {
    let lab = lab();
    for fault in [
        "wrong-name",
        "expired",
        "not-yet-valid",
        "untrusted",
        "self-signed",
        "cn-only",
        "ip-san",
    ] {
        lab.set("good.example", &format!("https={fault}")).unwrap();
        let seen = lab.count("tls-failure", "server=https").unwrap();
        let error = fetch(&lab, "good.example").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{fault}: {error}");
        let failures = usize::try_from(seen).unwrap() + 1;
        let filter = "server=https sni=mta-sts.good.example";
        lab.wait("tls-failure", failures, LIMIT, filter).unwrap();
    }
    lab.set("good.example", "https=wildcard").unwrap();
    assert!(
        fetch(&lab, "good.example")
            .unwrap()
            .contains("mode: enforce")
    );
}

#[test]
fn handshakes_fail_as_told() {
    let lab = lab();
    lab.set("good.example", "https=reset").unwrap();
    assert_eq!(
        fetch(&lab, "good.example").unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    lab.set("good.example", "https=tls-refused").unwrap();
    assert!(
        fetch(&lab, "good.example")
            .unwrap_err()
            .to_string()
            .contains("ProtocolVersion")
    );
    lab.set("good.example", "https=refused").unwrap();
    let dead = (address(&lab, HOST), lab.https_port());
    assert_eq!(
        TcpStream::connect(dead).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}

#[test]
fn stalls_last() {
    let lab = lab();
    let short = Some(Duration::from_millis(50));
    lab.set("good.example", "https=stall-tls").unwrap();
    let stream = connect((address(&lab, HOST), lab.https_port()).into());
    stream.set_read_timeout(short).unwrap();
    assert_eq!(
        common::tls(&lab, HOST, stream).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    lab.set("good.example", "https=stall-http").unwrap();
    let mut stream = https_connect(&lab, HOST).unwrap();
    stream.write_all(get(HOST).as_bytes()).unwrap();
    lab.wait("https", 1, LIMIT, "").unwrap();
    stream.sock.set_read_timeout(short).unwrap();
    assert_eq!(
        stream.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
}

#[test]
fn drips_go_on() {
    let lab = lab();
    lab.set("good.example", "https=drip").unwrap();
    let mut stream = https_connect(&lab, HOST).unwrap();
    stream.write_all(get(HOST).as_bytes()).unwrap();
    let mut head = [0; 50];
    stream.read_exact(&mut head).unwrap();
    assert!(
        head.ends_with(b"\r\n\r\nvv") || head.ends_with(b"v"),
        "{}",
        head.escape_ascii()
    );
}

#[test]
fn reports_are_taken() {
    let lab = lab();
    let mut stream = https_connect(&lab, HOST).unwrap();
    let request = "POST /report HTTP/1.1\r\nHost: r.example\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 201 "));
    let event = &lab
        .wait("https", 1, LIMIT, "method=POST path=/report")
        .unwrap()[0];
    assert_eq!(event["body_hex"], "7b7d");
}
