// SPDX-License-Identifier: MIT OR Apache-2.0

//! Walks over the store, a few buckets a second. Every thread takes from there what others have
//! found out of domains that it knows too. The one that is elected has policies refreshed ahead of
//! their end (R-FLOW-5), whichever thread was asked for them: its office is a lease in the shared
//! data, which another takes over when it runs out.

use crate::proxy::Proxy;
use crate::store::{BUCKETS, Store};
use mtasts::engine::Engine;
use mtasts::{Stored, StoredPolicy, UnixTime};
use std::sync::Arc;

/// How long the lease lasts, in seconds.
const LEASE: u32 = 15;

/// How many buckets are looked at in a second, so that a walk takes about a minute.
const STEP: u32 = BUCKETS / 64;

/// The seconds after which a policy is refreshed, if that is not more than half its lifetime.
const INTERVAL: u32 = 86_400;

/// The least seconds between two tries (R-GET-5).
const BACK_OFF: u32 = 300;

/// The most policies that are refreshed in a second.
const AT_ONCE: usize = 16;

const OFFICE: &str = "mtasts/refresher";

/// One thread's walk over the store.
#[derive(Debug)]
pub struct Refresher {
    store: Store,
    /// Who this is among the threads.
    name: u64,
    /// The next bucket.
    next: u32,
    /// The versions of the buckets as last seen.
    seen: Vec<Option<u32>>,
    walked_at: UnixTime,
}

impl Refresher {
    /// A walk that begins anywhere.
    pub fn new(store: Store, proxy: &impl Proxy) -> Self {
        let name = u128::from_be_bytes(proxy.random()) as u64;
        Self {
            store,
            name,
            next: name as u32 % BUCKETS,
            seen: vec![None; BUCKETS as usize],
            walked_at: UnixTime::default(),
        }
    }

    /// Walks on, at most once a second.
    pub fn tick(&mut self, proxy: &impl Proxy, engine: &mut Engine) {
        let now = proxy.now();
        if self.walked_at == now {
            return;
        }
        self.walked_at = now;
        let is_elected = self.holds_office(proxy, now);
        let mut due = Vec::new();
        for _ in 0..STEP {
            self.visit(proxy, engine, is_elected.then_some(&mut due), now);
            if due.len() >= AT_ONCE {
                break;
            }
        }
        for stored in due {
            engine.insert(Arc::clone(&stored), asked(&stored), now);
            engine.refresh(&stored.domain, now);
        }
    }

    /// Leaves the office, if this one holds it.
    pub fn resign(&self, proxy: &impl Proxy) {
        if let Some((value, version)) = proxy.read(OFFICE)
            && lease(&value).is_some_and(|(name, _)| name == self.name)
        {
            proxy.write(OFFICE, b"", version);
        }
    }

    /// Looks at the next bucket.
    fn visit(
        &mut self,
        proxy: &impl Proxy,
        engine: &mut Engine,
        due: Option<&mut Vec<Arc<Stored>>>,
        now: UnixTime,
    ) {
        let bucket = self.next;
        self.next = (bucket + 1) % BUCKETS;
        let Some((value, version)) = self.store.read(proxy, bucket) else {
            return;
        };
        let seen = self.seen.get_mut(bucket as usize);
        let is_new = seen.is_none_or(|seen| std::mem::replace(seen, version) != version);
        if !is_new && due.is_none() {
            return;
        }
        let entries = Store::entries(value);
        for stored in &entries {
            if is_news(engine, stored) {
                engine.insert(Arc::new(stored.clone()), asked(stored), now);
            }
        }
        if let Some(due) = due {
            let late = entries
                .into_iter()
                .filter(|stored| self.is_due(stored, now));
            due.extend(late.map(Arc::new));
        }
    }

    /// Whether this thread refreshes policies.
    fn holds_office(&self, proxy: &impl Proxy, now: UnixTime) -> bool {
        let (value, version) = proxy.read(OFFICE).unwrap_or_default();
        let is_free = lease(&value).is_none_or(|(name, until)| {
            // One from the far future is from before the clock was set back.
            name == self.name || until < now || until > now.plus(LEASE)
        });
        let mine = format!("{} {}", self.name, now.plus(LEASE).0);
        is_free && proxy.write(OFFICE, mine.as_bytes(), version)
    }

    /// Whether the policy is to be refreshed now: it was asked for within its own lifetime, is
    /// about a day old (less up to a quarter, so that not all are refreshed together), and was not
    /// tried just now. The tries become rarer.
    fn is_due(&self, stored: &Stored, now: UnixTime) -> bool {
        let Some(policy) = stored.usable(now) else {
            return false;
        };
        let max_age = policy.policy.max_age();
        let is_wanted = now.since(asked(stored)) <= u64::from(max_age);
        let interval = INTERVAL.min(max_age / 2);
        let due_at = self.due_at(stored, policy, interval);
        let tried = stored.attempts.last().map(|attempt| attempt.at);
        let next_try = tried.map(|tried| {
            let overdue = tried.since(due_at).min(u64::from(interval / 4)) as u32;
            tried.plus(BACK_OFF.max(overdue))
        });
        interval >= BACK_OFF && is_wanted && due_at <= now && next_try.is_none_or(|at| at <= now)
    }

    fn due_at(&self, stored: &Stored, policy: &StoredPolicy, interval: u32) -> UnixTime {
        let spread = self.store.hash(&stored.domain) as u32;
        let earlier = (u64::from(interval / 4) * u64::from(spread)) >> 32;
        policy.fetched_at.plus(interval - earlier as u32)
    }
}

/// Who holds the office, and until when.
fn lease(value: &[u8]) -> Option<(u64, UnixTime)> {
    let (name, until) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    Some((name.parse().ok()?, UnixTime(until.parse().ok()?)))
}

/// When the domain was last asked for: about when its record was last looked at.
fn asked(stored: &Stored) -> UnixTime {
    let record = stored.record.as_ref().map(|record| record.until);
    let policy = stored.policy.as_ref().map(|policy| policy.fetched_at);
    record.or(policy).unwrap_or_default()
}

/// Whether the engine knows the domain, and less of it than this.
fn is_news(engine: &Engine, theirs: &Stored) -> bool {
    let fetched_at = |stored: &Stored| stored.policy.as_ref().map(|policy| policy.fetched_at);
    engine
        .get(theirs.domain.as_str())
        .is_some_and(|ours| fetched_at(theirs) > fetched_at(ours))
}
