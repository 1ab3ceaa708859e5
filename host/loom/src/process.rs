// SPDX-License-Identifier: MIT OR Apache-2.0

//! As `host/src/store/process.rs`, without LMDB.

use super::error::Problem;
use super::sync;
use std::cell::Cell;
use std::path::Path;

#[derive(Clone, Copy, Debug)]
pub struct Limits;

std::thread_local! {
    static OPENED: Cell<u32> = const { Cell::new(0) };
    static ENVIRONMENTS: Cell<u32> = const { Cell::new(0) };
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

/// How often an environment was opened.
pub fn opened() -> u32 {
    OPENED.get()
}

/// How many are open.
pub fn environments() -> u32 {
    ENVIRONMENTS.get()
}

/// Whether opening fails from now on.
pub fn fail(fails: bool) {
    FAILS.set(fails);
}

pub fn restart() {
    OPENED.set(0);
    ENVIRONMENTS.set(0);
    FAILS.set(false);
}

/// An environment: one at a time.
#[derive(Debug)]
pub struct Opened(u32);

impl Opened {
    pub fn new(_: &Path, _: Limits) -> Result<Self, Problem> {
        if FAILS.get() {
            return Err(Problem::Failed);
        }
        loom::thread::yield_now(); // it takes its time
        assert_eq!(ENVIRONMENTS.replace(1), 0, "opened twice");
        OPENED.set(OPENED.get() + 1);
        Ok(Self(OPENED.get()))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        assert_eq!(ENVIRONMENTS.replace(0), 1, "closed twice");
    }
}

#[derive(Debug)]
pub struct Process {
    pid: u32,
    opened: Result<Opened, ()>,
}

impl Process {
    pub fn new(opened: Result<Opened, Problem>) -> Self {
        Self {
            pid: sync::id(),
            opened: opened.map_err(drop),
        }
    }

    pub fn is_own(&self) -> bool {
        self.pid == sync::id()
    }

    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref().ok()
    }

    /// # Safety
    /// As the host's.
    pub unsafe fn take_inherited(&self) -> Option<Opened> {
        // SAFETY: as the caller promises.
        self.opened()
            .map(|opened| unsafe { std::ptr::read(opened) })
    }
}
