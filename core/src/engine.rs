// SPDX-License-Identifier: MIT OR Apache-2.0

//! Many look-ups at once, for a host that serves many deliveries (RFC 8461 §3.3, §5.1, §10.2).
//!
//! An [`Engine`] remembers what it has found out about domains. However many ask for a domain,
//! the host is asked one question at a time for it (R-FLOW-8). Policies are refreshed ahead of
//! their expiry as long as they are asked for (R-FLOW-5). Like a [`Lookup`] it does no I/O, has no
//! clock and never calls the host:
//!
//! * [`Engine::ask`] answers at once where what is known suffices, else gives a [`Ticket`].
//! * [`Engine::poll`] gives [`Work`], until there is none; some of it are questions.
//! * [`Engine::loaded`], [`Engine::txt`], [`Engine::leased`] and [`Engine::https`] take the answers, in
//!   any order.
//! * [`Engine::poll_timeout`] says when to poll again if nothing else happens.
//! * [`Engine::refresh`], [`Engine::forget`] and [`Engine::iter`] are for the host's operator.
//!
//! Poll after each of these calls. Answer each question, with a failure where there is no answer:
//! what stays open for [`Settings::request_timeout`] counts as failed. The wall clock may jump.
//! Policies that the operator has written ([`Outcome::local`]) come before the engine.
//!
//! ```
//! use mtasts::engine::{Asked, Engine, Settings, Work};
//! use mtasts::*;
//!
//! let mut engine = Engine::new(Settings::default(), *b"sixteen secret..");
//! let (domain, now): (PolicyDomain, _) = ("example.com".parse()?, UnixTime(1_767_225_600));
//! let Asked::Pending(ticket) = engine.ask(&domain, now) else { panic!("nothing is known yet") };
//! let Asked::Pending(_another) = engine.ask(&domain, now) else { panic!("nor now") };
//! let mut done = Vec::new();
//! while let Some(work) = engine.poll(now) {
//!     match work { // a real host does these at the same time, and answers when it can
//!         Work::Load { request, .. } => engine.loaded(request, now, Ok(None))?,
//!         Work::QueryTxt { request, name } => {
//!             assert_eq!(name, "_mta-sts.example.com");
//!             let records = vec![b"v=STSv1; id=20260101;".to_vec()];
//!             engine.txt(request, now, Ok(&TxtAnswer { records, ttl: Some(300) }))?;
//!         }
//!         Work::Fetch { request, fetch } => {
//!             assert_eq!(fetch.host, "mta-sts.example.com");
//!             let body = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";
//!             let content_type = Some("text/plain".to_owned());
//!             let reply = HttpsReply { status: 200, content_type, body: body.to_vec() };
//!             engine.https(request, now, Ok(&reply))?;
//!         }
//!         Work::Done { ticket, outcome } => done.push((ticket, outcome.basis())),
//!         Work::Save { .. } | Work::Remove(_) | Work::Event(_) => {} // no store, no log
//!         _ => {}
//!     }
//! }
//! assert_eq!(done[0], (ticket, Basis::Fresh));
//! assert_eq!(done.len(), 2); // and one query and one fetch for both
//! assert!(matches!(engine.ask(&domain, now), Asked::Ready(_)));
//! let timeout = engine.poll_timeout().ok_or("there is a policy to refresh")?;
//! assert!(timeout > now.plus(64_800) && timeout <= now.plus(86_400));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod job;
mod large;
mod operator;
mod refresh;
mod table;
mod timers;
mod work;

pub use work::{Asked, Event, Lease, Settings, Ticket, Trouble, Work};

use crate::error::Error;
use crate::host::StoreFailure;
use crate::lookup::{Lookup, RequestId, TxtAnswer};
use crate::name::PolicyDomain;
use crate::outcome::{Basis, Outcome};
use crate::reason::{FetchFailure, TxtFailure};
use crate::reply::HttpsReply;
use crate::stored::Stored;
use crate::time::UnixTime;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use job::{Question, Wish, merged};
use large::Large;
use table::{Entry, Slot, Table};
use timers::{Moment, Timers};

