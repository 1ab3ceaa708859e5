// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an operator wants of an engine: to fetch a policy now, whatever the record says, but not
//! more often than R-GET-5 allows; to see all that is known.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{DAY, HOUR, Kind, START, Site, WEEK, World, policy};
use mtasts::engine::{Asked, Event, Settings, Ticket};
use mtasts::{Basis, FetchFailure, Outcome, Reason, Stored, TxtFailure, UnixTime};
use std::collections::BTreeMap;

const NAME: &str = "example.com";

fn site(id: &str, mx: &str) -> Site {
    Site::new(id, 300, &policy(mx, WEEK))
}

/// A world where `example.com` has a policy, and is known.
fn known() -> World {
    let mut world = World::new();
    world.publish(NAME, site("a", "mx1.example"));
    world.outcome(NAME);
    world.asked.clear();
    world
}

fn pending(asked: Asked) -> Ticket {
    match asked {
        Asked::Pending(ticket) => ticket,
        Asked::Ready(outcome) => panic!("from nowhere: {outcome:?}"),
    }
}

/// The questions since the last time, in their order.
fn questions(world: &mut World) -> Vec<Kind> {
    world.asked.drain(..).map(|(_, kind, _)| kind).collect()
}

fn is_of(outcome: &Outcome, mx: &str) -> bool {
    outcome.policy().is_some_and(|policy| policy.matches(mx))
}

// A policy is fetched now.

#[test]
fn to_refresh_is_to_fetch_whatever_the_record_says() {
    let mut world = known();
    world.publish(NAME, site("a", "mx2.example")); // under the same id
    world.now += 10; // within the record's TTL
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]);
    let outcome = world.of(ticket).unwrap();
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Fresh, None));
    assert!(is_of(&outcome, "mx2.example"));
    let fetched_at = |outcome: &Outcome| outcome.fetched().unwrap().fetched_at;
    assert_eq!(fetched_at(&outcome), UnixTime(START + 10));
    assert_eq!(fetched_at(&world.outcome(NAME)), UnixTime(START + 10));
    let stored: Stored = world.store[NAME].0.parse().unwrap();
    assert_eq!(stored, **outcome.stored());
    assert!(matches!(
        world.events[..],
        [(_, Event::PolicyChanged { .. })]
    ));
}

#[test]
fn a_refresh_needs_no_record() {
    let mut world = known();
    world.net.get_mut(NAME).unwrap().txt = Err(TxtFailure::NoRecords { ttl: None });
    world.now += HOUR;
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    assert_eq!(world.count(Kind::Txt), 0);
}

#[test]
fn where_no_policy_is_cached_a_refresh_begins_with_the_query() {
    let mut world = World::new();
    let ticket = world.refresh("example.org");
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt]);
    let outcome = world.of(ticket).unwrap();
    assert_eq!(outcome.reason(), Some(Reason::NoRecord));
    world.publish("example.org", site("a", "mx1.example"));
    let ticket = world.refresh("example.org"); // within the negative TTL
    world.run();
    assert_eq!(questions(&mut world), [Kind::Txt, Kind::Https]);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn a_policy_that_has_expired_is_none_to_refresh() {
    let mut world = known();
    world.now += u64::from(WEEK) + 1;
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Txt, Kind::Https]);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn a_policy_that_is_only_in_the_store_is_refreshed() {
    let world = known();
    let store = world.store.clone();
    let mut world = World {
        store,
        net: world.net,
        ..World::new()
    };
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn whoever_asks_while_the_store_is_read_for_a_refresh_shares_the_query() {
    let mut world = World::new();
    world.publish(NAME, Site::new("a", 0, &policy("mx1.example", WEEK)));
    let refresh = world.refresh(NAME);
    let ask = pending(world.ask(NAME));
    let again = world.again(NAME);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt, Kind::Https]);
    for ticket in [refresh, ask, again] {
        assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    }
}

