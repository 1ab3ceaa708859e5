// SPDX-License-Identifier: MIT OR Apache-2.0

//! Fetching (R-GET) from policy hosts with every fault.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod common;

use common::{DOMAIN, get, host, lab, log, options};
use mtasts::FetchFailure::{self, BodyTooLarge, Connect, Dns, Other, Timeout, WebPki};
use mtasts_host::{DefaultHost, Options};
use std::time::{Duration, Instant};

/// Long enough for what succeeds, in milliseconds.
const LONG: u32 = 20_000;

/// For what does not end by itself.
const SHORT: u32 = 400;

#[test]
fn r_get_1_the_policy_comes_from_the_policy_host() {
    let lab = lab();
    let reply = get(&host(&lab), LONG).unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.content_type.unwrap().starts_with("text/plain"));
    assert!(reply.body.starts_with(b"version: STSv1\r\n"));
    let event = &lab.wait("https", 1, Duration::from_secs(5), "").unwrap()[0];
    assert_eq!(event["method"], "GET");
    assert_eq!(event["path"], "/.well-known/mta-sts.txt");
    assert_eq!(event["sni"], "mta-sts.good.example");
    assert!(
        event["host"]
            .as_str()
            .unwrap()
            .starts_with("mta-sts.good.example")
    );
    assert!(event["agent"].as_str().unwrap().starts_with("libmtasts/"));
}

#[test]
fn r_get_replies_are_given_as_they_are() {
    let lab = lab();
    let host = host(&lab);
    for (fault, status, content_type) in [
        ("chunked", 200, Some("text/plain")),
        ("wildcard", 200, Some("text/plain")),
        ("html", 200, Some("text/html")),
        ("notype", 200, None),
        ("notfound", 404, Some("text/plain")),
        ("error500", 500, Some("text/plain")),
    ] {
        lab.set(DOMAIN, &format!("https={fault}")).unwrap();
        let reply = get(&host, LONG).unwrap();
        assert_eq!(reply.status, status, "{fault}");
        let media_type = reply
            .content_type
            .as_deref()
            .and_then(|value| value.split(';').next());
        if status == 200 {
            assert_eq!(media_type, content_type, "{fault}");
        }
    }
}

#[test]
fn r_get_2_redirects_are_not_followed() {
    let lab = lab();
    lab.set(DOMAIN, "https=redirect").unwrap();
    assert_eq!(get(&host(&lab), LONG).unwrap().status, 301);
    assert_eq!(lab.count("https", "").unwrap(), 1);
    assert_eq!(lab.count("dns", "name~redirect").unwrap(), 0);
}

#[test]
fn r_get_1_bad_certificates() {
    let lab = lab();
    let host = host(&lab);
    for fault in [
        "wrong-name",
        "expired",
        "not-yet-valid",
        "untrusted",
        "self-signed",
        "cn-only",
        "ip-san",
    ] {
        lab.set(DOMAIN, &format!("https={fault}")).unwrap();
        assert_eq!(get(&host, LONG), Err(WebPki), "{fault}");
    }
    assert_eq!(lab.count("https", "").unwrap(), 0); // nobody has been asked for anything
}

#[test]
fn r_get_connections_that_fail() {
    let lab = lab();
    let host = host(&lab);
    for (fault, failure) in [
        ("oversize", BodyTooLarge),
        ("truncated", Connect),
        ("garbage", Other),
        ("reset", Connect),
        ("tls-refused", Connect),
        ("refused", Connect),
    ] {
        lab.set(DOMAIN, &format!("https={fault}")).unwrap();
        assert_eq!(get(&host, LONG), Err(failure), "{fault}");
    }
}

