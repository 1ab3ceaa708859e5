// SPDX-License-Identifier: MIT OR Apache-2.0

//! The domains that an engine knows. Attackers choose names, so the hash is keyed (SipHash) with
//! a seed that only the host knows.

use super::job::Job;
use super::timers::{Kind, Moment, NEVER};
use crate::name::PolicyDomain;
use crate::stored::Stored;
use crate::time::UnixTime;
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::hash::Hasher;
use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

/// The place of an entry; another entry may have it later.
pub(super) type Slot = u32;

/// What is known of one domain. There may be millions: keep it small.
#[derive(Debug)]
pub(super) struct Entry {
    pub stored: Arc<Stored>,
    /// What goes on for the domain; the host's answers belong to it.
    pub job: Option<Box<Job>>,
    /// When it was last asked for.
    pub asked: Moment,
    /// Until then, and from `asked` on, the cached policy is the answer without a further look.
    pub warm_until: Moment,
    /// When the policy is to be refreshed (R-FLOW-5).
    pub refresh_at: Moment,
    /// The timer that is set ([`super::timers::Timers`]), and for when.
    pub timer: Option<Kind>,
    pub timer_at: Moment,
    /// How many refreshes have failed, one after the other.
    pub failures: u16,
    /// The store has not been read, or could not be: there may be more in it.
    pub is_unread: bool,
    /// Not asked for within its `max_age`, so not refreshed.
    pub is_resting: bool,
    /// There was a policy that applied, when the entry was last looked at.
    pub is_protected: bool,
}

impl Entry {
    /// Nothing is known here; what the store has is not known either.
    pub(super) fn unread(domain: PolicyDomain, asked: UnixTime) -> Self {
        let unknown = Arc::new(Stored::unknown(domain));
        Self {
            is_unread: true,
            ..Self::new(unknown, asked)
        }
    }

    pub(super) fn new(stored: Arc<Stored>, asked: UnixTime) -> Self {
        Self {
            stored,
            job: None,
            asked: asked.into(),
            warm_until: Moment::default(),
            refresh_at: NEVER,
            timer: None,
            timer_at: NEVER,
            failures: 0,
            is_unread: false,
            is_resting: false,
            is_protected: false,
        }
    }
}

/// Entries by slot and by domain.
#[derive(Debug)]
pub(super) struct Table {
    key: SipHasher13,
    /// Small, so that it is cheap to make larger: the names stay where they are.
    index: HashTable<Place>,
    entries: Vec<Option<Entry>>,
    free: Vec<Slot>,
}

#[derive(Debug)]
struct Place {
    hash: u32,
    slot: Slot,
}

impl Place {
    /// The table wants the first and the last bits of 64.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

impl Table {
    pub(super) fn new(seed: [u8; 16]) -> Self {
        Self {
            key: SipHasher13::new_with_key(&seed),
            index: HashTable::new(),
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The number of slots in use or free.
    pub(super) fn slots(&self) -> Slot {
        self.entries.len() as Slot
    }

    #[inline]
    pub(super) fn find(&self, domain: &[u8]) -> Option<Slot> {
        let hash = self.hash(domain) as u32;
        let is_it = |place: &Place| place.hash == hash && self.is_at(place.slot, domain);
        let place = self.index.find(Place::spread(hash), is_it)?;
        Some(place.slot)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }

    /// Takes an entry whose domain is not there yet.
    pub(super) fn insert(&mut self, entry: Entry) -> Slot {
        let hash = self.hash(entry.stored.domain.as_bytes()) as u32;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.entries.push(None);
                self.slots() - 1
            }
        };
        self.entries[slot as usize] = Some(entry);
        let rehash = |place: &Place| Place::spread(place.hash);
        self.index
            .insert_unique(Place::spread(hash), Place { hash, slot }, rehash);
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.entries.get_mut(slot as usize)?.take()?;
        let hash = self.hash(entry.stored.domain.as_bytes()) as u32;
        let is_it = |place: &Place| place.slot == slot;
        if let Ok(found) = self.index.find_entry(Place::spread(hash), is_it) {
            found.remove();
        }
        self.free.push(slot);
        Some(entry)
    }

    /// The keyed hash of a name; the upper half is not used by the table.
    pub(super) fn hash(&self, domain: &[u8]) -> u64 {
        let mut hasher = self.key;
        hasher.write(domain);
        hasher.finish()
    }

    fn is_at(&self, slot: Slot, domain: &[u8]) -> bool {
        self.get(slot)
            .is_some_and(|entry| entry.stored.domain.as_bytes() == domain)
    }
}
