// SPDX-License-Identifier: MIT OR Apache-2.0

//! `route`, by which Exim asks `mtasts serve` where a domain's mail may go.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{Server, configure, readsocket, reconfigure, text};

const SCENE: &str = r#"
[defaults]
id = "1"
policy = "enforce"
ttl = 3600

[[domain]]
name = "many.example"
mx = ["a.many.example:10", "evil.example:10", "b.many.example:10", "c.many.example:20"]
policy_mx = ["*.many.example"]

[[domain]]
name = "implicit.example"
mxdns = "gone"
policy_mx = ["implicit.example"]

[[domain]]
name = "null.example"
mxdns = "null"

[[domain]]
name = "nodns.example"
record = "servfail"
policy = ""

[[domain]]
name = "servfail.example"
mxdns = "servfail"

[[domain]]
name = "testing.example"
policy = "testing"
mxdns = "servfail"

[[domain]]
name = "moved.example"
policy_mx = ["old.example"]

[[domain]]
name = "retired.example"

[[domain]]
name = "dane.example"
secure = true
mx = ["mx.dane.example", "unlisted.dane.example"]
policy_mx = ["mx.dane.example"]

[[host]]
name = "mx.dane.example"
tlsa = "match"
hostsecure = true
"#;

fn server(lab: &Lab) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let listen = format!(
        "[[listen]]\ntype = \"readsocket\"\naddress = \"{}/line\"\n",
        dir.path().display()
    );
    Server::start_in(dir, lab, "defer_on_dns_failure = true", &listen)
}

fn route(server: &Server, words: &str) -> String {
    let reply = readsocket(text(&server.path("line")), &format!("route {words}\n"));
    reply.strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn hosts_are_in_the_order_of_their_preferences_and_equal_ones_together() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let enforced = "action=deliver tls=verify mode=enforce hosts=";
    let reply = route(&server, "many.example");
    let hosts = reply.strip_prefix(enforced).unwrap();
    let (first, last) = hosts.split_once(":+:").unwrap();
    let mut first: Vec<_> = first.split(':').collect();
    first.sort_unstable();
    assert_eq!(first, ["a.many.example", "b.many.example"]);
    assert_eq!(last, "c.many.example");
    let implicit = format!("{enforced}implicit.example");
    assert_eq!(route(&server, "IMPLICIT.example."), implicit);
}

#[test]
fn mail_is_left_to_the_sender_where_no_policy_is_enforced() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for (domain, mode) in [
        ("testing.example", "testing"), // whose MX records are not even looked up
        ("gone.example", "none"),
        ("[192.0.2.1]", "none"),
        ("no_host.example", "none"),
    ] {
        let expected = format!("action=deliver tls=may mode={mode}");
        assert_eq!(route(&server, domain), expected, "{domain}");
    }
}

#[test]
fn r_apply_1_mail_waits_where_no_host_may_have_it() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for (words, reason) in [
        ("null.example", "null-mx"),
        ("servfail.example", "mx-unknown"),
        ("moved.example", "mx-not-listed"),
    ] {
        let reply = route(&server, words);
        let expected = format!("action=defer tls=verify mode=enforce reason={reason} why=\"");
        assert!(reply.starts_with(&expected), "{reply}");
        let why = &reply[expected.len()..reply.len() - 1];
        assert!(!why.contains(['"', '$', '\\', '{', '}']), "{why}");
    }
    let reply = route(&server, "nodns.example");
    assert!(reply.starts_with("action=defer reason=temporary why=\"nodns.example: "));
    for words in ["many.example no", "many.example again x", "ü_b.example", ""] {
        assert_eq!(route(&server, words), "action=defer reason=not-understood");
    }
}

#[test]
fn r_flow_6_a_newer_policy_is_looked_for_where_none_is_listed() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    assert!(route(&server, "moved.example").starts_with("action=defer "));
    lab.set("moved.example", "id=2 policy_mx=mx.moved.example")
        .unwrap();
    let expected = "action=deliver tls=verify mode=enforce hosts=mx.moved.example";
    assert_eq!(route(&server, "moved.example"), expected);
}

#[test]
fn r_flow_6_a_newer_policy_is_looked_for_when_the_sender_says_so() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let enforced = "action=deliver tls=verify mode=enforce hosts=mx.retired.example";
    assert_eq!(route(&server, "retired.example"), enforced);
    lab.set("retired.example", "id=2 policy=none").unwrap();
    assert_eq!(route(&server, "retired.example"), enforced); // the record counts for an hour
    let retired = "action=deliver tls=may mode=none";
    assert_eq!(route(&server, "retired.example again"), retired);
    assert_eq!(route(&server, "retired.example"), retired);
    lab.set("retired.example", "record=servfail").unwrap();
    assert_eq!(route(&server, "retired.example again"), retired);
}

#[test]
fn r_apply_2_dane_goes_before_the_list() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let line = format!("{}/line", dir.path().display());
    let listen = format!("[[listen]]\ntype = \"readsocket\"\naddress = \"{line}\"\n");
    let (socketmap, http) = configure(dir.path(), &lab, "", &listen);
    reconfigure(dir.path(), "[network]", "[network]\ndane = true");
    let server = Server::spawn(dir, socketmap, http, |command| command);
    let expected = "action=deliver tls=dane-only mode=enforce \
                    hosts=mx.dane.example:+:unlisted.dane.example";
    assert_eq!(route(&server, "dane.example"), expected);
}
