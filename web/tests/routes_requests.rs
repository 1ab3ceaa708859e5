// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which requests are answered at which hosts, and configurations that say so.

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use mtasts_web::publish::{ConfigError, Request};
use mtasts_web::settings::Section;
use mtasts_web::site::{Route, Site, read_configuration};
use serde_json::{Value, json};

fn site(value: &Value) -> Result<Site, ConfigError> {
    let text = value.to_string();
    read_configuration(text.as_bytes(), |_| Ok(())).map(|(site, _)| site)
}

fn publish() -> Value {
    json!({
        "policies": { "p": ["version: STSv1", "mode: none", "max_age: 60"] },
        "domains": { "example.com": "p" }
    })
}

/// What it is for, and the status or the query.
fn route(site: &Site, method: &str, url: &str) -> String {
    let (authority, path) = url.split_at(url.find('/').unwrap());
    let request = Request {
        method,
        authority,
        path,
        if_none_match: None,
    };
    match site.route(&request) {
        Route::Other => "other".to_owned(),
        Route::Query(query) => format!("query {query}"),
        Route::Api(reply) => format!("api {}", reply.status),
        Route::Policy(reply) => format!("policy {}", reply.status),
    }
}

#[test]
fn r_pub_1_the_api_is_at_its_hosts_alone() {
    let both = json!({ "publish": publish(), "query": {}, "api_hosts": ["Api.Example", "[::1]"] });
    let site = site(&both).unwrap();
    let too_long = format!(
        "mta-sts.{}example.com/.well-known/mta-sts.txt",
        "a.".repeat(118)
    );
    for (method, url, wanted) in [
        ("GET", too_long.as_str(), "other"),
        (
            "GET",
            "api.example/v1/policy?domain=a&mx=b",
            "query domain=a&mx=b",
        ),
        ("HEAD", "API.example:8080/v1/policy", "query "),
        ("GET", "[::1]:80/v1/records", "api 200"),
        ("POST", "api.example/v1/policy", "api 405"),
        ("PUT", "[::1]/v1/records", "api 405"),
        ("GET", "api.example/v1/other", "other"),
        ("GET", "api.example.org/v1/policy", "other"),
        ("GET", "mta-sts.example.com/v1/records", "other"),
        (
            "GET",
            "mta-sts.example.com/.well-known/mta-sts.txt",
            "policy 200",
        ),
        (
            "GET",
            "mta-sts.example.net/.well-known/mta-sts.txt",
            "policy 404",
        ),
        ("GET", "api.example/.well-known/mta-sts.txt", "other"),
    ] {
        assert_eq!(route(&site, method, url), wanted, "{method} {url}");
    }
}

#[test]
fn what_is_not_configured_is_not_answered() {
    let publishing = json!({ "publish": publish(), "api_hosts": ["*"] });
    let asking = json!({ "query": {}, "api_hosts": ["*"] });
    for (value, records, policy, served) in [
        (publishing, "api 200", "other", "policy 200"),
        (asking, "other", "query ", "other"),
    ] {
        let site = site(&value).unwrap();
        assert_eq!(route(&site, "GET", "any.example/v1/records"), records);
        assert_eq!(route(&site, "GET", "any.example/v1/policy"), policy);
        let path = "mta-sts.example.com/.well-known/mta-sts.txt";
        assert_eq!(route(&site, "GET", path), served);
    }
}

#[test]
fn a_bad_configuration_is_refused_and_says_where() {
    for (value, wanted) in [
        (json!([]), "the configuration: an object is wanted"),
        (
            json!({}),
            "the configuration: \"publish\" or \"query\" is wanted",
        ),
        (
            json!({ "querry": {} }),
            "the configuration: unknown key \"querry\"",
        ),
        (json!({ "query": {} }), "api_hosts: \"query\" needs"),
        (
            json!({ "query": {}, "api_hosts": "a" }),
            "api_hosts: an array",
        ),
        (
            json!({ "query": {}, "api_hosts": [1] }),
            "api_hosts: an array",
        ),
        (
            json!({ "query": {}, "api_hosts": ["a", "b:8080"] }),
            "api_hosts: \"b:8080\" is no host name",
        ),
        (
            json!({ "query": {}, "api_hosts": ["*.example"] }),
            "api_hosts: \"*.example\" is no host name",
        ),
        (
            json!({ "query": {}, "api_hosts": [""] }),
            "api_hosts: \"\" is no host name",
        ),
        (
            json!({ "publish": {} }),
            "publish: policies: an object is wanted",
        ),
    ] {
        let error = site(&value).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{value}: {error}");
    }
}

#[test]
fn values_are_of_their_kind_and_in_their_range() {
    let value =
        json!({ "text": "a", "empty": "", "whole": 5.0, "half": 0.5, "large": 1e12, "less": -1 });
    let keys = ["text", "empty", "whole", "half", "large", "less"];
    let section = Section::open("a.b", &value, &keys).unwrap();
    assert_eq!(section.text("text", None), Ok("a"));
    assert_eq!(section.text("none", Some("b")), Ok("b"));
    assert_eq!(section.number("whole", 1, 0..=9), Ok(5));
    assert_eq!(section.number("none", 1, 0..=9), Ok(1));
    for key in ["empty", "whole", "none"] {
        let error = section.text(key, None).unwrap_err().to_string();
        assert_eq!(error, format!("a.b.{key}: a text is wanted"));
    }
    for key in ["text", "half", "large", "less"] {
        let error = section.number(key, 1, 0..=9).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("a.b.{key}: a whole number from 0 to 9 is wanted")
        );
    }
}
