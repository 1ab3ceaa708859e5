// SPDX-License-Identifier: MIT OR Apache-2.0

//! An operator purges a domain: nothing old comes back, and whoever waits gets an answer from
//! nothing.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_world;

use engine_world::{DAY, Kind, Site, WEEK, World, policy};
use mtasts::engine::{Asked, Ticket};
use mtasts::{Basis, ErrorKind, Outcome};

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

#[test]
fn what_is_forgotten_is_looked_up_from_nothing() {
    let mut world = known();
    world.store.remove(NAME);
    assert!(world.forget(NAME));
    assert!(world.engine.is_empty());
    assert!(world.engine.ready(NAME, world.time()).is_none());
    assert_eq!(world.engine.poll_timeout(), None);
    world.poll();
    assert!(world.removed.is_empty() && world.asked.is_empty()); // the store is the host's
    world.publish(NAME, site("b", "mx2.example"));
    let outcome = world.outcome(NAME);
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt, Kind::Https]);
    assert!(is_of(&outcome, "mx2.example"));
    assert!(world.events.is_empty());
}

#[test]
fn to_forget_what_is_not_known_is_told() {
    let mut world = known();
    assert!(!world.forget("example.org"));
    assert!(world.forget(NAME));
    assert!(!world.forget(NAME));
}

#[test]
fn other_domains_are_not_forgotten() {
    let mut world = known();
    world.publish("example.net", site("b", "mx2.example"));
    world.outcome("example.net");
    world.forget(NAME);
    assert_eq!(world.engine.len(), 1);
    assert!(matches!(world.ask("example.net"), Asked::Ready(_)));
}

/// Whatever goes on: from the first question to the last.
#[test]
fn who_waits_gets_an_answer_from_nothing() {
    for answered in 0..=2 {
        let mut world = World::new();
        world.publish(NAME, site("a", "mx1.example"));
        let (ask, again) = (pending(world.ask(NAME)), world.again(NAME));
        world.poll();
        for _ in 0..answered {
            world.answer(0);
            world.poll();
        }
        let before = world.open.remove(0);
        world.publish(NAME, site("b", "mx2.example"));
        assert!(world.forget(NAME));
        world.asked.clear();
        world.poll();
        let late = world.give(&before).map_err(|error| error.kind());
        assert_eq!(late, Err(ErrorKind::StaleRequest));
        world.run();
        assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt, Kind::Https]);
        for ticket in [ask, again] {
            let outcome = world.of(ticket).unwrap();
            assert_eq!(outcome.basis(), Basis::Fresh);
            assert!(is_of(&outcome, "mx2.example"));
        }
        assert!(world.done.is_empty());
    }
}

#[test]
fn a_question_that_was_not_handed_out_is_asked_once() {
    let mut world = World::new();
    world.publish(NAME, site("a", "mx1.example"));
    let ticket = pending(world.ask(NAME));
    for _ in 0..3 {
        world.forget(NAME);
    }
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt, Kind::Https]);
    assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
}

#[test]
fn a_place_that_another_domain_has_now_asks_nothing_of_the_old() {
    let mut world = known();
    world.now += DAY;
    world.poll(); // a refresh that nobody waits for
    let before = world.open.remove(0);
    assert!(world.forget(NAME));
    assert!(world.engine.is_empty());
    let ticket = pending(world.ask("example.net"));
    assert!(world.give(&before).is_err());
    world.asked.clear();
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt]);
    assert_eq!(world.of(ticket).unwrap().domain().as_str(), "example.net");
}

#[test]
fn what_waits_to_be_saved_is_forgotten_too() {
    let mut world = World::new();
    world.publish(NAME, site("a", "mx1.example"));
    let ticket = pending(world.ask(NAME));
    for _ in 0..3 {
        world.poll();
        world.answer(0);
    }
    assert!(world.forget(NAME)); // the answer is there, but not handed out
    world.poll();
    assert_eq!((world.saves, world.store.len()), (0, 0));
    assert!(world.of(ticket).is_some());
}

#[test]
fn a_refresh_of_what_is_forgotten_begins_with_the_query() {
    let mut world = known();
    let refresh = world.refresh(NAME);
    world.poll();
    world.answer(0);
    world.poll();
    assert_eq!(world.open.remove(0).kind, Kind::Https);
    let again = world.again(NAME);
    world.store.remove(NAME);
    world.asked.clear();
    assert!(world.forget(NAME));
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Txt, Kind::Https]);
    for ticket in [refresh, again] {
        assert_eq!(world.of(ticket).unwrap().basis(), Basis::Fresh);
    }
}

#[test]
fn refreshes_go_on_after_one_was_forgotten() {
    let mut world = World::with(|settings| settings.max_refreshes = 1);
    for name in [NAME, "example.net"] {
        world.publish(name, site("a", "mx1.example"));
        world.outcome(name);
    }
    world.now += DAY;
    world.poll();
    let refreshed = world.open.remove(0).domain;
    assert!(world.open.is_empty()); // one at a time
    world.forget(&refreshed);
    world.asked.clear();
    world.run();
    assert_eq!(questions(&mut world), [Kind::Load, Kind::Https]); // of the other
}

#[test]
fn to_forget_is_to_forget_the_back_off() {
    let mut world = known();
    world.publish(NAME, Site::new("b", 300, "no policy"));
    world.again(NAME);
    world.run();
    world.store.remove(NAME);
    world.publish(NAME, site("b", "mx2.example"));
    world.forget(NAME);
    assert_eq!(world.outcome(NAME).basis(), Basis::Fresh);
}
