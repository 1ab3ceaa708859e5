// SPDX-License-Identifier: MIT OR Apache-2.0

//! Engines on a virtual clock, in milliseconds: what they ask is answered after a while, by a
//! network and a store that fail when they are told to. What `mtasts serve` adds is here too: a
//! bound on the fetches at a time from one address, and leases in the store.

use super::counts::{Counts, What};
use super::population::{Population, START, SWING, name, number, tide};
use mtasts::engine::{Asked, Engine, Event, Lease, Settings, Ticket, Work};
use mtasts::{
    FetchFailure, Outcome, PolicyDomain, RequestId, Stored, TxtAnswer, TxtFailure, UnixTime,
};
use mtasts_benches::{Outcome as Done, mix};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Who may not have a lease looks so often, in milliseconds, and not for longer than that.
const LEASE_PAUSE: u64 = 200;
const LEASE_PATIENCE: u64 = 5_000;

/// How long a fetch that mail waits for waits for its turn.
const TURN_PATIENCE: u64 = 5_000;

/// What is wrong when, in seconds since the start, and what changes.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub seconds: u64,
    /// DNS answers nothing.
    pub dns_down: Range<u64>,
    /// The provider's policy hosts take connections and answer nothing.
    pub provider_down: Range<u64>,
    /// The provider has another policy from then on.
    pub change_at: Option<u64>,
    pub senders: usize,
    pub leases: bool,
    /// The most fetches at a time from the provider's address; 0: as many as come.
    pub per_address: usize,
    pub max_refreshes: usize,
    /// Whether engines begin with what they knew before.
    pub is_warm: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Look(u32),
    Wake(u16),
    Loaded(u16, u32, u32),
    Txt(u16, u32, u32),
    /// The fetch ends; it was made at the provider.
    Fetched(u16, u32, u32, bool),
    /// What waits for a turn has waited for long enough.
    Late(u16, u32, u32),
    /// Asks for a lease: since when, and when the policy in the store was fetched then.
    Lease(u16, u32, u32, u64, u64),
}

struct Sender {
    engine: Engine,
    wake_at: u64,
    waiting: HashMap<Ticket, (u64, u32)>,
}

/// All but the engines.
pub struct World {
    pub population: Population,
    pub plan: Plan,
    pub counts: Counts,
    now: u64,
    soon: BinaryHeap<Reverse<(u64, Happening)>>,
    /// Looks, by the minute.
    later: Vec<Vec<u32>>,
    random: u64,
    open: u32,
    at_provider: usize,
    turns: VecDeque<(u16, u32, u32)>,
    store: HashMap<u32, Arc<Stored>>,
    /// Who has the lease of which domain.
    leases: HashMap<u32, u16>,
    /// By domain: its fetches.
    pub fetches: HashMap<u32, u32>,
}

pub struct Sim {
    senders: Vec<Sender>,
    pub world: World,
}

impl World {
    fn new(population: Population, plan: Plan) -> Self {
        let minutes = plan.seconds.div_ceil(60) as usize + 1;
        Self {
            population,
            plan,
            counts: Counts::default(),
            now: 0,
            soon: BinaryHeap::new(),
            later: vec![Vec::new(); minutes],
            random: 1,
            open: 0,
            at_provider: 0,
            turns: VecDeque::new(),
            store: HashMap::new(),
            leases: HashMap::new(),
            fetches: HashMap::new(),
        }
    }

