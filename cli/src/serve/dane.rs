// SPDX-License-Identifier: MIT OR Apache-2.0

//! What DANE says of domains (R-APPLY-2), for as long as DNS says that it holds. One look-up of
//! a domain at a time, however many ask.

use crate::store::now;
use mtasts::DomainDane;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// How many domains are remembered at most.
const MAX_KNOWN: usize = 200_000;

#[derive(Debug, Default)]
pub struct DaneCache {
    /// What is known, and until when; keyed by a random hash, as attackers choose domains.
    known: Mutex<HashMap<Box<str>, (DomainDane, u64)>>,
    /// Who waits for a look-up that goes on.
    waiting: Mutex<HashMap<Box<str>, Vec<oneshot::Sender<DomainDane>>>>,
}

impl DaneCache {
    /// What is known of `domain`.
    pub fn get(&self, domain: &str) -> Option<DomainDane> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (dane, until) = known.get(domain)?;
        (now().0 < *until).then_some(*dane)
    }

    /// Waits for a look-up of `domain`; the second value is whether the caller is the first and
    /// has to see to it that [`DaneCache::answer`] is called.
    pub fn wait(&self, domain: &str) -> (oneshot::Receiver<DomainDane>, bool) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let others = waiting.entry(domain.into()).or_default();
        others.push(sender);
        (receiver, others.len() == 1)
    }

    /// Takes what a look-up has found, which holds for `ttl` seconds. A failure is not
    /// remembered.
    pub fn answer(&self, domain: &str, dane: DomainDane, ttl: u32) {
        if dane != DomainDane::Temporary {
            self.remember(domain, dane, now().0 + u64::from(ttl));
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in waiting.remove(domain).into_iter().flatten() {
            let _ = sender.send(dane); // who has gone away wants no answer
        }
    }

    fn remember(&self, domain: &str, dane: DomainDane, until: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            let now = now().0;
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(domain.into(), (dane, until));
    }

    /// Forgets `domain`.
    pub fn forget(&self, domain: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(domain);
    }
}

/// A look-up that goes on. Should it end without an answer, those who wait see their senders
/// dropped.
pub struct Promise {
    cache: Arc<DaneCache>,
    domain: Box<str>,
    is_kept: bool,
}

impl Promise {
    pub fn new(cache: Arc<DaneCache>, domain: &str) -> Self {
        Self {
            cache,
            domain: domain.into(),
            is_kept: false,
        }
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    pub fn keep(mut self, dane: DomainDane, ttl: u32) {
        self.is_kept = true;
        self.cache.answer(&self.domain, dane, ttl);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.is_kept {
            let mut waiting = self
                .cache
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            waiting.remove(&self.domain);
        }
    }
}
