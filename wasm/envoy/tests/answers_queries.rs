// SPDX-License-Identifier: MIT OR Apache-2.0

//! `/v1/policy` in one thread and in several, with every failure on the way (R-FLOW).

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod mock;

use mock::{Mock, NOW, POLICY, body, config, dns, fetch, policy, synthetic, worker};
use mtasts_envoy::call::Response;
use mtasts_envoy::{Counter, Worker};
use serde_json::json;
use std::time::Duration;

#[test]
fn dns_is_asked_by_post_and_the_policy_host_by_its_name() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    assert!(
        worker
            .ask(&mock, 1, "domain=example.com&mx=mx.example.com")
            .is_none()
    );
    assert!(
        mock.calls.borrow().is_empty(),
        "no call in the name of a request"
    );
    assert!(mock.is_woken.get());
    worker.tick(&mock);
    let call = mock.call();
    assert_eq!(
        (call.cluster.as_str(), call.timeout),
        ("doh", Duration::from_secs(5))
    );
    assert_eq!(call.headers[":method"], "POST");
    assert_eq!(call.headers[":path"], "/dns-query");
    assert_eq!(call.headers[":authority"], "doh");
    assert_eq!(call.headers["content-type"], "application/dns-message");
    worker.response(
        &mock,
        call.number,
        dns(&call.body.unwrap(), Some("v=STSv1; id=1;")),
    );
    let call = mock.call();
    assert_eq!(
        (call.cluster.as_str(), call.timeout),
        ("hosts", Duration::from_secs(60))
    );
    assert_eq!(call.headers[":method"], "GET");
    assert_eq!(call.headers[":authority"], "mta-sts.example.com");
    assert_eq!(call.headers[":path"], "/.well-known/mta-sts.txt");
    assert_eq!(call.body, None);
    worker.response(&mock, call.number, policy(POLICY));
    let (_, answer) = mock.reply();
    assert_eq!(answer["basis"], "fresh");
    assert_eq!(answer["policy"]["id"], "1");
    assert_eq!(answer["policy"]["fetched_at"], NOW);
    assert_eq!(answer["mx"][0]["action"], "deliver");
    let again = worker.ask(&mock, 2, "domain=example.com").unwrap();
    assert_eq!(body(&again)["basis"], "cached");
    assert_eq!(mock.count_of(Counter::Policy), 2);
    assert_eq!(
        (mock.count_of(Counter::Txt), mock.count_of(Counter::Fetch)),
        (1, 1)
    );
}

#[test]
fn r_flow_8_many_requests_for_a_domain_make_one_look_up() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    for request in 1..=50 {
        assert!(worker.ask(&mock, request, "domain=example.com").is_none());
    }
    worker.tick(&mock);
    let call = mock.call();
    worker.gone(7); // its client has left
    worker.response(&mock, call.number, dns(&call.body.unwrap(), None));
    let replies = mock.replies.take();
    assert_eq!(replies.len(), 49);
    assert!(
        replies
            .iter()
            .all(|(request, answer)| *request != 7 && answer["reason"] == "no-record")
    );
    assert_eq!(mock.count_of(Counter::NoPolicy), 49);
}

/// Envoy would take the answer of the request that asks for that of the other.
#[test]
fn a_request_is_not_answered_while_another_one_asks() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    assert!(worker.ask(&mock, 1, "domain=slow.example").is_none());
    worker.tick(&mock);
    mock.call();
    mock.pass(121); // DNS has not answered, so that the engine gives up
    mock.is_woken.set(false);
    assert!(worker.ask(&mock, 2, "domain=example.com").is_none());
    assert!(mock.replies.borrow().is_empty());
    assert!(mock.is_woken.get());
    worker.tick(&mock);
    let (request, answer) = mock.reply();
    assert_eq!((request, &answer["reason"]), (1, &json!("dns-temporary")));
}