    fn time(&self) -> UnixTime {
        UnixTime(START + self.now / 1_000)
    }

    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        mix(self.random)
    }

    /// Between 0 and 1, neither of them.
    fn part(&mut self) -> f64 {
        ((self.draw() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.part().ln()
    }

    fn at(&mut self, when: u64, what: Happening) {
        self.soon.push(Reverse((when, what)));
    }

    fn count(&mut self, what: What) {
        let second = self.now / 1_000;
        self.counts.add(second, what);
    }

    fn is_during(&self, range: &Range<u64>) -> bool {
        range.contains(&(self.now / 1_000))
    }

    fn version(&self) -> u32 {
        let second = self.now / 1_000;
        u32::from(self.plan.change_at.is_some_and(|at| at <= second))
    }

    /// The next mail to a domain after `from`, by its rate and the tide.
    fn schedule(&mut self, domain: u32, from: u64) {
        let highest = self.population.rate_of(domain) * (1.0 + SWING) / 1_000.0;
        let end = self.plan.seconds * 1_000;
        let mut at = from as f64;
        loop {
            at += self.exponential(1.0 / highest);
            if at >= end as f64 {
                return;
            }
            if self.part() * (1.0 + SWING) < tide(at as u64 / 1_000) {
                break;
            }
        }
        let at = at as u64;
        match at / 60_000 <= self.now / 60_000 {
            true => self.at(at, Happening::Look(domain)),
            false => self.later[(at / 60_000) as usize].push(domain),
        }
    }

    /// The mails of the minute that begins.
    fn begin_minute(&mut self, minute: u64) {
        let looks = std::mem::take(&mut self.later[minute as usize]);
        for domain in looks {
            let at = minute * 60_000 + self.draw() % 60_000;
            self.at(at, Happening::Look(domain));
        }
    }
}

impl Sim {
    /// # Errors
    /// The population has names or policies that are none.
    pub fn new(population: Population, plan: Plan) -> Done<Self> {
        let senders = (0..plan.senders).map(|sender| {
            let mut settings = Settings::default();
            settings.max_policies = usize::MAX;
            settings.max_refreshes = plan.max_refreshes;
            settings.shares_store = plan.leases;
            let seed = mix(sender as u64).to_ne_bytes();
            let seed = [seed, seed].concat().try_into().unwrap_or_default();
            Sender {
                engine: Engine::new(settings, seed),
                wake_at: u64::MAX,
                waiting: HashMap::new(),
            }
        });
        let senders = senders.collect();
        let world = World::new(population, plan);
        let mut sim = Self { senders, world };
        sim.prepare()?;
        Ok(sim)
    }

    /// What is known at the start, as it is in the middle of things: each domain was last asked for
    /// some time ago, and has a policy in memory if that has not ended since.
    fn prepare(&mut self) -> Done<()> {
        let Self { senders, world } = self;
        for domain in 0..world.population.domains {
            let rate = world.population.rate_of(domain);
            let asked = world.exponential(1.0 / rate);
            let ttl = f64::from(world.population.ttl(domain));
            let from = if world.plan.is_warm {
                (ttl - asked).max(0.0)
            } else {
                0.0
            };
            world.schedule(domain, (from * 1_000.0) as u64);
            let max_age = world.population.max_age(domain);
            if world.plan.is_warm && world.population.has_policy(domain) && asked < max_age.into() {
                // Refreshed at three quarters of a day at the earliest, or of half its lifetime.
                let age = world.part() * 0.75 * f64::from((max_age / 2).min(86_400));
                let until = (START as f64 - asked + ttl) as u64;
                let stored = world.population.stored(domain, START - age as u64, until)?;
                for sender in &mut *senders {
                    let asked = UnixTime(START - asked as u64);
                    sender
                        .engine
                        .insert(Arc::clone(&stored), asked, UnixTime(START));
                }
            }
        }
        Ok(())
    }

    pub fn known(&self) -> usize {
        self.senders.iter().map(|sender| sender.engine.len()).sum()
    }

    /// Lets all of it happen.
    pub fn run(&mut self) {
        for minute in 0..self.world.plan.seconds / 60 {
            self.world.now = minute * 60_000;
            self.world.begin_minute(minute);
            for sender in 0..self.senders.len() {
                self.drive(sender as u16); // what is due, and no answer tells of
            }
            let end = (minute + 1) * 60_000;
            while let Some(Reverse((at, what))) = self.world.soon.peek().copied() {
                if at >= end {
                    break;
                }
                self.world.soon.pop();
                self.world.now = at;
                self.happen(what);
            }
            self.gauge();
        }
    }

    fn gauge(&mut self) {
        let now = self.world.time();
        let due = self
            .senders
            .iter()
            .map(|sender| sender.engine.due(now) as u32);
        let counts = &mut self.world.counts;
        counts.due.push(due.sum());
        counts.open.push(self.world.open);
        counts.at_provider.push(self.world.at_provider as u32);
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Look(domain) => self.look(domain),
            Happening::Wake(sender) => {
                self.senders[sender as usize].wake_at = u64::MAX;
                self.drive(sender);
            }
            Happening::Loaded(sender, request, domain) => self.loaded(sender, request, domain),
            Happening::Txt(sender, request, domain) => self.txt(sender, request, domain),
            Happening::Fetched(sender, request, domain, at_provider) => {
                self.fetched(sender, request, domain, at_provider);
            }
            Happening::Late(sender, request, domain) => self.late(sender, request, domain),
            Happening::Lease(sender, request, domain, since, first) => {
                self.lease(sender, request, domain, since, first);
            }
        }
    }

    /// Mail for a domain.
    fn look(&mut self, domain: u32) {
        let Self { senders, world } = self;
        world.count(What::Look);
        let at = (world.draw() % senders.len() as u64) as u16;
        let sender = &mut senders[at as usize];
        let Ok(name) = name(domain).parse::<PolicyDomain>() else {
            return;
        };
        let mut next = world.now;
        match sender.engine.ask(&name, world.time()) {
            Asked::Ready(outcome) => {
                judge(world, domain, &outcome, world.time());
            }
            Asked::Pending(ticket) => {
                sender.waiting.insert(ticket, (world.now, domain));
                let is_down = world.is_during(&world.plan.dns_down.clone());
                // What is answered from memory changes nothing: on to the end of the TTL.
                if world.plan.senders == 1 && !is_down {
                    let negative = world.population.ttl(domain).min(3_600);
                    let has_policy = world.population.has_policy(domain);
                    let ttl = if has_policy {
                        world.population.ttl(domain)
                    } else {
                        negative
                    };
                    next += u64::from(ttl) * 1_000;
                }
            }
        }
        world.schedule(domain, next);
        self.drive(at);
    }

    /// Does what an engine wants, and comes back when it says.
    fn drive(&mut self, at: u16) {
        let Self { senders, world } = self;
        let sender = &mut senders[at as usize];
        let now = world.time();
        while let Some(work) = sender.engine.poll(now) {
            match work {
                Work::Load { request, domain } => {
                    let domain = number(domain.as_str());
                    world.count(What::Load);
                    world.ask(1, Happening::Loaded(at, request.0, domain));
                }
                Work::QueryTxt { request, name } => {
                    let domain = number(name);
                    world.count(What::Txt);
                    let is_down = world.is_during(&world.plan.dns_down.clone());
                    let took = if is_down {
                        5_000.0
                    } else {
                        5.0 + world.exponential(30.0)
                    };
                    world.ask(took as u64, Happening::Txt(at, request.0, domain));
                }
                Work::Lease { request, domain } => {
                    let domain = number(domain.as_str());
                    world.count(What::Lease);
                    let since = world.now;
                    world.ask(1, Happening::Lease(at, request.0, domain, since, u64::MAX));
                }
                Work::Release(domain) => {
                    let domain = number(domain.as_str());
                    world.leases.remove(&domain);
                }
                Work::Fetch { request, fetch } => {
                    let domain = number(fetch.host);
                    let is_awaited = sender.engine.awaits(request);
                    world.open += 1;
                    world.fetch(at, request.0, domain, is_awaited);
                }
                Work::Save { stored, .. } => {
                    world.count(What::Save);
                    if world.plan.senders > 1 {
                        world.store.insert(number(stored.domain.as_str()), stored);
                    }
                }
                Work::Done { ticket, outcome } => {
                    if let Some((since, domain)) = sender.waiting.remove(&ticket) {
                        world.counts.wait(world.now - since);
                        judge(world, domain, &outcome, now);
                    }
                }
                Work::Event(Event::PolicyExpired { .. }) => world.counts.expired += 1,
                Work::Event(Event::RefreshFailed(_) | Event::RefreshFailsRepeatedly(_)) => {
                    world.counts.failed += 1;
                }
                _ => {}
            }
        }
        if let Some(next) = sender.engine.poll_timeout() {
            let next = (next.0.max(START) - START) * 1_000;
            if next < sender.wake_at {
                sender.wake_at = next;
                world.at(next.max(world.now + 1), Happening::Wake(at));
            }
        }
    }

    fn engine(&mut self, sender: u16) -> &mut Engine {
        &mut self.senders[sender as usize].engine
    }

    // An answer to what the engine has given up is refused, which is right.

    fn loaded(&mut self, sender: u16, request: u32, domain: u32) {
        self.world.open -= 1;
        let (stored, now) = (self.world.store.get(&domain).cloned(), self.world.time());
        let _ = self
            .engine(sender)
            .loaded(RequestId(request), now, Ok(stored));
        self.drive(sender);
    }

    fn txt(&mut self, sender: u16, request: u32, domain: u32) {
        self.world.open -= 1;
        let (world, now) = (&self.world, self.world.time());
        let ttl = Some(world.population.ttl(domain));
        let answer = match world.population.has_policy(domain) {
            _ if world.is_during(&world.plan.dns_down) => Err(TxtFailure::Temporary),
            true => Ok(TxtAnswer {
                records: vec![world.population.record(domain, world.version())],
                ttl,
            }),
            false => Err(TxtFailure::NoRecords { ttl }),
        };
        let answer = answer.as_ref().map_err(|failure| *failure);
        let _ = self.engine(sender).txt(RequestId(request), now, answer);
        self.drive(sender);
    }

    fn fetched(&mut self, sender: u16, request: u32, domain: u32, at_provider: bool) {
        let world = &mut self.world;
        world.open -= 1;
        let now = world.time();
        let is_stalled = at_provider && world.is_during(&world.plan.provider_down.clone());
        let answer = match () {
            () if world.is_during(&world.plan.dns_down.clone()) => Err(FetchFailure::Dns),
            () if is_stalled => Err(FetchFailure::Timeout),
            () => Ok(world.population.reply(domain, world.version())),
        };
        if at_provider {
            world.at_provider -= 1;
            if let Some((sender, request, domain)) = world.turns.pop_front() {
                world.begin_fetch(sender, request, domain, true);
            }
        }
        let answer = answer.as_ref().map_err(|failure| *failure);
        let _ = self.engine(sender).https(RequestId(request), now, answer);
        self.drive(sender);
    }

    fn late(&mut self, sender: u16, request: u32, domain: u32) {
        let turn = (sender, request, domain);
        let Some(place) = self.world.turns.iter().position(|waiting| *waiting == turn) else {
            return; // it has had its turn
        };
        self.world.turns.remove(place);
        self.put_off(sender, request);
    }

    fn put_off(&mut self, sender: u16, request: u32) {
        self.world.open -= 1;
        self.world.count(What::PutOff);
        let now = self.world.time();
        let local = Err(FetchFailure::Local);
        let _ = self.engine(sender).https(RequestId(request), now, local);
        self.drive(sender);
    }

    fn lease(&mut self, sender: u16, request: u32, domain: u32, since: u64, first: u64) {
        let is_awaited = self.engine(sender).awaits(RequestId(request));
        let world = &mut self.world;
        let holder = *world.leases.entry(domain).or_insert(sender);
        let stored = world.store.get(&domain).cloned();
        let fetched = fetched_at(stored.as_deref());
        let first = if first == u64::MAX { fetched } else { first };
        let is_over = !is_awaited || world.now >= since + LEASE_PATIENCE;
        if holder != sender && fetched == first && !is_over {
            let again = Happening::Lease(sender, request, domain, since, first);
            return world.at(world.now + LEASE_PAUSE, again);
        }
        world.open -= 1;
        let (now, is_granted) = (world.time(), holder == sender);
        let lease = Lease { is_granted, stored };
        let _ = self
            .engine(sender)
            .leased(RequestId(request), now, Ok(lease));
        self.drive(sender);
    }
}

