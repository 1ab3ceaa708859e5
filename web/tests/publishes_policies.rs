// SPDX-License-Identifier: MIT OR Apache-2.0

//! Policies are served as configured, and a configuration with a mistake is refused whole (R-PUB-1).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::{HttpsReply, Policy, Record, reply};
use mtasts_web::Reply;
use mtasts_web::publish::{Publisher, Request};
use serde_json::{Value, json};

const TRIAL: &str = "version: STSv1\nmode: testing\nmx: mx.example.net\nmax_age: 86400\n";
const STANDARD: &str = "version: STSv1\nmode: enforce\nmx: *.mail.example\nmax_age: 604800\n";

fn config() -> Value {
    json!({
        "policies": { "standard": STANDARD, "trial": TRIAL.trim_end().split('\n').collect::<Vec<_>>() },
        "domains": {
            "example.com": "standard",
            "Example.org": "standard",
            "*.example.net": "trial",
            "*.deep.example.net": "standard",
            "exact.example.net": "standard",
        },
    })
}

fn publisher(change: impl FnOnce(&mut Value)) -> Publisher {
    let mut config = config();
    change(&mut config);
    Publisher::parse(&config.to_string()).unwrap()
}

fn request<'a>(authority: &'a str, path: &'a str) -> Request<'a> {
    Request {
        method: "GET",
        authority,
        path,
        if_none_match: None,
    }
}

fn get<'a>(publisher: &'a Publisher, authority: &str) -> Option<Reply<'a>> {
    publisher.answer(&request(authority, "/.well-known/mta-sts.txt"))
}

fn header<'a>(reply: &'a Reply<'_>, name: &str) -> Option<&'a str> {
    let mut found = reply.headers.iter().filter(|(key, _)| *key == name);
    let value = found.next().map(|(_, value)| &**value);
    assert!(found.next().is_none(), "{name} is there twice");
    value
}

#[test]
fn r_pub_1_a_policy_is_served_with_crlf_as_text_and_senders_take_it() {
    let publisher = publisher(|_| ());
    for (host, text) in [
        ("mta-sts.example.com", STANDARD),
        ("MTA-STS.Example.COM:8443", STANDARD),
        ("mta-sts.example.com.", STANDARD),
        ("mta-sts.example.org", STANDARD),
        ("mta-sts.a.example.net", TRIAL),
        ("mta-sts.b.a.example.net", TRIAL),
        ("mta-sts.x.deep.example.net", STANDARD), // the longest pattern counts
        ("mta-sts.exact.example.net", STANDARD),  // and an exact name before any
    ] {
        let reply = get(&publisher, host).unwrap();
        assert_eq!(reply.status, 200, "{host}");
        assert_eq!(reply.body, text.replace('\n', "\r\n").as_bytes(), "{host}");
        let https = HttpsReply {
            status: reply.status,
            content_type: header(&reply, "content-type").map(str::to_owned),
            body: reply.body.to_vec(),
        };
        let policy = reply::accept(&https, mtasts::MAX_BODY).unwrap();
        assert_eq!(
            policy.mode(),
            Policy::parse(text.as_bytes()).unwrap().mode()
        );
    }
}

#[test]
fn other_routes_are_left_alone_and_domains_without_policy_get_404() {
    let publisher = publisher(|_| ());
    for (host, path) in [
        ("mta-sts.example.com", "/"),
        ("mta-sts.example.com", "/.well-known/acme-challenge/x"),
        ("mta-sts.example.com", "/.well-known/mta-sts.txt/"),
        ("mta-sts.example.com", "/.WELL-KNOWN/mta-sts.txt"),
        ("example.com", "/.well-known/mta-sts.txt"),
        ("www.example.com", "/.well-known/mta-sts.txt"),
        ("mta-sts.", "/.well-known/mta-sts.txt"),
        ("mta-stsx.example.com", "/.well-known/mta-sts.txt"),
        ("xmta-sts.example.com", "/.well-known/mta-sts.txt"),
        ("[::1]:443", "/.well-known/mta-sts.txt"),
        ("[::1]", "/.well-known/mta-sts.txt"),
        ("", "/.well-known/mta-sts.txt"),
        ("mta-stsé.example", "/.well-known/mta-sts.txt"),
    ] {
        assert_eq!(
            publisher.answer(&request(host, path)),
            None,
            "{host} {path}"
        );
    }
    for host in [
        "mta-sts.example.net", // a pattern is for what is below
        "mta-sts.sub.example.com",
        "mta-sts.xexample.net",
        "mta-sts.mta-sts.example.com",
    ] {
        assert_eq!(get(&publisher, host).unwrap().status, 404, "{host}");
    }
    let with_query = request("mta-sts.example.com", "/.well-known/mta-sts.txt?x=1");
    assert_eq!(publisher.answer(&with_query).unwrap().status, 200);
}

