// SPDX-License-Identifier: MIT OR Apache-2.0

//! What Envoy's threads share: the entries of domains, in Envoy's shared data (R-FLOW-8).
//!
//! Shared data cannot be listed, and a key that was once written stays. So the keys are a fixed
//! number of buckets, each with the entries of the domains that a keyed hash puts there, and
//! each bounded: that bounds the whole, and to walk over the buckets is to list the store. A bucket
//! is written if it is still the version that was read, so that no thread undoes what another has
//! done. The buckets are made when a configuration is loaded, which Envoy tries in one thread
//! before the others get it.

use crate::proxy::Proxy;
use mtasts::{PolicyDomain, StoreFailure, Stored, UnixTime};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::sync::Arc;

/// How many buckets there are.
pub const BUCKETS: u32 = 512;

/// The most octets in a bucket: room for one policy of the largest size, or for some 250 usual
/// ones. All buckets together are 64 MiB at most.
pub const BUCKET_SIZE: usize = 128 * 1024;

/// Between two entries; none has it inside.
const SEPARATOR: char = '\0';

/// How often a write is tried against other threads'.
const TRIES: usize = 16;

const SEED: &str = "mtasts/seed";

/// The store, as one thread sees it.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    seed: [u8; 16],
}

impl Store {
    /// Opens the store, and makes what is missing of it.
    pub fn open(proxy: &impl Proxy) -> Self {
        for bucket in 0..BUCKETS {
            let key = key(bucket);
            if proxy.read(&key).is_none() {
                proxy.write(&key, b"", None);
            }
        }
        let known = proxy.read(SEED).and_then(|(seed, _)| seed.try_into().ok());
        let seed = known.unwrap_or_else(|| {
            let seed = proxy.random();
            proxy.write(SEED, &seed, None);
            seed
        });
        Self { seed }
    }

    /// What is known of a domain.
    ///
    /// # Errors
    /// There is an entry, and it cannot be read.
    pub fn load(
        &self,
        proxy: &impl Proxy,
        domain: &PolicyDomain,
    ) -> Result<Option<Arc<Stored>>, StoreFailure> {
        let Some((value, _)) = proxy.read(&key(self.bucket(domain))) else {
            return Ok(None);
        };
        let text = String::from_utf8(value).map_err(|_| StoreFailure)?;
        let entry = entries(&text).find(|entry| domain_of(entry) == Some(domain.as_str()));
        let stored = entry.map(|entry| entry.parse().map_err(|_| StoreFailure));
        Ok(stored.transpose()?.map(Arc::new))
    }

    /// Keeps an entry, unless the store has a policy of the domain that was fetched later. `false`:
    /// it could not be written.
    pub fn save(&self, proxy: &impl Proxy, stored: &Stored, now: UnixTime) -> bool {
        self.change(proxy, &stored.domain, |entries| {
            if entries.iter().any(|entry| is_later(entry, stored, now)) {
                return false;
            }
            entries.retain(|entry| domain_of(entry) != Some(stored.domain.as_str()));
            entries.insert(0, stored.to_text());
            make_room(entries, now);
            true
        })
    }

    /// Removes an entry, unless the store has a policy of the domain that was fetched later.
    pub fn remove(&self, proxy: &impl Proxy, stored: &Stored, now: UnixTime) -> bool {
        self.change(proxy, &stored.domain, |entries| {
            let before = entries.len();
            entries.retain(|entry| {
                domain_of(entry) != Some(stored.domain.as_str()) || is_later(entry, stored, now)
            });
            entries.len() < before
        })
    }

    /// A bucket as it is, and its version.
    pub fn read(&self, proxy: &impl Proxy, bucket: u32) -> Option<(Vec<u8>, Option<u32>)> {
        proxy.read(&key(bucket))
    }

    /// The entries of a bucket that can be read.
    pub fn entries(value: Vec<u8>) -> Vec<Stored> {
        let text = String::from_utf8(value).unwrap_or_default();
        entries(&text)
            .filter_map(|entry| entry.parse().ok())
            .collect()
    }

    /// A number that is the domain's, and that no outsider knows.
    pub fn hash(&self, domain: &PolicyDomain) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write(domain.as_str().as_bytes());
        hasher.finish()
    }

    fn bucket(&self, domain: &PolicyDomain) -> u32 {
        (self.hash(domain) % u64::from(BUCKETS)) as u32
    }

    /// Changes a bucket by `change`, which says whether there is anything to write.
    fn change(
        &self,
        proxy: &impl Proxy,
        domain: &PolicyDomain,
        mut change: impl FnMut(&mut Vec<String>) -> bool,
    ) -> bool {
        let key = key(self.bucket(domain));
        for _ in 0..TRIES {
            let (value, version) = proxy.read(&key).unwrap_or_default();
            let text = String::from_utf8(value).unwrap_or_default();
            let mut kept: Vec<String> = entries(&text).map(str::to_owned).collect();
            if !change(&mut kept) || proxy.write(&key, kept.join("\0").as_bytes(), version) {
                return true;
            }
        }
        false
    }
}

fn key(bucket: u32) -> String {
    format!("mtasts/{bucket}")
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATOR).filter(|entry| !entry.is_empty())
}

/// The domain of an entry, which need not be read for that.
fn domain_of(entry: &str) -> Option<&str> {
    entry.lines().nth(1)?.strip_prefix("domain: ")
}

/// Whether this is an entry of the same domain with a policy that was fetched later. One from the
/// future, the clock having been set back (R-FLOW-11), gives way to any other policy.
fn is_later(entry: &str, than: &Stored, now: UnixTime) -> bool {
    let is_later = |stored: Stored| {
        let (there, new) = (fetched_at(&stored), fetched_at(than));
        there > new && (there <= Some(now) || new.is_none())
    };
    domain_of(entry) == Some(than.domain.as_str()) && entry.parse().is_ok_and(is_later)
}

fn fetched_at(stored: &Stored) -> Option<UnixTime> {
    stored.policy.as_ref().map(|policy| policy.fetched_at)
}

/// Drops entries until the rest fits: those that say nothing any more, then those without a
/// policy, then those of which the record was last looked at the longest ago. Never the first,
/// which was just added.
fn make_room(entries: &mut Vec<String>, now: UnixTime) {
    let mut size: usize = entries.iter().map(|entry| entry.len() + 1).sum();
    if size <= BUCKET_SIZE {
        return;
    }
    // Each entry is read once: strangers can have many small ones give way to a large one.
    let rest = entries.iter_mut().skip(1);
    let mut rest: Vec<_> = rest.map(|entry| (worth(entry, now), entry)).collect();
    rest.sort_by_key(|(worth, _)| *worth);
    for (_, entry) in rest {
        if size <= BUCKET_SIZE {
            break;
        }
        size -= entry.len() + 1;
        entry.clear();
    }
    entries.retain(|entry| !entry.is_empty());
}

fn worth(entry: &str, now: UnixTime) -> (bool, bool, UnixTime) {
    let Ok(stored) = entry.parse::<Stored>() else {
        return Default::default();
    };
    let asked = stored.record.as_ref().map(|record| record.until);
    (
        stored.useless_after() >= now,
        stored.usable(now).is_some(),
        asked.unwrap_or_default(),
    )
}
