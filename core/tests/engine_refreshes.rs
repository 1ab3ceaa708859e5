// SPDX-License-Identifier: MIT OR Apache-2.0

//! R-FLOW-5: policies that are asked for are refreshed ahead of their expiry, about daily, by
//! HTTPS alone; others are forgotten. What fails is told. Time may jump, memory is bounded.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{DAY, HOUR, Kind, START, Site, WEEK, World, policy, policy_of};
use mtasts::engine::{Asked, Event, Settings};
use mtasts::{Basis, FetchFailure, Reason, TxtFailure, UnixTime};
use std::collections::BTreeSet;

/// A world where `example.com` has a policy of this lifetime, and is known.
fn known(max_age: u32) -> World {
    let mut world = World::new();
    world.publish(
        "example.com",
        Site::new("a", 300, &policy("mx.example.com", max_age)),
    );
    world.outcome("example.com");
    world.asked.clear();
    world
}

fn site(world: &mut World) -> &mut Site {
    world.net.get_mut("example.com").unwrap()
}

#[test]
fn r_flow_5_about_daily_whatever_the_record_says() {
    let mut world = known(WEEK);
    site(&mut world).txt = Err(TxtFailure::Temporary);
    world.days(30, &["example.com"]);
    let fetches = world.times(Kind::Https, 0);
    assert!((30..=40).contains(&fetches.len()), "{fetches:?}");
    let gaps = fetches.windows(2).map(|two| two[1] - two[0]);
    assert!(gaps.clone().all(|gap| (18 * HOUR..=DAY).contains(&gap)));
    assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
    assert!(world.events.is_empty());
}

#[test]
fn r_flow_5_a_refresh_restarts_the_lifetime() {
    let mut world = known(WEEK);
    world.days(20, &["example.com"]);
    let expires_at = world.outcome("example.com").expires_at().unwrap();
    assert!(expires_at > UnixTime(world.now + 5 * DAY));
}

#[test]
fn r_flow_5_earlier_where_the_lifetime_is_short() {
    for max_age in [600, 3_600, 86_400] {
        let mut world = known(max_age);
        for _ in 0..50 {
            world.sleep(u64::from(max_age));
            assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
        }
        let fetches = world.count(Kind::Https);
        assert!((100..=150).contains(&fetches), "{fetches}"); // each in [3/8, 1/2] of the time
    }
}

#[test]
fn r_flow_5_a_lifetime_of_minutes_is_not_refreshed_ahead() {
    let mut world = known(599);
    world.sleep(599);
    assert_eq!(world.count(Kind::Https), 0);
    assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
    world.sleep(1);
    assert_eq!(world.outcome("example.com").basis(), Basis::Fresh);
}

#[test]
fn r_flow_5_never_where_the_host_wants_none() {
    let mut world = World::with(|settings| settings.lookup.refresh_after = u32::MAX);
    world.publish(
        "example.com",
        Site::new("a", 300, &policy("mx.example.com", WEEK)),
    );
    world.days(8, &["example.com"]);
    assert_eq!(world.count(Kind::Https), 1); // that of the first day
}

#[test]
fn r_flow_5_spread_by_a_hash_that_the_seed_changes() {
    let mut world = World::with(|settings| settings.max_refreshes = 1_000);
    let names: Vec<String> = (0..500).map(|n| format!("d{n}.example")).collect();
    for name in &names {
        world.publish(name, Site::new("a", 300, &policy("mx.example", WEEK)));
        world.outcome(name);
    }
    let times = |world: &mut World| {
        world.asked.clear();
        for name in &names {
            assert!(matches!(
                world.ask(name),
                Asked::Ready(_) | Asked::Pending(_)
            ));
        }
        world.sleep(DAY);
        let fetches = world.times(Kind::Https, 0);
        assert_eq!(fetches.len(), 500);
        fetches
    };
    let begun = world.now;
    let store = world.store.clone();
    let first = times(&mut world);
    let distinct: BTreeSet<u64> = first.iter().copied().collect();
    assert!(distinct.len() > 450);
    assert!(first[0] < begun + 19 * HOUR && first[499] > begun + 23 * HOUR);
    world.now = begun;
    world.store = store;
    world.restart(Settings::default());
    assert_ne!(times(&mut world), first);
}

