// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an engine keeps in memory is bounded, whoever chooses the domains and writes the policies; the
//! store has the rest.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{Kind, Site, WEEK, World, policy};
use mtasts::Basis;
use mtasts::engine::Asked;

/// So many domains, each with a small policy, are asked for: `<prefix>0.example` and so on.
fn know(world: &mut World, prefix: &str, count: usize) {
    for n in 0..count {
        let name = format!("{prefix}{n}.example");
        world.publish(&name, Site::new("a", 300, &policy("mx.example", WEEK)));
        world.outcome(&name);
    }
}

#[test]
fn made_up_domains_fill_a_table_of_their_own() {
    let mut world = World::with(|settings| settings.max_without_policy = 50);
    know(&mut world, "p", 20);
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

/// Policies of 40 KiB, some of which do not apply.
fn large(max_age: u32) -> String {
    format!(
        "{}pad: {}\n",
        policy("mx.example", max_age),
        "x".repeat(40 * 1_024)
    )
}

#[test]
fn large_policies_push_out_each_other_and_nobody_elses() {
    let mut world = World::with(|settings| settings.max_policies = 1_000);
    know(&mut world, "small", 900);
    for n in 0..90 {
        let name = format!("large{n}.example");
        let max_age = if n % 2 == 0 { WEEK } else { 0 };
        world.publish(&name, Site::new("a", 86_400, &large(max_age)));
        world.outcome(&name);
        assert!(world.engine.len() <= 925); // 25 of 40 KiB
    }
    for n in 0..900 {
        let name = format!("small{n}.example");
        assert!(world.engine.ready(&name, world.time()).is_some(), "{name}");
    }
    let gone = |n: &usize| world.engine.get(&format!("large{n}.example")).is_none();
    let gone = (0..90).step_by(2).find(gone).unwrap();
    let name = format!("large{gone}.example");
    world.asked.clear();
    world.publish(&name, Site::dead());
    assert_eq!(world.outcome(&name).basis(), Basis::Cached); // from the store (R-FLOW-1)
    assert_eq!(world.count(Kind::Load), 1);
    assert!(world.removed.is_empty());
}

#[test]
fn room_that_large_policies_took_is_given_back() {
    let mut world = World::with(|settings| settings.max_policies = 100);
    for n in 0..50 {
        let name = format!("large{n}.example");
        world.publish(&name, Site::new("a", 0, &large(WEEK)));
        world.outcome(&name);
        world.publish(&name, Site::new("b", 300, &policy("mx.example", WEEK)));
        world.outcome(&name);
    }
    assert_eq!(world.engine.len(), 50);
    for n in 0..2 {
        let name = format!("large{n}.example");
        world.publish(&name, Site::new("c", 300, &large(WEEK)));
        world.sleep(300);
        world.outcome(&name);
    }
    assert_eq!(world.engine.len(), 50);
}
