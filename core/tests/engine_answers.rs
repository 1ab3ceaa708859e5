// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an engine asks its host and what it answers: one question at a time for a domain,
//! whoever waits (R-FLOW-8); what is late, foreign or said twice changes nothing.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{DAY, HOUR, Kind, Open, START, Site, WEEK, World, domain, policy};
use mtasts::engine::{Asked, Settings};
use mtasts::{Basis, Config, ErrorKind, FetchFailure, Mode, Outcome, Reason, RequestId, UnixTime};
use mtasts::{StoreFailure, Stored, TxtFailure};
use std::sync::Arc;

fn ready(asked: Asked) -> Outcome {
    match asked {
        Asked::Ready(outcome) => outcome,
        Asked::Pending(_) => panic!("not ready"),
    }
}

/// A world where `example.com` has a policy.
fn world() -> World {
    let mut world = World::new();
    world.publish(
        "example.com",
        Site::new("a", 300, &policy("mx.example.com", WEEK)),
    );
    world
}

/// The same, where it is known.
fn known() -> World {
    let mut world = world();
    world.outcome("example.com");
    world.asked.clear();
    world
}

#[test]
fn r_flow_8_many_asks_make_one_load_one_query_and_one_fetch() {
    let mut world = world();
    let mut tickets = Vec::new();
    for kind in [Kind::Load, Kind::Txt, Kind::Https] {
        for _ in 0..50 {
            match world.ask("example.com") {
                Asked::Pending(ticket) => tickets.push(ticket),
                Asked::Ready(_) => panic!("from nowhere"),
            }
            world.poll();
        }
        assert_eq!(world.open.len(), 1);
        assert_eq!(world.answer(0).kind, kind);
    }
    world.poll();
    assert_eq!(world.asked.len(), 3);
    assert_eq!(world.done.len(), 150);
    for ticket in tickets {
        assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    }
}

#[test]
fn r_flow_8_domains_do_not_wait_for_each_other() {
    let mut world = world();
    world.publish(
        "example.net",
        Site::new("b", 300, &policy("mx.example.net", WEEK)),
    );
    let slow = world.ask("example.com");
    world.poll();
    assert!(matches!(slow, Asked::Pending(_)));
    let quick = match world.ask("example.net") {
        Asked::Pending(ticket) => ticket,
        Asked::Ready(_) => panic!("from nowhere"),
    };
    world.poll();
    for _ in 0..3 {
        let last = world.open.len() - 1;
        world.answer(last);
        world.poll();
    }
    let outcome = world.of(quick).unwrap();
    assert_eq!(outcome.domain().as_str(), "example.net"); // R-FLOW-9
    assert!(outcome.policy().unwrap().matches("mx.example.net"));
    assert_eq!(world.open_domains(Kind::Load).len(), 1);
}

#[test]
fn what_is_known_is_answered_at_once_and_asks_nothing() {
    let mut world = known();
    world.now += 299;
    let outcome = ready(world.ask("example.com"));
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Cached, None));
    let same = world.engine.ready("example.com", world.time()).unwrap();
    assert_eq!(same.stored(), outcome.stored());
    world.poll();
    assert!(world.asked.is_empty());
}

#[test]
fn r_flow_10_absence_is_known_for_the_negative_ttl() {
    let mut world = World::new();
    world.outcome("example.org");
    world.now += 59;
    assert_eq!(
        ready(world.ask("example.org")).reason(),
        Some(Reason::NoRecord)
    );
    world.now += 1;
    assert!(matches!(world.ask("example.org"), Asked::Pending(_)));
    world.poll();
    assert_eq!(world.open[0].kind, Kind::Txt); // the store has been read
}

#[test]
fn r_flow_4_the_record_is_looked_at_again_when_its_ttl_is_over() {
    let mut world = known();
    world.now += 300;
    assert!(world.engine.ready("example.com", world.time()).is_none());
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    world.run();
    assert_eq!(world.count(Kind::Txt), 1);
    assert_eq!(world.count(Kind::Https), 0); // the id is the same
    world.publish(
        "example.com",
        Site::new("b", 300, &policy("mx2.example.com", WEEK)),
    );
    world.now += 300;
    assert_eq!(world.outcome("example.com").basis(), Basis::Fresh);
}

