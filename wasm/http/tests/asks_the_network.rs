// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is asked of the network for a query, and what its failures come to.

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use mtasts::{FetchFailure, UnixTime};
use mtasts_http::failure::told;
use mtasts_http::{Call, Config, Network, Response, Service};
use mtasts_web::publish::Request;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// A network of which each call takes two seconds and goes as the test says.
struct Fake<F> {
    elapsed: Cell<Duration>,
    answer: F,
    calls: RefCell<Vec<(String, Duration)>>,
}

fn fake<F: Fn(&Call<'_>) -> Result<Response, FetchFailure>>(answer: F) -> Fake<F> {
    Fake {
        elapsed: Cell::new(Duration::from_secs(100)),
        answer,
        calls: RefCell::default(),
    }
}

impl<F: Fn(&Call<'_>) -> Result<Response, FetchFailure>> Network for Fake<F> {
    fn now(&self) -> UnixTime {
        UnixTime(1_767_225_600)
    }

    fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    fn call(&self, call: &Call<'_>) -> Result<Response, FetchFailure> {
        let scheme = if call.is_https { "https" } else { "http" };
        let url = format!("{scheme}://{}{}", call.authority, call.path);
        self.calls.borrow_mut().push((url, call.timeout));
        self.elapsed
            .set(self.elapsed.get() + Duration::from_secs(2));
        (self.answer)(call)
    }
}

fn service() -> Service {
    let text = json!({
        "api_hosts": ["*"],
        "query": { "dns": { "url": "http://dns.test/q" }, "fetch": { "port": 8443 } },
    });
    Service::new(Config::parse(text.to_string().as_bytes()).unwrap())
}

fn ask<F: Fn(&Call<'_>) -> Result<Response, FetchFailure>>(network: &Fake<F>) -> Value {
    let request = Request {
        method: "GET",
        authority: "api.test",
        path: "/v1/policy?domain=a.example",
        if_none_match: None,
    };
    let mut service = service();
    serde_json::from_slice(&service.answer(network, &request).body).unwrap()
}

/// The answer to a question, which it repeats: one record of this type, class IN, TTL 60.
fn dns(call: &Call<'_>, kind: u8, data: &[u8]) -> Result<Response, FetchFailure> {
    let (media_type, question) = call.body.unwrap();
    let mut body = question.to_vec();
    body[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    body.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
    body.extend_from_slice(data);
    Ok(Response {
        status: 200,
        content_type: Some(media_type.to_owned()),
        age: None,
        body,
    })
}

fn txt(call: &Call<'_>) -> Result<Response, FetchFailure> {
    let text = b"v=STSv1; id=1;";
    dns(call, 16, &[&[text.len() as u8], &text[..]].concat())
}

#[test]
fn r_get_1_the_policy_host_is_asked_by_https() {
    let network = fake(|call| match call.body {
        Some(_) => txt(call),
        None => Ok(Response {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            body: b"version: STSv1\nmode: none\nmax_age: 60\n".to_vec(),
            ..Response::default()
        }),
    });
    let found = ask(&network);
    assert_eq!(
        (&found["basis"], &found["policy"]["mode"]),
        (&json!("fresh"), &json!("none"))
    );
    let policy = "https://mta-sts.a.example:8443/.well-known/mta-sts.txt".to_owned();
    let asked = [
        ("http://dns.test/q".to_owned(), Duration::from_secs(5)),
        (policy, Duration::from_secs(60)),
    ];
    assert_eq!(*network.calls.borrow(), asked);
}

#[test]
fn r_txt_1_a_chain_of_aliases_has_one_time() {
    let links = Cell::new(0);
    let network = fake(|call| {
        links.set(links.get() + 1);
        match call.timeout.is_zero() {
            true => Err(FetchFailure::Timeout),
            false => dns(
                call,
                5,
                &[
                    1,
                    b'a' + links.get(),
                    7,
                    b'e',
                    b'x',
                    b'a',
                    b'm',
                    b'p',
                    b'l',
                    b'e',
                    0,
                ],
            ),
        }
    });
    assert_eq!(ask(&network)["reason"], "dns-temporary");
    let times: Vec<_> = network
        .calls
        .borrow()
        .iter()
        .map(|(_, time)| time.as_secs())
        .collect();
    assert_eq!(times, [5, 3, 1, 0]);
}

#[test]
fn r_flow_2_what_the_runtime_lacks_is_no_failure_of_the_domain() {
    for (failure, dns_reason, reason) in [
        (FetchFailure::Local, "local-failure", "local-failure"),
        (FetchFailure::Connect, "dns-temporary", "connect"),
        (FetchFailure::Timeout, "dns-temporary", "timeout"),
        (
            FetchFailure::BodyTooLarge,
            "dns-permanent",
            "body-too-large",
        ),
    ] {
        let found = ask(&fake(|_| Err(failure)));
        assert_eq!(found["reason"], dns_reason, "{failure:?}");
        let network = fake(|call| call.body.map_or(Err(failure), |_| txt(call)));
        assert_eq!(ask(&network)["reason"], reason, "{failure:?}");
    }
}

#[test]
fn r_rpt_2_words_of_runtimes_are_understood() {
    use FetchFailure::{Connect, Dns, Local, Other, Timeout, WebPki};
    for (words, failure) in [
        ("Error: unable to verify the first certificate", WebPki),
        (
            "Error: Hostname/IP does not match certificate's altnames: …",
            WebPki,
        ),
        ("invalid peer certificate: UnknownIssuer", WebPki),
        ("Error: getaddrinfo EAI_AGAIN mta-sts.a.example", Dns),
        ("Error: connect ETIMEDOUT 192.0.2.1:443", Timeout),
        ("Error: connect EMFILE 192.0.2.1:443", Local),
        ("Error: Parse Error: Expected HTTP/, RTSP/ or ICE/", Other),
        ("Error: SSL alert number 40", Connect),
        ("", Connect),
    ] {
        assert_eq!(told(words), failure, "{words}");
    }
}
