// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several hosts, one store (R-FLOW-8): one of them fetches, by a lease, and the others take what it
//! has saved. A lease that cannot be had costs no policy and holds up no mail (R-FLOW-1).

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{DAY, Kind, Site, WEEK, World, domain, policy};
use mtasts::engine::{Asked, Event, Ticket};
use mtasts::{
    Attempt, Basis, FetchFailure, Outcome, Policy, Reason, Stored, StoredPolicy, UnixTime,
};
use std::sync::Arc;

const NAME: &str = "example.com";

fn shared() -> World {
    let mut world = World::with(|settings| settings.shares_store = true);
    world.publish(NAME, Site::new("one", 60, &policy("mx.one.example", WEEK)));
    world
}

/// With the policy cached and its record's TTL over.
fn with_policy() -> World {
    let mut world = shared();
    assert_eq!(world.outcome(NAME).basis(), Basis::Fresh);
    world.sleep(61);
    world.asked.clear();
    world.released.clear();
    world
}

/// There is another policy now.
fn change(world: &mut World) {
    world.publish(NAME, Site::new("two", 60, &policy("mx.two.example", WEEK)));
}

/// What another host saves that has fetched it now.
fn save_elsewhere(world: &mut World, id: &str, mx: &str) {
    let mut stored = Stored::unknown(domain(NAME));
    stored.policy = Some(Arc::new(StoredPolicy {
        policy: Policy::parse(policy(mx, WEEK).as_bytes()).unwrap(),
        id: id.parse().unwrap(),
        fetched_at: world.time(),
    }));
    world
        .store
        .insert(NAME.into(), (stored.to_text(), world.now));
}

/// Asks, and answers what comes before the lease.
fn until_lease(world: &mut World) -> Ticket {
    let Asked::Pending(ticket) = world.ask(NAME) else {
        panic!("the answer is there");
    };
    world.poll();
    while world.open_domains(Kind::Lease).is_empty() {
        world.answer(0);
        world.poll();
    }
    ticket
}

fn mx(outcome: &Outcome) -> String {
    let policy = outcome.policy().unwrap();
    policy
        .mx()
        .map(|pattern| pattern.as_str().to_owned())
        .collect()
}

#[test]
fn who_shares_no_store_asks_for_no_lease() {
    let mut world = World::new();
    world.publish(NAME, Site::new("one", 60, &policy("mx.one.example", WEEK)));
    assert_eq!(world.outcome(NAME).basis(), Basis::Fresh);
    assert_eq!(world.count(Kind::Lease), 0);
    assert!(world.released.is_empty());
}

#[test]
fn a_fetch_has_a_lease_that_is_given_back_when_its_policy_is_saved() {
    let mut world = shared();
    let ticket = until_lease(&mut world);
    assert_eq!(world.count(Kind::Https), 0);
    world.answer(0);
    world.poll();
    assert_eq!(world.open_domains(Kind::Https).len(), 1);
    assert!(world.released.is_empty());
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    assert_eq!(world.released, [NAME]);
    assert!(world.store[NAME].0.contains("mx.one.example"));
}

#[test]
fn what_another_host_has_fetched_is_not_fetched_again() {
    let mut world = shared();
    let ticket = until_lease(&mut world);
    save_elsewhere(&mut world, "one", "mx.one.example");
    world.run();
    let outcome = world.of(ticket).unwrap();
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Cached, None));
    assert_eq!(mx(&outcome), "mx.one.example");
    assert_eq!(world.count(Kind::Https), 0);
    assert_eq!(world.released, [NAME]);
}

#[test]
fn the_lease_of_another_host_that_has_saved_is_not_needed() {
    let mut world = with_policy();
    change(&mut world);
    let ticket = until_lease(&mut world);
    world.now += 1;
    save_elsewhere(&mut world, "two", "mx.two.example");
    world.lease_is_held = true;
    world.run();
    assert_eq!(mx(&world.of(ticket).unwrap()), "mx.two.example");
    assert_eq!(world.count(Kind::Https), 0);
    assert!(world.released.is_empty());
}

#[test]
fn an_older_id_in_the_store_is_no_reason_not_to_fetch() {
    let mut world = with_policy();
    change(&mut world);
    let ticket = until_lease(&mut world);
    world.now += 1;
    save_elsewhere(&mut world, "one", "mx.one.example");
    world.run();
    assert_eq!(mx(&world.of(ticket).unwrap()), "mx.two.example");
    assert_eq!(world.count(Kind::Https), 1);
}

#[test]
fn r_flow_4_who_holds_the_lease_for_ever_keeps_no_new_policy_from_others() {
    let mut world = with_policy();
    change(&mut world);
    world.lease_is_held = true;
    let outcome = world.outcome(NAME);
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Fresh, None));
    assert_eq!(mx(&outcome), "mx.two.example");
    assert_eq!(world.count(Kind::Https), 1);
    assert!(world.released.is_empty());
}

