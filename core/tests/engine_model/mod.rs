// SPDX-License-Identifier: MIT OR Apache-2.0

//! What an engine must do, said once more as plainly as possible: a list of domains, for each
//! what was found out and what is being asked. It knows all but when a refresh begins, which is
//! the engine's choice within the bounds of R-FLOW-5.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

pub mod outside;

use mtasts::engine::Ticket;
use mtasts::{Outcome, Stored};
use outside::{Dns, Web};
use std::collections::BTreeMap;

pub const BACK_OFF: u64 = 300;
pub const DAY: u64 = 86_400;

#[derive(Clone, Debug)]
pub struct Cached {
    pub id: String,
    pub text: String,
    pub fetched_at: u64,
    pub max_age: u64,
}

impl Cached {
    pub fn is_usable(&self, now: u64) -> bool {
        self.max_age > 0 && now.saturating_sub(self.fetched_at) <= self.max_age
    }

    /// The longest time from a fetch to the next, if there is one.
    pub fn interval(&self) -> Option<u64> {
        Some(DAY.min(self.max_age / 2)).filter(|interval| *interval >= BACK_OFF)
    }
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub at: u64,
    pub id: String,
    pub is_failed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    Load,
    Txt,
    Https(String),
}

/// What is going on for a domain.
#[derive(Clone, Debug)]
pub struct Job {
    pub wish: Wish,
    pub store_failed: bool,
    pub stage: Stage,
    /// The question's number and time, once the host has it.
    pub asked: Option<(u32, u64)>,
    /// Who waits; in the background nobody does.
    pub tickets: Vec<Ticket>,
    /// Who came too late, and waits for what.
    pub next: Vec<(Wish, Vec<Ticket>)>,
}

/// What somebody wants: an outcome, one after another query, one after a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    Look,
    Again,
    Refresh,
}

impl Job {
    fn new(wish: Wish, tickets: Vec<Ticket>) -> Self {
        Self {
            wish,
            store_failed: false,
            stage: Stage::Load,
            asked: None,
            tickets,
            next: Vec::new(),
        }
    }

    fn join(&mut self, ticket: Ticket, wish: Wish) {
        let is_refresh = wish == Wish::Refresh;
        let fits = |other: Wish| is_refresh == (other == Wish::Refresh);
        let too_late = wish == Wish::Again && matches!(self.stage, Stage::Https(_));
        let tickets = if fits(self.wish) && !too_late {
            self.wish = self.wish.max(wish);
            &mut self.tickets
        } else if let Some(next) = self.next.iter_mut().find(|next| fits(next.0)) {
            next.0 = next.0.max(wish);
            &mut next.1
        } else {
            return self.next.push((wish, vec![ticket]));
        };
        tickets.push(ticket);
    }
}

/// What is known of a domain.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub policy: Option<Cached>,
    pub record: Option<(Option<String>, u64)>,
    pub attempts: Vec<Attempt>,
    pub is_read: bool,
    pub job: Option<Job>,
    /// When it was last asked for. After the clock was set back the engine may think that it
    /// was later, up to `asked_at_most`.
    pub last_asked: u64,
    pub asked_at_most: u64,
    /// After the clock was set back: from when on the engine has noticed, a day later at most.
    pub settled_at: u64,
    /// When a refresh has failed since the last fetch that worked.
    pub failed_at: Option<u64>,
}

/// What comes next for a domain, by the rules of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The text of the policy that applies.
    Ready(Option<String>),
    Ask(Stage),
}

impl Known {
    pub fn usable(&self, now: u64) -> Option<&Cached> {
        self.policy.as_ref().filter(|policy| policy.is_usable(now))
    }

    pub fn applies(&self, now: u64) -> Next {
        Next::Ready(self.usable(now).map(|policy| policy.text.clone()))
    }

    pub fn recent(&self, now: u64) -> impl DoubleEndedIterator<Item = &Attempt> {
        let is_recent = move |attempt: &&Attempt| attempt.at <= now && now - attempt.at < BACK_OFF;
        self.attempts.iter().filter(is_recent)
    }