/// Many look-ups at once; see the [module](self).
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    /// From `settings.lookup`, whose look-ups leave refreshes to the engine.
    refresh_after: u32,
    table: Table,
    timers: Timers,
    /// The questions that the host has, and whose they are.
    open: BTreeMap<u32, Slot>,
    outbox: VecDeque<Item>,
    last_request: u32,
    last_ticket: u64,
    /// How many refreshes go on.
    refreshes: usize,
    large: Large,
    /// Where in the table the next superfluous entry is looked for.
    hand: Slot,
}

/// [`Work`] that waits to be handed out.
#[derive(Debug)]
enum Item {
    /// The question of this entry's job.
    Ask(Slot),
    Save(Arc<Stored>, UnixTime),
    Remove(Arc<Stored>),
    Release(PolicyDomain),
    Done(Ticket, Outcome),
    Event(Event),
}

impl Engine {
    /// An engine that knows nothing. `seed` is 16 random octets that no outsider knows: attackers
    /// choose domains, and must not be able to choose those that are slow to look up. Engines
    /// with different seeds refresh a policy at different times.
    pub fn new(settings: Settings, seed: [u8; 16]) -> Self {
        let table = Table::new(seed);
        let mut engine = Self {
            refresh_after: settings.lookup.refresh_after,
            settings,
            last_request: table.hash(b"") as u32, // another engine's numbers are not ours
            table,
            timers: Timers::default(),
            open: BTreeMap::new(),
            outbox: VecDeque::new(),
            last_ticket: 0,
            refreshes: 0,
            large: Large::default(),
            hand: 0,
        };
        engine.keep_refreshes();
        engine
    }

    /// Look-ups do not refresh policies by themselves: the engine does.
    fn keep_refreshes(&mut self) {
        let of_lookups = &mut self.settings.lookup.refresh_after;
        self.refresh_after = core::mem::replace(of_lookups, u32::MAX);
    }

    /// Asks for a domain. Where the TTL of its record is over, the TXT query is waited for, also
    /// if a policy is cached, as a [`Lookup`] does (R-FLOW-4); but while that policy is being
    /// refreshed it is what applies.
    pub fn ask(&mut self, domain: &PolicyDomain, now: UnixTime) -> Asked {
        if let Some(outcome) = self.at_once(domain.as_bytes(), now) {
            return Asked::Ready(outcome);
        }
        let slot = self.admit(domain, now);
        Asked::Pending(self.wait(slot, Wish::Look, now))
    }

    /// The answer for a domain as text (lower-case A-labels, no final dot) if it is ready, as
    /// [`Engine::ask`] would give it. Allocates nothing. `None` begins nothing.
    pub fn ready(&mut self, domain: &str, now: UnixTime) -> Option<Outcome> {
        self.at_once(domain.as_bytes(), now)
    }

    /// Looks again, as a sender does before it gives a message up (R-FLOW-6): the TXT record is
    /// queried whatever its TTL, and the policy fetched if the `id` differs. Whoever asks before
    /// the answer to a TXT query is there shares it.
    pub fn look_again(&mut self, domain: &PolicyDomain, now: UnixTime) -> Ticket {
        let slot = self.admit(domain, now);
        self.wait(slot, Wish::Again, now)
    }

    /// Gives the engine what the store has, after a start, so that refreshes go on. `asked` is
    /// when the domain was last asked for ([`Work::Save`]), or `now` if that is not known. An
    /// older policy than the engine's own is not taken.
    pub fn insert(&mut self, stored: Arc<Stored>, asked: UnixTime, now: UnixTime) {
        let slot = match self.table.find(stored.domain.as_bytes()) {
            Some(slot) => slot,
            None => {
                let unknown = Arc::new(Stored::unknown(stored.domain.clone()));
                self.table.insert(Entry::new(unknown, asked))
            }
        };
        // What goes on for a domain has read the store, or will.
        if self
            .table
            .get(slot)
            .is_some_and(|entry| entry.job.is_none())
        {
            self.absorb(slot, stored, now);
            self.settle(slot, now);
        }
        self.make_room();
    }

