// SPDX-License-Identifier: MIT OR Apache-2.0

//! The line protocol of `mtasts serve`, for Exim's `${readsocket}`.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{Server, connect, readsocket, text};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
policy_mx = ["mx.good.example", "*.mx.example"]

[[domain]]
name = "testing.example"
id = "1"
policy = "testing"
policy_mx = ["mx.good.example"]

[[domain]]
name = "failing.example"
id = "1"
https = "error500"

[[domain]]
name = "xn--bcher-kva.example"
id = "1"
policy = "enforce"

[[domain]]
name = "nodns.example"
record = "servfail"
"#;

const MALFORMED: &str = r#"mtasts_queries_total{listener="readsocket",result="malformed"}"#;

fn server(lab: &Lab) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let listen = format!(
        "[[listen]]\ntype = \"readsocket\"\naddress = \"{}/line\"\n",
        dir.path().display()
    );
    Server::start_in(dir, lab, "defer_on_dns_failure = true", &listen)
}

fn ask(server: &Server, request: &str) -> String {
    readsocket(text(&server.path("line")), &format!("{request}\n"))
}

#[test]
fn a_policy_is_told_in_pairs() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for (domain, expected) in [
        (
            "good.example",
            "action=deliver tls=verify mode=enforce basis=fresh max_age=604800 \
             mx=mx.good.example:*.mx.example\n",
        ),
        (
            "[GOOD.example]",
            "action=deliver tls=may mode=none\n", // Exim's domains have no brackets: a literal
        ),
        (
            "Good.Example.",
            "action=deliver tls=verify mode=enforce basis=cached max_age=604800 \
             mx=mx.good.example:*.mx.example\n",
        ),
        (
            "bücher.example",
            "action=deliver tls=verify mode=enforce basis=fresh max_age=604800 \
             mx=mx.xn--bcher-kva.example\n",
        ),
        ("nodns.example", "action=defer reason=temporary\n"),
        ("[192.0.2.1]", "action=deliver tls=may mode=none\n"),
        ("[IPv6:2001:db8::1]", "action=deliver tls=may mode=none\n"),
        ("no_host.example", "action=deliver tls=may mode=none\n"),
        ("ü_b.example", "action=defer reason=not-understood\n"),
    ] {
        assert_eq!(
            ask(&server, &format!("policy {domain}")),
            expected,
            "{domain}"
        );
    }
    let reply = ask(&server, "policy failing.example");
    assert!(
        reply.starts_with("action=deliver tls=may mode=none basis="),
        "{reply}"
    );
    let reply = ask(&server, "policy gone.example");
    assert!(
        reply.starts_with("action=deliver tls=may mode=none basis="),
        "{reply}"
    );
}

#[test]
fn hosts_are_those_to_which_the_mail_may_go() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for (request, expected) in [
        (
            "good.example mx.good.example",
            "action=deliver tls=verify mode=enforce hosts=mx.good.example\n",
        ),
        (
            "good.example evil.example:a.mx.example,MX.Good.Example a.b.mx.example",
            "action=deliver tls=verify mode=enforce hosts=a.mx.example:MX.Good.Example\n",
        ),
        (
            "good.example evil.example",
            "action=defer tls=verify mode=enforce reason=mx-not-listed\n",
        ),
        (
            "good.example",
            "action=defer tls=verify mode=enforce reason=mx-not-listed\n",
        ),
        (
            "testing.example evil.example",
            "action=deliver tls=may mode=testing hosts=evil.example\n",
        ),
        (
            "gone.example a.example::b.example",
            "action=deliver tls=may mode=none hosts=a.example:b.example\n",
        ),
        (
            "[192.0.2.1] 192.0.2.1",
            "action=deliver tls=may mode=none hosts=192.0.2.1\n",
        ),
        ("nodns.example a.example", "action=defer reason=temporary\n"),
    ] {
        assert_eq!(
            ask(&server, &format!("hosts {request}")),
            expected,
            "{request}"
        );
    }
}

#[test]
fn what_is_not_understood_has_the_mail_wait() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for request in [
        "",
        "policy",
        "hosts",
        "polic good.example",
        "POLICY good.example",
        "\r",
    ] {
        let reply = ask(&server, request);
        assert_eq!(reply, "action=defer reason=not-understood\n", "{request:?}");
    }
    assert_eq!(server.metric(MALFORMED), 6.0);
    let mut stream = connect(text(&server.path("line")));
    stream
        .write_all(b"policy \xff\xfe.example\npolicy g\0od.example\n")
        .unwrap();
    let mut replies = BufReader::new(stream).lines();
    let reply = replies.next().unwrap().unwrap();
    assert_eq!(reply, "action=defer reason=not-understood");
    let reply = replies.next().unwrap().unwrap();
    assert_eq!(reply, "action=deliver tls=may mode=none"); // no host name
}

#[test]
fn many_lines_are_answered_in_order_and_the_last_needs_no_end() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut stream = UnixStream::connect(server.path("line")).unwrap();
    let requests = "hosts good.example mx.good.example\r\n".repeat(200);
    stream.write_all(requests.as_bytes()).unwrap();
    stream.write_all(b"policy testing.example").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    let lines: Vec<_> = replies.lines().collect();
    assert_eq!(lines.len(), 201);
    let host = "action=deliver tls=verify mode=enforce hosts=mx.good.example";
    assert!(lines[..200].iter().all(|line| *line == host));
    let testing = "action=deliver tls=may mode=testing basis=fresh";
    assert!(lines[200].starts_with(testing), "{}", lines[200]);
    assert!(replies.ends_with('\n'));
}

#[test]
fn a_line_split_octet_by_octet_is_one_line() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut stream = connect(text(&server.path("line")));
    for octet in "hosts good.example mx.good.example\n".bytes() {
        stream.write_all(&[octet]).unwrap();
    }
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).unwrap();
    let expected = "action=deliver tls=verify mode=enforce hosts=mx.good.example\n";
    assert_eq!(reply, expected);
}

#[test]
fn a_line_without_end_is_refused_and_the_connection_closed() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut stream = connect(text(&server.path("line")));
    let _ = stream.write_all(&[b'a'; 80_000]); // it may be closed before the end
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    assert_eq!(reply, "action=defer reason=not-understood\n");
    assert_eq!(server.metric(MALFORMED), 1.0);
    // As long as it may be.
    let hosts = "x.mx.example ".repeat(5_000);
    let reply = ask(
        &server,
        &format!("hosts good.example {hosts}mx.good.example"),
    );
    assert!(reply.starts_with("action=deliver tls=verify "), "{reply}");
    assert!(reply.ends_with(":mx.good.example\n"));
}