#[test]
fn what_is_not_listed_may_have_a_default_or_be_passed_on() {
    let all = publisher(|config| config["default"] = json!("trial"));
    let reply = get(&all, "mta-sts.whatever.example").unwrap();
    assert_eq!(reply.body, TRIAL.replace('\n', "\r\n").as_bytes());
    let pass = publisher(|config| config["unlisted"] = json!("pass"));
    assert_eq!(get(&pass, "mta-sts.whatever.example"), None);
    assert_eq!(get(&pass, "mta-sts.example.com").unwrap().status, 200);
}

#[test]
fn only_get_and_head_are_methods_of_a_policy() {
    let publisher = publisher(|_| ());
    let of = |method| {
        let request = Request {
            method,
            ..request("mta-sts.example.com", "/.well-known/mta-sts.txt")
        };
        publisher.answer(&request).unwrap()
    };
    assert_eq!(of("HEAD"), of("GET"));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        assert_eq!(of(method).status, 405, "{method}");
        assert_eq!(header(&of(method), "allow"), Some("GET, HEAD"));
    }
}

#[test]
fn a_client_that_has_the_policy_gets_304() {
    let publisher = publisher(|_| ());
    let path = "/.well-known/mta-sts.txt";
    let etag = {
        let reply = get(&publisher, "mta-sts.example.com").unwrap();
        header(&reply, "etag").unwrap().to_owned()
    };
    let with = |tags: &str| {
        let request = Request {
            if_none_match: Some(tags),
            ..request("mta-sts.example.com", path)
        };
        publisher.answer(&request).unwrap().status
    };
    for tags in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\" ,\t{etag}"),
        "*".to_owned(),
    ] {
        assert_eq!(with(&tags), 304, "{tags}");
    }
    for tags in ["", "\"other\"", etag.trim_matches('"'), "W/\"other\""] {
        assert_eq!(with(tags), 200, "{tags}");
    }
    let other = get(&publisher, "mta-sts.a.example.net").unwrap();
    assert_ne!(header(&other, "etag"), Some(etag.as_str()));
}

#[test]
fn r_pub_1_the_id_changes_when_the_policy_does_and_only_then() {
    let id = |text: Value| {
        let publisher = publisher(|config| config["policies"]["standard"] = text);
        let reply = get(&publisher, "mta-sts.example.com").unwrap();
        header(&reply, "mta-sts-id").unwrap().to_owned()
    };
    let first = id(json!(STANDARD));
    assert!(first.parse::<mtasts::PolicyId>().is_ok());
    assert_eq!(first, "6d9a443041bb2989"); // the same tomorrow, and on every machine
    for same in [
        json!(STANDARD.trim_end()),
        json!(STANDARD.replace('\n', "\r\n")),
        json!(STANDARD.lines().collect::<Vec<_>>()),
    ] {
        assert_eq!(id(same), first);
    }
    for other in [
        STANDARD.replace("604800", "604801"),
        STANDARD.replace("enforce", "testing"),
        format!("{STANDARD}mx: mx.example.org\n"),
    ] {
        assert_ne!(id(json!(other)), first, "{other}");
    }
}