    fn has_failed(&self, id: &str, now: u64) -> bool {
        let last = self.recent(now).rfind(|attempt| attempt.id == id);
        last.is_some_and(|attempt| attempt.is_failed)
    }

    /// Whether a fetch would be too much (R-GET-5).
    pub fn backs_off(&self, id: &str, now: u64) -> bool {
        self.has_failed(id, now) || self.recent(now).count() >= 6
    }

    pub fn next(&self, now: u64) -> Next {
        match &self.record {
            Some((id, until)) if now < *until && *until <= now + DAY => self.judge(id, now),
            _ => Next::Ask(Stage::Txt),
        }
    }

    fn judge(&self, id: &Option<String>, now: u64) -> Next {
        let Some(id) = id else {
            return self.applies(now);
        };
        if self.usable(now).is_some_and(|policy| policy.id == *id) || self.has_failed(id, now) {
            return self.applies(now);
        }
        match &self.policy {
            _ if self.recent(now).count() < 6 => Next::Ask(Stage::Https(id.clone())),
            // Our own limit does not put the mail in the clear.
            Some(policy)
                if policy.is_usable(now) || now.saturating_sub(policy.fetched_at) < BACK_OFF =>
            {
                Next::Ready(Some(policy.text.clone()))
            }
            _ => Next::Ready(None),
        }
    }

    pub fn useless_after(&self) -> u64 {
        let policy = self
            .policy
            .as_ref()
            .map(|policy| policy.fetched_at + policy.max_age);
        let record = self.record.as_ref().map(|record| record.1);
        let attempt = self.attempts.last().map(|attempt| attempt.at + BACK_OFF);
        [policy, record, attempt]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(0)
    }

    /// Whether something should have been done for an entry.
    pub fn is_late(&self, now: u64) -> bool {
        let Some(policy) = self.usable(now) else {
            return now > self.useless_after().max(self.settled_at);
        };
        let Some(interval) = policy.interval() else {
            return false;
        };
        let is_wanted = now.saturating_sub(self.last_asked) <= policy.max_age;
        let next = match self.failed_at {
            Some(at) => at + (interval / 4).max(BACK_OFF),
            None => policy.fetched_at + interval,
        };
        // After other fetches for the domain it may be put off.
        let fetched = self.attempts.last().map_or(0, |attempt| attempt.at);
        is_wanted && now >= next.max(self.settled_at) && now > fetched + 2 * BACK_OFF
    }

    /// R-FLOW-11.
    pub fn mend(&mut self, now: u64) {
        if let Some(policy) = &mut self.policy {
            policy.fetched_at = policy.fetched_at.min(now);
        }
    }

    pub fn of(stored: &Stored) -> Self {
        let policy = stored.policy.as_ref().map(|policy| Cached {
            id: policy.id.to_string(),
            text: policy.policy.text().to_owned(),
            fetched_at: policy.fetched_at.0,
            max_age: policy.policy.max_age().into(),
        });
        let attempts = stored.attempts.iter().map(|attempt| Attempt {
            at: attempt.at.0,
            id: attempt.id.to_string(),
            is_failed: attempt.failed.is_some(),
        });
        let record = stored.record.as_ref();
        Self {
            policy,
            record: record.map(|check| (check.id.as_ref().map(|id| id.to_string()), check.until.0)),
            attempts: attempts.collect(),
            ..Self::default()
        }
    }
}

/// All domains, and the answers that are due.
#[derive(Debug, Default)]
pub struct Model {
    pub domains: BTreeMap<String, Known>,
    pub done: BTreeMap<Ticket, Option<String>>,
}

impl Model {
    pub fn known(&mut self, name: &str) -> &mut Known {
        self.domains.entry(name.to_owned()).or_default()
    }

    /// What the engine must say who is asked. A refresh delays no answer.
    pub fn ask(&mut self, name: &str, now: u64) -> Option<Option<String>> {
        let known = self.known(name);
        (known.last_asked, known.asked_at_most) = (now, now);
        if !known.is_read {
            return None;
        }
        known.mend(now);
        let is_refresh = known
            .job
            .as_ref()
            .is_some_and(|job| job.wish == Wish::Refresh);
        match known.next(now) {
            Next::Ready(applies) => Some(applies),
            Next::Ask(_) if is_refresh => Some(Some(known.usable(now)?.text.clone())),
            Next::Ask(_) => None,
        }
    }

