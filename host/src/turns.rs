// SPDX-License-Identifier: MIT OR Apache-2.0

//! A bound on the fetches at a time from one address, or one /64 of IPv6, which is what a single
//! machine has: a provider may serve the policies of a million domains from it, and is not to get them
//! all at once because it has changed them all at once.

use crate::address::embedded_v4;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

type Taken = HashMap<IpAddr, Arc<Semaphore>>;

/// What stands for all addresses that share a bound.
fn shared(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => embedded_v4(v6)
            .map_or_else(|| IpAddr::V6((v6.to_bits() >> 64 << 64).into()), IpAddr::V4),
        v4 => v4,
    }
}

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
            address: shared(address),
            permit: None,
        };
        let Some(most) = self.most else {
            return Some(turn);
        };
        let semaphore = {
            let mut taken = self.taken();
            let new = || Arc::new(Semaphore::new(most));
            Arc::clone(taken.entry(turn.address).or_insert_with(new))
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

#[cfg(test)]
mod tests {
    use super::shared;
    use std::net::IpAddr;

    #[test]
    fn a_machine_with_a_64_of_ipv6_has_one_bound() {
        let of = |text: &str| shared(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8:0:0:ffff::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("64:ff9b::192.0.2.1"), of("64:ff9b::192.0.2.2"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }
}
