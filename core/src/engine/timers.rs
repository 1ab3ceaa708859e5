// SPDX-License-Identifier: MIT OR Apache-2.0

//! When to look at which entry. Each entry has one timer at most, of one of three kinds.

use super::table::{Entry, Slot};
use crate::time::UnixTime;
use alloc::collections::BTreeSet;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A question that the host has not answered.
    Request,
    /// A policy to refresh, or to give up when it expires.
    Policy,
    /// An entry without a policy that applies, to forget.
    Bare,
}

/// A time as the table keeps it, in half the space: seconds since 1970 up to the year 2106, which
/// stands for all that is later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u32);

/// A timer for this time never rings.
pub(super) const NEVER: Moment = Moment(u32::MAX);

impl Moment {
    pub(super) fn time(self) -> UnixTime {
        UnixTime(self.0.into())
    }

    /// Whether it is over at `now`.
    pub(super) fn has_come(self, now: UnixTime) -> bool {
        self <= now.into() && self != NEVER
    }
}

impl From<UnixTime> for Moment {
    #[inline]
    fn from(time: UnixTime) -> Self {
        Self(time.0.min(u32::MAX.into()) as u32)
    }
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    sets: [BTreeSet<(Moment, Slot)>; 3],
}

impl Timers {
    /// Sets the timer of an entry, whatever it was before.
    pub(super) fn set(&mut self, slot: Slot, entry: &mut Entry, kind: Kind, at: UnixTime) {
        self.clear(slot, entry);
        entry.timer = Some(kind);
        entry.timer_at = at.into();
        self.sets[kind as usize].insert((entry.timer_at, slot));
    }

    pub(super) fn clear(&mut self, slot: Slot, entry: &mut Entry) {
        if let Some(kind) = entry.timer.take() {
            self.sets[kind as usize].remove(&(entry.timer_at, slot));
        }
    }

    /// The first entry whose timer of this kind rings at `now`.
    pub(super) fn due(&self, kind: Kind, now: UnixTime) -> Option<Slot> {
        let (at, slot) = *self.sets[kind as usize].first()?;
        at.has_come(now).then_some(slot)
    }

    /// An entry whose timer is for later than `latest`.
    pub(super) fn beyond(&self, kind: Kind, latest: UnixTime) -> Option<Slot> {
        let (at, slot) = *self.sets[kind as usize].last()?;
        (at > latest.into()).then_some(slot)
    }

    /// When the next timer of this kind rings.
    pub(super) fn next(&self, kind: Kind) -> Option<UnixTime> {
        let (at, _) = *self.sets[kind as usize].first()?;
        (at != NEVER).then_some(at.time())
    }

    /// How many timers of this kind have rung at `now`.
    pub(super) fn count(&self, kind: Kind, now: UnixTime) -> usize {
        self.sets[kind as usize]
            .range(..=(Moment::from(now), Slot::MAX))
            .count()
    }

    /// The entry whose timer of this kind is the first.
    pub(super) fn first(&self, kind: Kind) -> Option<Slot> {
        self.sets[kind as usize].first().map(|(_, slot)| *slot)
    }

    pub(super) fn len(&self, kind: Kind) -> usize {
        self.sets[kind as usize].len()
    }
}
