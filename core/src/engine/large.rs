// SPDX-License-Identifier: MIT OR Apache-2.0

//! Most policies have a few hundred octets; their owners may publish 64 KiB. What is large has a bound
//! of its own, so that its owners push out each other's policies and nobody else's.

use super::table::Slot;
use crate::stored::Stored;
use alloc::collections::BTreeSet;

/// The entries whose policies take a KiB or more, with how many.
#[derive(Debug, Default)]
pub(super) struct Large {
    slots: BTreeSet<(usize, Slot)>,
    kib: usize,
}

impl Large {
    /// An entry has `now` in place of `before`.
    pub(super) fn replace(&mut self, slot: Slot, before: &Stored, now: &Stored) {
        self.remove(slot, before);
        let kib = kib(now);
        if kib > 0 && self.slots.insert((kib, slot)) {
            self.kib += kib;
        }
    }

    /// An entry has `before` no longer.
    pub(super) fn remove(&mut self, slot: Slot, before: &Stored) {
        let kib = kib(before);
        if kib > 0 && self.slots.remove(&(kib, slot)) {
            self.kib -= kib;
        }
    }

    /// What they take together, in KiB.
    pub(super) fn kib(&self) -> usize {
        self.kib
    }

    /// The largest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().rev().map(|&(_, slot)| slot)
    }
}

fn kib(stored: &Stored) -> usize {
    let policy = stored.policy.as_ref();
    policy.map_or(0, |policy| policy.policy.octets() / 1_024)
}
