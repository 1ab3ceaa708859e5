// SPDX-License-Identifier: MIT OR Apache-2.0

//! What time brings (R-FLOW-5, RFC 8461 §3.3, §10.2): policies are refreshed ahead of their
//! expiry, about daily; what is not asked for is refreshed no longer, and forgotten when it says
//! nothing any more.
//!
//! The clock may jump. Forward, much is due at once, and the number of refreshes at a time is
//! bounded. Backward, timers would ring too late: none is for later than a day from when it is
//! set, so that those which seem to be are looked at again.

use super::table::Slot;
use super::timers::{Kind, Moment, NEVER};
use super::work::{Event, Trouble};
use super::{Engine, Item};
use crate::lookup;
use crate::policy::Mode;
use crate::reason::Reason;
use crate::stored::{Attempt, BACK_OFF, RecordCheck, Stored, StoredPolicy};
use crate::time::UnixTime;
use alloc::sync::Arc;

/// How often an entry is looked at at least, in seconds.
const DAY: u32 = 86_400;

/// Clocks are set back a little all the time, which is no reason to look at every entry.
const CLOCK_SLACK: u32 = 3_600;

/// From this many failures on a refresh that fails is a warning.
const REPEATEDLY: u16 = 3;

// What time brings, one thing at a time.
impl Engine {
    /// Does one thing that is due at `now`; `false`: nothing is.
    pub(super) fn pass(&mut self, now: UnixTime) -> bool {
        if let Some(slot) = self.late_request(now) {
            self.give_up(slot, now);
        } else if let Some(slot) = self.due_policy(now) {
            self.visit(slot, now);
        } else if let Some(slot) = self.due_bare(now) {
            self.visit(slot, now);
        } else {
            return false;
        }
        true
    }

    fn late_request(&self, now: UnixTime) -> Option<Slot> {
        let latest = now.plus(self.settings.request_timeout).plus(CLOCK_SLACK);
        let beyond = self.timers.beyond(Kind::Request, latest);
        self.timers.due(Kind::Request, now).or(beyond)
    }

    fn due_policy(&self, now: UnixTime) -> Option<Slot> {
        let due = self.timers.due(Kind::Policy, now);
        due.filter(|_| self.may_refresh())
            .or(self.timers.beyond(Kind::Policy, latest(now)))
    }

    fn due_bare(&self, now: UnixTime) -> Option<Slot> {
        let beyond = self.timers.beyond(Kind::Bare, latest(now));
        self.timers.due(Kind::Bare, now).or(beyond)
    }

    fn may_refresh(&self) -> bool {
        self.refreshes < self.settings.max_refreshes.max(1)
    }

    /// When something will be due.
    pub(super) fn next_due(&self) -> Option<UnixTime> {
        let policy = self
            .timers
            .next(Kind::Policy)
            .filter(|_| self.may_refresh());
        let others = [
            self.timers.next(Kind::Request),
            self.timers.next(Kind::Bare),
        ];
        others.into_iter().chain([policy]).flatten().min()
    }
}

fn latest(now: UnixTime) -> UnixTime {
    now.plus(DAY).plus(CLOCK_SLACK)
}

// What is done with an entry for which nothing goes on.
impl Engine {
    fn visit(&mut self, slot: Slot, now: UnixTime) {
        self.mend(slot, now);
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let Some(policy) = entry.stored.usable(now) else {
            return self.without_policy(slot, now);
        };
        entry.is_resting = now.since(entry.asked.time()) > u64::from(policy.policy.max_age());
        if entry.is_resting {
            entry.warm_until = Moment::default(); // so that who asks wakes it
        }
        let is_due = entry.refresh_at.has_come(now) && !entry.is_resting;
        match entry.stored.back_off(&policy.id, now).filter(|_| is_due) {
            Some(reason) => self.put_off(slot, reason, now),
            None if is_due && self.may_refresh() => return self.begin_refresh(slot, now),
            None => {}
        }
        self.settle(slot, now);
        self.make_room();
    }

    /// The clock was set back: R-FLOW-11, for an entry that nobody asks for, and what else would
    /// be waited for too long.
    pub(super) fn mend(&mut self, slot: Slot, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        if entry.asked > now.into() {
            (entry.asked, entry.warm_until) = (now.into(), Moment::default());
        }
        let mut stored = Arc::clone(&entry.stored);
        if let Some(policy) = stored.policy.as_ref().filter(|_| entry.refresh_at < NEVER) {
            let interval = interval(policy.policy.max_age(), self.refresh_after);
            entry.refresh_at = entry.refresh_at.min(now.plus(interval).into());
        }
        if lookup::mend_clock(&mut stored, now) {
            self.save(slot, &stored);
            self.keep(slot, stored);
        }
    }

