// SPDX-License-Identifier: MIT OR Apache-2.0

//! An engine against a plain model of it (`engine_model`): months of asks for few domains, whose
//! records and Policy Hosts come and go; answers in any order, late, twice or never; a store that
//! fails, processes that end, clocks that are wrong.

#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod engine_model;

use engine_model::outside::{Dns, NAMES, Outside, Turn, Web};
use engine_model::{BACK_OFF, DAY, Known, Model, Stage, Wish};
use mtasts::engine::{Asked, Engine, Settings, Ticket, Work};
use mtasts::{PolicyDomain, RequestId, StoreFailure, Stored, UnixTime};
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use std::collections::BTreeMap;
use std::sync::Arc;

const TIMEOUT: u64 = 120;

/// An engine, its host and the model.
struct Inside {
    engine: Engine,
    seed: u8,
    now: u64,
    model: Model,
    outside: Outside,
    store: BTreeMap<String, (String, u64)>,
    answered: Vec<(RequestId, Stage)>,
    last_ticket: Ticket,
    /// The fetches that have ended, to hold R-GET-5 against whatever the model says.
    fetches: Vec<(u64, String)>,
}

fn engine(seed: u8) -> Engine {
    Engine::new(Settings::default(), [seed; 16])
}

fn domain(name: &str) -> PolicyDomain {
    name.parse().unwrap()
}

impl StateMachineTest for Inside {
    type SystemUnderTest = Self;
    type Reference = Outside;

    fn init_test(outside: &Outside) -> Self {
        Self {
            engine: engine(0),
            seed: 0,
            now: outside.now,
            model: Model::default(),
            outside: outside.clone(),
            store: BTreeMap::new(),
            answered: Vec::new(),
            last_ticket: Ticket(0),
            fetches: Vec::new(),
        }
    }

    fn apply(mut inside: Self, outside: &Outside, turn: Turn) -> Self {
        match turn {
            Turn::Ask(name) => inside.ask(name),
            Turn::Again(name) => inside.again(name),
            Turn::Refresh(name) => inside.refresh(name),
            Turn::Forget(name, all) => inside.forget(name, all),
            Turn::Poll => inside.poll(),
            Turn::Answer(pick) => inside.answer(pick),
            Turn::Stale(pick) => inside.stale(pick),
            Turn::Sleep(_) => inside.sleep(outside.now),
            Turn::Back(_) => inside.back(outside.now),
            Turn::Restart(reads_all) => inside.restart(reads_all),
            Turn::Publish(..) | Turn::StoreFails(_) | Turn::Wait(_) => {}
        }
        inside.outside = outside.clone();
        inside.now = outside.now;
        inside
    }

    fn check_invariants(inside: &Self, _: &Outside) {
        assert!(inside.engine.len() <= NAMES.len());
    }

    /// In the end everyone has an answer, and what nobody asks for is forgotten.
    fn teardown(mut inside: Self, _: Outside) {
        inside.sleep(inside.now + 2 * DAY);
        let is_waiting = |known: &Known| {
            known
                .job
                .as_ref()
                .is_some_and(|job| !job.tickets.is_empty())
        };
        assert!(!inside.model.domains.values().any(is_waiting));
        inside.sleep(inside.now + 3 * 366 * DAY);
        assert!(inside.engine.is_empty());
        assert_eq!(inside.engine.poll_timeout(), None);
    }
}

impl Inside {
    fn time(&self) -> UnixTime {
        UnixTime(self.now)
    }

    fn ask(&mut self, name: &str) {
        let expected = self.model.ask(name, self.now);
        let ready = self.engine.ready(name, self.time());
        match (self.engine.ask(&domain(name), self.time()), expected) {
            (Asked::Ready(outcome), Some(expected)) => {
                let text = outcome.policy().map(|policy| policy.text().to_owned());
                assert_eq!(text, expected, "{outcome:?}");
                assert_eq!(ready.unwrap().stored(), outcome.stored());
            }
            (Asked::Pending(ticket), None) => {
                assert!(ready.is_none());
                self.wait(name, ticket, Wish::Look);
            }
            (asked, expected) => panic!("{asked:?} and not {expected:?}"),
        }
    }

    fn again(&mut self, name: &str) {
        let ticket = self.engine.look_again(&domain(name), self.time());
        self.wait(name, ticket, Wish::Again);
    }

