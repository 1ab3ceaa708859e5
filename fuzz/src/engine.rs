// SPDX-License-Identifier: MIT OR Apache-2.0

//! An [`Engine`] with a store, by any sequence of calls. One question at a time for a domain; each
//! ticket answered once; and whoever asks for a domain with a policy in time gets it, or waits where
//! the store cannot be read (R-FLOW-1, R-FLOW-8). `core/tests/engine_state_machine.rs` has a whole
//! model of it; here answers and times are of any kind.

use crate::answers::{Clock, DOMAINS, Https, START, Txt, domain};
use arbitrary::{Arbitrary, Unstructured};
use mtasts::engine::{Asked, Engine, Settings, Ticket, Work};
use mtasts::{Outcome, Policy, RequestId, StoreFailure, Stored, UnixTime, reply};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// More pieces of work than any call may bring.
const MOST_WORK: usize = 1_000;

/// Beyond this the engine's clock stands still.
const FAR: UnixTime = UnixTime(1 << 31);

#[derive(Arbitrary, Debug)]
struct Script {
    max_policies: u8,
    max_without_policy: u8,
    max_refreshes: u8,
    seed: u8,
    turns: Vec<Turn>,
}

#[derive(Arbitrary, Debug)]
enum Turn {
    Ask(u8),
    Again(u8),
    Refresh(u8),
    /// In the store as well.
    Forget(u8),
    /// What the store has is given once more.
    Insert(u8),
    Answer(u8, Answer),
    /// To a question that is none any more, or never was.
    Stale(u32, Answer),
    Time(Clock),
    Configure(u8),
    /// The process ends, and begins anew.
    Restart,
}

#[derive(Arbitrary, Debug)]
struct Answer {
    store_fails: bool,
    txt: Txt,
    https: Https,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Load,
    Txt,
    Https,
}

struct Host {
    engine: Engine,
    now: UnixTime,
    /// The policy last validly fetched of a domain, and when, by the least that the clock has said.
    truth: BTreeMap<String, (Policy, UnixTime)>,
    store: BTreeMap<String, (String, UnixTime)>,
    open: Vec<(RequestId, Kind, String)>,
    waiting: BTreeSet<Ticket>,
    last_ticket: Ticket,
    seed: u8,
    settings: Settings,
}

/// A sequence of calls.
pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let mut settings = Settings::default();
    settings.max_policies = script.max_policies.into();
    settings.max_without_policy = script.max_without_policy.into();
    settings.max_refreshes = script.max_refreshes.into();
    let mut host = Host {
        engine: Engine::new(settings.clone(), [script.seed; 16]),
        now: START,
        truth: BTreeMap::new(),
        store: BTreeMap::new(),
        open: Vec::new(),
        waiting: BTreeSet::new(),
        last_ticket: Ticket(0),
        seed: script.seed,
        settings,
    };
    for turn in script.turns.iter().take(200) {
        host.turn(turn);
        host.work();
    }
    host.end();
}

impl Host {
    fn turn(&mut self, turn: &Turn) {
        match turn {
            Turn::Ask(number) => self.ask(*number),
            Turn::Again(number) => {
                let ticket = self.engine.look_again(&domain(*number), self.now);
                self.wait(ticket);
            }
            Turn::Refresh(number) => {
                let ticket = self.engine.refresh(&domain(*number), self.now);
                self.wait(ticket);
            }
            Turn::Forget(number) => self.forget(*number),
            Turn::Insert(number) => self.insert(domain(*number).as_str()),
            Turn::Answer(pick, answer) => self.answer(*pick, answer),
            Turn::Stale(number, answer) => self.stale(*number, answer),
            Turn::Time(clock) => self.time(*clock),
            Turn::Configure(percent) => {
                self.settings.lookup.divert_percent = *percent;
                self.engine.configure(self.settings.clone());
            }
            Turn::Restart => self.restart(),
        }
    }

    fn ask(&mut self, number: u8) {
        let domain = domain(number);
        let ready = self.engine.ready(domain.as_str(), self.now);
        match self.engine.ask(&domain, self.now) {
            Asked::Ready(outcome) => {
                self.check(&outcome);
                let ready = ready.expect("what is ready is ready");
                assert_eq!(ready.stored(), outcome.stored());
            }
            Asked::Pending(ticket) => {
                assert!(ready.is_none());
                self.wait(ticket);
            }
        }
    }

    fn wait(&mut self, ticket: Ticket) {
        assert!(ticket > self.last_ticket);
        self.last_ticket = ticket;
        self.waiting.insert(ticket);
    }

    fn forget(&mut self, number: u8) {
        let domain = domain(number);
        self.store.remove(domain.as_str());
        self.truth.remove(domain.as_str());
        self.engine.forget(domain.as_str(), self.now);
        self.open.retain(|(.., other)| other != domain.as_str());
        assert!(self.engine.get(domain.as_str()).is_none());
    }

    fn insert(&mut self, name: &str) {
        if let Some((text, asked)) = self.store.get(name) {
            let stored: Stored = text.parse().expect("what was saved");
            self.engine.insert(Arc::new(stored), *asked, self.now);
        }
    }

    fn restart(&mut self) {
        self.seed = self.seed.wrapping_add(1);
        self.engine = Engine::new(self.settings.clone(), [self.seed; 16]);
        self.open.clear();
        self.waiting.clear();
        self.last_ticket = Ticket(0);
        for name in DOMAINS {
            self.insert(name);
        }
    }