#[test]
fn r_flow_1_a_cached_policy_outlasts_a_dead_network() {
    let mut world = known();
    world.publish("example.com", Site::dead());
    for _ in 0..100 {
        world.sleep(u64::from(WEEK) / 100);
        let outcome = world.outcome("example.com");
        assert_eq!(outcome.basis(), Basis::Cached);
        assert_eq!(outcome.policy().unwrap().mode(), Mode::Enforce);
    }
    world.sleep(1);
    assert_eq!(world.outcome("example.com").basis(), Basis::NoPolicy);
}

#[test]
fn an_answer_that_is_late_or_foreign_or_said_twice_is_refused() {
    let mut world = world();
    let stale = Err(ErrorKind::StaleRequest);
    let kind = |result: Result<(), mtasts::Error>| result.map_err(|error| error.kind());
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    world.poll();
    let load = world.open[0].clone();
    let foreign = RequestId(load.request.0.wrapping_add(1));
    let now = world.time();
    assert_eq!(kind(world.engine.loaded(foreign, now, Ok(None))), stale);
    let wrong = Err(TxtFailure::Permanent);
    assert_eq!(kind(world.engine.txt(load.request, now, wrong)), stale); // another question
    let wrong = Err(FetchFailure::Other);
    assert_eq!(kind(world.engine.https(load.request, now, wrong)), stale);
    world.poll();
    assert_eq!(world.open.len(), 1);
    world.answer(0);
    assert_eq!(kind(world.give(&load)), stale); // twice
    world.run();
    assert_eq!(kind(world.give(&load)), stale); // late
    assert_eq!(world.asked.len(), 3);
    assert_eq!(world.done.len(), 1);
}

#[test]
fn what_the_host_never_answers_fails_after_a_while() {
    let mut world = world();
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    let mut forgotten: Vec<Open> = Vec::new();
    for kind in [Kind::Load, Kind::Txt] {
        world.poll();
        assert_eq!(world.open[0].kind, kind);
        forgotten.append(&mut world.open);
        assert_eq!(world.engine.poll_timeout(), Some(UnixTime(world.now + 120)));
        world.now += 120;
    }
    world.poll();
    let (_, outcome) = world.done.pop_front().unwrap();
    assert!(outcome.is_try_later()); // neither the store nor the network has answered
    assert!(forgotten.iter().all(|open| world.give(open).is_err()));
    assert_eq!(world.outcome("example.com").basis(), Basis::Fresh);
}

#[test]
fn a_fetch_that_is_never_answered_backs_off() {
    let mut world = world();
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    world.poll();
    world.answer(0);
    world.poll();
    world.answer(0);
    world.poll();
    assert_eq!(world.open.remove(0).kind, Kind::Https);
    world.sleep(120);
    let (_, outcome) = world.done.pop_front().unwrap();
    assert_eq!(outcome.reason(), Some(Reason::Timeout));
    assert_eq!(
        ready(world.ask("example.com")).reason(),
        Some(Reason::Timeout)
    );
    world.now += 300;
    assert_eq!(world.outcome("example.com").basis(), Basis::Fresh);
}

#[test]
fn r_get_5_a_failed_fetch_is_not_repeated_for_five_minutes_and_that_is_stored() {
    let mut world = world();
    world.net.get_mut("example.com").unwrap().https = Err(FetchFailure::WebPki);
    assert_eq!(world.outcome("example.com").reason(), Some(Reason::WebPki));
    for _ in 0..299 {
        world.now += 1;
        assert_eq!(world.outcome("example.com").reason(), Some(Reason::WebPki));
    }
    assert_eq!(world.count(Kind::Https), 1);
    world.restart(Settings::default());
    assert_eq!(world.outcome("example.com").reason(), Some(Reason::WebPki));
    assert_eq!(world.count(Kind::Https), 1);
    world.now += 1;
    world.outcome("example.com");
    assert_eq!(world.count(Kind::Https), 2);
}

#[test]
fn r_get_5_whatever_the_ids_six_fetches_in_five_minutes() {
    let mut world = World::with(|settings| settings.lookup.ttl = 0..=0);
    for second in 0..299 {
        let id = format!("i{second}");
        world.publish("example.com", Site::new(&id, 0, "no policy"));
        world.outcome("example.com");
        world.now += 1;
    }
    assert_eq!(world.count(Kind::Https), 6);
    assert_eq!(world.count(Kind::Txt), 299);
}

#[test]
fn r_pol_6_a_policy_of_max_age_0_is_for_those_who_wait() {
    let mut world = world();
    world.publish(
        "example.com",
        Site::new("a", 300, &policy("mx.example.com", 0)),
    );
    for fetches in 1..=6 {
        let outcome = world.outcome("example.com");
        assert_eq!(outcome.basis(), Basis::Fresh);
        assert!(outcome.policy().is_some());
        assert_eq!(world.count(Kind::Https), fetches);
    }
    world.sleep(DAY); // and is never refreshed
    assert_eq!(world.count(Kind::Https), 6);
    assert!(world.engine.is_empty());
}