    fn refresh(&mut self, name: &str) {
        let ticket = self.engine.refresh(&domain(name), self.time());
        self.is_new(ticket);
        self.model.refresh(name, ticket, self.now);
    }

    fn wait(&mut self, name: &str, ticket: Ticket, wish: Wish) {
        self.is_new(ticket);
        self.model.wait(name, ticket, wish, self.now);
    }

    fn is_new(&mut self, ticket: Ticket) {
        assert!(ticket > self.last_ticket);
        self.last_ticket = ticket;
    }

    /// What is forgotten does not come back, unless from the store.
    fn forget(&mut self, name: &str, all: bool) {
        if all {
            self.store.remove(name);
        }
        let (now, known) = (self.now, self.model.known(name));
        let is_known = known.job.is_some() || known.is_read && known.usable(now).is_some();
        let job = known.job.as_ref();
        if let Some((stage, (request, _))) = job.and_then(|job| Some((&job.stage, job.asked?))) {
            self.answered.push((RequestId(request), stage.clone()));
        }
        self.model.forget(name, now);
        self.fetches.retain(|(_, fetched)| fetched != name);
        assert!(self.engine.forget(name, self.time()) || !is_known);
        let is_listed = |stored: &Stored| stored.domain.as_str() == name;
        assert!(!self.engine.iter().any(|(stored, _)| is_listed(stored)));
    }

    /// Takes all work, and holds each piece against the model.
    fn poll(&mut self) {
        for _ in 0..10_000 {
            let now = self.time();
            match self.engine.poll(now) {
                None => return self.quiet(),
                Some(Work::Load { request, domain }) => {
                    let name = domain.to_string();
                    self.question(&name, request, Stage::Load);
                }
                Some(Work::QueryTxt { request, name }) => {
                    let name = name.strip_prefix("_mta-sts.").unwrap().to_owned();
                    self.question(&name, request, Stage::Txt);
                }
                Some(Work::Fetch { request, fetch }) => {
                    let name = fetch.host.strip_prefix("mta-sts.").unwrap().to_owned();
                    self.question(&name, request, Stage::Https(String::new()));
                }
                Some(Work::Save { stored, asked }) => self.save(&stored, asked),
                Some(Work::Remove(stored)) => self.remove(&stored),
                Some(Work::Done { ticket, outcome }) => {
                    self.give_up(outcome.domain().as_str());
                    self.model.delivered(ticket, &outcome);
                }
                Some(_) => {}
            }
        }
        panic!("the engine never comes to an end");
    }

    /// The engine asks: one question at a time for a domain, and the right one.
    fn question(&mut self, name: &str, request: RequestId, stage: Stage) {
        self.give_up(name);
        if self.model.known(name).job.is_none() {
            assert_eq!(stage, Stage::Load);
            self.may_refresh(name);
            self.model.background(name);
        }
        let now = self.now;
        let job = self.model.known(name).job.as_mut().unwrap();
        assert_eq!(job.asked, None, "{name} has a question already");
        match (&job.stage, &stage) {
            (Stage::Https(_), Stage::Https(_)) => {}
            (expected, stage) => assert_eq!(expected, stage),
        }
        job.asked = Some((request.0, now));
    }

    /// R-FLOW-5: not too early, not after a failure a moment ago, and only what is asked for.
    fn may_refresh(&mut self, name: &str) {
        let now = self.now;
        let known = self.model.known(name);
        known.mend(now);
        let policy = known.usable(now).unwrap();
        let interval = policy.interval().unwrap();
        let asked = known.asked_at_most.min(now);
        assert!(now - asked <= policy.max_age, "nobody asks for {name}");
        let is_due = now - policy.fetched_at >= interval - interval / 4;
        let is_again = known.failed_at.is_some() || now <= known.settled_at;
        assert!(is_due || is_again, "too early");
        assert!(
            known.failed_at.is_none_or(|at| now - at >= BACK_OFF),
            "too often"
        );
        assert!(!known.backs_off(&policy.id, now), "{name} backs off");
    }

