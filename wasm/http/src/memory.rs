// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is known of domains, as long as the runtime keeps the instance (R-FLOW-1). Bounded in
//! octets: domains are chosen by whoever asks, and what their policies say by whoever owns them.

use mtasts::{PolicyDomain, Stored};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a domain takes beside the text of its policy, about.
const OVERHEAD: usize = 1_024;

/// The entries of the domains asked for last.
#[derive(Debug)]
pub struct Memory {
    most: usize,
    octets: usize,
    entries: BTreeMap<PolicyDomain, Entry>,
    /// Goes up by one with each use.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    stored: Arc<Stored>,
    used: u64,
}

impl Memory {
    /// A memory of this many octets at most.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            octets: 0,
            entries: BTreeMap::new(),
            clock: 0,
        }
    }

    /// What is known of a domain.
    pub fn load(&mut self, domain: &PolicyDomain) -> Option<Arc<Stored>> {
        self.clock += 1;
        let entry = self.entries.get_mut(domain)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.stored))
    }

    /// Keeps what is known of a domain, and forgets others where there is no room.
    pub fn save(&mut self, stored: &Arc<Stored>) {
        self.clock += 1;
        self.remove(&stored.domain.clone());
        self.octets += size(stored);
        let entry = Entry {
            stored: Arc::clone(stored),
            used: self.clock,
        };
        self.entries.insert(stored.domain.clone(), entry);
        while self.octets > self.most
            && let Some(domain) = self.least()
        {
            self.remove(&domain);
        }
    }

    /// How many domains are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remove(&mut self, domain: &PolicyDomain) {
        if let Some(entry) = self.entries.remove(domain) {
            self.octets -= size(&entry.stored);
        }
    }

    /// Whom nobody will miss: a domain without a policy before any with one, so that whoever asks
    /// for made-up domains has no policy forgotten; of these the one that was asked for the longest
    /// ago.
    fn least(&self) -> Option<PolicyDomain> {
        let worth = |entry: &Entry| (entry.stored.policy.is_some(), entry.used);
        let least = self.entries.iter().min_by_key(|(_, entry)| worth(entry));
        least.map(|(domain, _)| domain.clone())
    }
}

fn size(stored: &Stored) -> usize {
    let policy = stored.policy.as_ref();
    OVERHEAD + policy.map_or(0, |fetched| fetched.policy.text().len())
}