#[test]
fn r_pub_1_records_are_told_to_whoever_maintains_the_dns() {
    let publisher = publisher(|config| config["default"] = json!("trial"));
    let records = |query| {
        let reply = publisher.records(query);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        (reply.status, body)
    };
    let (status, all) = records("");
    let all = all["records"].as_array().unwrap().clone();
    assert_eq!((status, all.len()), (200, 6));
    let of = |domain: &str| {
        all.iter()
            .find(|record| record["domain"] == domain)
            .unwrap()
    };
    let record = of("example.com");
    assert_eq!(record["name"], "_mta-sts.example.com");
    assert_eq!(record["type"], "TXT");
    assert_eq!(record["policy"], "standard");
    let text = record["value"].as_str().unwrap();
    let served = get(&publisher, "mta-sts.example.com").unwrap();
    let parsed = Record::parse(text.as_bytes()).unwrap();
    assert_eq!(Some(parsed.id()), header(&served, "mta-sts-id"));
    assert_eq!(of("*.example.net")["name"], Value::Null);
    assert_eq!(of("*")["policy"], "trial");
    let (status, one) = records("domain=Any.example.net");
    assert_eq!((status, one["records"].as_array().unwrap().len()), (200, 1));
    assert_eq!(one["records"][0]["name"], "_mta-sts.any.example.net");
    assert_eq!(records("domain=no_domain").0, 400);
    assert_eq!(records("mx=example.com").0, 400);
}

#[test]
fn no_record_is_told_of_a_domain_without_policy() {
    assert_eq!(
        publisher(|_| ()).records("domain=other.example").status,
        404
    );
}

#[test]
fn r_pub_1_a_bad_configuration_is_refused_and_says_where() {
    for (pointer, value, expected) in [
        (
            "/policies/standard",
            json!("version: STSv1\nmode: enforce\nmx: a_b.example\nmax_age: 1\n"),
            "policies.standard: line 3, column 5: mx has an underscore",
        ),
        (
            "/policies/trial",
            json!(["version: STSv1", "mode: never"]),
            "policies.trial: line 2, column 7: mode is not",
        ),
        (
            "/policies/trial",
            json!(TRIAL.replace("max_age", "max_age ")),
            "line 4, column 1",
        ),
        (
            "/policies/trial",
            json!(format!("{TRIAL}\n")),
            "line 5, column 1: blank line",
        ),
        (
            "/policies/trial",
            json!(7),
            "policies.trial: a policy's text is wanted",
        ),
        (
            "/policies/trial",
            json!(["version: STSv1", 7]),
            "a policy's text is wanted",
        ),
        ("/policies", json!([]), "policies: an object is wanted"),
        (
            "/domains/example.com",
            json!("none"),
            "domains.example.com: there is no policy \"none\"",
        ),
        (
            "/domains/example.com",
            json!(1),
            "domains.example.com: the name of a policy",
        ),
        (
            "/domains/a_b.example",
            json!("trial"),
            "domains.a_b.example: a domain in A-labels",
        ),
        (
            "/domains/*",
            json!("trial"),
            "domains.*: a domain in A-labels",
        ),
        (
            "/domains/a.*.example",
            json!("trial"),
            "a domain in A-labels",
        ),
        (
            "/domains/bücher.example",
            json!("trial"),
            "a domain in A-labels",
        ),
        (
            "/domains/EXAMPLE.com",
            json!("trial"),
            "domains.example.com: is there twice",
        ),
        (
            "/default",
            json!("none"),
            "default: there is no policy \"none\"",
        ),
        (
            "/unlisted",
            json!("404"),
            "unlisted: \"not-found\" or \"pass\"",
        ),
        ("/domain", json!({}), "unknown key \"domain\""),
        ("/domains", json!({}), "domains: there is none"),
    ] {
        let mut config = config();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[key] = value;
        let error = Publisher::parse(&config.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{pointer}: {error}");
    }
    let error = Publisher::parse("{\n  \"policies\": }")
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 2 column 15"), "{error}");
    assert!(Publisher::parse("[]").is_err());
    let long = format!(
        "{}.example",
        [["a".repeat(59).as_str(); 4].join("."), "b".into()].join(".")
    );
    let config = json!({ "policies": { "p": TRIAL }, "domains": { long: "p" } });
    assert!(
        Publisher::from_json(&config)
            .unwrap_err()
            .to_string()
            .contains("too long")
    );
}