#[test]
fn r_flow_6_to_look_again_is_to_query_whatever_the_ttl() {
    let mut world = known();
    world.publish(
        "example.com",
        Site::new("b", 300, &policy("mx2.example.com", WEEK)),
    );
    let (one, two) = (world.again("example.com"), world.again("example.com"));
    world.poll();
    assert_eq!(world.open.len(), 1);
    assert_eq!(ready(world.ask("example.com")).basis(), Basis::Cached); // meanwhile
    world.run();
    for ticket in [one, two] {
        let outcome = world.of(ticket).unwrap();
        assert_eq!(outcome.basis(), Basis::Fresh);
        assert!(outcome.policy().unwrap().matches("mx2.example.com"));
    }
    assert_eq!((world.count(Kind::Txt), world.count(Kind::Https)), (1, 1));
}

#[test]
fn r_flow_6_who_looks_again_after_the_record_has_come_gets_another_look() {
    let mut world = known();
    world.publish(
        "example.com",
        Site::new("b", 300, &policy("mx2.example.com", WEEK)),
    );
    let first = world.again("example.com");
    world.poll();
    world.answer(0);
    world.poll();
    assert_eq!(world.open[0].kind, Kind::Https);
    let second = world.again("example.com");
    world.publish(
        "example.com",
        Site::new("c", 300, &policy("mx3.example.com", WEEK)),
    );
    world.poll();
    assert_eq!(world.open.len(), 1); // one question at a time
    world.run();
    assert_eq!((world.count(Kind::Txt), world.count(Kind::Https)), (2, 2));
    let id = |outcome: Option<Outcome>| outcome.unwrap().fetched().unwrap().id.to_string();
    assert_eq!(id(world.of(first)), "b");
    assert_eq!(id(world.of(second)), "c");
}

#[test]
fn who_asks_after_a_new_record_has_come_waits_for_its_policy() {
    let mut world = known();
    world.publish(
        "example.com",
        Site::new("b", 300, &policy("mx2.example.com", WEEK)),
    );
    world.again("example.com");
    world.poll();
    assert_eq!(ready(world.ask("example.com")).basis(), Basis::Cached);
    world.answer(0);
    let Asked::Pending(ticket) = world.ask("example.com") else {
        panic!("a policy that is known to be old")
    };
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    assert_eq!((world.count(Kind::Txt), world.count(Kind::Https)), (1, 1));
}

#[test]
fn r_flow_6_looks_again_also_where_nothing_is_known() {
    let mut world = world();
    world.outcome("example.com");
    world.restart(Settings::default());
    world.asked.clear();
    let ticket = world.again("example.com");
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Cached);
    assert_eq!(world.count(Kind::Txt), 1);
}

#[test]
fn a_store_that_fails_makes_wait_and_is_asked_again() {
    let mut world = known();
    let text = world.store.clone();
    world.restart(Settings::default());
    world.store = text;
    let mut world = World {
        engine: World::new().engine,
        ..world
    };
    world.store_fails = true;
    world.publish("example.com", Site::dead());
    assert!(world.outcome("example.com").is_try_later());
    assert!(world.outcome("example.com").is_try_later());
    assert_eq!(world.count(Kind::Load), 2);
    world.store_fails = false;
    assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
}

#[test]
fn r_get_5_backs_off_also_where_the_store_fails() {
    let mut world = world();
    world.store_fails = true;
    world.net.get_mut("example.com").unwrap().https = Err(FetchFailure::WebPki);
    for _ in 0..20 {
        assert!(world.outcome("example.com").is_try_later());
        world.now += 10;
    }
    assert_eq!(world.count(Kind::Https), 1);
    assert_eq!(world.count(Kind::Load), 20);
    assert!(world.store.is_empty()); // what cannot be read is not overwritten
}

#[test]
fn r_flow_9_an_entry_of_another_domain_is_not_used() {
    let mut world = known();
    let (text, _) = world.store["example.com"].clone();
    let stored: Stored = text.parse().unwrap();
    assert!(matches!(world.ask("example.net"), Asked::Pending(_)));
    world.poll();
    let load = world.open.remove(0);
    let (now, entry) = (world.time(), Some(Arc::new(stored)));
    assert_eq!(world.engine.loaded(load.request, now, Ok(entry)), Ok(()));
    world.run();
    let (_, outcome) = world.done.pop_front().unwrap();
    assert_eq!(
        (outcome.domain(), outcome.basis()),
        (&domain("example.net"), Basis::NoPolicy)
    );
}

