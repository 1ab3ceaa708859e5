// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whole lookups: the network, the store and the engine together.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{DOMAIN, lab, log, options};
use mtasts::{Basis, Config, Reason};
use mtasts_host::store::{Entry, Store};
use mtasts_host::{DefaultHost, Options, to_policy_domain};
use mtasts_lab::block_on;
use std::path::Path;

fn with_store(lab: &mtasts_lab::Lab, store: &Path) -> DefaultHost {
    let options = Options {
        store: Some(store.to_owned()),
        ..options(lab)
    };
    DefaultHost::open(options).unwrap()
}

#[test]
fn a_policy_is_fetched_saved_and_looked_at_again() {
    let (lab, dir) = (lab(), tempfile::tempdir().unwrap());
    let (host, config) = (with_store(&lab, dir.path()), Config::default());
    let domain = to_policy_domain(DOMAIN).unwrap();
    block_on(async {
        let fresh = host.resolve(domain.clone(), &config).await;
        assert_eq!((fresh.basis(), fresh.reason()), (Basis::Fresh, None));
        let cached = host.resolve(domain.clone(), &config).await;
        assert_eq!(cached.basis(), Basis::Cached);
        assert_eq!(lab.count("dns", "type=TXT").unwrap(), 1); // within the record's TTL
        let again = host.look_again(&cached, &config).await;
        assert_eq!(again.basis(), Basis::Cached);
        assert_eq!(lab.count("dns", "type=TXT").unwrap(), 2); // past every cache
        lab.set(DOMAIN, "id=2 policy=testing").unwrap();
        let again = host.look_again(&again, &config).await;
        assert_eq!(
            again.policy().map(|policy| policy.mode()),
            Some(mtasts::Mode::Testing)
        );
    })
    .unwrap();
    let text = host.store().unwrap().load(DOMAIN).unwrap().unwrap();
    assert!(text.contains("mode: testing"), "{text}");
}

#[test]
fn the_blocking_host_does_the_same() {
    let (lab, dir) = (lab(), tempfile::tempdir().unwrap());
    let (host, config) = (with_store(&lab, dir.path()), Config::default());
    let domain = to_policy_domain(DOMAIN).unwrap();
    let fresh = host.blocking().resolve(domain.clone(), &config);
    assert_eq!(fresh.basis(), Basis::Fresh);
    let again = host.blocking().look_again(&fresh, &config);
    assert_eq!(again.basis(), Basis::Cached);
    assert_eq!(
        host.blocking().resolve(domain, &config).basis(),
        Basis::Cached
    );
}

#[test]
fn r_flow_10_absence_is_remembered_without_a_policy() {
    let (lab, dir) = (lab(), tempfile::tempdir().unwrap());
    lab.set(DOMAIN, "record=gone").unwrap();
    let host = with_store(&lab, dir.path());
    let domain = to_policy_domain(DOMAIN).unwrap();
    for _ in 0..3 {
        let outcome = host.blocking().resolve(domain.clone(), &Config::default());
        assert_eq!(outcome.reason(), Some(Reason::NoRecord));
    }
    assert_eq!(lab.count("dns", "type=TXT").unwrap(), 1);
    assert_eq!(host.store().unwrap().len().unwrap(), 1);
}

#[test]
fn an_entry_that_cannot_be_read_is_a_store_failure_and_is_replaced() {
    let (lab, dir) = (lab(), tempfile::tempdir().unwrap());
    lab.set(DOMAIN, "record=servfail").unwrap();
    let entry = Entry {
        domain: DOMAIN,
        text: "garbage",
        fetched_at: 1,
        useless_after: u64::MAX,
    };
    Store::open(dir.path()).unwrap().save(&entry, 1).unwrap();
    let (log, lines) = log();
    let options = Options {
        store: Some(dir.path().to_owned()),
        log,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let domain = to_policy_domain(DOMAIN).unwrap();
    let outcome = host.blocking().resolve(domain.clone(), &Config::default());
    assert_eq!(
        (outcome.reason(), outcome.is_try_later()),
        (Some(Reason::StoreFailed), true)
    );
    assert!(lines.lock().unwrap()[0].contains(DOMAIN));
    lab.set(DOMAIN, "record=ok").unwrap();
    let fresh = host.blocking().resolve(domain.clone(), &Config::default());
    assert_eq!(fresh.basis(), Basis::Fresh);
    assert_eq!(
        host.blocking().resolve(domain, &Config::default()).basis(),
        Basis::Cached
    );
}
