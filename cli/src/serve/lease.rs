// SPDX-License-Identifier: MIT OR Apache-2.0

//! One of a fleet's servers fetches, the others wait for what it saves (R-FLOW-8). A server that
//! dies with a lease holds nobody up for longer than [`PATIENCE`].

use super::health::{Doing, Health};
use super::network::{Network, QUEUE_PATIENCE, Reply};
use crate::store::{PolicyStore, Unread};
use mtasts::engine::Lease;
use mtasts::{PolicyDomain, RequestId, StoreFailure, Stored};
use mtasts_host::redis;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a look-up that mail waits for waits for another server's fetch.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the first look at what the other one has saved takes to come, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// The leases that this server has.
pub struct Leases {
    held: Arc<Mutex<Held>>,
    /// How long they last.
    time: Duration,
}

type Held = HashMap<String, redis::Lease>;

impl Leases {
    /// For fetches that wait for their turn, take so long at most, and are saved.
    pub fn new(fetch_timeout: Duration) -> Self {
        Self {
            held: Arc::default(),
            time: QUEUE_PATIENCE + fetch_timeout + Duration::from_secs(10),
        }
    }

    /// The lease of `domain`, which is to be released.
    pub fn give_up(&self, domain: &str) -> Option<redis::Lease> {
        held(&self.held).remove(domain)
    }
}

fn held(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for the lease of `domain`, and answers the engine. Where nobody waits, it does not either.
pub fn take(network: &Network, request: RequestId, domain: PolicyDomain, is_awaited: bool) {
    let replies = network.replies.clone();
    let Some(store) = network.store.clone() else {
        let _ = replies.send(Reply::Leased(request, domain, Err(StoreFailure)));
        return;
    };
    let (held, time) = (Arc::clone(&network.leases.held), network.leases.time);
    let health = Arc::clone(&network.health);
    let patience = if is_awaited { PATIENCE } else { Duration::ZERO };
    network.runtime.spawn(async move {
        let begun = Instant::now();
        let asking = Asking {
            store,
            domain,
            time,
            health,
        };
        let answer = asking.until(begun + patience, &held).await;
        let result = match &answer {
            Ok(lease) if lease.is_granted => "ok",
            Ok(_) => "held",
            Err(StoreFailure) => "failed",
        };
        asking
            .health
            .metrics
            .question("lease", result, begun.elapsed());
        if answer.is_ok() {
            asking.health.went_well(Doing::Read);
        }
        let _ = replies.send(Reply::Leased(request, asking.domain, answer));
    });
}

struct Asking {
    store: PolicyStore,
    domain: PolicyDomain,
    time: Duration,
    health: Arc<Health>,
}

impl Asking {
    /// Until it is granted, or the other server has saved something, or the time is over.
    async fn until(&self, end: Instant, held: &Mutex<Held>) -> Result<Lease, StoreFailure> {
        let [mut pause, longest] = PAUSES;
        let mut first = None;
        loop {
            let lease = self.store.lease(self.domain.as_str(), self.time).await;
            let lease = lease.map_err(|reason| self.failed(&reason))?;
            let is_granted = lease.is_some();
            if let Some(lease) = lease {
                self::held(held).insert(self.domain.to_string(), lease);
            }
            // After the lease: whoever had it has saved before it was given back.
            let stored = match self.load().await {
                Ok(stored) => stored,
                Err(failure) => {
                    // The engine fetches without it.
                    let lease = self::held(held).remove(self.domain.as_str());
                    if let Some(lease) = lease {
                        self.store.release(lease).await;
                    }
                    return Err(failure);
                }
            };
            let is_new = first.get_or_insert_with(|| stored.clone()) != &stored;
            if is_granted || is_new || Instant::now() + pause > end {
                return Ok(Lease { is_granted, stored });
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn load(&self) -> Result<Option<Arc<Stored>>, StoreFailure> {
        let loaded = self.store.load(self.domain.as_str()).await;
        loaded.map_err(|unread| match unread {
            Unread::Store(reason) | Unread::Entry(reason) => self.failed(&reason),
        })
    }

    fn failed(&self, reason: &str) -> StoreFailure {
        self.health.failed(Doing::Read, reason);
        StoreFailure
    }
}
