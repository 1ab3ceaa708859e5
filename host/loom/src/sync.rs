// SPDX-License-Identifier: MIT OR Apache-2.0

//! As `host/src/store/sync.rs`, of loom's.

pub use loom::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
pub use loom::thread::yield_now;

loom::lazy_static! {
    static ref HOLDER: AtomicU32 = AtomicU32::new(0);
}

/// The id of the process that holds the lock for opening and closing, or 0.
pub fn holder() -> &'static AtomicU32 {
    &HOLDER
}

std::thread_local! {
    // All threads of a model are one to the system, and no test shares its own.
    static ID: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

pub fn id() -> u32 {
    ID.get()
}

/// Begins anew, in the parent.
pub fn restart() {
    ID.set(1);
    super::process::restart();
}

/// From now on this is the child.
pub fn fork() {
    ID.set(2);
}