    /// What the engine must have done when it has nothing more to do.
    fn quiet(&mut self) {
        for name in NAMES {
            self.give_up(name);
        }
        assert!(
            self.model.done.is_empty(),
            "without an answer: {:?}",
            self.model.done
        );
        let now = self.now;
        for (name, known) in &mut self.model.domains {
            match &known.job {
                Some(job) => assert!(job.asked.is_some(), "{name} waits for nothing"),
                None if known.is_read => {
                    assert!(!known.is_late(now), "{name}: {known:?} at {now}")
                }
                None if now > known.useless_after() => *known = Known::default(),
                None => {}
            }
        }
        assert!(
            self.engine
                .poll_timeout()
                .is_none_or(|next| next > UnixTime(now))
        );
    }

    /// The host has left a question open for too long.
    fn give_up(&mut self, name: &str) {
        let job = self.model.known(name).job.as_ref();
        let Some((stage, Some((request, since)))) = job.map(|job| (job.stage.clone(), job.asked))
        else {
            return;
        };
        if self.now >= since + TIMEOUT {
            self.answered.push((RequestId(request), stage.clone()));
            self.tell(name, &stage, &Dns::Temporary, &Web::Dead, Err(()));
        }
    }

    fn save(&mut self, stored: &Arc<Stored>, asked: UnixTime) {
        let name = stored.domain.to_string();
        let text = stored.to_text();
        assert_eq!(text.parse().as_ref(), Ok(&**stored));
        let (now, known) = (self.now, self.model.known(&name));
        known.mend(now);
        assert!(asked.0 <= known.asked_at_most);
        self.store.insert(name, (text, asked.0));
    }

    fn remove(&mut self, stored: &Arc<Stored>) {
        let (now, name) = (self.now, stored.domain.to_string());
        let known = self.model.known(&name);
        assert!(known.job.is_none() && known.usable(now).is_none());
        assert_eq!(known.recent(now).count(), 0);
        *known = Known::default();
        self.store.remove(&name);
    }
}

// What the host does.
impl Inside {
    fn open(&self) -> Vec<(String, RequestId, Stage)> {
        let open = self.model.domains.iter().filter_map(|(name, known)| {
            let job = known.job.as_ref()?;
            Some((name.clone(), RequestId(job.asked?.0), job.stage.clone()))
        });
        open.collect()
    }

    fn answer(&mut self, pick: usize) {
        let open = self.open();
        if open.is_empty() {
            return;
        }
        let (name, request, stage) = open[pick % open.len()].clone();
        let (dns, web) = self.outside.sites[name.as_str()].clone();
        let now = self.time();
        let given = match &stage {
            Stage::Load => self.load(&name, request),
            Stage::Txt => {
                self.tell(&name, &stage, &dns, &web, Ok(()));
                let answer = dns.answer();
                self.engine
                    .txt(request, now, answer.as_ref().map_err(|failure| *failure))
            }
            Stage::Https(_) => {
                self.tell(&name, &stage, &dns, &web, Ok(()));
                self.fetched(&name);
                let answer = web.answer();
                self.engine
                    .https(request, now, answer.as_ref().map_err(|failure| *failure))
            }
        };
        assert_eq!(given, Ok(()));
        self.answered.push((request, stage));
    }

    fn load(&mut self, name: &str, request: RequestId) -> Result<(), mtasts::Error> {
        let now = self.time();
        if self.outside.store_fails {
            self.model.loaded(name, Err(()), self.now);
            return self.engine.loaded(request, now, Err(StoreFailure));
        }
        let entry = self.store.get(name).map(|(text, _)| text.parse().unwrap());
        self.model.loaded(name, Ok(entry.as_ref()), self.now);
        self.engine.loaded(request, now, Ok(entry.map(Arc::new)))
    }

    /// Tells the model of an answer; a store answers otherwise ([`Inside::load`]) or not at all.
    fn tell(&mut self, name: &str, stage: &Stage, dns: &Dns, web: &Web, store: Result<(), ()>) {
        match stage {
            Stage::Load => self.model.loaded(name, store.map(|()| None), self.now),
            Stage::Txt => self.model.txt(name, dns, self.now),
            Stage::Https(_) => self.model.https(name, web, self.now),
        }
    }

    /// R-GET-5: of any seven fetches the last is five minutes after the first.
    fn fetched(&mut self, name: &str) {
        self.fetches.push((self.now, name.to_owned()));
        let of_it = self.fetches.iter().filter(|(_, fetched)| fetched == name);
        let times: Vec<u64> = of_it.map(|(at, _)| *at).collect();
        assert!(
            times
                .windows(7)
                .all(|seven| seven[6] - seven[0] >= BACK_OFF),
            "{times:?}"
        );
    }

