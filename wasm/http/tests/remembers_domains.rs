// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is kept of domains, and what goes where there is no room (R-FLOW-1).

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use mtasts::{Policy, PolicyDomain, Stored, StoredPolicy, UnixTime};
use mtasts_http::Memory;
use std::sync::Arc;

/// What a domain without a policy takes.
const SMALL: usize = 1_024;

fn domain(name: &str) -> PolicyDomain {
    format!("{name}.example").parse().unwrap()
}

fn unknown(name: &str) -> Arc<Stored> {
    Arc::new(Stored::unknown(domain(name)))
}

/// A domain with a policy that takes twice as much as one without.
fn known(name: &str) -> Arc<Stored> {
    let start = "version: STSv1\nmode: none\nmax_age: 60\nx: ";
    let text = format!("{start}{}", "y".repeat(SMALL - start.len()));
    let policy = StoredPolicy {
        policy: Policy::parse(text.as_bytes()).unwrap(),
        id: "1".parse().unwrap(),
        fetched_at: UnixTime(1),
    };
    let mut stored = Stored::unknown(domain(name));
    stored.policy = Some(Arc::new(policy));
    Arc::new(stored)
}

/// Whether each of these is there; to look is to use.
fn has(memory: &mut Memory, names: &[&str]) -> Vec<bool> {
    let mut has = |name: &&str| memory.load(&domain(name)).is_some();
    names.iter().map(&mut has).collect()
}

#[test]
fn what_was_used_last_stays() {
    let mut memory = Memory::new(3 * SMALL);
    for name in ["a", "b", "c"] {
        memory.save(&unknown(name));
    }
    assert!(memory.load(&domain("a")).is_some());
    memory.save(&unknown("d"));
    assert_eq!(
        has(&mut memory, &["a", "b", "c", "d"]),
        [true, false, true, true]
    );
}

#[test]
fn made_up_domains_put_no_policy_out() {
    let mut memory = Memory::new(4 * SMALL);
    memory.save(&known("policy"));
    for number in 0..100 {
        memory.save(&unknown(&format!("d{number}")));
    }
    assert_eq!(
        has(&mut memory, &["policy", "d97", "d98", "d99"]),
        [true, false, true, true]
    );
    assert_eq!(memory.len(), 3);
}

#[test]
fn an_entry_takes_the_place_of_the_one_before() {
    let mut memory = Memory::new(3 * SMALL);
    for _ in 0..10 {
        memory.save(&known("a"));
        memory.save(&unknown("b"));
        memory.save(&unknown("b"));
    }
    assert_eq!(has(&mut memory, &["a", "b"]), [true, true]);
    memory.save(&unknown("a"));
    memory.save(&unknown("c"));
    assert_eq!(memory.len(), 3);
}

#[test]
fn what_is_larger_than_the_memory_is_not_kept() {
    let mut memory = Memory::new(0);
    memory.save(&unknown("a"));
    assert!(memory.is_empty());
}