#[test]
fn a_store_that_fails_stands_in_the_way_of_no_refresh() {
    let mut world = known();
    world.store_fails = true;
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    let ticket = world.refresh("example.org"); // which nobody has
    world.run();
    let outcome = world.of(ticket).unwrap();
    assert_eq!(outcome.reason(), Some(Reason::StoreFailed));
    assert!(outcome.is_try_later());
}

#[test]
fn r_flow_8_refreshes_at_the_same_time_make_one_fetch() {
    let mut world = known();
    let mut tickets = vec![world.refresh(NAME)];
    for kind in [Kind::Load, Kind::Https] {
        world.poll();
        tickets.push(world.refresh(NAME));
        assert_eq!(world.answer(0).kind, kind);
    }
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]);
    for ticket in tickets {
        assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    }
}

#[test]
fn r_flow_5_who_refreshes_joins_the_refresh_that_goes_on() {
    let mut world = known();
    world.now += DAY;
    world.poll();
    assert_eq!(world.open[0].kind, Kind::Load); // the engine's own refresh
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn a_refresh_that_somebody_waits_for_is_made_though_another_process_has_refreshed() {
    let mut world = known();
    world.now += DAY;
    world.poll();
    let ticket = world.refresh(NAME);
    let entry = world.store.get_mut(NAME).unwrap();
    let (then, later) = (
        format!("fetched {START}"),
        format!("fetched {}", START + DAY),
    );
    entry.0 = entry.0.replace(&then, &later);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn a_refresh_waits_for_the_look_up_that_goes_on() {
    let mut world = known();
    world.now += 300;
    let look = pending(world.ask(NAME));
    world.poll();
    let refresh = world.refresh(NAME);
    world.poll();
    assert_eq!(world.open.len(), 1);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Txt, Kind::Load, Kind::Https]);
    assert_eq!(world.of(look).unwrap().basis(), Basis::Cached);
    assert_eq!(world.of(refresh).unwrap().basis(), Basis::Fresh);
}

#[test]
fn a_refresh_delays_no_answer() {
    let mut world = known();
    world.now += HOUR;
    world.refresh(NAME);
    for _ in 0..2 {
        assert!(matches!(world.ask(NAME), Asked::Ready(_)));
        world.poll();
        world.answer(0);
    }
}

#[test]
fn r_get_5_six_refreshes_in_five_minutes_and_the_seventh_says_so() {
    let mut world = known();
    for refreshes in 1..=5 {
        let ticket = world.refresh(NAME);
        world.run();
        assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
        assert_eq!(world.count(Kind::Https), refreshes); // beside that by which it is known
    }
    let ticket = world.refresh(NAME);
    world.run();
    let outcome = world.of(ticket).unwrap();
    assert_eq!(world.count(Kind::Https), 5);
    assert_eq!(
        (outcome.basis(), outcome.reason()),
        (Basis::Cached, Some(Reason::FetchLimit))
    );
    assert!(is_of(&outcome, "mx1.example"));
    world.now += 300;
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn r_get_5_after_a_failed_refresh_none_for_five_minutes() {
    let mut world = known();
    world.net.get_mut(NAME).unwrap().https = Err(FetchFailure::WebPki);
    for _ in 0..3 {
        let ticket = world.refresh(NAME);
        world.run();
        let outcome = world.of(ticket).unwrap();
        assert_eq!(outcome.basis(), Basis::Cached);
        assert_eq!(outcome.reason(), Some(Reason::WebPki));
        assert_eq!(world.count(Kind::Https), 1);
        world.now += 99;
    }
    let Event::RefreshFailed(trouble) = &world.events[0].1 else {
        panic!("{:?}", world.events)
    };
    assert_eq!((trouble.failures, world.events.len()), (1, 1)); // told once
    world.now += 3;
    world.publish(NAME, site("a", "mx1.example"));
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn r_get_5_other_processes_fetches_count_in_a_refresh() {
    let mut world = known();
    let tried = format!("attempt: a at {START} failed timeout\npolicy: ");
    let entry = world.store.get_mut(NAME).unwrap();
    entry.0 = entry.0.replace("policy: ", &tried);
    let ticket = world.refresh(NAME);
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load]);
    let outcome = world.of(ticket).unwrap();
    assert_eq!(outcome.reason(), Some(Reason::Timeout));
}