    fn stale(&mut self, pick: usize) {
        let now = self.time();
        let open = self.open();
        let foreign = RequestId(pick as u32);
        let (request, stage) = match self.answered.len() {
            count if count > 0 && pick % 4 > 0 => self.answered[pick % count].clone(),
            _ => (foreign, Stage::Txt),
        };
        if open.iter().any(|(_, known, _)| *known == request) {
            return;
        }
        let (dns, web) = (Dns::Record("9".into(), 9), Web::Dead);
        let given = match stage {
            Stage::Load => self.engine.loaded(request, now, Ok(None)),
            Stage::Txt => self
                .engine
                .txt(request, now, dns.answer().as_ref().map_err(|f| *f)),
            Stage::Https(_) => {
                self.engine
                    .https(request, now, web.answer().as_ref().map_err(|f| *f))
            }
        };
        assert!(given.is_err());
    }

    fn run(&mut self) {
        self.poll();
        while !self.open().is_empty() {
            self.answer(self.answered.len());
            self.poll();
        }
    }

    /// Comes back only when the engine said. What is asked for often enough and can be fetched
    /// is still there at the end (R-FLOW-1, R-FLOW-5).
    fn sleep(&mut self, end: u64) {
        self.run();
        let begun = self.now;
        let applied: Vec<String> = self
            .good(begun)
            .filter(|(_, known)| known.usable(begun).is_some())
            .map(|(name, _)| name.clone())
            .collect();
        let mut wakes = 0;
        while let Some(next) = self.engine.poll_timeout().filter(|next| next.0 <= end) {
            assert!(next.0 > self.now);
            self.now = next.0;
            self.run();
            wakes += 1;
            assert!(wakes < 1_000_000);
        }
        self.now = end;
        let expired = self.good(end).find(|(name, known)| {
            let policy = known.policy.as_ref();
            let is_wanted = policy.is_some_and(|policy| end <= known.last_asked + policy.max_age);
            applied.contains(name) && is_wanted && known.usable(end).is_none()
        });
        assert!(expired.is_none(), "{expired:?}");
        self.run();
    }

    /// The domains with a policy that should be refreshed in time.
    fn good(&self, now: u64) -> impl Iterator<Item = (&String, &Known)> {
        self.model.domains.iter().filter(move |(_, known)| {
            let policy = known.policy.as_ref();
            let is_refreshed = policy.is_some_and(|policy| policy.interval().is_some());
            is_refreshed && known.failed_at.is_none() && now > known.settled_at
        })
    }

    /// The clock is set back while nothing goes on.
    fn back(&mut self, then: u64) {
        self.run();
        if self.model.domains.values().any(|known| !known.is_read) {
            self.restart(true); // when the engine forgets what is not in a store is not modelled
        }
        self.now = then;
        self.fetches.clear();
        for known in self.model.domains.values_mut() {
            known.last_asked = known.last_asked.min(then);
            known.failed_at = None;
            known.settled_at = then + 2 * DAY;
        }
        self.run();
    }

    fn restart(&mut self, reads_all: bool) {
        self.poll();
        self.seed += 1;
        self.engine = engine(self.seed);
        self.last_ticket = Ticket(0);
        self.answered.clear();
        self.fetches.clear();
        let settled_at = self
            .model
            .domains
            .values()
            .map(|known| known.settled_at)
            .max();
        let settled_at = settled_at.unwrap_or(self.now + 2 * DAY);
        self.model = Model::default();
        if reads_all {
            for (name, (text, asked)) in &self.store {
                let stored: Stored = text.parse().unwrap();
                let mut known = Known::of(&stored);
                known.is_read = true;
                known.last_asked = self.now.min(*asked);
                known.asked_at_most = *asked;
                known.settled_at = settled_at;
                self.model.domains.insert(name.clone(), known);
                self.engine
                    .insert(Arc::new(stored), UnixTime(*asked), UnixTime(self.now));
            }
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// R-FLOW-1, R-FLOW-4, R-FLOW-5, R-FLOW-6, R-FLOW-8, R-FLOW-10, R-FLOW-11, R-GET-5.
    #[test]
    fn an_engine_does_as_its_model(sequential 1..200 => Inside);
}