#[test]
fn r_flow_8_what_one_thread_has_fetched_another_knows() {
    let mock = Mock::new();
    let mut first = worker(&mock);
    fetch(&mock, &mut first, "example.com", "1", POLICY);
    let other = mock.another();
    let mut second = worker(&other);
    let reply = second.ask(&other, 1, "domain=example.com").unwrap();
    assert_eq!(body(&reply)["policy"]["id"], "1");
    assert!(other.calls.borrow().is_empty() && !other.is_woken.get());
}

#[test]
fn r_flow_1_a_cached_policy_outlasts_every_failure() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    fetch(&mock, &mut worker, "example.com", "1", POLICY);
    let dns_failures = [
        Response::default(),
        synthetic(
            503,
            "upstream connect error or disconnect/reset before headers",
        ),
        synthetic(200, "not DNS"),
    ];
    for failure in dns_failures {
        mock.pass(3_600);
        assert!(worker.ask(&mock, 2, "domain=example.com").is_none());
        worker.tick(&mock);
        worker.response(&mock, mock.call().number, failure);
        let (_, answer) = mock.reply();
        assert_eq!(
            (&answer["basis"], &answer["policy"]["id"]),
            (&json!("cached"), &json!("1"))
        );
    }
    let failures = [
        (Response::default(), "connect"),
        (
            synthetic(
                503,
                "... TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end",
            ),
            "webpki",
        ),
        (synthetic(504, "upstream request timeout"), "timeout"),
        (
            synthetic(
                503,
                "upstream connect error or disconnect/reset before headers. reset reason: overflow",
            ),
            "local-failure",
        ),
        (
            Response {
                status: 301,
                is_upstream: true,
                ..Response::default()
            },
            "status-301",
        ),
        (
            Response {
                status: 404,
                is_upstream: true,
                ..Response::default()
            },
            "status-404",
        ),
        (
            Response {
                status: 503,
                is_upstream: true,
                ..Response::default()
            },
            "status-503",
        ),
        (
            Response {
                size: 65_537,
                ..policy("")
            },
            "body-too-large",
        ),
        (
            Response {
                content_type: Some("text/html".into()),
                ..policy(POLICY)
            },
            "media-type",
        ),
        (
            Response {
                content_type: None,
                ..policy(POLICY)
            },
            "media-type",
        ),
        (policy("mode: enforce"), "policy-invalid"),
        (
            Response {
                has_end: false, // R-GET-1: it may have been cut
                ..policy(POLICY)
            },
            "fetch-other",
        ),
    ];
    for (id, (failure, reason)) in failures.into_iter().enumerate() {
        mock.pass(3_600);
        assert!(worker.ask(&mock, 2, "domain=example.com").is_none());
        worker.tick(&mock);
        let call = mock.call();
        let record = format!("v=STSv1; id=new{id};");
        worker.response(&mock, call.number, dns(&call.body.unwrap(), Some(&record)));
        worker.response(&mock, mock.call().number, failure);
        let (_, answer) = mock.reply();
        assert_eq!(answer["reason"], reason);
        assert_eq!(
            (&answer["basis"], &answer["policy"]["id"]),
            (&json!("cached"), &json!("1"))
        );
    }
}

#[test]
fn r_flow_10_a_server_that_fails_is_not_remembered_as_absence() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    for _ in 0..2 {
        assert!(worker.ask(&mock, 1, "domain=example.com").is_none());
        worker.tick(&mock);
        worker.response(&mock, mock.call().number, Response::default());
        assert_eq!(mock.reply().1["reason"], "dns-temporary");
    }
    assert_eq!(mock.count_of(Counter::TxtFailed), 2);
}

#[test]
fn what_envoy_does_not_even_try_is_a_failure_of_ours_and_mail_waits() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    mock.is_full.set(true);
    assert!(worker.ask(&mock, 1, "domain=example.com").is_none());
    worker.tick(&mock);
    let (_, answer) = mock.reply();
    assert_eq!(
        (&answer["reason"], &answer["try_later"]),
        (&json!("local-failure"), &json!(true))
    );
    assert_eq!(mock.count_of(Counter::Temporary), 1);
}

