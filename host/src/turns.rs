// SPDX-License-Identifier: MIT OR Apache-2.0

//! A bound on the fetches at a time from one address: a provider may serve the policies of a million
//! domains from it, and is not to get them all at once because it has changed them all at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

type Taken = HashMap<IpAddr, Arc<Semaphore>>;

pub(crate) struct Turns {
    /// The most at a time; `None`: as many as come.
    most: Option<usize>,
    taken: Mutex<Taken>,
}

/// A turn at one address, until it is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    address: IpAddr,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    pub fn new(most: usize) -> Self {
        Self {
            most: Some(most).filter(|most| (1..=Semaphore::MAX_PERMITS).contains(most)),
            taken: Mutex::default(),
        }
    }

    /// A turn, if there is one in time. Without a bound no lock is taken, since it may be another
    /// thread's while the process forks.
    pub async fn take(&self, address: IpAddr, patience: Duration) -> Option<Turn<'_>> {
        let mut turn = Turn {
            turns: self,
            address,
            permit: None,
        };
        let Some(most) = self.most else {
            return Some(turn);
        };
        let semaphore = {
            let mut taken = self.taken();
            let new = || Arc::new(Semaphore::new(most));
            Arc::clone(taken.entry(address).or_insert_with(new))
        };
        let permit = match Arc::clone(&semaphore).try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(_) => match timeout(patience, semaphore.acquire_owned()).await {
                Ok(permit) => permit,
                Err(_) => return None,
            },
        };
        turn.permit = permit.ok();
        turn.permit.is_some().then_some(turn)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    /// Also of one that was never given, or whose waiting was broken off.
    fn drop(&mut self) {
        self.permit = None;
        if self.turns.most.is_none() {
            return;
        }
        let mut taken = self.turns.taken();
        let is_idle = |semaphore: &Arc<Semaphore>| Arc::strong_count(semaphore) == 1;
        if taken.get(&self.address).is_some_and(is_idle) {
            taken.remove(&self.address);
        }
    }
}
