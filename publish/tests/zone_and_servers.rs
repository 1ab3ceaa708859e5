// SPDX-License-Identifier: MIT OR Apache-2.0

//! Zone lines and configuration hold what was given, and nothing breaks out of them (R-PUB-1). The
//! page's test has real servers read them.

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use mtasts_publish::*;

fn policy(mx: &[String]) -> Written {
    let mx = mx.to_vec();
    let (mode, max_age) = (Mode::Enforce, 604_800);
    Draft { mode, max_age, mx }.write().unwrap()
}

fn site() -> Site {
    Site::of("example.com".parse().unwrap())
}

#[test]
fn a_zone_has_the_policy_host_before_the_record() {
    let domain = "example.com".parse().unwrap();
    let zone = |address: &str| {
        let address = Address::read(address).unwrap();
        let (record, tlsrpt) = (Some("v=STSv1; id=a;"), Some("v=TLSRPTv1; rua=mailto:a@b"));
        Zone {
            domain: &domain,
            address: &address,
            record,
            tlsrpt,
            ttl: 3600,
        }
        .lines()
    };
    assert_eq!(
        zone("192.0.2.1, 2001:db8::1"),
        "mta-sts.example.com. 3600 IN A 192.0.2.1\n\
         mta-sts.example.com. 3600 IN AAAA 2001:db8::1\n\
         _smtp._tls.example.com. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:a@b\"\n\
         _mta-sts.example.com. 3600 IN TXT \"v=STSv1; id=a;\"\n"
    );
    assert!(
        zone("Web.example.net.")
            .starts_with("mta-sts.example.com. 3600 IN CNAME web.example.net.\n")
    );
    assert!(zone(" ").starts_with("; mta-sts.example.com. needs"));
}

#[test]
fn an_address_is_addresses_or_a_name() {
    for wrong in [
        "a_b",
        "192.0.2.1 web.example",
        "a.example b.example",
        "1.2.3",
        "a.example\n; x",
    ] {
        assert_eq!(
            Address::read(wrong).unwrap_err().field(),
            Field::Address,
            "{wrong}"
        );
    }
}

#[test]
fn txt_strings_hold_255_octets_and_are_escaped() {
    assert_eq!(txt_strings(""), "\"\"");
    assert_eq!(
        txt_strings("a\"b\\c\n;é"),
        "\"a\\\"b\\\\c\\010;\\195\\169\""
    );
    let long = txt_strings(&"x".repeat(256));
    assert_eq!(long, format!("\"{}\" \"x\"", "x".repeat(255)));
}

#[test]
fn nginx_and_envoy_hold_the_policy_with_its_line_ends() {
    for server in [Server::Nginx, Server::Envoy] {
        let configuration = site().configuration(server, &policy(&["*.example.com".into()]));
        let text =
            r#""version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 604800\r\n""#;
        assert!(configuration.text.contains(text), "{}", configuration.text);
        assert_eq!(configuration.policy_file, None);
    }
}

#[test]
fn apache_and_caddy_read_the_file_and_nginx_does_where_the_policy_is_long() {
    let many: Vec<_> = (0..300).map(|n| format!("mx{n}.example.com")).collect();
    for (server, mx) in [
        (Server::Apache, &many[..1]),
        (Server::Caddy, &many[..1]),
        (Server::Nginx, &many[..]),
    ] {
        let configuration = site().configuration(server, &policy(mx));
        let file = configuration.policy_file.unwrap();
        assert_eq!(file, "/var/www/mta-sts.example.com/.well-known/mta-sts.txt");
        assert!(configuration.text.contains("/var/www/mta-sts.example.com"));
        assert!(!configuration.text.contains("STSv1"));
        assert!(configuration.text.contains("text/plain"));
        assert!(configuration.text.lines().all(|line| line.len() < 200));
    }
    let envoy = site().configuration(Server::Envoy, &policy(&many)).text;
    let size = policy(&many).text().len();
    assert!(envoy.contains(&format!("max_direct_response_body_size_bytes: {size}\n")));
}

#[test]
fn a_path_that_some_server_would_read_otherwise_is_refused() {
    for wrong in [
        "relative", "", "/a\"b", "/a b", "/a;b", "/a$b", "/a{b}", "/a\\b", "/a\n", "/a%{X}", "/é",
        "/a#b",
    ] {
        assert_eq!(
            site().with_root(wrong).unwrap_err().field(),
            Field::Path,
            "{wrong}"
        );
        assert_eq!(
            site().with_certificate(wrong, "/k").unwrap_err().field(),
            Field::Path
        );
        assert_eq!(
            site().with_certificate("/c", wrong).unwrap_err().field(),
            Field::Path
        );
    }
    let site = site()
        .with_root("/srv/sts/")
        .unwrap()
        .with_certificate("/c.pem", "/k.pem")
        .unwrap();
    assert_eq!(site.policy_file(), "/srv/sts/.well-known/mta-sts.txt");
    let nginx = site
        .configuration(Server::Nginx, &policy(&["a.example".into()]))
        .text;
    assert!(nginx.contains("\"/c.pem\"") && nginx.contains("\"/k.pem\""));
    assert_eq!(
        site.url(),
        "https://mta-sts.example.com/.well-known/mta-sts.txt"
    );
}
