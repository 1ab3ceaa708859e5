// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy store that the server and `mtasts cache` use: a folder of this machine, or Redis
//! for a fleet. Both keep the engine's text and order saves by the time of the fetch.

use crate::folder::Folder;
use mtasts::{Stored, UnixTime};
use mtasts_host::redis::{Lease, RedisStore};
use mtasts_host::store::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::spawn_blocking;

/// An open store. Its errors are texts that name the place.
#[derive(Clone)]
pub enum PolicyStore {
    Folder(Arc<Folder>),
    Redis(RedisStore),
}

/// Why an entry cannot be had.
pub enum Unread {
    /// The store does not answer.
    Store(String),
    /// It does, and what it has for the domain makes no sense.
    Entry(String),
}

impl PolicyStore {
    /// `place` is a folder, which must exist, or a URL, to which nothing is sent yet.
    pub fn open(place: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let is_mistyped = place.contains('@') && !place.contains("://");
        if is_mistyped {
            return Err("store: neither a folder nor a URL such as redis://host".to_owned());
        }
        if place.contains("://") {
            let store = RedisStore::open(place, ca_file);
            return store.map(Self::Redis).map_err(|error| error.to_string());
        }
        let folder = Folder::open(Path::new(place))?;
        Ok(Self::Folder(Arc::new(folder)))
    }

    /// Waits until the store is another than before, and empty.
    pub async fn replaced(&self) {
        match self {
            Self::Folder(folder) => folder.replaced.notified().await,
            Self::Redis(_) => std::future::pending().await, // as far as one can tell
        }
    }

    /// What is known of `domain`. A folder is read in microseconds, without yielding.
    pub async fn load(&self, domain: &str) -> Result<Option<Arc<Stored>>, Unread> {
        let text = match self {
            Self::Folder(folder) => folder
                .store()
                .and_then(|store| store.load(domain).map_err(|error| error.to_string())),
            Self::Redis(store) => store.load(domain).await.map_err(|error| error.to_string()),
        };
        let text = text.map_err(Unread::Store)?;
        let stored = text.map(|text| read(domain, &text)).transpose();
        stored.map_err(Unread::Entry)
    }

    /// Takes the lease of `domain`, so that of all servers one fetches. `None`: another one has it. A
    /// folder is one server's.
    pub async fn lease(&self, domain: &str, time: Duration) -> Result<Option<Lease>, String> {
        match self {
            Self::Folder(_) => Ok(None),
            Self::Redis(store) => {
                let lease = store.lease(domain, time).await;
                lease.map_err(|error| error.to_string())
            }
        }
    }

    /// Gives a lease back. Where that fails it ends by itself.
    pub async fn release(&self, lease: Lease) {
        if let Self::Redis(store) = self {
            let _ = store.release(lease).await;
        }
    }

    /// Saves, unless a policy is there that was fetched later.
    pub async fn save(&self, stored: Arc<Stored>) -> Result<(), String> {
        let now = now().0;
        match self.clone() {
            Self::Folder(folder) => blocking(move || {
                let saved = folder
                    .store()?
                    .save(&Entry::new(&stored, &stored.to_text()), now);
                saved.map(drop).map_err(|error| error.to_string())
            }),
            Self::Redis(store) => {
                let text = stored.to_text();
                let saved = store.save(&Entry::new(&stored, &text), now).await;
                return saved.map(drop).map_err(|error| error.to_string());
            }
        }
        .await
    }

    /// Forgets `domain`; tells whether there was something to forget.
    pub async fn remove(&self, domain: &str) -> Result<bool, String> {
        match self.clone() {
            Self::Folder(folder) => {
                let domain = domain.to_owned();
                blocking(move || {
                    let removed = folder.store()?.remove(&domain);
                    removed.map_err(|error| error.to_string())
                })
                .await
            }
            Self::Redis(store) => store
                .remove(domain)
                .await
                .map_err(|error| error.to_string()),
        }
    }

    /// Visits every domain with its entry, or what is wrong with that. A folder gives first those
    /// with a policy, each kind in the order of the names.
    pub async fn for_each(
        &self,
        mut visit: impl FnMut(&str, Result<Arc<Stored>, String>) + Send + 'static,
    ) -> Result<(), String> {
        match self.clone() {
            Self::Folder(folder) => {
                blocking(move || {
                    let all = folder.store()?.for_each(|domain, text| {
                        let text = text.map_err(|error| error.to_string());
                        visit(domain, text.and_then(|text| read(domain, text)));
                    });
                    all.map_err(|error| error.to_string())
                })
                .await
            }
            Self::Redis(store) => {
                let all = store.for_each(|domain, text| {
                    let text = text.map_err(|error| error.to_string());
                    visit(domain, text.and_then(|text| read(domain, text)));
                });
                all.await.map_err(|error| error.to_string())
            }
        }
    }
}

fn read(domain: &str, text: &str) -> Result<Arc<Stored>, String> {
    let stored = text.parse().map(Arc::new);
    stored.map_err(|error: mtasts::Error| format!("entry of {domain}: {error}"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string()))
}

/// The wall clock.
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