    fn without_policy(&mut self, slot: Slot, now: UnixTime) {
        self.settle(slot, now); // which tells that the policy has expired
        match self.is_useless(slot, now) {
            true => self.remove(slot),
            false => self.make_room(),
        }
    }

    /// Whether an entry without a policy says nothing, or only what a wrong clock made it say.
    fn is_useless(&self, slot: Slot, now: UnixTime) -> bool {
        let Some(entry) = self.table.get(slot) else {
            return true;
        };
        let latest = now.plus(self.settings.lookup.longest_ttl());
        let has_record = |check: &RecordCheck| now < check.until && check.until <= latest;
        let backs_off = |last: &Attempt| last.at <= now && now.since(last.at) < BACK_OFF.into();
        let stored = &entry.stored;
        !stored.record.as_ref().is_some_and(has_record) && !stored.attempts.iter().any(backs_off)
    }

    /// Forgets an entry, and has the store forget it, if that has been read.
    fn remove(&mut self, slot: Slot) {
        let is_unread = self.table.get(slot).is_some_and(|entry| entry.is_unread);
        if let Some(stored) = self.drop_entry(slot).filter(|_| !is_unread) {
            self.outbox.push_back(Item::Remove(stored));
        }
    }

    /// From memory; the store keeps what it has.
    pub(super) fn drop_entry(&mut self, slot: Slot) -> Option<Arc<Stored>> {
        let entry = self.table.get_mut(slot)?;
        self.timers.clear(slot, entry);
        let stored = self.table.remove(slot)?.stored;
        self.large.remove(slot, &stored);
        Some(stored)
    }

    /// Sets the timer of an entry for which nothing goes on.
    pub(super) fn settle(&mut self, slot: Slot, now: UnixTime) {
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let (kind, at) = match entry.stored.usable(now) {
            Some(policy) if entry.is_resting => (Kind::Policy, policy.expires_at().plus(1)),
            Some(policy) => {
                let expired = policy.expires_at().plus(1);
                (Kind::Policy, expired.min(entry.refresh_at.time()))
            }
            None => (Kind::Bare, entry.stored.useless_after().plus(1)),
        };
        self.timers.set(slot, entry, kind, at.min(now.plus(DAY)));
        let was_protected = core::mem::replace(&mut entry.is_protected, kind == Kind::Policy);
        if was_protected && kind == Kind::Bare {
            self.expired(slot, now);
        }
    }

    /// There is no policy any more, unless one of `max_age` 0 was fetched (R-POL-6).
    fn expired(&mut self, slot: Slot, now: UnixTime) {
        let Some(entry) = self.table.get(slot) else {
            return;
        };
        let Some(policy) = entry.stored.policy.as_ref().filter(|policy| alarms(policy)) else {
            return;
        };
        let max_age = u64::from(policy.policy.max_age());
        if max_age > 0 && now.since(entry.asked.time()) <= max_age {
            let (domain, policy) = (entry.stored.domain.clone(), Arc::clone(policy));
            self.tell(Event::PolicyExpired { domain, policy });
        }
    }
}

// How a policy is renewed.
impl Engine {
    /// Takes what is now known of a domain.
    pub(super) fn keep(&mut self, slot: Slot, stored: Arc<Stored>) {
        let refresh_after = self.refresh_after;
        let spread = (self.table.hash(stored.domain.as_bytes()) >> 32) as u32;
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        entry.warm_until = Moment::default();
        let before = core::mem::replace(&mut entry.stored, stored);
        self.large.replace(slot, &before, &entry.stored);
        let now_there = entry.stored.policy.as_ref();
        let is_same = match (&before.policy, now_there) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if is_same {
            return;
        }
        entry.failures = 0;
        entry.refresh_at =
            now_there.map_or(NEVER, |policy| refresh_at(policy, refresh_after, spread));
        if let Some((old, new)) = before.policy.clone().zip(now_there.cloned()) {
            self.tell_change(&before, old, new);
        }
    }

    fn tell_change(&mut self, before: &Stored, old: Arc<StoredPolicy>, new: Arc<StoredPolicy>) {
        if old.policy != new.policy {
            let domain = before.domain.clone();
            self.tell(Event::PolicyChanged { domain, old, new });
        }
    }

    /// Mail has had the policy fetched a moment ago, in vain, so that there is no fetch now (R-GET-5).
    /// That counts as a failure; but whoever brought it about is not to win more than the back-off.
    fn put_off(&mut self, slot: Slot, reason: Reason, now: UnixTime) {
        self.refresh_failed(slot, reason, now);
        if let Some(entry) = self.table.get_mut(slot) {
            entry.refresh_at = now.plus(BACK_OFF).into();
        }
    }

