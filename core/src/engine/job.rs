// SPDX-License-Identifier: MIT OR Apache-2.0

//! What goes on for one domain: at any time one question to the host, whoever waits for the
//! outcome (R-FLOW-8). A look-up reads the store if that has not been done, and then is a
//! [`Lookup`]; a refresh likewise, but begins with the fetch.

use super::refresh::expires_soon;
use super::table::Slot;
use super::timers::Moment;
use super::work::{Lease, Ticket, Work};
use super::{Engine, Item};
use crate::error::{Error, ErrorKind};
use crate::host::StoreFailure;
use crate::lookup::{Lookup, RequestId, Step};
use crate::outcome::{Basis, Outcome};
use crate::reason::{FetchFailure, Reason, TxtFailure};
use crate::stored::{Attempt, BACK_OFF, Stored};
use crate::time::UnixTime;
use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};

#[derive(Debug)]
pub(super) struct Job {
    /// `None`: the store is being read.
    lookup: Option<Lookup>,
    pub(super) wish: Wish,
    /// The question, as far as it has been handed out.
    request: Option<RequestId>,
    /// Who gets the outcome.
    tickets: Vec<Ticket>,
    /// What begins when this job has ended, for those who came too late.
    next: Option<Box<Job>>,
    /// Whether the fetch is this host's, once that is known ([`Work::Lease`]).
    lease: Option<bool>,
}

/// The questions to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Load,
    Txt,
    Lease,
    Https,
}

/// What somebody wants to know, and a job finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// What a look-up comes to.
    Look,
    /// The same, but the TXT record is queried whatever its TTL (R-FLOW-6).
    Again,
    /// What a fetch gives, whatever the record says (R-FLOW-5).
    Refresh,
}

impl Job {
    pub(super) fn new(wish: Wish, tickets: Vec<Ticket>) -> Box<Self> {
        Box::new(Self {
            lookup: None,
            wish,
            request: None,
            tickets,
            next: None,
            lease: None,
        })
    }

    /// Adds someone who waits.
    fn join(&mut self, ticket: Ticket, wish: Wish) {
        if self.serves(wish) {
            self.wish = self.wish.max(wish);
            return self.tickets.push(ticket);
        }
        match &mut self.next {
            Some(next) => next.join(ticket, wish),
            None => self.next = Some(Self::new(wish, vec![ticket])),
        }
    }

    /// To look again means a TXT query whose answer is not there yet; a refresh makes none.
    fn serves(&self, wish: Wish) -> bool {
        match (self.wish, wish) {
            (Wish::Refresh, _) | (_, Wish::Refresh) => self.wish == wish,
            (_, Wish::Again) => {
                let question = self.question();
                !matches!(question, Some(Question::Lease | Question::Https))
            }
            (_, Wish::Look) => true,
        }
    }

    /// There is no policy to refresh: those who wait for a look-up wait for this one too.
    fn look_instead(&mut self) {
        self.wish = Wish::Again;
        if let Some(next) = self.next.take() {
            self.tickets.extend(next.tickets);
            self.next = next.next;
        }
    }

    /// All who wait, and for what.
    pub(super) fn waiting(self) -> (Wish, Vec<Ticket>) {
        let (mut wish, mut tickets) = (self.wish, self.tickets);
        let mut next = self.next;
        while let Some(job) = next {
            wish = wish.max(job.wish);
            tickets.extend(job.tickets);
            next = job.next;
        }
        (wish, tickets)
    }

    /// Whether somebody waits for this job, or for the one that follows it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.tickets.is_empty() || self.next.is_some()
    }

    /// The host's question, as far as it has it.
    pub(super) fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// What has been found out, if that is more than what the entry says.
    pub(super) fn stored(&self) -> Option<&Arc<Stored>> {
        self.lookup.as_ref().map(Lookup::stored)
    }

    fn question(&self) -> Option<Question> {
        match self.lookup.as_ref().map(Lookup::poll) {
            None => Some(Question::Load),
            Some(Step::QueryTxt { .. }) => Some(Question::Txt),
            Some(Step::Fetch { .. }) if self.lease.is_none() => Some(Question::Lease),
            Some(Step::Fetch { .. }) => Some(Question::Https),
            Some(Step::Done(_)) => None,
        }
    }
}