#[test]
fn r_flow_5_refreshes_go_on_after_one_that_was_wanted() {
    let mut world = known();
    world.sleep(HOUR);
    world.refresh(NAME);
    world.run();
    world.asked.clear();
    world.days(10, &[NAME]);
    let fetches = world.times(Kind::Https, 0);
    assert!((9..=14).contains(&fetches.len()), "{fetches:?}");
}

#[test]
fn r_flow_5_refreshes_go_on_after_one_that_found_no_policy() {
    let mut world = World::with(|settings| settings.max_refreshes = 1);
    world.publish(NAME, site("a", "mx1.example"));
    world.outcome(NAME);
    world.refresh("example.org"); // which has none
    world.run();
    world.asked.clear();
    world.sleep(DAY);
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]);
}

#[test]
fn r_flow_5_a_failure_begins_no_refreshes_where_the_host_wants_none() {
    let mut world = World::with(|settings| settings.lookup.refresh_after = u32::MAX);
    world.publish(NAME, site("a", "mx1.example"));
    world.outcome(NAME);
    world.net.get_mut(NAME).unwrap().https = Err(FetchFailure::WebPki);
    world.refresh(NAME);
    world.run();
    world.asked.clear();
    world.sleep(2 * DAY);
    assert_eq!(world.count(Kind::Https), 0);
}

#[test]
fn r_flow_5_after_a_failure_the_engine_tries_again() {
    let mut world = known();
    world.net.get_mut(NAME).unwrap().https = Err(FetchFailure::WebPki);
    world.refresh(NAME);
    world.run();
    world.asked.clear();
    world.sleep(HOUR);
    assert_eq!(
        world.times(Kind::Https, 0),
        [START + 300, START + 900, START + 2_100]
    );
}

#[test]
fn r_flow_11_a_policy_from_the_future_was_fetched_now_also_during_a_refresh() {
    let mut world = World::new();
    let ttl = 86_400; // when the clock is set back this is too long to be believed
    world.publish(NAME, Site::new("a", ttl, &policy("mx1.example", WEEK)));
    world.outcome(NAME);
    world.now -= HOUR;
    world.refresh(NAME);
    let Asked::Ready(outcome) = world.ask(NAME) else {
        panic!("waits for the refresh")
    };
    assert_eq!(outcome.fetched().unwrap().fetched_at, world.time());
}

// All that is known is seen.

#[test]
fn everything_known_is_listed_once() {
    let mut world = known();
    world.now += 10;
    world.publish("example.net", site("b", "mx2.example"));
    world.outcome("example.net");
    world.outcome("example.org"); // has no record, which is known
    pending(world.ask("example.edu")); // nothing is known yet
    let listed: BTreeMap<String, (Stored, u64)> = world
        .engine
        .iter()
        .map(|(stored, asked)| (stored.domain.to_string(), (Stored::clone(stored), asked.0)))
        .collect();
    assert_eq!(world.engine.iter().count(), 3);
    let stored: BTreeMap<String, (Stored, u64)> = world
        .store
        .iter()
        .map(|(name, (text, asked))| (name.clone(), (text.parse().unwrap(), *asked)))
        .collect();
    assert_eq!(listed, stored);
    assert_eq!(listed[NAME].1, START);
}

#[test]
fn another_engine_takes_what_is_listed() {
    let mut world = known();
    let listed: Vec<_> = world
        .engine
        .iter()
        .map(|(stored, asked)| (stored.clone(), asked))
        .collect();
    world.store.clear();
    world.restart(Settings::default());
    for (stored, asked) in listed {
        world.engine.insert(stored, asked, world.time());
    }
    assert!(is_of(&world.outcome(NAME), "mx1.example"));
    assert!(world.asked.is_empty());
}
