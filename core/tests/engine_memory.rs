// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an engine keeps in memory is bounded, whoever chooses the domains and writes the policies; the
//! store has the rest.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{Kind, Site, WEEK, World, policy};
use mtasts::Basis;
use mtasts::engine::Asked;

#[test]
fn made_up_domains_fill_a_table_of_their_own() {
    let mut world = World::with(|settings| settings.max_without_policy = 50);
    for n in 0..20 {
        let name = format!("p{n}.example");
        world.publish(&name, Site::new("a", 300, &policy("mx.example", WEEK)));
        world.outcome(&name);
    }
    for n in 0..1_000 {
        world.outcome(&format!("n{n}.example"));
        assert!(world.engine.len() <= 70);
    }
    assert_eq!(world.engine.len(), 70);
    for n in 0..20 {
        let asked = world.ask(&format!("p{n}.example"));
        assert!(matches!(asked, Asked::Ready(outcome) if outcome.basis() == Basis::Cached));
    }
    world.sleep(61);
    assert_eq!(world.engine.len(), 20);
}

#[test]
fn policies_beyond_the_bound_are_left_to_the_store() {
    let mut world = World::with(|settings| settings.max_policies = 100);
    let site = Site::new("a", 300, &policy("mx.example", WEEK));
    world.publish("busy.example", site.clone());
    for n in 0..1_000 {
        let name = format!("p{n}.example");
        world.publish(&name, site.clone());
        world.outcome(&name);
        world.now += 1;
        world.outcome("busy.example");
        assert!(world.engine.len() <= 100);
    }
    assert!(world.engine.ready("busy.example", world.time()).is_some());
    assert_eq!(world.times(Kind::Load, 0).len(), 1_001); // busy.example stayed
    assert!(world.removed.is_empty());
    world.asked.clear();
    world.publish("p0.example", Site::dead());
    assert_eq!(world.outcome("p0.example").basis(), Basis::Cached); // from the store (R-FLOW-1)
    assert_eq!(world.count(Kind::Load), 1);
}

#[test]
fn large_policies_count_for_more_and_go_first() {
    let mut world = World::with(|settings| settings.max_policies = 90);
    for n in 0..10 {
        let name = format!("small{n}.example");
        world.publish(&name, Site::new("a", 300, &policy("mx.example", WEEK)));
        world.outcome(&name);
    }
    let large = format!(
        "{}pad: {}\n",
        policy("mx.example", WEEK),
        "x".repeat(40 * 1_024)
    );
    for n in 0..10 {
        let name = format!("large{n}.example");
        world.publish(&name, Site::new("a", 300, &large));
        world.outcome(&name);
    }
    assert_eq!(world.engine.len(), 11); // with a second large one it would be 10 + 2 * 41 policies
    for n in 0..10 {
        let name = format!("small{n}.example");
        assert!(world.engine.ready(&name, world.time()).is_some());
    }
    world.asked.clear();
    world.publish("large0.example", Site::dead());
    assert_eq!(world.outcome("large0.example").basis(), Basis::Cached); // from the store (R-FLOW-1)
    assert_eq!(world.count(Kind::Load), 1);
    assert!(world.removed.is_empty());
}
