// SPDX-License-Identifier: MIT OR Apache-2.0

//! What several of the benches need: entries of a policy store, and the ranks of times.

use mtasts::{Attempts, Policy, PolicyDomain, RecordCheck, Stored, StoredPolicy, UnixTime};
use mtasts_host::store::{Entry, Store};
use std::error::Error;
use std::sync::Arc;

/// What a bench comes to: every error ends it.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The entry of `domain` as a fetch at `now` makes it: the policy, of which the text is given,
/// under `id`, and a TXT record that was looked at just now and lives an hour.
///
/// # Errors
/// One of them is not legal.
pub fn entry(domain: &str, policy: &str, id: &str, now: UnixTime) -> Outcome<Stored> {
    let policy = StoredPolicy {
        policy: Policy::parse(policy.as_bytes())?,
        id: id.parse()?,
        fetched_at: now,
    };
    let record = RecordCheck {
        id: Some(id.parse()?),
        until: now.plus(3600),
    };
    Ok(Stored {
        domain: domain.parse::<PolicyDomain>()?,
        policy: Some(Arc::new(policy)),
        record: Some(record),
        attempts: Attempts::default(),
    })
}

/// Saves an entry, in a synced commit. Whether the store took it.
///
/// # Errors
/// The store cannot be written.
pub fn save(store: &Store, stored: &Stored, now: UnixTime) -> Outcome<bool> {
    Ok(store.save(&Entry::new(stored, &stored.to_text()), now.0)?)
}

/// The Policy Domain `number`; in the order of the numbers they are in no order.
pub fn domain(number: u64) -> String {
    let mixed = mix(number);
    let suffix = ["com", "net", "org", "co.example", "de"][(mixed % 5) as usize];
    format!("{:x}.{suffix}", mixed >> 12)
}

/// SplitMix64: spreads numbers.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The value below which `permille` of the sorted values lie; 0 if there are none.
pub fn rank(sorted: &[u64], permille: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * permille / 1000).copied().unwrap_or(0)
}