    fn time(&mut self, clock: Clock) {
        self.now = clock.after(self.now);
        for (_, at) in self.truth.values_mut() {
            *at = self.now.min(*at);
        }
    }

    fn answer(&mut self, pick: u8, answer: &Answer) {
        if self.open.is_empty() {
            return;
        }
        let (request, kind, name) = self.open.remove(usize::from(pick) % self.open.len());
        if self.give(request, kind, &name, answer).is_err() {
            return; // the engine waits no longer for it
        }
        let https = answer.https.give();
        let accepted = https
            .ok()
            .and_then(|reply| reply::accept(&reply, self.settings.lookup.max_body).ok());
        if let (Kind::Https, Some(policy)) = (kind, accepted) {
            self.truth
                .insert(name, (policy, UnixTime(self.now.0.max(1))));
        }
    }

    fn give(
        &mut self,
        request: RequestId,
        kind: Kind,
        name: &str,
        answer: &Answer,
    ) -> Result<(), mtasts::Error> {
        let (engine, now) = (&mut self.engine, self.now);
        match kind {
            Kind::Load if answer.store_fails => engine.loaded(request, now, Err(StoreFailure)),
            Kind::Load => {
                let text = self.store.get(name).map(|(text, _)| text);
                let stored = text.map(|text| Arc::new(text.parse().expect("what was saved")));
                engine.loaded(request, now, Ok(stored))
            }
            Kind::Txt => {
                let txt = answer.txt.give();
                engine.txt(request, now, txt.as_ref().map_err(|failure| *failure))
            }
            Kind::Https => {
                let https = answer.https.give();
                engine.https(request, now, https.as_ref().map_err(|failure| *failure))
            }
        }
    }

    fn stale(&mut self, number: u32, answer: &Answer) {
        let request = RequestId(number);
        for kind in [Kind::Load, Kind::Txt, Kind::Https] {
            let is_open =
                |(open, wanted, _): &(RequestId, Kind, String)| *open == request && *wanted == kind;
            if !self.open.iter().any(is_open) {
                assert!(self.give(request, kind, DOMAINS[0], answer).is_err());
            }
        }
    }

    /// Does all work, but for questions, which stay open.
    fn work(&mut self) {
        for _ in 0..MOST_WORK {
            let Some(work) = self.engine.poll(self.now) else {
                assert!(!self.engine.has_work());
                let next = self.engine.poll_timeout();
                assert!(
                    self.now >= FAR || next.is_none_or(|next| next > self.now),
                    "it spins"
                );
                return;
            };
            match work {
                Work::Load { request, domain } => {
                    let name = domain.to_string();
                    self.question(request, Kind::Load, name);
                }
                Work::QueryTxt { request, name } => {
                    let name = name
                        .strip_prefix("_mta-sts.")
                        .expect("its prefix")
                        .to_owned();
                    self.question(request, Kind::Txt, name);
                }
                Work::Fetch { request, fetch } => {
                    let name = fetch
                        .host
                        .strip_prefix("mta-sts.")
                        .expect("its prefix")
                        .to_owned();
                    self.question(request, Kind::Https, name);
                }
                Work::Save { stored, asked } => {
                    let text = stored.to_text();
                    assert_eq!(text.parse::<Stored>().as_ref(), Ok(&*stored));
                    self.store.insert(stored.domain.to_string(), (text, asked));
                }
                Work::Remove(stored) => self.remove(&stored),
                Work::Done { ticket, outcome } => {
                    assert!(self.waiting.remove(&ticket), "{ticket:?}");
                    self.check(&outcome);
                }
                _ => {}
            }
        }
        panic!("the engine never comes to an end");
    }

    /// A question that the engine has given up is no longer open.
    fn question(&mut self, request: RequestId, kind: Kind, name: String) {
        self.open.retain(|(.., other)| *other != name);
        assert!(self.open.iter().all(|(other, ..)| *other != request));
        self.open.push((request, kind, name));
    }

    fn remove(&mut self, stored: &Stored) {
        let name = stored.domain.as_str();
        assert!(self.in_time(name).is_none(), "{name} is removed");
        self.store.remove(name);
        self.truth.remove(name); // for good: the clock may be set back once more
    }

    fn in_time(&self, name: &str) -> Option<&Policy> {
        let (policy, at) = self.truth.get(name)?;
        let max_age = u64::from(policy.max_age());
        (max_age > 0 && self.now.since(*at) <= max_age).then_some(policy)
    }

    /// The policy that was validly fetched applies, or it is not known whether there is one.
    fn check(&self, outcome: &Outcome) {
        let Some(policy) = self.in_time(outcome.domain().as_str()) else {
            return;
        };
        let applied = outcome.policy().map(Policy::text);
        let holds = applied == Some(policy.text()) || applied.is_none() && outcome.is_try_later();
        assert!(holds, "at {:?}: {outcome:?}", self.now);
    }

    /// In the end everyone has an answer, and what nobody asks for is forgotten.
    fn end(&mut self) {
        let later = Answer {
            store_fails: false,
            txt: Txt::Temporary,
            https: Https::Failed(0),
        };
        self.settings.max_refreshes = 32;
        self.engine.configure(self.settings.clone());
        for _ in 0..64 {
            while let Some((request, kind, name)) = self.open.pop() {
                let _ = self.give(request, kind, &name, &later);
                self.work();
            }
            self.work();
            if self.waiting.is_empty() {
                break;
            }
            self.time(Clock::Seconds(200));
            self.work();
        }
        assert!(self.waiting.is_empty(), "{:?}", self.waiting);
    }
}
