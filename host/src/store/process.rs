// SPDX-License-Identifier: MIT OR Apache-2.0

//! The environment as one process has it open, and transactions on it.

#![expect(
    unsafe_code,
    reason = "LMDB maps a file, and a child drops what it inherited"
)]

use super::error::Problem;
use super::files::{self, Identity};
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// How large the store may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The size of the map in octets, and about that of the file. Only address space is taken
    /// at once.
    pub map: usize,
    /// The most entries without a policy.
    pub looked: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            map: MAP_SIZE,
            looked: 100_000,
        }
    }
}

#[cfg(target_pointer_width = "64")]
const MAP_SIZE: usize = 16 << 30;
#[cfg(not(target_pointer_width = "64"))]
const MAP_SIZE: usize = 512 << 20;

/// By how much the map grows for deletions where it is full.
const ENLARGEMENT: usize = 1 << 20;

/// The most transactions that read at one time, on the whole machine.
pub(super) const MAX_READERS: u32 = 4096;

/// The most databases, with room for later versions.
const MAX_DATABASES: u32 = 8;

/// What one process has of a store: the environment, or why it has none.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    opened: Result<Opened, ()>,
    notice: std::sync::Mutex<Option<Problem>>,
    noticed: AtomicBool,
}

impl Process {
    pub fn new(opened: Result<Opened, Problem>) -> Self {
        let (opened, notice) = match opened {
            Ok(opened) => (Ok(opened), None),
            Err(problem) => (Err(()), Some(problem)),
        };
        let noticed = AtomicBool::new(notice.is_none());
        Self {
            pid: std::process::id(),
            opened,
            notice: notice.into(),
            noticed,
        }
    }

    pub fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }

    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref().ok()
    }

    /// Why there is no environment, once.
    pub fn take_notice(&self) -> Option<Problem> {
        if self.noticed.swap(true, Ordering::Relaxed) {
            return None;
        }
        self.notice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The environment by value.
    ///
    /// # Safety
    /// It must not be used through the process any more, nor taken again.
    pub unsafe fn take_inherited(&self) -> Option<Opened> {
        // SAFETY: by the contract above this is the only use of the value from now on.
        self.opened()
            .map(|opened| unsafe { std::ptr::read(opened) })
    }
}

/// The open environment.
#[derive(Debug)]
pub(super) struct Opened {
    env: Env<WithoutTls>,
    files: [Identity; 2],
    /// Held for writing while the map changes: no transaction may be open then.
    map: RwLock<()>,
    pub limits: Limits,
    pub policies: Database<Bytes, Bytes>,
    pub looked: Database<Bytes, Bytes>,
    pub state: Database<Bytes, Bytes>,
}

impl Opened {
    /// Opens the environment in `directory`. One process must not do so twice.
    pub fn new(directory: &Path, limits: Limits) -> Result<Self, Problem> {
        files::prepare(directory)?;
        let _standard = files::standard_descriptors(directory);
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options
            .map_size(limits.map)
            .max_readers(MAX_READERS)
            .max_dbs(MAX_DATABASES);
        // SAFETY: the file is changed by LMDB alone, under LMDB's locks, and no flag takes
        // those away. That it is not truncated by others is the administrator's promise.
        let env = unsafe { options.open(directory) }?;
        files::close_on_exec(&env.try_clone_inner_file()?).map_err(heed::Error::Io)?;
        env.clear_stale_readers()?;
        let databases =
            open_databases(&env).or_else(|problem| match is(&problem, MdbError::MapResized) {
                true => resize(&env, 0).and_then(|()| open_databases(&env)),
                false => Err(problem),
            });
        let [policies, looked, state] = databases?;
        Ok(Self {
            env,
            files: files::identities(directory).map_err(heed::Error::Io)?,
            map: RwLock::default(),
            limits,
            policies,
            looked,
            state,
        })
    }

    /// Whether the files that are open are those in `directory`.
    pub fn is_in(&self, directory: &Path) -> bool {
        files::identities(directory).is_ok_and(|files| files == self.files)
    }

    /// Runs `work` in a transaction that reads.
    pub fn read<T>(
        &self,
        work: impl Fn(&RoTxn<'_, WithoutTls>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.mending(|| {
            let _open = self.map.read().unwrap_or_else(PoisonError::into_inner);
            work(&self.env.read_txn()?)
        })
    }

    /// Runs `work` in a transaction that writes, alone on the machine, and commits if the
    /// second value that it gives is true.
    pub fn write<T>(
        &self,
        work: impl Fn(&mut RwTxn<'_>) -> Result<(T, bool), Problem>,
    ) -> Result<T, Problem> {
        self.mending(|| {
            let _open = self.map.read().unwrap_or_else(PoisonError::into_inner);
            let mut txn = self.env.write_txn()?;
            let (value, is_changed) = work(&mut txn)?;
            if is_changed {
                txn.commit()?;
            }
            Ok(value)
        })
    }

    /// Runs `work`, and once more if it failed for what can be mended: the map that another
    /// process has enlarged, and readers that were killed.
    fn mending<T>(&self, work: impl Fn() -> Result<T, Problem>) -> Result<T, Problem> {
        match work() {
            Err(problem) if is(&problem, MdbError::MapResized) => self.resize(0)?,
            Err(problem) if is(&problem, MdbError::ReadersFull) => {
                self.env.clear_stale_readers()?;
            }
            done => return done,
        }
        work()
    }

    /// Makes the map somewhat larger.
    pub fn enlarge(&self) -> Result<(), Problem> {
        self.resize(self.env.info().map_size + ENLARGEMENT)
    }

    /// Makes the map as large as it may be again, or as what is in it is.
    pub fn restore_size(&self) -> Result<(), Problem> {
        self.resize(self.limits.map)
    }

    /// The number of the last commit.
    #[cfg(test)]
    pub fn last_commit(&self) -> usize {
        self.env.info().last_txn_id
    }

    /// The number of places for readers that processes which died have left.
    #[cfg(test)]
    pub fn stale_readers(&self) -> usize {
        self.env.clear_stale_readers().unwrap()
    }

    fn resize(&self, size: usize) -> Result<(), Problem> {
        let _alone = self.map.write().unwrap_or_else(PoisonError::into_inner);
        resize(&self.env, size)
    }
}

/// Makes the map of `env` as large as `size`, or as others have made it if that is 0.
fn resize(env: &Env<WithoutTls>, size: usize) -> Result<(), Problem> {
    // SAFETY: no transaction of this process is open: either the caller holds the lock that
    // all transactions take, or the environment is not yet shared.
    Ok(unsafe { env.resize(size) }?)
}

fn open_databases(env: &Env<WithoutTls>) -> Result<[Database<Bytes, Bytes>; 3], Problem> {
    let names = ["policies", "looked", "state"];
    let txn = env.read_txn()?;
    let found = names.map(|name| env.open_database(&txn, Some(name)));
    if let [Ok(Some(policies)), Ok(Some(looked)), Ok(Some(state))] = found {
        txn.commit()?; // which makes the handles last
        return Ok([policies, looked, state]);
    }
    drop(txn);
    let mut txn = env.write_txn()?;
    let [policies, looked, state] = names.map(|name| env.create_database(&mut txn, Some(name)));
    let databases = [policies?, looked?, state?];
    txn.commit()?;
    Ok(databases)
}

fn is(problem: &Problem, wanted: MdbError) -> bool {
    matches!(problem, Problem::Lmdb(heed::Error::Mdb(error)) if *error == wanted)
}
