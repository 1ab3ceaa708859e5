// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy store of a fleet (RFC 8461 §3.3), on real servers: Redis alone, behind sentinels and
//! as a cluster.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod cluster;
mod groups;
mod leases;
mod sentinel;
mod servers;
mod single;
mod tls;
mod trouble;

use mtasts_host::redis::{RedisError, RedisStore};
use mtasts_host::store::Entry;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

const WEEK: u64 = 604_800;

fn open(url: &str) -> RedisStore {
    RedisStore::open(url, None).unwrap()
}

/// The time by which the servers forget.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// Saves `text`, fetched at that time, or never, for a week from now.
async fn save(store: &RedisStore, domain: &str, text: &str, fetched_at: u64) -> bool {
    try_save(store, domain, text, fetched_at).await.unwrap()
}

async fn try_save(
    store: &RedisStore,
    domain: &str,
    text: &str,
    fetched_at: u64,
) -> Result<bool, RedisError> {
    let entry = Entry {
        domain,
        text,
        fetched_at,
        useless_after: now() + WEEK,
    };
    store.save(&entry, now()).await
}

async fn load(store: &RedisStore, domain: &str) -> Option<String> {
    store.load(domain).await.unwrap()
}

/// All entries; what cannot be read is the error's text.
async fn all(store: &RedisStore) -> BTreeMap<String, String> {
    try_all(store).await.unwrap()
}

async fn try_all(store: &RedisStore) -> Result<BTreeMap<String, String>, RedisError> {
    let mut all = BTreeMap::new();
    let visit = |domain: &str, text: Result<&str, RedisError>| {
        let text = text.map_or_else(|error| error.to_string(), str::to_owned);
        assert_eq!(all.insert(domain.to_owned(), text), None, "{domain} twice");
    };
    sendable(store.for_each(visit)).await?;
    Ok(all)
}

/// What a task of a runtime with several threads may do.
fn sendable<F: Future + Send>(work: F) -> F {
    work
}

/// Saves that many and gives what is then to be there.
async fn save_many(store: &RedisStore, count: usize) -> BTreeMap<String, String> {
    let mut saved = BTreeMap::new();
    for number in 0..count {
        let (domain, text) = (format!("d{number}.example"), format!("text {number}\n"));
        assert!(save(store, &domain, &text, now()).await);
        saved.insert(domain, text);
    }
    saved
}