#[test]
fn what_is_inserted_counts_if_it_is_newer() {
    let mut world = known();
    world.now += 10;
    assert_eq!(ready(world.ask("example.com")).basis(), Basis::Cached);
    let (text, _) = world.store["example.com"].clone();
    let mut stored: Stored = text.parse().unwrap();
    stored.record = None;
    let older = Arc::new(stored.clone());
    let fetched = Arc::make_mut(stored.policy.as_mut().unwrap());
    fetched.fetched_at = UnixTime(START + 5);
    let now = world.time();
    world.engine.insert(older, now, now);
    assert_eq!(ready(world.ask("example.com")).basis(), Basis::Cached);
    world.engine.insert(Arc::new(stored), now, now);
    assert!(matches!(world.ask("example.com"), Asked::Pending(_))); // no record is known
    let outcome = world.outcome("example.com");
    assert_eq!(outcome.fetched().unwrap().fetched_at, UnixTime(START + 5));
}

#[test]
fn what_is_saved_comes_before_the_answer() {
    let mut world = world();
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    while world.done.is_empty() {
        let saved = world.saves;
        world.poll();
        assert!(world.done.is_empty() || saved + 1 == world.saves);
        if !world.open.is_empty() {
            world.answer(0);
        }
    }
}

#[test]
fn r_flow_11_a_fetch_in_the_future_was_now_and_is_saved_once() {
    let mut world = known();
    world.now = START - 30 * DAY;
    world.saves = 0;
    for _ in 0..5 {
        let outcome = world.outcome("example.com");
        assert_eq!(outcome.basis(), Basis::Cached);
        assert!(outcome.expires_at() <= Some(UnixTime(START - 30 * DAY + u64::from(WEEK))));
    }
    world.run();
    let saved = world.saves;
    assert!((1..=2).contains(&saved)); // the clock, and the new look at the record
    world.outcome("example.com");
    world.run();
    assert_eq!(world.saves, saved);
}

#[test]
fn a_domain_that_is_too_long_for_a_record_is_answered_all_the_same() {
    let label = "a".repeat(60);
    let name = format!("{label}.{label}.{label}.{label}.example");
    let mut world = World::new();
    assert_eq!(world.outcome(&name).reason(), Some(Reason::NoRecord));
    let ticket = world.again(&name);
    world.run();
    assert!(world.of(ticket).is_some());
    assert_eq!((world.count(Kind::Load), world.count(Kind::Txt)), (2, 0)); // nothing to remember
}

#[test]
fn where_nothing_is_known_nothing_is_due() {
    let mut world = World::new();
    assert_eq!(world.engine.poll_timeout(), None);
    assert!(world.engine.ready("example.com", world.time()).is_none());
    world.poll();
    assert!(world.asked.is_empty() && world.engine.is_empty());
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    assert_eq!(world.engine.poll_timeout(), Some(UnixTime(0)));
}

#[test]
fn every_time_is_taken() {
    for now in [0, 1, u64::MAX - 1, u64::MAX] {
        let mut world = world();
        world.now = now;
        for _ in 0..3 {
            assert!(world.outcome("example.com").policy().is_some());
            world.again("example.com");
            world.run();
        }
        for then in [u64::MAX, 0, START, u64::MAX / 2, 5] {
            world.now = then;
            world.run();
            world.outcome("example.com");
            world.run();
        }
    }
}

#[test]
fn a_store_failure_is_not_an_empty_store() {
    let mut world = world();
    world.publish("example.com", Site::none());
    assert!(matches!(world.ask("example.com"), Asked::Pending(_)));
    world.poll();
    let load = world.open.remove(0);
    let now = world.time();
    assert!(
        world
            .engine
            .loaded(load.request, now, Err(StoreFailure))
            .is_ok()
    );
    world.run();
    let (_, outcome) = world.done.pop_front().unwrap();
    assert_eq!(outcome.reason(), Some(Reason::StoreFailed));
}

#[test]
fn the_settings_of_a_lookup_hold() {
    let mut config = Config::default();
    config.defer_on_dns_failure = true;
    let mut world = World::with(|settings| settings.lookup = config);
    world.publish("example.com", Site::dead());
    assert!(world.outcome("example.com").is_try_later());
    world.now += HOUR;
    assert!(world.outcome("example.com").is_try_later());
}
