// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `mtasts serve` answers to mail servers that speak socketmap.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{Client, PATIENCE, Server};
use std::fs;

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
mx = ["mx.good.example"]
policy_mx = ["mx.good.example", "*.mx.example"]

[[domain]]
name = "testing.example"
id = "1"
policy = "testing"

[[domain]]
name = "none.example"
id = "1"
policy = "none"

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

[[domain]]
name = "plain.example"
"#;

const SECURE: &str = "OK secure match=mx.good.example:.mx.example";
const SERVERNAME: &str = " servername=hostname";
const TLSRPT: &str = " policy_type=sts policy_domain=good.example mx_host_pattern=mx.good.example \
                      mx_host_pattern=*.mx.example { policy_string = version: STSv1 } \
                      { policy_string = mode: enforce } { policy_string = mx: mx.good.example } \
                      { policy_string = mx: *.mx.example } { policy_string = max_age: 604800 }";

/// A server with a socketmap listener `DIR/map` with these keys beside the usual one.
fn with_map(lab: &Lab, top: &str, keys: &str) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let listen = format!(
        "[[listen]]\ntype = \"socketmap\"\naddress = \"{}/map\"\n{keys}\n",
        dir.path().display()
    );
    Server::start_in(dir, lab, top, &listen)
}

fn ask_map(server: &Server, request: &str) -> String {
    Client::connect(serve_world::text(&server.path("map"))).ask(request)
}

#[test]
fn postfix_is_told_to_verify_where_a_policy_is_enforced() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    let secure = format!("{SECURE}{SERVERNAME}");
    assert_eq!(server.ask("postfix good.example"), secure);
    for domain in ["testing", "none", "failing", "plain", "nodns", "gone"] {
        let reply = server.ask(&format!("postfix {domain}.example"));
        assert_eq!(reply, "NOTFOUND ", "{domain}");
    }
    assert_eq!(
        server.metric(r#"mtasts_queries_total{listener="socketmap",result="policy"}"#),
        1.0
    );
    let others = r#"mtasts_queries_total{listener="socketmap",result="no-policy"}"#;
    assert_eq!(server.metric(others), 6.0);
}

#[test]
fn every_form_of_a_next_hop_is_understood() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    let secure = format!("{SECURE}{SERVERNAME}");
    for key in [
        "good.example",
        "GOOD.Example",
        "good.example.",
        "good.example:25",
        "good.example:smtp",
        "[good.example]",
        "[GOOD.example]:25",
        "[good.example.]:submission",
    ] {
        assert_eq!(server.ask(&format!("postfix {key}")), secure, "{key}");
    }
    for key in [
        ".good.example",
        "sub.good.example",
        "192.0.2.1",
        "[192.0.2.1]",
        "[192.0.2.1]:25",
        "[2001:db8::1]",
        "[IPv6:2001:db8::1]:25",
        "/var/run/socket",
        "unix:/var/run/socket",
        "no_host.example",
        "two words.example",
        "good.example ",
        "*",
        "",
        "localhost",
        "-",
    ] {
        assert_eq!(server.ask(&format!("postfix {key}")), "NOTFOUND ", "{key}");
    }
    assert_eq!(lab.count("dns", "name~192").unwrap(), 0);
}

#[test]
fn r_dom_1_u_labels_are_converted_and_what_cannot_be_is_an_error() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    let secure = "OK secure match=mx.xn--bcher-kva.example servername=hostname";
    for name in [
        "bücher.example",
        "BÜCHER.example",
        "[bücher.example]:25",
        "bücher。example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.example",
    ] {
        assert_eq!(server.ask(&format!("postfix {name}")), secure, "{name}");
    }
    let long = format!("{}ü.example", "a".repeat(63));
    for name in [
        "ü_b.example",
        "ü..example",
        "ü b.example",
        "\u{202e}.example",
        &long,
    ] {
        let reply = server.ask(&format!("postfix {name}"));
        assert!(reply.starts_with("PERM "), "{name}: {reply}");
    }
    let malformed = r#"mtasts_queries_total{listener="socketmap",result="malformed"}"#;
    assert_eq!(server.metric(malformed), 5.0);
}

#[test]
fn each_postfix_gets_the_attributes_that_it_knows() {
    let lab = Lab::start(SCENE).unwrap();
    for (version, attributes) in [
        ("3.0", String::new()),
        ("3.4", SERVERNAME.to_owned()),
        ("3.10", format!("{SERVERNAME}{TLSRPT}")),
    ] {
        let server = with_map(&lab, "", &format!("postfix = \"{version}\""));
        let expected = format!("{SECURE}{attributes}");
        for map in ["postfix", "anything", "query", ""] {
            let reply = ask_map(&server, &format!("{map} good.example"));
            assert_eq!(reply, expected, "{version}, {map}");
        }
        for domain in ["testing", "none", "failing", "plain"] {
            let reply = ask_map(&server, &format!("postfix {domain}.example"));
            assert_eq!(reply, "NOTFOUND ", "{version}, {domain}");
        }
    }
}

#[test]
fn the_map_names_of_postfix_tlspol_choose_the_attributes() {
    let lab = Lab::start(SCENE).unwrap();
    for (version, query) in [("3.0", ""), ("3.4", SERVERNAME), ("3.10", SERVERNAME)] {
        let server = with_map(&lab, "", &format!("postfix = \"{version}\""));
        let reply = ask_map(&server, "QUERY good.example");
        assert_eq!(reply, format!("{SECURE}{query}"), "{version}");
        let reply = ask_map(&server, "QUERYwithTLSRPT good.example");
        assert_eq!(reply, format!("{SECURE}{SERVERNAME}{TLSRPT}"), "{version}");
    }
}