// How a job begins.
impl Engine {
    /// Somebody waits for a domain: by the job that there is, or a new one.
    pub(super) fn wait(&mut self, slot: Slot, wish: Wish, now: UnixTime) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let job = self
            .table
            .get_mut(slot)
            .and_then(|entry| entry.job.as_mut());
        match job {
            Some(job) => job.join(ticket, wish),
            None => self.begin(slot, Job::new(wish, vec![ticket]), now),
        }
        ticket
    }

    /// Begins with the store: whoever shares it may have refreshed the policy already.
    pub(super) fn begin_refresh(&mut self, slot: Slot, now: UnixTime) {
        self.begin(slot, Job::new(Wish::Refresh, Vec::new()), now);
    }

    pub(super) fn begin(&mut self, slot: Slot, mut job: Box<Job>, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        job.lease = (!self.settings.shares_store).then_some(false);
        self.timers.clear(slot, entry);
        let is_refresh = job.wish == Wish::Refresh;
        // Where others share the store, one of them may have found the policy that is not known here.
        let is_known = !self.settings.shares_store || entry.stored.usable(now).is_some();
        let is_read = !entry.is_unread && !is_refresh && is_known;
        self.refreshes += usize::from(is_refresh);
        entry.job = Some(job);
        if is_read {
            self.look(slot, false, now);
        }
        self.go_on(slot, now);
    }

    /// Begins the look-up of a job.
    fn look(&mut self, slot: Slot, store_failed: bool, now: UnixTime) {
        self.mend(slot, now);
        let config = &self.settings.lookup;
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let stored = Arc::clone(&entry.stored);
        if let Some(job) = &mut entry.job {
            job.lookup = Some(match job.wish {
                Wish::Again => Lookup::again(stored, store_failed, config),
                _ => Lookup::resume(stored, store_failed, config, now),
            });
        }
    }

    /// Asks the next question, or ends the job.
    fn go_on(&mut self, slot: Slot, now: UnixTime) {
        let job = self
            .table
            .get_mut(slot)
            .and_then(|entry| entry.job.as_mut());
        let Some(job) = job else {
            return;
        };
        match job.lookup.as_ref().map(Lookup::poll) {
            Some(Step::Done(outcome)) => {
                let outcome = outcome.clone();
                self.finish(slot, outcome, now);
            }
            _ => self.outbox.push_back(Item::Ask(slot)),
        }
    }
}