#[test]
fn r_flow_5_a_refresh_delays_no_answer() {
    let mut world = known(WEEK);
    world.now += DAY;
    world.poll(); // the refresh begins
    for kind in [Kind::Load, Kind::Https] {
        assert_eq!(world.open[0].kind, kind);
        match world.ask("example.com") {
            Asked::Ready(outcome) => assert_eq!(outcome.basis(), Basis::Cached),
            Asked::Pending(_) => panic!("waits for the refresh"),
        }
        world.poll();
        assert_eq!(world.open.len(), 1);
        world.answer(0);
        world.poll();
    }
    assert_eq!(world.count(Kind::Txt), 0);
}

#[test]
fn r_flow_6_who_looks_again_during_a_refresh_gets_a_query_after_it() {
    let mut world = known(WEEK);
    world.now += DAY;
    world.poll();
    let ticket = world.again("example.com");
    world.poll();
    assert_eq!(world.open.len(), 1);
    world.run();
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Cached);
    assert_eq!((world.count(Kind::Txt), world.count(Kind::Https)), (1, 1));
}

#[test]
fn who_asks_for_a_policy_that_expires_during_its_refresh_gets_a_look() {
    let mut world = known(600);
    world.now += 600;
    world.poll();
    world.answer(0);
    world.poll();
    world.now += 1;
    let Asked::Pending(ticket) = world.ask("example.com") else {
        panic!("the policy has expired")
    };
    world.run();
    assert!(world.of(ticket).unwrap().policy().is_some());
    assert_eq!(world.count(Kind::Https), 1); // the look finds the policy fresh
}

#[test]
fn a_policy_that_changes_under_the_same_id_is_told() {
    let mut world = known(WEEK);
    let changed = Site::new("a", 300, &policy_of("testing", "mx2.example.com", WEEK));
    world.publish("example.com", changed);
    world.days(1, &["example.com"]);
    let [(_, Event::PolicyChanged { domain, old, new })] = &world.events[..] else {
        panic!("{:?}", world.events)
    };
    assert_eq!(domain.as_str(), "example.com");
    assert!(old.policy.matches("mx.example.com") && new.policy.matches("mx2.example.com"));
}

#[test]
fn r_flow_5_failures_are_told_and_repeated_ones_well_before_expiry() {
    let mut world = known(WEEK);
    site(&mut world).https = Err(FetchFailure::WebPki);
    world.days(8, &["example.com"]);
    let failures = |event: &Event| match event {
        Event::RefreshFailed(trouble) => Some((false, trouble.clone())),
        Event::RefreshFailsRepeatedly(trouble) => Some((true, trouble.clone())),
        _ => None,
    };
    let told: Vec<_> = world
        .events
        .iter()
        .filter_map(|(at, event)| Some((*at, failures(event)?)))
        .collect();
    let repeated: Vec<bool> = told.iter().map(|(_, (repeated, _))| *repeated).collect();
    assert_eq!(repeated[..4], [false, false, true, true]);
    assert!(told[2].0 < START + 2 * DAY, "five days are left");
    assert!(
        told.iter()
            .zip(1..)
            .all(|((_, (_, trouble)), count)| trouble.failures == count)
    );
    assert!(
        told.iter()
            .all(|(_, (_, trouble))| trouble.reason == Reason::WebPki)
    );
    // Spaced out, from five minutes (R-GET-5) to six hours.
    let gaps: Vec<u64> = told.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert_eq!(
        gaps[..8],
        [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 21_600]
    );
    assert!(gaps[8..].iter().all(|gap| *gap == 21_600));
    let (expired, Event::PolicyExpired { policy, .. }) = world.events.last().unwrap() else {
        panic!("{:?}", world.events.last())
    };
    assert_eq!(*expired, policy.expires_at().0 + 1);
    assert_eq!(world.outcome("example.com").basis(), Basis::NoPolicy);
}

