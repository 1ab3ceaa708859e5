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

#[derive(Debug, Default)]
pub(super) struct Timers {
    sets: [BTreeSet<(UnixTime, Slot)>; 3],
}

/// A timer for this time never rings.
pub(super) const NEVER: UnixTime = UnixTime(u64::MAX);

impl Timers {
    /// Sets the timer of an entry, whatever it was before.
    pub(super) fn set(&mut self, slot: Slot, entry: &mut Entry, kind: Kind, at: UnixTime) {
        self.clear(slot, entry);
        entry.timer = Some(kind);
        entry.timer_at = at;
        self.sets[kind as usize].insert((at, slot));
    }

    pub(super) fn clear(&mut self, slot: Slot, entry: &mut Entry) {
        if let Some(kind) = entry.timer.take() {
            self.sets[kind as usize].remove(&(entry.timer_at, slot));
        }
    }

    /// The first entry whose timer of this kind rings at `now`.
    pub(super) fn due(&self, kind: Kind, now: UnixTime) -> Option<Slot> {
        let (at, slot) = *self.sets[kind as usize].first()?;
        (at <= now && at != NEVER).then_some(slot)
    }

    /// An entry whose timer is for later than `latest`.
    pub(super) fn beyond(&self, kind: Kind, latest: UnixTime) -> Option<Slot> {
        let (at, slot) = *self.sets[kind as usize].last()?;
        (at > latest).then_some(slot)
    }

    /// When the next timer of this kind rings.
    pub(super) fn next(&self, kind: Kind) -> Option<UnixTime> {
        let (at, _) = *self.sets[kind as usize].first()?;
        (at != NEVER).then_some(at)
    }

    /// The entry whose timer of this kind is the first.
    pub(super) fn first(&self, kind: Kind) -> Option<Slot> {
        self.sets[kind as usize].first().map(|(_, slot)| *slot)
    }

    pub(super) fn len(&self, kind: Kind) -> usize {
        self.sets[kind as usize].len()
    }
}