// How the host is asked.
impl Engine {
    /// Hands out the question of a job.
    pub(super) fn hand_out(&mut self, slot: Slot, now: UnixTime) -> Option<Work<'_>> {
        let request = self.new_request();
        let deadline = now.plus(self.settings.request_timeout);
        let entry = self.table.get_mut(slot)?;
        entry.job.as_mut()?.request = Some(request);
        self.timers
            .set(slot, entry, super::timers::Kind::Request, deadline);
        self.open.insert(request.0, slot);
        let job = entry.job.as_ref()?;
        Some(match job.lookup.as_ref().map(Lookup::poll) {
            Some(Step::QueryTxt { name, .. }) => Work::QueryTxt { request, name },
            Some(Step::Fetch { .. }) if job.lease.is_none() => Work::Lease {
                request,
                domain: &entry.stored.domain,
            },
            Some(Step::Fetch { request: fetch, .. }) => Work::Fetch { request, fetch },
            None | Some(Step::Done(_)) => Work::Load {
                request,
                domain: &entry.stored.domain,
            },
        })
    }

    fn new_request(&mut self) -> RequestId {
        loop {
            self.last_request = self.last_request.wrapping_add(1);
            if !self.open.contains_key(&self.last_request) {
                return RequestId(self.last_request);
            }
        }
    }

    /// Closes a question if it is open and of this kind.
    pub(super) fn close(&mut self, request: RequestId, kind: Question) -> Result<Slot, Error> {
        let stale = Error::new(ErrorKind::StaleRequest, 0);
        let slot = *self.open.get(&request.0).ok_or(stale)?;
        let entry = self.table.get_mut(slot).ok_or(stale)?;
        let job = entry.job.as_mut().ok_or(stale)?;
        if job.request != Some(request) || job.question() != Some(kind) {
            return Err(stale);
        }
        job.request = None;
        self.timers.clear(slot, entry);
        self.open.remove(&request.0);
        Ok(slot)
    }

    /// Gives an answer to the look-up of a job.
    pub(super) fn answer(
        &mut self,
        slot: Slot,
        now: UnixTime,
        give: impl FnOnce(&mut Lookup, RequestId) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let stale = Error::new(ErrorKind::StaleRequest, 0);
        let entry = self.table.get_mut(slot).ok_or(stale)?;
        entry.warm_until = Moment::default(); // there may be something new
        let job = entry.job.as_mut().ok_or(stale)?;
        let lookup = job.lookup.as_mut().ok_or(stale)?;
        let given = match lookup.poll() {
            Step::QueryTxt { id, .. } | Step::Fetch { id, .. } => give(lookup, id),
            Step::Done(_) => Err(Error::new(ErrorKind::Finished, 0)),
        };
        self.go_on(slot, now);
        given
    }

    /// What the store has is there, or is not to be had.
    pub(super) fn read(&mut self, slot: Slot, store_failed: bool, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        entry.is_unread &= store_failed;
        let Some(job) = entry.job.as_mut() else {
            return;
        };
        let is_cached = entry.stored.usable(now).is_some();
        match (job.wish, job.tickets.is_empty()) {
            (Wish::Refresh, true) if entry.refresh_at > now.into() => {
                return self.end(slot, now); // another process has refreshed it
            }
            (Wish::Refresh, false) if !is_cached => {
                job.look_instead();
                self.refreshes -= 1;
            }
            (Wish::Refresh, _) => return self.fetch_ahead(slot, now),
            _ => {}
        }
        self.look(slot, store_failed, now);
        self.go_on(slot, now);
    }

    /// Begins the fetch of a refresh, unless the back-off forbids it (R-GET-5).
    fn fetch_ahead(&mut self, slot: Slot, now: UnixTime) {
        self.mend(slot, now);
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let Some(job) = entry.job.as_mut() else {
            return;
        };
        let stored = Arc::clone(&entry.stored);
        let lookup = Lookup::refresh(stored, &self.settings.lookup, now);
        let Step::Done(outcome) = lookup.poll() else {
            job.lookup = Some(lookup);
            return self.go_on(slot, now);
        };
        if entry.refresh_at <= now.into() {
            entry.refresh_at = now.plus(BACK_OFF).into(); // another process has just tried
        }
        let tickets = core::mem::take(&mut job.tickets);
        self.deliver(tickets, outcome.clone());
        self.end(slot, now);
    }

    /// Whether the fetch is ours is known, and what the store has. Where it is another host's, mail has
    /// waited for it, and is not to wait for somebody who may have died; a refresh leaves it to them.
    pub(super) fn lease_known(
        &mut self,
        slot: Slot,
        now: UnixTime,
        answer: Result<Lease, StoreFailure>,
    ) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let policy = entry.stored.policy.as_ref();
        let is_urgent = policy.is_some_and(|policy| expires_soon(policy, now));
        let Some(job) = entry.job.as_mut() else {
            return;
        };
        job.lease = Some(answer.as_ref().is_ok_and(|lease| lease.is_granted));
        let is_refresh = job.wish == Wish::Refresh;
        if let (Ok(lease), Some(lookup)) = (answer, job.lookup.as_mut()) {
            let ours = Arc::clone(lookup.stored());
            let theirs = lease.stored.filter(|theirs| theirs.domain == ours.domain);
            if let Some(theirs) = theirs {
                lookup.learn(merged(&ours, theirs, now), is_refresh, now);
            }
            // Who waits has waited for the other host, which may be held up for as long as somebody
            // likes: then this one fetches too. A refresh leaves it at that until the end is near.
            if !lease.is_granted && is_refresh && !is_urgent {
                lookup.leave_fetch(now);
            }
        }
        self.go_on(slot, now);
    }

    /// The host has left a question open for too long: takes it as failed.
    pub(super) fn give_up(&mut self, slot: Slot, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        self.timers.clear(slot, entry);
        let job = entry.job.as_ref();
        let Some((request, question)) = job.and_then(|job| job.request.zip(job.question())) else {
            return;
        };
        // An answer to what is open is never stale.
        let _ = match question {
            Question::Load => self.loaded(request, now, Err(StoreFailure)),
            Question::Txt => self.txt(request, now, Err(TxtFailure::Temporary)),
            Question::Lease => self.leased(request, now, Err(StoreFailure)),
            Question::Https => self.https(request, now, Err(FetchFailure::Timeout)),
        };
    }
}

