// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which requests the plugin answers, and which configurations it takes.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts_envoy::{Config, Route, is_ours};
use mtasts_web::publish::Request;
use serde_json::{Value, json};

fn config() -> Value {
    json!({
        "api_hosts": ["Api.example"],
        "publish": {
            "policies": { "p": "version: STSv1\nmode: none\nmax_age: 60\n" },
            "domains": { "example.com": "p" },
        },
        "query": { "dns": { "cluster": "doh" }, "fetch": { "cluster": "hosts", "port": 443.0 } },
    })
}

fn routed(config: &Value, method: &str, authority: &str, path: &str) -> String {
    let config = Config::parse(config.to_string().as_bytes()).unwrap();
    let request = Request {
        method,
        authority,
        path,
        if_none_match: None,
    };
    let routed = match config.site.route(&request) {
        Route::Other => "other".to_owned(),
        Route::Policy(reply) => format!("policy {}", reply.status),
        Route::Api(reply) => format!("api {}", reply.status),
        Route::Query(query) => format!("query {query}"),
    };
    assert!(routed == "other" || is_ours(path), "{path}");
    routed
}

#[test]
fn only_policies_and_the_api_at_its_hosts_are_answered() {
    let all = config();
    let policy = "/.well-known/mta-sts.txt";
    for (method, authority, path, expected) in [
        ("GET", "mta-sts.example.com", policy, "policy 200"),
        ("PUT", "mta-sts.example.com", policy, "policy 405"),
        ("GET", "mta-sts.example.net", policy, "policy 404"),
        ("GET", "example.com", policy, "other"),
        ("GET", "mta-sts.example.com", "/", "other"),
        (
            "GET",
            "api.example:80",
            "/v1/policy?domain=a.example",
            "query domain=a.example",
        ),
        ("HEAD", "API.example", "/v1/policy", "query "),
        (
            "POST",
            "api.example",
            "/v1/policy?domain=a.example",
            "api 405",
        ),
        ("GET", "api.example", "/v1/records", "api 200"),
        (
            "GET",
            "api.example",
            "/v1/records?domain=example.com",
            "api 200",
        ),
        (
            "GET",
            "api.example",
            "/v1/records?domain=example.net",
            "api 404",
        ),
        ("POST", "api.example", "/v1/records", "api 405"),
        ("GET", "api.example", "/v1/policyx", "other"),
        ("GET", "api.example", "/v1/", "other"),
        (
            "GET",
            "other.example",
            "/v1/policy?domain=a.example",
            "other",
        ),
        ("GET", "mta-sts.example.com", "/v1/records", "other"),
    ] {
        assert_eq!(
            routed(&all, method, authority, path),
            expected,
            "{method} {authority} {path}"
        );
    }
}

#[test]
fn what_is_not_configured_is_not_answered() {
    let mut only_queries = config();
    only_queries.as_object_mut().unwrap().remove("publish");
    only_queries["api_hosts"] = json!(["*"]);
    let policy = "/.well-known/mta-sts.txt";
    assert_eq!(
        routed(&only_queries, "GET", "mta-sts.example.com", policy),
        "other"
    );
    assert_eq!(routed(&only_queries, "GET", "any", "/v1/records"), "other");
    assert_eq!(
        routed(&only_queries, "GET", "any:1", "/v1/policy?x"),
        "query x"
    );
    let mut only_policies = config();
    only_policies.as_object_mut().unwrap().remove("query");
    only_policies.as_object_mut().unwrap().remove("api_hosts");
    assert_eq!(
        routed(&only_policies, "GET", "api.example", "/v1/policy?x"),
        "other"
    );
    assert_eq!(
        routed(&only_policies, "GET", "api.example", "/v1/records"),
        "other"
    );
    assert_eq!(
        routed(&only_policies, "GET", "mta-sts.example.com", policy),
        "policy 200"
    );
}

#[test]
fn r_pub_1_a_bad_configuration_is_refused_and_says_where() {
    for (pointer, value, expected) in [
        (
            "/publish/policies/p",
            json!("version: STSv1\nmode: none\nmax_age: x\n"),
            "publish: policies.p: line 3, column 10: max_age is not a number",
        ),
        (
            "/publish/other",
            json!(1),
            "publish: the configuration: unknown key \"other\"",
        ),
        ("/api_hosts", json!("x"), "api_hosts: an array"),
        ("/api_hosts", json!([1]), "api_hosts: an array"),
        ("/api_hosts", json!([]), "api_hosts: \"query\" needs"),
        (
            "/query/dns",
            json!({}),
            "query.dns.cluster: a text is wanted",
        ),
        ("/query/dns/path", json!("dns-query"), "query.dns.path: "),
        (
            "/query/dns/timeout_ms",
            json!(0),
            "query.dns.timeout_ms: a whole number from 1",
        ),
        (
            "/query/dns/timeout_ms",
            json!(1.5),
            "query.dns.timeout_ms: a whole number from 1",
        ),
        (
            "/query/fetch/port",
            json!(65_536),
            "query.fetch.port: a whole number from 1 to 65535",
        ),
        (
            "/query/fetch/port",
            json!("443"),
            "query.fetch.port: a whole number",
        ),
        (
            "/query/fetch/cluster",
            json!(""),
            "query.fetch.cluster: a text is wanted",
        ),
        ("/query/dane", json!(true), "query: unknown key \"dane\""),
        (
            "/queries",
            json!({}),
            "the configuration: unknown key \"queries\"",
        ),
    ] {
        let mut config = config();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[key] = value;
        let error = Config::parse(config.to_string().as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{pointer}: {error}");
    }
    for text in ["", "{}", "[]", "{", "\u{0}"] {
        assert!(Config::parse(text.as_bytes()).is_err(), "{text}");
    }
}
