// SPDX-License-Identifier: MIT OR Apache-2.0

//! SIGPIPE, which ends a process that writes to a connection its peer has reset. A policy host
//! could end every mail server with that: programs in C have the signal at its default. It is kept
//! from the calling thread while a call runs, and the process's own settings stay as they are.

#![expect(unsafe_code, reason = "signal masks are those of libc")]

use std::mem::MaybeUninit;
use std::ptr;

/// While it exists, SIGPIPE does not reach this thread.
pub(crate) struct Withheld {
    before: libc::sigset_t,
    was_pending: bool,
}

impl Withheld {
    pub fn new() -> Self {
        let mut before = MaybeUninit::uninit();
        // SAFETY: both sets are valid, and only this thread's mask is changed.
        let before = unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, &sigpipe(), before.as_mut_ptr());
            before.assume_init()
        };
        let was_pending = is_pending();
        Self {
            before,
            was_pending,
        }
    }
}

impl Drop for Withheld {
    fn drop(&mut self) {
        // SAFETY: the sets are valid; taking the signal does not wait.
        unsafe {
            if !self.was_pending && is_pending() {
                let now = libc::timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                libc::sigtimedwait(&sigpipe(), ptr::null_mut(), &now);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, ptr::null_mut());
        }
    }
}

fn sigpipe() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is emptied before anything is done with it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

fn is_pending() -> bool {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is filled before it is read.
    unsafe {
        libc::sigpending(set.as_mut_ptr());
        libc::sigismember(set.as_ptr(), libc::SIGPIPE) == 1
    }
}