    /// A refresh gave no policy: the next one after a growing while.
    pub(super) fn refresh_failed(&mut self, slot: Slot, reason: Reason, now: UnixTime) {
        let Some(entry) = self.table.get(slot) else {
            return;
        };
        let spread = self.table.hash(entry.stored.domain.as_bytes()) as u32;
        let Some(entry) = self.table.get_mut(slot) else {
            return;
        };
        let Some(policy) = entry.stored.policy.clone() else {
            return;
        };
        let interval = interval(policy.policy.max_age(), self.refresh_after);
        if reason == Reason::LocalFailure && !expires_soon(&policy, now) {
            // Nothing is known against the domain: it has another turn. Not all at once, as a
            // provider's million domains may be without one. Near its end the operator is told: who
            // keeps turns from a policy must not do so unseen (RFC 8461 section 10.2).
            let later = BACK_OFF + spread % (interval / 8).max(BACK_OFF);
            entry.refresh_at = entry.refresh_at.max(now.plus(later).into());
            return;
        }
        entry.failures = entry.failures.saturating_add(1);
        let failures = entry.failures;
        if entry.refresh_at < NEVER {
            entry.refresh_at = now.plus(spacing(failures, interval)).into();
        }
        if alarms(&policy) {
            let is_urgent = failures >= REPEATEDLY || expires_soon(&policy, now);
            let domain = entry.stored.domain.clone();
            let trouble = Trouble {
                domain,
                policy,
                reason,
                failures,
            };
            self.tell(match is_urgent {
                true => Event::RefreshFailsRepeatedly(trouble),
                false => Event::RefreshFailed(trouble),
            });
        }
    }

    fn tell(&mut self, event: Event) {
        self.outbox.push_back(Item::Event(event));
    }
}

/// Nobody is harmed who downgrades a domain of mode `none` (RFC 8461 §10.2).
fn alarms(policy: &StoredPolicy) -> bool {
    policy.policy.mode() != Mode::None
}

/// Whether the last quarter of its lifetime has begun.
pub(super) fn expires_soon(policy: &StoredPolicy, now: UnixTime) -> bool {
    policy.expires_at().since(now) <= u64::from(policy.policy.max_age() / 4)
}

/// When to refresh a policy. `spread`, a number that is the domain's, takes up to a quarter off
/// the interval, so that policies that were fetched together are not refreshed together.
fn refresh_at(policy: &StoredPolicy, refresh_after: u32, spread: u32) -> Moment {
    let interval = interval(policy.policy.max_age(), refresh_after);
    if interval < BACK_OFF || refresh_after == u32::MAX {
        return NEVER;
    }
    let earlier = (u64::from(interval / 4) * u64::from(spread)) >> 32;
    policy.fetched_at.plus(interval - earlier as u32).into()
}

/// The seconds between two refreshes: half the `max_age` where that is less. One that is shorter
/// than the back-off would leave nothing of R-GET-5's six fetches to new `id`s: such a policy is
/// fetched when it is asked for.
fn interval(max_age: u32, refresh_after: u32) -> u32 {
    refresh_after.min(max_age / 2)
}

/// The seconds after the n-th failure: five minutes (R-GET-5), ten, twenty, and so on up to a
/// quarter of the interval between two refreshes.
fn spacing(failures: u16, interval: u32) -> u32 {
    let doublings = u32::from(failures.saturating_sub(1)).min(16);
    (BACK_OFF << doublings).min(interval / 4).max(BACK_OFF)
}

// Memory is bounded: what is known without a policy has a bound of its own.
impl Engine {
    pub(super) fn make_room(&mut self) {
        while let Some(slot) = self.superfluous() {
            if self.drop_entry(slot).is_none() {
                return;
            }
        }
    }

    fn superfluous(&mut self) -> Option<Slot> {
        if self.timers.len(Kind::Bare) > self.settings.max_without_policy {
            return self.timers.first(Kind::Bare); // the first to be useless
        }
        if self.timers.len(Kind::Policy) > self.settings.max_policies {
            return self.long_unasked().or(self.timers.first(Kind::Policy));
        }
        if self.large.kib() > self.settings.max_policies {
            let is_idle = |slot: &Slot| self.table.get(*slot).is_some_and(|at| at.job.is_none());
            return self.large.iter().find(is_idle);
        }
        None
    }

    /// Of the next few policies in the table the one that was asked for the longest ago.
    fn long_unasked(&mut self) -> Option<Slot> {
        const FEW: u32 = 16;
        let slots = self.table.slots().max(1);
        let first = self.hand;
        self.hand = first.wrapping_add(FEW) % slots;
        let few = (0..FEW).map(|step| first.wrapping_add(step) % slots);
        let table = &self.table;
        let policies = few.filter_map(|slot| {
            let entry = table.get(slot)?;
            (entry.timer == Some(Kind::Policy)).then_some((entry.asked, slot))
        });
        policies.min().map(|(_, slot)| slot)
    }
}