#[test]
fn r_flow_5_a_refresh_that_new_ids_keep_from_its_turn_is_told() {
    let mut world = known(WEEK);
    let due = world.engine.poll_timeout().unwrap();
    world.sleep(due.0 - world.now - 60);
    for n in 0..6 {
        world.publish("example.com", Site::new(&format!("b{n}"), 0, "no policy"));
        world.outcome("example.com"); // six fetches, and then none for five minutes (R-GET-5)
        world.now += 1;
    }
    assert!(world.events.is_empty());
    world.sleep(60);
    assert_eq!(world.count(Kind::Https), 6);
    let [(_, Event::RefreshFailed(trouble))] = &world.events[..] else {
        panic!("{:?}", world.events)
    };
    assert_eq!((trouble.reason, trouble.failures), (Reason::FetchLimit, 1));
    assert!(world.engine.poll_timeout().unwrap().0 <= world.now + 300);
    assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
}

#[test]
fn r_flow_5_a_refresh_that_works_ends_the_count() {
    let mut world = known(WEEK);
    let good = world.net["example.com"].clone();
    site(&mut world).https = Err(FetchFailure::Timeout);
    world.days(1, &["example.com"]);
    assert!(world.events.len() > 3);
    world.publish("example.com", good);
    world.days(1, &["example.com"]);
    world.events.clear();
    site(&mut world).https = Err(FetchFailure::Timeout);
    world.days(1, &["example.com"]);
    assert!(matches!(&world.events[0].1, Event::RefreshFailed(trouble) if trouble.failures == 1));
}

#[test]
fn r_flow_5_nobody_is_told_of_mode_none() {
    let mut world = World::new();
    let none = policy_of("none", "mx.example.com", WEEK);
    world.publish("example.com", Site::new("a", 300, &none));
    world.outcome("example.com");
    world.publish("example.com", Site::dead());
    world.days(10, &["example.com"]);
    assert!(world.count(Kind::Https) > 10);
    assert!(world.events.is_empty());
}

#[test]
fn r_flow_5_a_short_lifetime_is_warned_of_before_its_end() {
    let mut world = known(900);
    site(&mut world).https = Err(FetchFailure::Timeout);
    world.sleep(900);
    let warned = |event: &Event| matches!(event, Event::RefreshFailsRepeatedly(_));
    assert!(world.events.iter().any(|(_, event)| warned(event)));
}

#[test]
fn r_flow_5_what_is_not_asked_for_is_refreshed_no_longer_and_forgotten() {
    let mut world = known(WEEK);
    world.sleep(u64::from(WEEK));
    let fetches = world.count(Kind::Https);
    assert!((7..=10).contains(&fetches), "{fetches}"); // as long as it may be asked for
    world.sleep(DAY);
    assert_eq!(world.count(Kind::Https), fetches);
    let Some(mtasts::UnixTime(next)) = world.engine.poll_timeout() else {
        panic!("never looked at again")
    };
    assert!(next <= world.now + DAY);
    assert!(world.removed.is_empty(), "it still applies (R-FLOW-1)");
    world.sleep(u64::from(WEEK));
    assert_eq!(world.removed, ["example.com"]);
    assert!(world.engine.is_empty() && world.store.is_empty());
    assert_eq!(world.count(Kind::Https), fetches);
    assert!(world.events.is_empty());
    assert_eq!(world.engine.poll_timeout(), None);
}

#[test]
fn r_flow_5_what_is_asked_for_again_is_refreshed_again() {
    let mut world = known(WEEK);
    world.sleep(9 * DAY);
    let fetches = world.count(Kind::Https);
    assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
    world.run();
    world.sleep(1);
    assert_eq!(world.count(Kind::Https), fetches + 1);
    world.days(10, &["example.com"]);
    assert!(world.count(Kind::Https) > fetches + 10);
}

#[test]
fn after_a_restart_refreshes_go_on() {
    let mut world = known(WEEK);
    for _ in 0..40 {
        world.sleep(13 * HOUR);
        world.restart(Settings::default());
        world.run();
        assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
    }
    let fetches = world.times(Kind::Https, 0);
    assert!((20..=29).contains(&fetches.len()), "{fetches:?}");
}

#[test]
fn r_flow_5_a_restart_is_no_ask() {
    let mut world = known(WEEK);
    for _ in 0..40 {
        world.sleep(13 * HOUR);
        world.restart(Settings::default());
    }
    assert!(world.engine.is_empty() && world.store.is_empty());
}