#[test]
fn postfix_can_be_told_what_only_its_reports_need() {
    let lab = Lab::start(SCENE).unwrap();
    for level in ["may", "encrypt"] {
        let keys = format!("postfix = \"3.10\"\nsmtp_tls_security_level = \"{level}\"");
        let server = with_map(&lab, "", &keys);
        let reply = ask_map(&server, "postfix testing.example");
        let begin = format!("OK {level} policy_type=sts policy_domain=testing.example ");
        assert!(reply.starts_with(&begin), "{reply}");
        let reply = ask_map(&server, "postfix failing.example");
        let failing = format!(
            "OK {level} policy_type=sts policy_domain=failing.example \
             policy_failure=sts-policy-fetch-error"
        );
        assert_eq!(reply, failing);
        assert_eq!(ask_map(&server, "postfix none.example"), "NOTFOUND ");
        assert_eq!(ask_map(&server, "QUERY testing.example"), "NOTFOUND ");
    }
}

#[test]
fn r_apply_3_local_policies_pin_exempt_and_demote() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("policies");
    fs::create_dir(&folder).unwrap();
    for (domain, mode) in [
        ("plain.example", "mode: enforce\nmx: pinned.example"),
        ("Bücher.example", "mode: none"),
        ("good.example", "mode: testing\nmx: mx.good.example"),
    ] {
        let policy = format!("version: STSv1\n{mode}\nmax_age: 86400\n");
        fs::write(folder.join(format!("{domain}.txt")), policy).unwrap();
    }
    let top = format!("local_policies = \"{}\"", folder.display());
    let server = Server::start_in(dir, &lab, &top, "");
    let pinned = "OK secure match=pinned.example servername=hostname";
    assert_eq!(server.ask("postfix plain.example"), pinned);
    assert_eq!(server.ask("QUERYwithTLSRPT [PLAIN.example]:25"), pinned);
    assert_eq!(server.ask("postfix bücher.example"), "NOTFOUND ");
    assert_eq!(server.ask("postfix good.example"), "NOTFOUND ");
    assert_eq!(server.ask("postfix sub.plain.example"), "NOTFOUND ");
    assert_eq!(server.metric("mtasts_local_policies"), 3.0);
    assert_eq!(server.policy("good.example")["basis"], "local");
    assert_eq!(lab.count("dns", "name=_mta-sts.good.example").unwrap(), 0);
}

#[test]
fn r_apply_4_outside_the_share_a_policy_is_as_in_testing_and_the_log_says_so() {
    let bulk = "[[bulk]]\ncount = 40\npattern = \"d{}.share.example\"\nid = \"1\"\n\
                policy = \"enforce\"\n";
    let lab = Lab::start(bulk).unwrap();
    let keys = "postfix = \"3.10\"\nsmtp_tls_security_level = \"may\"";
    let mut enforced = Vec::new();
    for percent in [0, 50, 100] {
        let mut server = with_map(&lab, &format!("enforce_percent = {percent}"), keys);
        let mut client = Client::connect(serve_world::text(&server.path("map")));
        let replies: Vec<_> = (0..40)
            .map(|at| client.ask(&format!("postfix d{at}.share.example")))
            .collect();
        let is_secure = |reply: &&String| reply.starts_with("OK secure match=mx.share.example ");
        let is_testing = |reply: &&String| reply.starts_with("OK may policy_type=sts ");
        let (secure, testing) = (
            replies.iter().filter(is_secure).count(),
            replies.iter().filter(is_testing).count(),
        );
        assert_eq!(secure + testing, 40, "{replies:?}");
        enforced.push(secure);
        let log = server.logged();
        let is_told = log.contains("enforced for this share of domains only");
        assert_eq!(is_told, percent < 100, "{log}");
        assert_eq!(log.contains(&format!("percent={percent}")), percent < 100);
    }
    assert_eq!((enforced[0], enforced[2]), (0, 40));
    assert!((5..=35).contains(&enforced[1]), "{enforced:?}");
}

#[test]
fn mail_waits_where_the_operator_wants_it_to_if_dns_fails() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "defer_on_dns_failure = true", "");
    assert_eq!(server.ask("postfix nodns.example"), "TEMP ");
    assert_eq!(server.ask("postfix plain.example"), "NOTFOUND ");
    let temporary = r#"mtasts_queries_total{listener="socketmap",result="temporary"}"#;
    assert_eq!(server.metric(temporary), 1.0);
    lab.set("nodns.example", "record=ok id=1 policy=enforce")
        .unwrap();
    let secure = "OK secure match=mx.nodns.example servername=hostname";
    assert_eq!(server.ask("postfix nodns.example"), secure);
    lab.wait("https", 1, PATIENCE, "host=mta-sts.nodns.example")
        .unwrap();
}

#[test]
fn many_maps_are_served_over_tcp_and_unix_sockets_alike() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let six = format!("[::1]:{}", serve_world::free_port());
    let listen = format!(
        "[[listen]]\ntype = \"socketmap\"\naddress = \"{six}\"\n[[listen]]\ntype = \"socketmap\"\n\
         address = \"{}/map\"\nmode = \"0640\"",
        dir.path().display(),
    );
    let server = Server::start_in(dir, &lab, "", &listen);
    let secure = format!("{SECURE}{SERVERNAME}");
    assert_eq!(Client::connect(&six).ask("postfix good.example"), secure);
    assert_eq!(ask_map(&server, "postfix good.example"), secure);
    let mode = |name| {
        use std::os::unix::fs::PermissionsExt;
        let found = fs::metadata(server.path(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(
        [mode("map"), mode("http"), mode("control")],
        [0o640, 0o666, 0o600]
    );
}