#[test]
fn r_get_4_the_time_limit_covers_everything() {
    let lab = lab();
    let host = host(&lab);
    for fault in ["drip", "stall-http", "stall-tls"] {
        lab.set(DOMAIN, &format!("https={fault}")).unwrap();
        let start = Instant::now();
        assert_eq!(get(&host, SHORT), Err(Timeout), "{fault}");
        let taken = start.elapsed();
        assert!(
            taken >= Duration::from_millis(SHORT.into()),
            "{fault}: {taken:?}"
        );
        assert!(taken < Duration::from_secs(5), "{fault}: {taken:?}");
    }
}

/// Interim replies are no body, and have no end either.
#[test]
fn r_get_4_all_that_is_read_has_a_limit() {
    let lab = lab();
    let host = host(&lab);
    lab.set(DOMAIN, "https=interim").unwrap();
    let start = Instant::now();
    assert_eq!(get(&host, LONG), Err(Connect));
    assert!(start.elapsed() < Duration::from_millis(LONG.into()));
}

#[test]
fn r_get_4_the_size_limit_is_exact() {
    let lab = lab();
    let host = host(&lab);
    lab.set(DOMAIN, "pad=65536").unwrap();
    assert_eq!(get(&host, LONG).unwrap().body.len(), 65_536);
    lab.set(DOMAIN, "pad=65537").unwrap();
    assert_eq!(get(&host, LONG), Err(BodyTooLarge));
}

#[test]
fn r_get_6_the_next_address_is_tried() {
    let lab = lab();
    let host = host(&lab);
    lab.set(DOMAIN, "policyaddr=127.0.0.9,127.0.0.2").unwrap(); // nobody listens on the first
    assert_eq!(get(&host, LONG).unwrap().status, 200);
    lab.set(
        DOMAIN,
        "policyaddr=127.0.0.2,127.0.0.3,127.0.0.9 https=expired",
    )
    .unwrap();
    assert_eq!(get(&host, LONG), Err(WebPki)); // worth more than "refused"
    assert!(lab.count("https-connect", "address~127.0.0.3").unwrap() > 0);
    lab.set(DOMAIN, "policyaddr=127.0.0.2,127.0.0.3 https=stall-tls")
        .unwrap();
    assert_eq!(get(&host, SHORT), Err(Timeout));
    assert!(lab.count("https-connect", "address~127.0.0.3").unwrap() > 1); // it had its share
}

#[test]
fn r_get_6_only_global_addresses() {
    let lab = lab();
    let (log, lines) = log();
    let options = Options {
        allow_non_global: false,
        log,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    assert_eq!(get(&host, LONG), Err(Connect));
    lab.set(DOMAIN, "policydns=private").unwrap();
    assert_eq!(get(&host, LONG), Err(Connect));
    assert_eq!(lab.count("https-connect", "").unwrap(), 0);
    let lines = lines.lock().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("10.0.0.1 is not a global address"))
    );
}

#[test]
fn the_policy_host_without_an_address() {
    let lab = lab();
    let host = host(&lab);
    for fault in [
        "gone",
        "nodata",
        "malformed",
        "servfail",
        "refused",
        "timeout",
    ] {
        lab.set(DOMAIN, &format!("policydns={fault}")).unwrap();
        assert_eq!(get(&host, LONG), Err(Dns), "{fault}");
    }
    lab.set(DOMAIN, "policydns=ok cnamehost=policies.example")
        .unwrap();
    assert_eq!(get(&host, LONG).unwrap().status, 200);
}

#[test]
fn other_roots_are_other_trust() {
    let lab = lab();
    let untrusted = lab.dir().join("untrusted.pem");
    let options = Options {
        ca_file: Some(untrusted),
        ..options(&lab)
    };
    assert_eq!(get(&DefaultHost::open(options).unwrap(), LONG), Err(WebPki));
}