#[test]
fn r_txt_1_a_cname_that_the_server_does_not_follow_is_followed() {
    let mock = Mock::new();
    let mut worker = worker(&mock);
    assert!(worker.ask(&mock, 1, "domain=example.com").is_none());
    worker.tick(&mock);
    let call = mock.call();
    let mut alias = dns(&call.body.unwrap(), None);
    alias.body[3] = 0x80;
    alias.body[7] = 1;
    alias
        .body
        .extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 21]);
    worker.response(&mock, call.number, alias);
    let call = mock.call();
    assert!(call.body.as_ref().unwrap()[12..].starts_with(b"\x01x\x07example\x03com\0"));
    worker.response(
        &mock,
        call.number,
        dns(&call.body.unwrap(), Some("v=STSv1; id=1;")),
    );
    assert_eq!(mock.call().cluster, "hosts");
}

#[test]
fn queries_that_wait_are_bounded() {
    let mock = Mock::new();
    let config = config(|config| config["query"]["max_waiting"] = json!(2));
    let mut worker = Worker::new(config.query.as_ref().unwrap(), &mock);
    fetch(&mock, &mut worker, "known.example", "1", POLICY);
    for request in [1, 2] {
        assert!(
            worker
                .ask(&mock, request, &format!("domain=d{request}.example"))
                .is_none()
        );
    }
    let refused = worker.ask(&mock, 3, "domain=d3.example").unwrap();
    assert_eq!(refused.status, 503);
    let known = worker.ask(&mock, 3, "domain=known.example").unwrap();
    assert_eq!(known.status, 200, "what is known is answered all the same");
    worker.gone(1);
    assert!(worker.ask(&mock, 4, "domain=d4.example").is_none());
    assert_eq!(mock.count_of(Counter::Overload), 1);
}

#[test]
fn r_flow_5_one_elected_thread_refreshes_and_the_others_take_over_what_it_finds() {
    let mock = Mock::new();
    let mut first = worker(&mock);
    let other = mock.another();
    let mut second = worker(&other);
    fetch(&mock, &mut first, "example.com", "1", POLICY);
    assert!(second.ask(&other, 1, "domain=example.com").is_some());
    let mut refreshed_at = None;
    for _ in 0..86_400 / 60 {
        mock.pass(60);
        first.tick(&mock);
        second.tick(&other);
        if !mock.calls.borrow().is_empty() || !other.calls.borrow().is_empty() {
            refreshed_at = Some(mock.shared.now.get());
            break;
        }
        for _ in 0..70 {
            // a walk takes about a minute; the clock need not move meanwhile
            mock.pass(1);
            first.tick(&mock);
            second.tick(&other);
        }
        mock.shared.now.set(mock.shared.now.get() - 70);
    }
    let age = refreshed_at.unwrap() - NOW;
    assert!((64_800..=86_400).contains(&age), "{age}");
    let (at, on, leader) = match mock.calls.borrow().is_empty() {
        true => (&other, &mock, &mut second),
        false => (&mock, &other, &mut first),
    };
    assert!(on.calls.borrow().is_empty(), "only one refreshes");
    let call = at.call();
    assert_eq!(call.cluster, "hosts");
    let text = POLICY.replace("604800", "86400");
    leader.response(at, call.number, policy(&text));
    for _ in 0..70 {
        mock.pass(1);
        first.tick(&mock);
        second.tick(&other);
    }
    for (mock, worker) in [(&mock, &mut first), (&other, &mut second)] {
        assert!(mock.calls.borrow().is_empty());
        assert!(worker.ask(mock, 1, "domain=example.com").is_none()); // the record's TTL is over
        worker.tick(mock);
        let call = mock.call();
        worker.response(
            mock,
            call.number,
            dns(&call.body.unwrap(), Some("v=STSv1; id=1;")),
        );
        assert_eq!(mock.reply().1["policy"]["max_age"], 86_400);
    }
}
