// SPDX-License-Identifier: MIT OR Apache-2.0

//! Answers that wait until the policy they rest on is saved: what a client has been told to
//! enforce is enforced by the next server too, should this one be killed.

use mtasts::Outcome;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The domains whose policies are being saved, and who waits for that.
#[derive(Default)]
pub struct Unsaved {
    domains: Mutex<HashMap<String, Saves>>,
    /// How many there are, lest each answer takes the lock.
    count: AtomicUsize,
}

#[derive(Default)]
struct Saves {
    count: usize,
    waiting: Vec<(oneshot::Sender<Outcome>, Outcome)>,
}

impl Unsaved {
    /// A policy of `domain` is being saved.
    pub fn begin(&self, domain: &str) {
        let mut domains = self.domains();
        domains.entry(domain.to_owned()).or_default().count += 1;
        self.count.store(domains.len(), Relaxed);
    }

    /// It is saved, or that takes too long.
    pub fn end(&self, domain: &str) {
        let mut domains = self.domains();
        let Some(saves) = domains.get_mut(domain) else {
            return;
        };
        saves.count -= 1;
        if saves.count > 0 {
            return;
        }
        let ended = domains.remove(domain);
        self.count.store(domains.len(), Relaxed);
        drop(domains);
        for (sender, outcome) in ended.into_iter().flat_map(|saves| saves.waiting) {
            let _ = sender.send(outcome); // who has gone away wants no answer
        }
    }

    /// Whether this outcome is not to be given out yet.
    pub fn holds(&self, outcome: &Outcome) -> bool {
        self.count.load(Relaxed) > 0
            && outcome.fetched().is_some()
            && self.domains().contains_key(outcome.domain().as_str())
    }

    /// Gives the outcome out, as soon as it may be.
    pub fn give(&self, sender: oneshot::Sender<Outcome>, outcome: Outcome) {
        let mut domains = self.domains();
        let saves = domains.get_mut(outcome.domain().as_str());
        match saves.filter(|_| outcome.fetched().is_some()) {
            Some(saves) => saves.waiting.push((sender, outcome)),
            None => drop(sender.send(outcome)),
        }
    }

    fn domains(&self) -> MutexGuard<'_, HashMap<String, Saves>> {
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