#[test]
fn roots_that_cannot_be_read_are_an_error_that_names_them() {
    let lab = lab();
    let empty = lab.dir().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    for path in [empty, lab.dir().join("missing.pem")] {
        let options = Options {
            ca_file: Some(path.clone()),
            ..options(&lab)
        };
        let error = DefaultHost::open(options).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn inside_a_runtime_blocking_calls_block() {
    let lab = lab();
    let host = host(&lab);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let status: Result<u16, FetchFailure> =
        runtime.block_on(async { get(&host, LONG).map(|reply| reply.status) });
    assert_eq!(status, Ok(200));
}

const TENANTS: &str = r#"
[defaults]
policy = "enforce"
id = "1"

[[bulk]]
count = 4
pattern = "d{}.slow.example"
https = "stall-http"

[[domain]]
name = "tenant.example"

[[domain]]
name = "elsewhere.example"
policyaddr = ["127.0.0.3"]

[[domain]]
name = "both.example"
policyaddr = ["127.0.0.2", "127.0.0.3"]
"#;

/// Two of the provider's policy hosts at 127.0.0.2 hold on to their fetches, and two fetches at a
/// time are the most. Does `work` meanwhile.
async fn while_full(work: impl AsyncFnOnce(&DefaultHost)) {
    let lab = mtasts_lab::Lab::start(TENANTS).unwrap();
    let options = Options {
        max_fetches_per_address: 2,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let slow = async {
        let both = tokio::join!(
            fetch_within(&host, "d0.slow.example", LONG, Duration::ZERO),
            fetch_within(&host, "d1.slow.example", LONG, Duration::ZERO),
        );
        panic!("they end: {both:?}");
    };
    let rest = async {
        while lab.count("tls", "server=https").unwrap() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        work(&host).await;
    };
    tokio::select! {
        () = slow => {}
        () = rest => {}
    }
}

async fn fetch_within(
    host: &DefaultHost,
    domain: &str,
    timeout_ms: u32,
    patience: Duration,
) -> Result<u16, FetchFailure> {
    let policy_host = format!("mta-sts.{domain}");
    let fetch = mtasts::Fetch {
        host: &policy_host,
        path: mtasts::WELL_KNOWN_PATH,
        timeout_ms,
        max_body: mtasts::MAX_BODY,
    };
    let reply = host.https_within(&fetch, patience).await;
    reply.map(|reply| reply.status)
}

#[tokio::test]
async fn an_address_gets_so_many_fetches_at_a_time_and_no_more() {
    while_full(async |host| {
        let none = Duration::ZERO;
        let refused = fetch_within(host, "tenant.example", LONG, none).await;
        assert_eq!(refused, Err(FetchFailure::Local)); // nothing is known against it
        // Who is waited for goes on without a turn, so that one tenant cannot hold up all others.
        let begun = Instant::now();
        let late = fetch_within(host, "tenant.example", LONG, Duration::from_millis(50)).await;
        assert_eq!(late, Ok(200));
        assert!(begun.elapsed() >= Duration::from_millis(50));
        // Its own time is not what it waits, so that it is not what is too slow.
        let late = fetch_within(host, "tenant.example", SHORT, Duration::MAX).await;
        assert_eq!(late, Ok(200));
        assert_eq!(
            fetch_within(host, "elsewhere.example", LONG, none).await,
            Ok(200)
        );
        assert_eq!(
            fetch_within(host, "both.example", LONG, none).await,
            Ok(200)
        );
    })
    .await;
}

#[tokio::test]
async fn who_waits_gets_the_turn_that_is_given_back() {
    let lab = mtasts_lab::Lab::start(TENANTS).unwrap();
    let options = Options {
        max_fetches_per_address: 1,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let patience = Duration::from_secs(20);
    let (slow, next, other) = tokio::join!(
        fetch_within(&host, "d0.slow.example", SHORT, patience),
        fetch_within(&host, "tenant.example", 60_000, patience),
        fetch_within(&host, "tenant.example", 60_000, patience),
    );
    assert!(
        matches!(slow, Err(Timeout | FetchFailure::Local)),
        "{slow:?}"
    );
    assert_eq!((next, other), (Ok(200), Ok(200)));
}