    /// The next thing to do; `None`: nothing, until something happens or
    /// [`Engine::poll_timeout`] is over. What stands before [`Work::Done`] and belongs to the same
    /// look-up comes before it: a host that saves in order has saved when it delivers.
    pub fn poll(&mut self, now: UnixTime) -> Option<Work<'_>> {
        while self.outbox.is_empty() && self.pass(now) {}
        match self.outbox.pop_front()? {
            Item::Ask(slot) => self.hand_out(slot, now),
            Item::Save(stored, asked) => Some(Work::Save { stored, asked }),
            Item::Remove(stored) => Some(Work::Remove(stored)),
            Item::Release(domain) => Some(Work::Release(domain)),
            Item::Done(ticket, outcome) => Some(Work::Done { ticket, outcome }),
            Item::Event(event) => Some(Work::Event(event)),
        }
    }

    /// Whether [`Engine::poll`] has something to hand out whatever the time; costs nothing.
    pub fn has_work(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// When to poll if nothing happens before: a time in the past where there is work already,
    /// `None` where there will be none. Other calls change it.
    pub fn poll_timeout(&self) -> Option<UnixTime> {
        match self.outbox.is_empty() {
            true => self.next_due(),
            false => Some(UnixTime(0)),
        }
    }

    /// Takes the answer to [`Work::Load`]. An entry of another domain is not used (R-FLOW-9).
    ///
    /// # Errors
    /// [`StaleRequest`](crate::ErrorKind::StaleRequest): the answer was not wanted, and nothing
    /// has changed.
    pub fn loaded(
        &mut self,
        request: RequestId,
        now: UnixTime,
        answer: Result<Option<Arc<Stored>>, StoreFailure>,
    ) -> Result<(), Error> {
        let slot = self.close(request, Question::Load)?;
        let failed = answer.is_err();
        if let Ok(Some(stored)) = answer {
            self.absorb(slot, stored, now);
        }
        self.read(slot, failed, now);
        Ok(())
    }

    /// Takes the answer to [`Work::QueryTxt`].
    ///
    /// # Errors
    /// As [`Engine::loaded`].
    pub fn txt(
        &mut self,
        request: RequestId,
        now: UnixTime,
        answer: Result<&TxtAnswer, TxtFailure>,
    ) -> Result<(), Error> {
        let slot = self.close(request, Question::Txt)?;
        self.answer(slot, now, |lookup, id| lookup.txt(id, now, answer))
    }

    /// Takes the answer to [`Work::Lease`]. What another host has fetched meanwhile is not fetched
    /// again. Without the lease the cached policy applies, and a policy that is not cached is fetched
    /// all the same, as it is where the store does not answer: the lease saves work, and protects
    /// nothing.
    ///
    /// # Errors
    /// As [`Engine::loaded`].
    pub fn leased(
        &mut self,
        request: RequestId,
        now: UnixTime,
        answer: Result<Lease, StoreFailure>,
    ) -> Result<(), Error> {
        let slot = self.close(request, Question::Lease)?;
        self.lease_known(slot, now, answer);
        Ok(())
    }

    /// Whether somebody waits for the answer to this question; else it is a refresh in the
    /// background, which may as well be made later ([`FetchFailure::Local`]).
    pub fn awaits(&self, request: RequestId) -> bool {
        let slot = self.open.get(&request.0);
        let entry = slot.and_then(|slot| self.table.get(*slot));
        entry.is_some_and(|entry| entry.job.as_ref().is_some_and(|job| job.is_awaited()))
    }

    /// How many policies are due to be refreshed, or to be looked at, and have no turn yet.
    pub fn due(&self, now: UnixTime) -> usize {
        self.timers.count(timers::Kind::Policy, now)
    }

    /// Takes the answer to [`Work::Fetch`].
    ///
    /// # Errors
    /// As [`Engine::loaded`].
    pub fn https(
        &mut self,
        request: RequestId,
        now: UnixTime,
        answer: Result<&HttpsReply, FetchFailure>,
    ) -> Result<(), Error> {
        let slot = self.close(request, Question::Https)?;
        self.answer(slot, now, |lookup, id| lookup.https(id, now, answer))
    }

    /// How many domains are known, with a policy or without.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no domain is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Engine {
    /// The answer for a domain if it is ready.
    #[inline]
    fn at_once(&mut self, domain: &[u8], now: UnixTime) -> Option<Outcome> {
        let slot = self.table.find(domain)?;
        let entry = self.table.get_mut(slot)?;
        let moment = Moment::from(now);
        if entry.asked <= moment && moment < entry.warm_until {
            entry.asked = moment;
            let stored = Arc::clone(&entry.stored);
            return Some(Outcome::cached(stored, &self.settings.lookup));
        }
        self.consult(slot, now)
    }

    /// The entry of a domain, a new one if need be: what the store has of it is not known.
    fn admit(&mut self, domain: &PolicyDomain, now: UnixTime) -> Slot {
        if let Some(slot) = self.table.find(domain.as_bytes()) {
            self.touch(slot, now);
            return slot;
        }
        self.table.insert(Entry::unread(domain.clone(), now))
    }

    /// The answer from what is known, if that suffices.
    fn consult(&mut self, slot: Slot, now: UnixTime) -> Option<Outcome> {
        self.touch(slot, now);
        let entry = self.table.get_mut(slot).filter(|entry| !entry.is_unread)?;
        let config = &self.settings.lookup;
        let found = entry.job.as_ref().and_then(|job| job.stored());
        let stored = Arc::clone(found.unwrap_or(&entry.stored));
        let lookup = Lookup::resume(stored, false, config, now);
        let Some(outcome) = lookup.into_outcome() else {
            let is_refreshed = entry
                .job
                .as_ref()
                .is_some_and(|job| job.wish == Wish::Refresh);
            entry.stored.usable(now).filter(|_| is_refreshed)?;
            self.mend(slot, now);
            let stored = Arc::clone(&self.table.get(slot)?.stored);
            return Some(Outcome::cached(stored, &self.settings.lookup));
        };
        if outcome.is_changed() {
            self.save(slot, outcome.stored());
            self.keep(slot, Arc::clone(outcome.stored()));
            self.resettle(slot, now);
        } else if Arc::ptr_eq(outcome.stored(), &entry.stored) {
            entry.warm_until = warm_until(&outcome).unwrap_or_default().into();
        }
        Some(outcome)
    }

    /// The domain is asked for, so that its policy is worth a refresh.
    fn touch(&mut self, slot: Slot, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        (entry.asked, entry.warm_until) = (now.into(), Moment::default());
        if core::mem::take(&mut entry.is_resting) {
            self.resettle(slot, now);
        }
    }

    /// Sets the timer anew unless the entry waits for an answer.
    fn resettle(&mut self, slot: Slot, now: UnixTime) {
        if self
            .table
            .get(slot)
            .is_some_and(|entry| entry.job.is_none())
        {
            self.settle(slot, now);
        }
    }

    /// Takes what the store has.
    fn absorb(&mut self, slot: Slot, theirs: Arc<Stored>, now: UnixTime) {
        let ours = self.table.get(slot).map(|entry| &entry.stored);
        if let Some(ours) = ours.filter(|ours| ours.domain == theirs.domain) {
            let merged = merged(ours, theirs, now);
            self.keep(slot, merged);
        }
    }
}

/// Until when this outcome stays the answer, if it is a cached policy of which nothing is amiss.
fn warm_until(outcome: &Outcome) -> Option<UnixTime> {
    let is_good = outcome.basis() == Basis::Cached && outcome.reason().is_none();
    let record = outcome.stored().record.as_ref().filter(|_| is_good)?;
    Some(record.until.min(outcome.expires_at()?.plus(1)))
}