    pub fn wait(&mut self, name: &str, ticket: Ticket, wish: Wish, now: u64) {
        let known = self.known(name);
        (known.last_asked, known.asked_at_most) = (now, now);
        match &mut known.job {
            Some(job) => job.join(ticket, wish),
            None => self.begin(name, Job::new(wish, vec![ticket]), now),
        }
    }

    /// Somebody wants the policy to be fetched: if it is known that there is none, the query.
    pub fn refresh(&mut self, name: &str, ticket: Ticket, now: u64) {
        let known = self.known(name);
        let is_none = known.is_read && known.usable(now).is_none();
        let wish = if is_none { Wish::Again } else { Wish::Refresh };
        self.wait(name, ticket, wish, now);
    }

    fn begin(&mut self, name: &str, job: Job, now: u64) {
        let known = self.known(name);
        let reads = !known.is_read || job.wish == Wish::Refresh;
        known.job = Some(job);
        if !reads {
            self.look(name, now);
        }
    }

    fn look(&mut self, name: &str, now: u64) {
        let known = self.known(name);
        known.mend(now);
        let next = match known.job.as_ref().unwrap().wish {
            Wish::Again => Next::Ask(Stage::Txt),
            _ => known.next(now),
        };
        self.go_on(name, next, now);
    }

    fn go_on(&mut self, name: &str, next: Next, now: u64) {
        match next {
            Next::Ready(applies) => self.finish(name, applies, false, now),
            Next::Ask(stage) => {
                let job = self.known(name).job.as_mut().unwrap();
                (job.stage, job.asked) = (stage, None);
            }
        }
    }

    fn finish(&mut self, name: &str, applies: Option<String>, is_fresh: bool, now: u64) {
        let known = self.known(name);
        let mut job = known.job.take().unwrap();
        known.is_read = is_fresh || !(job.store_failed && applies.is_none());
        if job.wish == Wish::Refresh && !is_fresh {
            known.failed_at = Some(now);
        }
        self.done.extend(
            job.tickets
                .into_iter()
                .map(|ticket| (ticket, applies.clone())),
        );
        if !job.next.is_empty() {
            let (wish, tickets) = job.next.remove(0);
            let mut next = Job::new(wish, tickets);
            next.next = job.next;
            self.begin(name, next, now);
        }
    }

    /// The engine has begun a refresh.
    pub fn background(&mut self, name: &str) {
        self.known(name).job = Some(Job::new(Wish::Refresh, Vec::new()));
    }

    /// Only who waits, and when they asked, is left.
    pub fn forget(&mut self, name: &str, now: u64) {
        let known = std::mem::take(self.known(name));
        let anew = self.known(name);
        (anew.last_asked, anew.asked_at_most) = (known.last_asked, known.asked_at_most);
        anew.settled_at = known.settled_at;
        let Some(job) = known.job else {
            return;
        };
        let waiting = [(job.wish, job.tickets)].into_iter().chain(job.next);
        let (wishes, tickets): (Vec<Wish>, Vec<Vec<Ticket>>) = waiting.unzip();
        let (wish, tickets) = (wishes.into_iter().max().unwrap(), tickets.concat());
        if !tickets.is_empty() {
            self.begin(name, Job::new(wish.min(Wish::Again), tickets), now);
        }
    }

    /// What the store has: `Err` where it cannot be read.
    pub fn loaded(&mut self, name: &str, answer: Result<Option<&Stored>, ()>, now: u64) {
        let known = self.known(name);
        if let Ok(Some(stored)) = answer {
            known.absorb(Known::of(stored), now);
        }
        known.is_read |= answer.is_ok();
        let is_cached = known.usable(now).is_some();
        let job = known.job.as_mut().unwrap();
        let is_wanted = !job.tickets.is_empty();
        if job.wish == Wish::Refresh && (is_cached || !is_wanted) {
            return self.fetch_ahead(name, is_wanted, now);
        }
        job.store_failed = answer.is_err();
        if job.wish == Wish::Refresh {
            job.wish = Wish::Again;
            let next = job.next.drain(..).flat_map(|(_, tickets)| tickets);
            job.tickets.extend(next);
        }
        self.look(name, now);
    }

