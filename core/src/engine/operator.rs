// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the operator of the sending host may want beside answers: that a policy is fetched now,
//! that a domain is forgotten, to see all that is known, other settings.

use super::job::{Job, Wish};
use super::table::{Entry, Slot};
use super::work::{Settings, Ticket};
use super::{Engine, Item};
use crate::name::PolicyDomain;
use crate::stored::Stored;
use crate::time::UnixTime;
use alloc::{sync::Arc, vec::Vec};

impl Engine {
    /// Goes on with other settings. Look-ups that have begun end under those from before, and the
    /// next refresh of a domain is when it was.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
        self.keep_refreshes();
    }

    /// Fetches the policy now, whatever the record says, if one that applies is cached; whoever
    /// waits for that already, or refreshes it in the background, shares the fetch. Without a
    /// policy this is [`Engine::look_again`]. The store is read first where the policy is in
    /// memory too: other processes' fetches count in the back-off (R-GET-5), which holds here as
    /// well. Where it forbids the fetch the outcome is the cached policy, and
    /// [`Outcome::reason`](crate::Outcome::reason) says why it is no newer one.
    ///
    /// To refresh a domain is to ask for it. A failure counts, is told and is followed by other
    /// tries as that of any refresh.
    pub fn refresh(&mut self, domain: &PolicyDomain, now: UnixTime) -> Ticket {
        let slot = self.admit(domain, now);
        let is_cached = |entry: &Entry| entry.is_unread || entry.stored.usable(now).is_some();
        match self.table.get(slot).is_some_and(is_cached) {
            true => self.wait(slot, Wish::Refresh, now),
            false => self.wait(slot, Wish::Again, now),
        }
    }

    /// Forgets all that is known of a domain (lower-case A-labels, no final dot), the back-off
    /// (R-GET-5) too. Whoever asks next, and whoever waits for an outcome that is not there yet,
    /// gets one from a look-up which begins with nothing: it reads the store, queries and
    /// fetches. An answer to a question of before is stale. `false`: nothing was known, and nobody
    /// waits.
    ///
    /// No [`Work::Remove`](super::Work::Remove) comes of this: the host removes the domain from
    /// its store, before this call and after each [`Work::Save`](super::Work::Save) that it was
    /// given, lest the old policy comes back from there.
    pub fn forget(&mut self, domain: &str, now: UnixTime) -> bool {
        self.outbox.retain(
            |item| !matches!(item, Item::Save(stored, _) if stored.domain.as_str() == domain),
        );
        let Some(slot) = self.table.find(domain.as_bytes()) else {
            return false;
        };
        let waiting = self.stop(slot).map(|job| job.waiting());
        match waiting.filter(|(_, tickets)| !tickets.is_empty()) {
            // There is no policy to refresh any more.
            Some((wish, tickets)) => self.restart(slot, wish.min(Wish::Again), tickets, now),
            None => drop(self.drop_entry(slot)),
        }
        true
    }

    /// What is known of each domain, and when it was last asked for, in no order: what
    /// [`Engine::insert`] takes. Domains of which nothing is known yet are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Stored>, UnixTime)> {
        let known = self.table.iter().filter(|entry| !entry.stored.is_unknown());
        known.map(|entry| (&entry.stored, entry.asked.time()))
    }

    /// What is known of one domain (lower-case A-labels, no final dot), as [`Engine::iter`] has it.
    pub fn get(&self, domain: &str) -> Option<&Arc<Stored>> {
        let entry = self.table.get(self.table.find(domain.as_bytes())?)?;
        Some(&entry.stored).filter(|stored| !stored.is_unknown())
    }

    /// Takes the job of an entry away, and its question back.
    fn stop(&mut self, slot: Slot) -> Option<Job> {
        let job = self.table.get_mut(slot)?.job.take()?;
        self.release(slot, &job);
        self.refreshes -= usize::from(job.wish == Wish::Refresh);
        if let Some(request) = job.request() {
            self.open.remove(&request.0);
        }
        self.outbox
            .retain(|item| !matches!(item, Item::Ask(asking) if *asking == slot));
        Some(*job)
    }

    /// Begins anew for those who wait.
    fn restart(&mut self, slot: Slot, wish: Wish, tickets: Vec<Ticket>, now: UnixTime) {
        if let Some(entry) = self.table.get_mut(slot) {
            self.timers.clear(slot, entry);
            self.large.remove(slot, &entry.stored);
            *entry = Entry::unread(entry.stored.domain.clone(), entry.asked.time());
            self.begin(slot, Job::new(wish, tickets), now);
        }
    }
}
