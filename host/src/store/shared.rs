// SPDX-License-Identifier: MIT OR Apache-2.0

//! One environment per directory and process, however often the directory is opened, and a new
//! one in the child of a `fork`, whatever the threads of the parent were doing.
//!
//! LMDB forbids to open an environment twice in a process, and to use one across a `fork`; heed
//! keeps a list, under a lock, of those that are open. Here is what comes of it:
//!
//! * No lock is taken to reach the environment: one that another thread held at the time of the
//!   `fork` would never be released in the child. The process id is compared instead.
//! * A child closes the environment that it inherited, which touches nothing of the parent's,
//!   and opens its own. No transaction on the inherited one can be open in the child, for the
//!   thread that called `fork` was not inside the store.
//! * Opening and closing is done under a lock that bears the process id. A child that finds it
//!   held by its parent also may find heed's lock held, and cannot use the store.
//!
//! A child that cannot open the store, because it may not or has another root directory, has no
//! store that is empty, but one that cannot be read: a policy may be in it.

#![expect(
    unsafe_code,
    reason = "swapped without a lock, as a fork may come at any time"
)]

use super::error::Problem;
use super::files::{self, Identity};
use super::process::{Limits, Opened, Process};
use super::sync::{AtomicPtr, Ordering, holder, id, yield_now};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

/// A directory's environment in whichever process this is.
#[derive(Debug)]
pub(super) struct Shared {
    path: PathBuf,
    identity: Identity,
    limits: Limits,
    /// Null only after [`Shared::shut`]. A process that another follows stays allocated, for a
    /// thread may still be reading its id.
    current: AtomicPtr<Process>,
}

impl Shared {
    pub fn new(path: PathBuf, identity: Identity, limits: Limits) -> Result<Self, Problem> {
        let process = Process::new(Ok(Opened::new(&path, limits)?));
        let current = AtomicPtr::new(Box::into_raw(Box::new(process)));
        Ok(Self {
            path,
            identity,
            limits,
            current,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What this process has; after a `fork` its own. What it could not open is tried again each
    /// time.
    pub fn process(&self) -> &Process {
        let process = self.current();
        if process.is_own() && process.opened().is_some() {
            process
        } else {
            self.reopen()
        }
    }

    fn current(&self) -> &Process {
        // SAFETY: the pointer comes from a box that lives at least as long as `self`.
        unsafe { &*self.current.load(Ordering::Acquire) }
    }

    #[cold]
    fn reopen(&self) -> &Process {
        let Some(_alone) = Opening::begin() else {
            return self.replace(Process::new(Err(Problem::Forked)));
        };
        let inherited = self.current();
        if inherited.is_own() {
            return self.retry(inherited);
        }
        // SAFETY: no thread of this process uses it, for none is the parent's, and only one
        // comes here.
        drop(unsafe { inherited.take_inherited() });
        self.replace(Process::new(Opened::new(&self.path, self.limits)))
    }

    /// Opens what this process could not open before, unless another thread was faster. A new
    /// failure changes nothing.
    fn retry<'a>(&'a self, failed: &'a Process) -> &'a Process {
        match failed.opened() {
            Some(_) => failed,
            None => match Opened::new(&self.path, self.limits) {
                Ok(opened) => {
                    let new = Box::into_raw(Box::new(Process::new(Ok(opened))));
                    self.current.store(new, Ordering::Release); // the lock for opening is ours
                    self.current()
                }
                Err(_) => failed,
            },
        }
    }

    /// Makes `process` the current one, unless another thread has done so already.
    fn replace(&self, process: Process) -> &Process {
        let old = self.current.load(Ordering::Acquire);
        // SAFETY: as in `current`.
        if !unsafe { &*old }.is_own() {
            let new = Box::into_raw(Box::new(process));
            let set = self
                .current
                .compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire);
            if set.is_err() {
                // SAFETY: nobody has seen it.
                drop(unsafe { Box::from_raw(new) });
            }
        }
        self.current()
    }
}

impl Shared {
    /// Closes the environment. Nothing else may be done with `self` from then on.
    fn shut(&self) {
        let process = self.current.swap(ptr::null_mut(), Ordering::AcqRel);
        if !process.is_null() {
            // SAFETY: it comes from a box, and nobody uses it any more.
            drop(unsafe { Box::from_raw(process) });
        }
    }
}

/// The directories that are open.
static OPEN: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// Opens the store at `path`, or gives the one that is open.
pub(super) fn open(path: &Path, limits: Limits) -> Result<Arc<Shared>, Problem> {
    let (path, identity) = files::directory(path)?;
    let _alone = Opening::begin().ok_or(Problem::Forked)?;
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = open.iter().find(|shared| shared.identity == identity) {
        return Ok(Arc::clone(shared));
    }
    let shared = Arc::new(Shared::new(path, identity, limits)?);
    open.push(Arc::clone(&shared));
    Ok(shared)
}

/// Closes the store if `shared` is the last use of it, apart from the list's.
pub(super) fn close(shared: &Arc<Shared>) {
    let Some(_alone) = Opening::begin() else {
        return; // the environment stays open
    };
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if Arc::strong_count(shared) == 2 {
        open.retain(|other| !Arc::ptr_eq(other, shared));
        shared.shut();
    }
}

/// The lock for opening and closing. While it exists, no other thread has one.
pub(super) struct Opening;

impl Opening {
    /// Waits for the lock. None: the parent held it at the time of the `fork`, for ever.
    pub fn begin() -> Option<Self> {
        let own = id();
        loop {
            match holder().compare_exchange(0, own, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(Self),
                Err(holder) if holder == own => yield_now(),
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        holder().store(0, Ordering::Release);
    }
}
