// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve` where DANE comes first (RFC 8461 §2, R-APPLY-2).

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{Client, Server, configure, readsocket, reconfigure, text};

const SCENE: &str = r#"
[[domain]]
name = "both.example"
id = "1"
policy = "enforce"
secure = true
mx = ["mx.both.example"]

[[host]]
name = "mx.both.example"
tlsa = "match"
hostsecure = true

[[domain]]
name = "dane.example"
secure = true
mx = ["mx.both.example"]

[[domain]]
name = "testing.example"
id = "1"
policy = "testing"
secure = true
mx = ["mx.both.example"]

[[domain]]
name = "sts.example"
id = "1"
policy = "enforce"
secure = true

[[host]]
name = "mx.sts.example"
hostsecure = true

[[domain]]
name = "failing.example"
id = "1"
policy = "enforce"
secure = true
mx = ["mx.failing.example"]

[[host]]
name = "mx.failing.example"
hostsecure = true

[[record]]
name = "_25._tcp.mx.failing.example"
type = "CNAME"
value = "tlsa.broken.example"

[[domain]]
name = "broken.example"
dns = "servfail"

[[domain]]
name = "nomx.example"
id = "1"
policy = "enforce"
mxdns = "servfail"
"#;

const VERIFY: &str = "OK secure match=mx.sts.example servername=hostname";

/// A server that does DANE, with a readsocket listener `DIR/line`.
fn server(lab: &Lab) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let listen = format!(
        "[[listen]]\ntype = \"readsocket\"\naddress = \"{}/line\"\n",
        dir.path().display()
    );
    let (socketmap, http) = configure(dir.path(), lab, "", &listen);
    reconfigure(dir.path(), "[network]", "[network]\ndane = true");
    Server::spawn(dir, socketmap, http, |command| command)
}

fn line(server: &Server, request: &str) -> String {
    readsocket(text(&server.path("line")), &format!("{request}\n"))
}

#[test]
fn r_apply_2_dane_comes_first() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for _ in ["looked up", "known"] {
        for (domain, expected) in [
            ("both", "OK dane-only"),
            ("BOTH", "OK dane-only"),
            ("dane", "OK dane"),
            ("testing", "OK dane"),
            ("sts", VERIFY),
            ("gone", "NOTFOUND "),
        ] {
            let reply = server.ask(&format!("postfix {domain}.example"));
            assert_eq!(reply, expected, "{domain}");
        }
    }
    for (domain, expected) in [
        ("both", "action=deliver tls=dane-only mode=enforce "),
        ("dane", "action=deliver tls=dane mode=none "),
        ("testing", "action=deliver tls=dane mode=testing "),
        ("sts", "action=deliver tls=verify mode=enforce "),
        ("gone", "action=deliver tls=may mode=none "),
    ] {
        let reply = line(&server, &format!("policy {domain}.example"));
        assert!(reply.starts_with(expected), "{domain}: {reply}");
    }
    // DANE authenticates the MX records, so that the policy's patterns say nothing more.
    let reply = line(&server, "hosts both.example elsewhere.example");
    let expected = "action=deliver tls=dane-only mode=enforce hosts=elsewhere.example\n";
    assert_eq!(reply, expected);
    assert_eq!(server.policy("both.example")["dane"], "usable");
    assert_eq!(server.policy("sts.example")["dane"], "none");
}

#[test]
fn r_apply_2_mail_waits_where_dane_cannot_be_looked_up() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for domain in ["failing.example", "nomx.example"] {
        assert_eq!(
            server.ask(&format!("postfix {domain}")),
            "TEMP ",
            "{domain}"
        );
        let reply = line(&server, &format!("policy {domain}"));
        assert_eq!(reply, "action=defer reason=temporary\n");
        assert_eq!(server.policy(domain)["dane"], "temporary");
    }
    // A failure is not remembered.
    lab.set("nomx.example", "mxdns=ok mx=mx.sts.example")
        .unwrap();
    let reply = server.ask("postfix nomx.example");
    assert!(reply.starts_with("OK secure match="), "{reply}");
}

#[test]
fn r_apply_2_a_look_up_of_dane_is_shared_and_remembered() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    std::thread::scope(|scope| {
        for _ in 0..50 {
            let mut client = Client::connect(&server.socketmap);
            scope.spawn(move || assert_eq!(client.ask("postfix both.example"), "OK dane-only"));
        }
    });
    for filter in [
        "type=MX name=both.example",
        "type=TLSA name=_25._tcp.mx.both.example",
    ] {
        assert_eq!(lab.count("dns", filter).unwrap(), 1, "{filter}");
    }
}

#[test]
fn r_apply_2_dane_is_off_where_the_name_servers_do_not_validate() {
    let lab = Lab::start(SCENE).unwrap();
    for domain in ["both", "dane", "sts"] {
        lab.set(&format!("{domain}.example"), "secure=false")
            .unwrap();
    }
    let mut server = server(&lab);
    for _ in 0..3 {
        assert_eq!(server.ask("postfix sts.example"), VERIFY);
        let verify = "OK secure match=mx.both.example servername=hostname";
        assert_eq!(server.ask("postfix both.example"), verify);
        assert_eq!(server.ask("postfix dane.example"), "NOTFOUND ");
    }
    let log = server.logged();
    assert_eq!(log.matches("DANE is off").count(), 1, "{log}");
}

#[test]
fn without_dane_nothing_is_asked_of_it() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    assert_eq!(server.ask("postfix sts.example"), VERIFY);
    assert_eq!(
        server.ask("postfix nomx.example"),
        VERIFY.replace("sts", "nomx")
    );
    assert_eq!(lab.count("dns", "type=MX").unwrap(), 0);
    assert!(server.policy("both.example")["dane"].is_null());
}
