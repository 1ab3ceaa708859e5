// SPDX-License-Identifier: MIT OR Apache-2.0

//! A host for an engine: a clock, a network and a store that tests turn as they like, and a list
//! of all that the engine wanted.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails
#![allow(dead_code)] // each test file uses some of it

use mtasts::engine::{Asked, Engine, Event, Lease, Settings, Ticket, Work};
use mtasts::{
    Error, FetchFailure, HttpsReply, Outcome, PolicyDomain, RequestId, StoreFailure, Stored,
    TxtAnswer, TxtFailure, UnixTime,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub const START: u64 = 1_767_225_600;
pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 86_400;
pub const WEEK: u32 = 604_800;

/// What the network says of one domain.
#[derive(Clone, Debug)]
pub struct Site {
    pub txt: Result<TxtAnswer, TxtFailure>,
    pub https: Result<HttpsReply, FetchFailure>,
}

impl Site {
    pub fn new(id: &str, ttl: u32, policy: &str) -> Self {
        let records = vec![format!("v=STSv1; id={id};").into_bytes()];
        let reply = HttpsReply {
            status: 200,
            content_type: Some("text/plain".into()),
            body: policy.into(),
        };
        Self {
            txt: Ok(TxtAnswer {
                records,
                ttl: Some(ttl),
            }),
            https: Ok(reply),
        }
    }

    /// No record, and no Policy Host.
    pub fn none() -> Self {
        Self {
            txt: Err(TxtFailure::NoRecords { ttl: Some(60) }),
            https: Err(FetchFailure::Dns),
        }
    }

    /// The network is down.
    pub fn dead() -> Self {
        Self {
            txt: Err(TxtFailure::Temporary),
            https: Err(FetchFailure::Connect),
        }
    }
}

/// A policy of mode `enforce`.
pub fn policy(mx: &str, max_age: u32) -> String {
    policy_of("enforce", mx, max_age)
}

pub fn policy_of(mode: &str, mx: &str, max_age: u32) -> String {
    format!("version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Load,
    Txt,
    Lease,
    Https,
}

/// A question that the engine has asked and nobody has answered.
#[derive(Clone, Debug)]
pub struct Open {
    pub kind: Kind,
    pub request: RequestId,
    pub domain: String,
}

pub struct World {
    pub engine: Engine,
    pub now: u64,
    pub net: BTreeMap<String, Site>,
    pub store: BTreeMap<String, (String, u64)>,
    pub store_fails: bool,
    /// Another host has all leases.
    pub lease_is_held: bool,
    /// The domains whose leases were given back.
    pub released: Vec<String>,
    pub open: Vec<Open>,
    /// All questions, with their times.
    pub asked: Vec<(u64, Kind, String)>,
    pub done: VecDeque<(Ticket, Outcome)>,
    pub events: Vec<(u64, Event)>,
    pub removed: Vec<String>,
    pub saves: usize,
}

pub fn domain(name: &str) -> PolicyDomain {
    name.parse().unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        set(&mut settings);
        Self {
            engine: Engine::new(settings, *b"0123456789abcdef"),
            now: START,
            net: BTreeMap::new(),
            store: BTreeMap::new(),
            store_fails: false,
            lease_is_held: false,
            released: Vec::new(),
            open: Vec::new(),
            asked: Vec::new(),
            done: VecDeque::new(),
            events: Vec::new(),
            removed: Vec::new(),
            saves: 0,
        }
    }

    pub fn publish(&mut self, name: &str, site: Site) {
        self.net.insert(name.into(), site);
    }

    pub fn time(&self) -> UnixTime {
        UnixTime(self.now)
    }

    /// Asks, and does nothing else.
    pub fn ask(&mut self, name: &str) -> Asked {
        self.engine.ask(&domain(name), UnixTime(self.now))
    }

    pub fn again(&mut self, name: &str) -> Ticket {
        self.engine.look_again(&domain(name), UnixTime(self.now))
    }

    pub fn refresh(&mut self, name: &str) -> Ticket {
        self.engine.refresh(&domain(name), UnixTime(self.now))
    }

    pub fn forget(&mut self, name: &str) -> bool {
        self.engine.forget(name, UnixTime(self.now))
    }

    /// Asks, and answers all that the engine wants to know.
    pub fn outcome(&mut self, name: &str) -> Outcome {
        let ticket = match self.ask(name) {
            Asked::Ready(outcome) => return outcome,
            Asked::Pending(ticket) => ticket,
        };
        self.run();
        self.of(ticket).unwrap()
    }

    /// The outcome for a ticket, once.
    pub fn of(&mut self, ticket: Ticket) -> Option<Outcome> {
        let at = self.done.iter().position(|(done, _)| *done == ticket)?;
        self.done.remove(at).map(|(_, outcome)| outcome)
    }

    /// Takes the engine's work, and answers none of its questions.
    pub fn poll(&mut self) {
        for _ in 0..1_000_000 {
            let now = self.now;
            match self.engine.poll(UnixTime(now)) {
                None => return,
                Some(Work::Load { request, domain }) => {
                    let domain = domain.to_string();
                    self.question(Kind::Load, request, domain);
                }
                Some(Work::QueryTxt { request, name }) => {
                    let domain = name.strip_prefix("_mta-sts.").unwrap().to_owned();
                    self.question(Kind::Txt, request, domain);
                }
                Some(Work::Fetch { request, fetch }) => {
                    let domain = fetch.host.strip_prefix("mta-sts.").unwrap().to_owned();
                    self.question(Kind::Https, request, domain);
                }
                Some(Work::Lease { request, domain }) => {
                    let domain = domain.to_string();
                    self.question(Kind::Lease, request, domain);
                }
                Some(Work::Release(domain)) => self.released.push(domain.to_string()),
                Some(Work::Save { stored, asked }) => self.save(&stored, asked),
                Some(Work::Remove(stored)) => self.remove(&stored),
                Some(Work::Done { ticket, outcome }) => self.done.push_back((ticket, outcome)),
                Some(Work::Event(event)) => self.events.push((now, event)),
                Some(_) => {}
            }
        }
        panic!("the engine never comes to an end");
    }

    fn question(&mut self, kind: Kind, request: RequestId, domain: String) {
        self.asked.push((self.now, kind, domain.clone()));
        self.open.push(Open {
            kind,
            request,
            domain,
        });
    }

    fn save(&mut self, stored: &Arc<Stored>, asked: UnixTime) {
        self.saves += 1;
        let name = stored.domain.to_string();
        self.store.insert(name, (stored.to_text(), asked.0));
    }

    fn remove(&mut self, stored: &Arc<Stored>) {
        let name = stored.domain.to_string();
        self.store.remove(&name);
        self.removed.push(name);
    }

    /// Answers one open question as the network and the store are now.
    pub fn answer(&mut self, index: usize) -> Open {
        let open = self.open.remove(index);
        self.give(&open).unwrap();
        open
    }

    /// Gives an answer, wanted or not.
    pub fn give(&mut self, open: &Open) -> Result<(), Error> {
        let (now, request) = (UnixTime(self.now), open.request);
        let site = self.net.get(&open.domain).cloned().unwrap_or(Site::none());
        match open.kind {
            Kind::Load => {
                let answer = self.load(&open.domain);
                self.engine.loaded(request, now, answer)
            }
            Kind::Lease => {
                let is_granted = !self.lease_is_held;
                let lease = self.load(&open.domain);
                let lease = lease.map(|stored| Lease { is_granted, stored });
                self.engine.leased(request, now, lease)
            }
            Kind::Txt => self
                .engine
                .txt(request, now, site.txt.as_ref().map_err(|f| *f)),
            Kind::Https => {
                let answer = site.https.as_ref().map_err(|failure| *failure);
                self.engine.https(request, now, answer)
            }
        }
    }

    fn load(&self, domain: &str) -> Result<Option<Arc<Stored>>, StoreFailure> {
        if self.store_fails {
            return Err(StoreFailure);
        }
        let entry = self.store.get(domain);
        Ok(entry.map(|(text, _)| Arc::new(text.parse().unwrap())))
    }

    /// Answers everything, until there is nothing to do now.
    pub fn run(&mut self) {
        self.poll();
        while !self.open.is_empty() {
            self.answer(0);
            self.poll();
        }
    }

    /// Lets time go by; the host comes back only when the engine said.
    pub fn sleep(&mut self, seconds: u64) {
        let end = self.now + seconds;
        self.run();
        while let Some(next) = self.engine.poll_timeout().filter(|next| next.0 <= end) {
            assert!(
                next.0 > self.now,
                "the engine wants to be asked again and again"
            );
            self.now = next.0;
            self.run();
        }
        self.now = end;
    }

    /// Lets `days` go by, and asks for each of `names` every day.
    pub fn days(&mut self, days: u64, names: &[&str]) {
        for _ in 0..days {
            self.sleep(DAY);
            for name in names {
                self.outcome(name);
            }
        }
    }

    /// The times of the questions of a kind since `begun`, of all domains.
    pub fn times(&self, kind: Kind, begun: u64) -> Vec<u64> {
        let wanted = |(at, asked, _): &&(u64, Kind, String)| *asked == kind && *at >= begun;
        self.asked
            .iter()
            .filter(wanted)
            .map(|(at, ..)| *at)
            .collect()
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.times(kind, 0).len()
    }

    /// The domains of the open questions of a kind.
    pub fn open_domains(&self, kind: Kind) -> BTreeSet<&str> {
        let open = self.open.iter().filter(|open| open.kind == kind);
        open.map(|open| open.domain.as_str()).collect()
    }

    /// Ends the process and begins another, which reads the whole store.
    pub fn restart(&mut self, settings: Settings) {
        self.engine = Engine::new(settings, *b"fedcba9876543210");
        self.open.clear();
        for (text, asked) in self.store.values() {
            let stored = Arc::new(text.parse().unwrap());
            self.engine
                .insert(stored, UnixTime(*asked), UnixTime(self.now));
        }
    }
}