#[test]
fn r_flow_1_an_absence_does_not_hide_what_another_host_has_saved() {
    let mut world = shared();
    world.net.remove(NAME);
    assert_eq!(world.outcome(NAME).basis(), Basis::NoPolicy);
    world.now += 3601; // asked for before the timer has had its turn, which would drop the entry
    save_elsewhere(&mut world, "one", "mx.one.example");
    let outcome = world.outcome(NAME);
    assert_eq!(outcome.basis(), Basis::Cached);
    assert_eq!(mx(&outcome), "mx.one.example");
}

#[test]
fn a_policy_that_nobody_refreshes_is_told_of_before_its_end() {
    let mut world = with_policy();
    world.net.get_mut(NAME).unwrap().https = Err(FetchFailure::Local);
    world.sleep(u64::from(WEEK) - DAY / 4);
    let told = |(_, event): &(u64, Event)| matches!(event, Event::RefreshFailsRepeatedly(_));
    assert!(world.events.iter().any(told), "{:?}", world.events);
}

#[test]
fn without_the_lease_and_any_policy_it_is_fetched_all_the_same() {
    let mut world = shared();
    world.lease_is_held = true;
    let outcome = world.outcome(NAME);
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Fresh, None));
    assert_eq!(mx(&outcome), "mx.one.example");
    assert!(world.released.is_empty());
}

#[test]
fn r_get_5_what_another_host_could_not_fetch_is_not_tried_again() {
    let mut world = shared();
    let ticket = until_lease(&mut world);
    let mut stored = Stored::unknown(domain(NAME));
    let failed = Attempt {
        at: world.time(),
        id: "one".parse().unwrap(),
        failed: Some(Reason::Timeout),
    };
    stored.attempts = vec![failed].into();
    world
        .store
        .insert(NAME.into(), (stored.to_text(), world.now));
    world.run();
    let outcome = world.of(ticket).unwrap();
    assert_eq!(outcome.basis(), Basis::NoPolicy);
    assert_eq!(outcome.reason(), Some(Reason::Timeout));
    assert_eq!(world.count(Kind::Https), 0);
}

#[test]
fn a_store_that_gives_no_lease_holds_nothing_up() {
    let mut world = with_policy();
    change(&mut world);
    let ticket = until_lease(&mut world);
    world.store_fails = true;
    world.run();
    assert_eq!(mx(&world.of(ticket).unwrap()), "mx.two.example");
    assert!(world.released.is_empty());
}

#[test]
fn a_lease_that_is_never_answered_holds_up_nothing_for_ever() {
    let mut world = shared();
    let ticket = until_lease(&mut world);
    let forgotten = world.open.remove(0);
    world.sleep(121);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    world.give(&forgotten).unwrap_err();
}

#[test]
fn who_forgets_a_domain_gives_its_lease_back() {
    let mut world = shared();
    until_lease(&mut world);
    world.answer(0);
    assert!(world.forget(NAME));
    world.poll();
    assert_eq!(world.released, [NAME]);
}

#[test]
fn a_refresh_that_another_host_makes_is_no_failure_and_has_another_turn() {
    let mut world = with_policy();
    world.lease_is_held = true;
    world.sleep(DAY);
    assert!(world.count(Kind::Lease) > 0);
    assert_eq!(world.count(Kind::Https), 0);
    assert!(world.events.is_empty(), "{:?}", world.events);
    world.lease_is_held = false;
    world.sleep(DAY / 2);
    assert!(world.count(Kind::Https) > 0);
}

#[test]
fn a_refresh_that_this_host_cannot_make_is_no_failure_of_the_domain() {
    let mut world = World::new();
    world.publish(NAME, Site::new("one", 60, &policy("mx.one.example", WEEK)));
    world.outcome(NAME);
    world.net.get_mut(NAME).unwrap().https = Err(FetchFailure::Local);
    world.sleep(DAY + DAY / 2);
    let tries = world.count(Kind::Https) - 1;
    assert!((2..40).contains(&tries), "{tries}");
    let told = |(_, event): &(u64, Event)| matches!(event, Event::RefreshFailed(_));
    assert!(!world.events.iter().any(told), "{:?}", world.events);
    world.publish(NAME, Site::new("one", 60, &policy("mx.one.example", WEEK)));
    world.sleep(DAY / 2);
    assert_eq!(world.outcome(NAME).basis(), Basis::Cached);
    let fetched = world
        .engine
        .get(NAME)
        .unwrap()
        .policy
        .as_ref()
        .unwrap()
        .fetched_at;
    assert!(fetched > UnixTime(world.now - DAY / 2));
}

#[test]
fn the_host_can_tell_a_refresh_from_what_mail_waits_for() {
    let mut world = World::new();
    world.publish(NAME, Site::new("one", 60, &policy("mx.one.example", WEEK)));
    world.ask(NAME);
    world.poll();
    assert!(world.engine.awaits(world.open[0].request));
    world.run();
    let end = world.now + DAY + 1;
    while world.now < end && world.engine.due(world.time()) == 0 {
        world.now += 60;
    }
    assert_eq!(world.engine.due(world.time()), 1);
    world.poll(); // the refresh, which begins with the store
    assert_eq!(world.engine.due(world.time()), 0);
    assert!(!world.engine.awaits(world.open[0].request));
    world.again(NAME);
    assert!(world.engine.awaits(world.open[0].request));
}
