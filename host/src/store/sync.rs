// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the protocol of [shared](super::shared) is made of. `host/loom`, which tries it in every order
//! of its steps, has these of loom's.

pub use std::process::id;
pub use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
pub use std::thread::yield_now;

/// The id of the process that holds the lock for opening and closing, or 0.
pub fn holder() -> &'static AtomicU32 {
    static HOLDER: AtomicU32 = AtomicU32::new(0);
    &HOLDER
}