    /// R-GET-5 holds whoever wants the fetch; what it forbids has not failed.
    fn fetch_ahead(&mut self, name: &str, is_wanted: bool, now: u64) {
        let known = self.known(name);
        known.mend(now);
        let policy = known.policy.clone().unwrap();
        if !known.backs_off(&policy.id, now) {
            return self.go_on(name, Next::Ask(Stage::Https(policy.id)), now);
        }
        assert!(is_wanted, "a refresh that may not be");
        known.job.as_mut().unwrap().wish = Wish::Look;
        self.finish(name, Some(policy.text), false, now);
    }

    pub fn txt(&mut self, name: &str, answer: &Dns, now: u64) {
        let known = self.known(name);
        let mut remember = |id: Option<String>, ttl: u32, most: u64| {
            let ttl = u64::from(ttl).min(most);
            let told = known.record.as_ref().map(|record| &record.0);
            if ttl > 0 || told != Some(&id) {
                known.record = Some((id, now + ttl));
            }
        };
        let next = match answer {
            Dns::Record(id, ttl) => {
                remember(Some(id.clone()), *ttl, DAY);
                known.judge(&Some(id.clone()), now)
            }
            Dns::Two(ttl) | Dns::Nothing(ttl) => {
                remember(None, *ttl, 3_600);
                known.applies(now)
            }
            Dns::Temporary | Dns::Permanent => known.applies(now),
        };
        self.go_on(name, next, now);
    }

    pub fn https(&mut self, name: &str, answer: &Web, now: u64) {
        let known = self.known(name);
        let Stage::Https(id) = known.job.as_ref().unwrap().stage.clone() else {
            panic!("no fetch")
        };
        known.attempts = known.recent(now).cloned().collect();
        let is_failed = !matches!(answer, Web::Policy { .. });
        known.attempts.push(Attempt {
            at: now,
            id: id.clone(),
            is_failed,
        });
        if let Web::Policy { max_age, .. } = answer {
            let (text, max_age) = (answer.text(), u64::from(*max_age));
            known.policy = Some(Cached {
                id,
                text: text.clone(),
                fetched_at: now,
                max_age,
            });
            known.failed_at = None;
            return self.finish(name, Some(text), true, now);
        }
        let Next::Ready(applies) = known.applies(now) else {
            return;
        };
        self.finish(name, applies, false, now);
    }

    /// Takes the outcome for a ticket: each comes once.
    pub fn delivered(&mut self, ticket: Ticket, outcome: &Outcome) {
        let Some(expected) = self.done.remove(&ticket) else {
            panic!("an outcome that nobody waits for: {ticket:?}")
        };
        let applies = outcome.policy().map(|policy| policy.text().to_owned());
        assert_eq!(applies, expected, "{outcome:?}");
    }
}

impl Known {
    /// Of two processes' knowledge the later policy counts, and all fetches do.
    fn absorb(&mut self, theirs: Self, now: u64) {
        let fetched = |known: &Self| known.policy.as_ref().map(|policy| policy.fetched_at);
        let is_later = fetched(&theirs) > fetched(self) && fetched(&theirs) <= Some(now);
        let is_unknown = self.policy.is_none() && self.record.is_none() && self.attempts.is_empty();
        let ours = self.attempts.clone();
        if is_later || is_unknown {
            (self.policy, self.record) = (theirs.policy, theirs.record);
        }
        let same = |one: &Attempt, other: &Attempt| one.at == other.at && one.id == other.id;
        self.attempts = theirs.attempts;
        for attempt in ours {
            if !self.attempts.iter().any(|theirs| same(theirs, &attempt)) {
                self.attempts.push(attempt);
            }
        }
        self.attempts.sort_by_key(|attempt| attempt.at);
    }
}
