// SPDX-License-Identifier: MIT OR Apache-2.0

//! Configurations, good and bad.

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use mtasts_http::Config;
use mtasts_http::config::Dns;
use serde_json::{Value, json};
use std::time::Duration;

fn parse(query: &Value) -> Result<Config, String> {
    let whole = json!({ "api_hosts": ["api.test"], "query": query });
    Config::parse(whole.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn with_url(url: &str) -> Result<Dns, String> {
    let config = parse(&json!({ "dns": { "url": url } }))?;
    Ok(config.query.unwrap().dns)
}

#[test]
fn what_is_not_said_has_defaults() {
    let query = parse(&json!({ "dns": { "url": "https://dns.test/dns-query" } }));
    let query = query.unwrap().query.unwrap();
    assert_eq!(query.port, 443);
    assert_eq!(query.lookup, mtasts::Config::default());
    assert_eq!(query.memory, 8 << 20);
    assert_eq!(query.dns.timeout, Duration::from_secs(5));
}

#[test]
fn a_dns_server_has_a_url() {
    for (url, is_https, authority, path) in [
        ("https://dns.test/dns-query", true, "dns.test", "/dns-query"),
        ("http://127.0.0.1:8053/", false, "127.0.0.1:8053", "/"),
        (
            "https://[2001:db8::1]:8443/a/b?c=d",
            true,
            "[2001:db8::1]:8443",
            "/a/b?c=d",
        ),
    ] {
        let dns = with_url(url).unwrap();
        assert_eq!(
            (dns.is_https, &*dns.authority, &*dns.path),
            (is_https, authority, path)
        );
    }
    for url in [
        "dns.test/dns-query",
        "https://dns.test",
        "https:///dns-query",
        "https://user@dns.test/dns-query",
        "https://dns.test/dns-query{?dns}",
        "https://dns.test/a b",
        "https://dns.test/a#b",
        "ftp://dns.test/",
    ] {
        let error = with_url(url).unwrap_err();
        assert!(error.starts_with("query.dns.url: "), "{url}: {error}");
    }
}

#[test]
fn what_is_wrong_is_refused_and_says_where() {
    let dns = json!({ "url": "https://dns.test/" });
    for (query, wanted) in [
        (json!(1), "query: an object is wanted"),
        (json!({}), "query.dns: an object is wanted"),
        (json!({ "dns": {} }), "query.dns.url: a text is wanted"),
        (
            json!({ "dns": dns, "fetch": 1 }),
            "query.fetch: an object is wanted",
        ),
        (
            json!({ "dns": dns, "fetch": { "port": 0 } }),
            "query.fetch.port: a whole number",
        ),
        (
            json!({ "dns": dns, "memory": 1 }),
            "query: unknown key \"memory\"",
        ),
        (
            json!({ "dns": dns, "memory_kib": -1 }),
            "query.memory_kib: a whole number",
        ),
    ] {
        let error = parse(&query).unwrap_err();
        assert!(error.starts_with(wanted), "{query}: {error}");
    }
}
