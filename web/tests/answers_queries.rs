// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is asked of `/v1/policy`, and the octets of the answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::{Config, Outcome, Policy, PolicyDomain, UnixTime};
use mtasts_web::query::{self, Problem};

fn domain(query: &str) -> Result<PolicyDomain, Problem> {
    query::domain(&query::parameters(query), query::POLICY, query::a_labels)
}

#[test]
fn r_dom_1_one_domain_is_asked_for_in_a_labels() {
    for query in [
        "domain=Example.COM.",
        "mx=a.example&domain=example%2Ecom",
        "domain=example.com&mx=",
    ] {
        assert_eq!(domain(query).unwrap().as_str(), "example.com", "{query}");
    }
    for (query, why) in [
        ("", "domain= is missing"),
        ("mx=a.example", "domain= is missing"),
        ("domain=", "domain= is no domain"),
        ("domain=a_b.example", "domain= is no domain"),
        ("domain=[192.0.2.1]", "domain= is no domain"),
        ("domain=%ff.example", "domain= is not in A-labels"),
        ("domain=b%C3%BCcher.example", "domain= is not in A-labels"),
        (
            "domain=a.example&domain=a.example",
            "domain= is there twice",
        ),
        ("domain=a.example&host=b", "unknown parameter host"),
        (
            &format!("domain=a.example&mx={}", vec!["mx"; 1_001].join(",")),
            "mx= names more than 1000 hosts",
        ),
    ] {
        let problem = domain(query).unwrap_err();
        assert_eq!(problem.status, 400, "{query}");
        assert!(problem.why.starts_with(why), "{query}: {problem}");
        let reply = problem.reply();
        assert!(reply.body.starts_with(b"{\"error\":\"") && reply.body.ends_with(b"\"}\n"));
    }
}

#[test]
fn the_answer_has_keys_in_order_and_judges_each_mx_host() {
    let text = b"version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 60\n";
    let policy = Policy::parse(text).unwrap();
    let outcome = Outcome::local("example.com".parse().unwrap(), policy.into());
    let parameters = query::parameters("domain=example.com&mx=mx.example.com,evil.example");
    let reply = query::policy(&outcome, None, &parameters);
    assert_eq!(reply.status, 200);
    assert_eq!(
        std::str::from_utf8(&reply.body).unwrap(),
        concat!(
            r#"{"basis":"local","dane":null,"domain":"example.com","explanation":null,"#,
            r#""mx":[{"action":"deliver","cause":null,"host":"mx.example.com","result":null},"#,
            r#"{"action":"defer","cause":"mx-not-listed","host":"evil.example","#,
            r#""result":"validation-failure"}],"mx_is_implicit":false,"#,
            r#""policy":{"expires_at":null,"fetched_at":null,"id":null,"max_age":60,"#,
            r#""mode":"enforce","mx":["*.example.com"]},"#,
            r#""reason":null,"result":null,"try_later":false}"#,
            "\n"
        )
    );
}

#[test]
fn without_mx_hosts_none_is_judged() {
    let domain = "example.com".parse().unwrap();
    let mut lookup = mtasts::Lookup::without_store(domain, &Config::default(), UnixTime(1));
    let mtasts::Step::QueryTxt { id, .. } = lookup.poll() else {
        panic!("a record is wanted first");
    };
    let none = mtasts::TxtFailure::NoRecords { ttl: Some(60) };
    lookup.txt(id, UnixTime(1), Err(none)).unwrap();
    let mtasts::Step::Done(outcome) = lookup.poll() else {
        panic!("the record's absence is an outcome");
    };
    let reply = query::policy(outcome, None, &query::parameters("domain=example.com"));
    let body = std::str::from_utf8(&reply.body).unwrap();
    assert!(
        body.contains(r#""mx":null,"mx_is_implicit":null,"policy":null"#),
        "{body}"
    );
    assert!(body.contains(r#""reason":"store-failed""#) && body.contains(r#""try_later":true"#));
}