#[test]
fn whoever_shares_the_store_shares_the_refresh() {
    let mut world = known(WEEK);
    world.sleep(17 * HOUR);
    let mut other = known(WEEK); // another process, which fetches now
    other.now = world.now;
    other.restart(Settings::default());
    other.publish(
        "example.com",
        Site::new("b", 300, &policy("mx2.example.com", WEEK)),
    );
    other.outcome("example.com");
    (world.store, world.net) = (other.store, other.net);
    world.asked.clear();
    world.sleep(8 * HOUR);
    assert_eq!((world.count(Kind::Load), world.count(Kind::Https)), (1, 0));
    let outcome = world.outcome("example.com");
    assert!(outcome.policy().unwrap().matches("mx2.example.com"));
    world.sleep(DAY);
    assert_eq!(world.count(Kind::Https), 1);
}

#[test]
fn r_get_5_whoever_shares_the_store_shares_the_back_off() {
    let mut world = known(WEEK);
    world.now += DAY;
    let (text, asked) = world.store["example.com"].clone();
    let tried = format!("attempt: a at {} failed timeout\npolicy: ", world.now - 100);
    let text = text.replace("policy: ", &tried); // another process has just tried
    world.store.insert("example.com".into(), (text, asked));
    world.run();
    assert_eq!((world.count(Kind::Load), world.count(Kind::Https)), (1, 0));
    world.sleep(299);
    assert_eq!(world.count(Kind::Https), 0);
    world.sleep(1);
    assert_eq!(world.count(Kind::Https), 1);
}

#[test]
fn a_policy_from_the_future_does_not_end_the_refreshes() {
    let mut world = known(WEEK);
    let (text, asked) = world.store["example.com"].clone();
    let future = text.replace(&format!("fetched {START}"), "fetched 4000000000");
    for _ in 0..10 {
        // Another process writes it again and again.
        world
            .store
            .insert("example.com".into(), (future.clone(), asked));
        world.days(1, &["example.com"]);
    }
    assert!(world.count(Kind::Https) >= 10);
}

#[test]
fn a_jump_forward_makes_no_storm() {
    let mut world = World::with(|settings| settings.max_refreshes = 8);
    for n in 0..300 {
        let name = format!("d{n}.example");
        world.publish(&name, Site::new("a", 300, &policy("mx.example", WEEK)));
        world.outcome(&name);
    }
    world.asked.clear();
    world.now += 3 * DAY;
    world.poll();
    assert_eq!(world.open.len(), 8);
    assert!(world.engine.poll_timeout() >= Some(world.time())); // not at once: the host has 8
    while !world.open.is_empty() {
        world.answer(world.open.len() / 2);
        world.poll();
        assert!(world.open.len() <= 8);
    }
    assert_eq!(world.count(Kind::Https), 300); // each once
}

#[test]
fn a_jump_backward_wedges_nothing() {
    for jump in [HOUR, 20 * HOUR, 100 * DAY, 40 * 365 * DAY] {
        let mut world = known(WEEK);
        world.now -= jump;
        world.run();
        world.asked.clear();
        world.days(10, &["example.com"]);
        let fetches = world.times(Kind::Https, 0);
        assert!((9..=14).contains(&fetches.len()), "{jump}: {fetches:?}");
        assert_eq!(world.outcome("example.com").basis(), Basis::Cached);
    }
}

#[test]
fn a_jump_backward_puts_no_retry_off() {
    let mut world = known(365 * 86_400);
    world.days(50, &["example.com"]);
    let good = world.net["example.com"].clone();
    site(&mut world).https = Err(FetchFailure::Timeout);
    world.days(40, &["example.com"]);
    world.publish("example.com", good);
    world.now -= 39 * DAY; // the last fetch that worked is a day old
    world.asked.clear();
    world.days(2, &["example.com"]);
    assert!(world.count(Kind::Https) >= 1);
}

#[test]
fn a_jump_backward_forgets_what_is_not_asked_for() {
    let mut world = known(WEEK);
    world.outcome("example.org"); // has no policy
    world.now -= 1_000 * DAY;
    world.sleep(20 * DAY);
    assert!(world.engine.is_empty());
}

#[test]
fn an_open_question_outlasts_no_jump_backward() {
    let mut world = known(WEEK);
    world.now += 300;
    let Asked::Pending(ticket) = world.ask("example.com") else {
        panic!("the TTL is over")
    };
    world.poll();
    world.open.clear();
    world.now -= 100 * DAY;
    world.run();
    assert!(world.of(ticket).is_some());
}