fn fetched_at(stored: Option<&Stored>) -> u64 {
    let policy = stored.and_then(|stored| stored.policy.as_ref());
    policy.map_or(0, |policy| policy.fetched_at.0)
}

impl World {
    /// A question that is answered after so many milliseconds.
    fn ask(&mut self, took: u64, answer: Happening) {
        self.open += 1;
        self.at(self.now + took.max(1), answer);
    }

    /// At the provider when there is a turn; what nobody waits for gives way.
    fn fetch(&mut self, sender: u16, request: u32, domain: u32, is_awaited: bool) {
        let is_tenant = self.population.is_tenant(domain);
        let is_full = self.plan.per_address > 0 && self.at_provider >= self.plan.per_address;
        if !is_tenant || !is_full {
            return self.begin_fetch(sender, request, domain, is_tenant);
        }
        let patience = if is_awaited { TURN_PATIENCE } else { 1 };
        self.turns.push_back((sender, request, domain));
        self.at(
            self.now + patience,
            Happening::Late(sender, request, domain),
        );
    }

    fn begin_fetch(&mut self, sender: u16, request: u32, domain: u32, is_tenant: bool) {
        self.count(What::Fetch);
        *self.fetches.entry(domain).or_default() += 1;
        if is_tenant {
            self.count(What::Provider);
            self.at_provider += 1;
        }
        let took = match () {
            () if self.is_during(&self.plan.dns_down.clone()) => 5_000.0,
            () if is_tenant && self.is_during(&self.plan.provider_down.clone()) => 60_000.0,
            () => 80.0 + self.exponential(250.0),
        };
        let end = Happening::Fetched(sender, request, domain, is_tenant);
        self.at(self.now + took as u64, end);
    }
}

/// Whether mail is protected as it must be.
fn judge(world: &mut World, domain: u32, outcome: &Outcome, now: UnixTime) {
    if outcome.policy().is_none() && world.population.has_policy(domain) {
        world.counts.unprotected += 1;
        world.counts.wrong += u64::from(outcome.stored().usable(now).is_some());
    }
}