// How a job ends.
impl Engine {
    fn finish(&mut self, slot: Slot, outcome: Outcome, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        // As long as the store cannot be read, what is known counts, and the store is asked again.
        entry.is_unread = outcome.reason() == Some(Reason::StoreFailed);
        let job = entry.job.as_mut();
        let (is_refresh, tickets) = job.map_or((false, Vec::new()), |job| {
            (job.wish == Wish::Refresh, core::mem::take(&mut job.tickets))
        });
        if outcome.is_changed() {
            self.save(slot, outcome.stored());
        }
        self.keep(slot, Arc::clone(outcome.stored()));
        let is_failure = is_refresh && outcome.basis() != Basis::Fresh;
        if let Some(reason) = outcome.reason().filter(|_| is_failure) {
            self.refresh_failed(slot, reason, now);
        }
        self.deliver(tickets, outcome);
        self.end(slot, now);
    }

    pub(super) fn save(&mut self, slot: Slot, stored: &Arc<Stored>) {
        if let Some(entry) = self.table.get(slot) {
            self.outbox
                .push_back(Item::Save(Arc::clone(stored), entry.asked.time()));
        }
    }

    fn deliver(&mut self, tickets: Vec<Ticket>, outcome: Outcome) {
        let done = |ticket| Item::Done(ticket, outcome.clone());
        self.outbox.extend(tickets.into_iter().map(done));
    }

    /// Others may fetch again, as soon as what this job has saved is saved.
    pub(super) fn release(&mut self, slot: Slot, job: &Job) {
        let Some(entry) = self.table.get(slot).filter(|_| job.lease == Some(true)) else {
            return;
        };
        let domain = entry.stored.domain.clone();
        self.outbox.push_back(Item::Release(domain));
    }

    fn end(&mut self, slot: Slot, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let Some(job) = entry.job.take() else {
            return;
        };
        self.refreshes -= usize::from(job.wish == Wish::Refresh);
        self.release(slot, &job);
        match job.next {
            Some(next) => self.begin(slot, next, now),
            None => self.settle(slot, now),
        }
        self.make_room();
    }
}

/// What two processes know of one domain: the policy that was fetched later, but not in the
/// future unless there is no other, and all fetches, as the back-off wants them.
pub(super) fn merged(ours: &Arc<Stored>, theirs: Arc<Stored>, now: UnixTime) -> Arc<Stored> {
    let fetched = |stored: &Stored| stored.policy.as_ref().map(|policy| policy.fetched_at);
    let is_in_order = fetched(&theirs) <= Some(now) || ours.policy.is_none();
    let is_later = fetched(&theirs) > fetched(ours) && is_in_order;
    let (mut newer, older) = match is_later || ours.is_unknown() {
        true => (theirs, ours),
        false => (Arc::clone(ours), &theirs),
    };
    let missing = |attempt: &&Attempt| !newer.attempts.contains(attempt);
    let mut attempts: Vec<Attempt> = older.attempts.iter().filter(missing).cloned().collect();
    if !attempts.is_empty() {
        attempts.splice(..0, newer.attempts.iter().cloned());
        attempts.sort_by_key(|attempt| attempt.at);
        Arc::make_mut(&mut newer).attempts = attempts.into();
    }
    newer
}
