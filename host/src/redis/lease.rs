// SPDX-License-Identifier: MIT OR Apache-2.0

//! One of a fleet fetches, the others wait for what it saves (R-FLOW-8): a lease per domain, which
//! ends by itself. It spares Policy Hosts, and protects nothing: whoever cannot have it may fetch
//! all the same.

use super::{RedisError, RedisStore};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// What the keys of leases have after the prefix; no domain begins so.
pub(super) const NAME: &str = "lease:";

/// The lease of a domain. Dropped, it ends when its time is over.
#[derive(Debug)]
pub struct Lease {
    key: String,
    token: String,
}

impl RedisStore {
    /// Takes the lease of `domain` for so long. `None`: somebody else has it. What is loaded after
    /// it was granted has all that earlier holders have saved, if they saved before they released.
    ///
    /// # Errors
    /// The server that holds the data gives no answer within three seconds, or refuses.
    pub async fn lease(&self, domain: &str, time: Duration) -> Result<Option<Lease>, RedisError> {
        self.run(async {
            let shared = &*self.shared;
            shared.key(domain)?; // a domain
            let lease = Lease {
                key: format!("{}{NAME}{domain}", shared.prefix),
                token: token(),
            };
            let time = time.as_millis().max(1).to_string();
            let arguments = [lease.token.as_bytes(), time.as_bytes()];
            let granted: bool = shared.lease.call(shared, &lease.key, &arguments).await?;
            Ok(granted.then_some(lease))
        })
        .await
    }

    /// Gives the lease back, so that others may have it. False: its time was over.
    ///
    /// # Errors
    /// The server that holds the data gives no answer within three seconds, or refuses.
    pub async fn release(&self, lease: Lease) -> Result<bool, RedisError> {
        self.run(async {
            let shared = &*self.shared;
            let arguments = [lease.token.as_bytes()];
            Ok(shared.release.call(shared, &lease.key, &arguments).await?)
        })
        .await
    }
}

/// Another one each time, in all processes; no secret.
fn token() -> String {
    let number = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", number(), number())
}
