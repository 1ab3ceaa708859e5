// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy store (RFC 8461 §3.3, §5.1): one directory that all mail processes of a machine
//! share, an LMDB environment. Readers take no lock, commits are synced, and a process that is
//! killed at any moment corrupts nothing and loses nothing that was saved.
//!
//! The directory is to be setgid and writable for the group of all users that take part; the
//! files get its owner and group. Who can write the store can forge policies. It is not to be
//! shared across PID namespaces or over a network file system.
//!
//! A value is a text: a line of the store's own, then what the engine gave. Entries with a
//! policy are in the database `policies` and stay until they are useless. Those without are in
//! `looked`, which holds a bounded number and gives way when there is no room.

mod error;
mod files;
mod process;
mod shared;
mod sweep;
mod sync;
pub(crate) mod value;

#[cfg(test)]
mod tests;

pub use error::Error;

use error::Problem;
use heed::{Database, RwTxn, types::Bytes};
use mtasts::Stored;
use process::{Limits, Opened};
use shared::Shared;
use std::path::Path;
use std::sync::Arc;
use value::Header;

/// What is to be saved of one Policy Domain.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The Policy Domain, in lower-case A-labels.
    pub domain: &'a str,
    /// What [`Store::load`] is to give back.
    pub text: &'a str,
    /// When the policy in it was fetched, in seconds since 1970; 0 if there is none.
    pub fetched_at: u64,
    /// From when on the entry says nothing any more, in seconds since 1970.
    pub useless_after: u64,
}

impl<'a> Entry<'a> {
    /// What is to be saved of `stored`, whose [`Stored::to_text`] is `text`.
    pub fn new(stored: &'a Stored, text: &'a str) -> Self {
        let policy = stored.policy.as_ref();
        Self {
            domain: stored.domain.as_str(),
            text,
            fetched_at: policy.map_or(0, |policy| policy.fetched_at.0),
            useless_after: stored.useless_after().0,
        }
    }
}

/// An open store. Any thread may use it. After a `fork` the child opens the environment anew
/// when it first uses the store.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

/// The longest Policy Domain.
pub(crate) const MAX_DOMAIN: usize = 253;

/// How many entries are read at a time where all are.
const BATCH: usize = 256;

impl Store {
    /// Opens the store in the directory `path`, which must exist. Opening one directory more
    /// than once in a process gives the same store.
    ///
    /// # Errors
    /// The directory is missing or is none, or the files in it cannot be created, read and
    /// written. The text names the path.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, Limits::default())
    }

    fn open_with(path: &Path, limits: Limits) -> Result<Self, Error> {
        let shared = shared::open(path, limits).map_err(|problem| Error::new(path, problem))?;
        Ok(Self { shared })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.shared.path()
    }

    /// The text saved for `domain`.
    ///
    /// # Errors
    /// The store cannot be read, or what is in it for `domain` is not what was saved.
    pub fn load(&self, domain: &str) -> Result<Option<String>, Error> {
        self.run(|opened| {
            let key = key(domain)?;
            opened.read(|txn| {
                let stored = match opened.policies.get(txn, key)? {
                    Some(stored) => Some(stored),
                    None => opened.looked.get(txn, key)?,
                };
                stored.map(|stored| text(domain, stored)).transpose()
            })
        })
    }

    /// Saves `entry`. Where the store has a policy for the domain that was fetched later than
    /// this one, by another process, and not after `now`, that one stays: the answer is false.
    /// The time is in seconds since 1970.
    ///
    /// # Errors
    /// The store cannot be written, or is full; what is in it stays.
    pub fn save(&self, entry: &Entry<'_>, now: u64) -> Result<bool, Error> {
        self.run(|opened| {
            let key = key(entry.domain)?;
            let value = value::encode(entry);
            let save = |txn: &mut RwTxn<'_>| opened.put(txn, key, &value, entry, now);
            match opened.write(save) {
                Err(problem) if problem.is_full() && opened.make_room(now)? => opened.write(save),
                saved => saved,
            }
        })
    }

    /// Forgets `domain`. The answer tells whether there was something to forget.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn remove(&self, domain: &str) -> Result<bool, Error> {
        self.run(|opened| {
            let key = key(domain)?;
            opened.write(|txn| {
                let policy = opened.policies.delete(txn, key)?;
                let found = opened.looked.delete(txn, key)? || policy;
                Ok((found, found))
            })
        })
    }

    /// Deletes useless entries among the next `budget` of each kind; every call goes on where
    /// the last one ended, whichever process made it. Saving does a little of this each time.
    /// The answer is how many were deleted.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn prune(&self, now: u64, budget: usize) -> Result<usize, Error> {
        self.run(|opened| {
            opened.write(|txn| {
                let deleted = opened.prune(txn, now, budget, budget)?;
                Ok((deleted, true))
            })
        })
    }

    /// The number of entries.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn len(&self) -> Result<u64, Error> {
        self.run(|opened| {
            opened.read(|txn| Ok(opened.policies.len(txn)? + opened.looked.len(txn)?))
        })
    }

    /// Whether there are no entries.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.len().map(|len| len == 0)
    }

    /// Calls `visit` with each Policy Domain and its text, or what is wrong with it: first those
    /// with a policy, each kind in the order of the names. What others save meanwhile may be
    /// among them or not.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn for_each(&self, mut visit: impl FnMut(&str, Result<&str, Error>)) -> Result<(), Error> {
        self.run(|opened| {
            for database in [opened.policies, opened.looked] {
                let mut last = sweep::BEGINNING.to_vec();
                while !last.is_empty() {
                    let batch = opened.read(|txn| sweep::next(txn, database, &last, BATCH))?;
                    last.clear();
                    for (key, stored) in batch {
                        self.visit(&key, &stored, &mut visit);
                        last = key;
                    }
                }
            }
            Ok(())
        })
    }

    fn visit(&self, key: &[u8], stored: &[u8], visit: &mut impl FnMut(&str, Result<&str, Error>)) {
        let domain = String::from_utf8_lossy(key);
        match text(&domain, stored) {
            Ok(text) => visit(&domain, Ok(&text)),
            Err(problem) => visit(&domain, Err(Error::new(self.path(), problem))),
        }
    }

    /// Whether the files of the store are where they were when it was opened. Where they have been
    /// removed or replaced the store goes on with the old ones, which end with the process: it
    /// should be dropped, and opened anew once all that share it have done so.
    pub fn is_in_place(&self) -> bool {
        let process = self.shared.process();
        process
            .opened()
            .is_some_and(|opened| opened.is_in(self.path()))
    }

    /// Why this process, a child of a `fork`, has not got the store, if so; once per process.
    /// Loading and saving then fail, and each tries to open it again.
    pub fn take_notice(&self) -> Option<Error> {
        self.shared
            .process()
            .take_notice()
            .map(|notice| Error::new(self.path(), notice))
    }

    /// Runs `work` with this process's environment.
    fn run<T>(&self, work: impl FnOnce(&Opened) -> Result<T, Problem>) -> Result<T, Error> {
        let opened = self.shared.process().opened().ok_or(Problem::Gone);
        opened
            .and_then(work)
            .map_err(|problem| Error::new(self.path(), problem))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        shared::close(&self.shared);
    }
}

impl Opened {
    /// Puts `value` where it belongs, unless a later policy is there. The second value is
    /// whether there is something to commit: a synced commit is what saving costs.
    fn put(
        &self,
        txn: &mut RwTxn<'_>,
        key: &[u8],
        value: &[u8],
        entry: &Entry<'_>,
        now: u64,
    ) -> Result<(bool, bool), Problem> {
        let has_policy = entry.fetched_at > 0;
        let (own, other) = match has_policy {
            true => (self.policies, self.looked),
            false => (self.looked, self.policies),
        };
        if own.get(txn, key)? == Some(value) {
            return Ok((true, false));
        }
        let there = self.policies.get(txn, key)?.and_then(Header::read);
        if there.is_some_and(|there| is_better(&there, entry, now)) {
            return Ok((false, false));
        }
        other.delete(txn, key)?;
        if !has_policy && self.is_crowded(txn, own, key)? {
            self.evict(txn, now)?;
        }
        own.put(txn, key, value)?;
        self.prune(txn, now, sweep::POLICIES_PER_SAVE, sweep::LOOKED_PER_SAVE)?;
        Ok((true, true))
    }

    fn is_crowded(
        &self,
        txn: &RwTxn<'_>,
        looked: Database<Bytes, Bytes>,
        key: &[u8],
    ) -> Result<bool, Problem> {
        let is_new = looked.get(txn, key)?.is_none();
        Ok(is_new && looked.len(txn)? >= self.limits.looked)
    }
}

/// Whether the policy that is there stays: it was fetched later, unless that is in the future; or
/// it is in time, and the other has seen none.
fn is_better(there: &Header, entry: &Entry<'_>, now: u64) -> bool {
    let is_later = entry.fetched_at < there.fetched_at && there.fetched_at <= now;
    is_later || (entry.fetched_at == 0 && now <= there.useless_after)
}

fn key(domain: &str) -> Result<&[u8], Problem> {
    match domain.len() {
        1..=MAX_DOMAIN => Ok(domain.as_bytes()),
        _ => Err(Problem::Domain),
    }
}

fn text(domain: &str, stored: &[u8]) -> Result<String, Problem> {
    let text = value::text(stored).ok_or_else(|| Problem::Corrupt(domain.to_owned()))?;
    Ok(text.to_owned())
}
