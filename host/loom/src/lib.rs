// SPDX-License-Identifier: MIT OR Apache-2.0

//! `host/src/store/shared.rs` under loom, which runs threads in every order that the memory model
//! allows: who opens the environment in the child of a fork. What it opens is a stand-in that LMDB's
//! rules are held to: one at a time in a process, and each closed once.

#![cfg(test)]
#![allow(dead_code)] // a part of the host's

mod error;
mod files;
mod process;
mod sync;

#[path = "../../src/store/shared.rs"]
mod shared;

use process::{Limits, environments, fail, opened};
use shared::Shared;
use std::path::Path;
use sync::{Ordering, fork, holder, restart};

fn shared() -> loom::sync::Arc<Shared> {
    let place = Path::new("store").to_owned();
    loom::sync::Arc::new(Shared::new(place, files::Identity, Limits).unwrap())
}

/// Runs `work` in two threads, in each order.
fn in_two_threads(shared: &loom::sync::Arc<Shared>, work: fn(&Shared)) {
    let threads = [(); 2].map(|()| {
        let shared = shared.clone();
        loom::thread::spawn(move || work(&shared))
    });
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn one_thread_of_a_child_opens_the_environment_for_all() {
    loom::model(|| {
        restart();
        let shared = shared();
        fork();
        in_two_threads(&shared, |shared| {
            assert!(shared.process().opened().is_some())
        });
        assert_eq!((opened(), environments()), (2, 1)); // the parent's is closed in the child
    });
}

#[test]
fn a_child_whose_parent_held_the_lock_has_no_store_and_waits_for_none() {
    loom::model(|| {
        restart();
        let shared = shared();
        holder().store(sync::id(), Ordering::Relaxed);
        fork();
        in_two_threads(&shared, |shared| {
            assert!(shared.process().opened().is_none())
        });
        assert_eq!(opened(), 1); // nobody has opened another
    });
}

#[test]
fn what_could_not_be_opened_is_tried_again_by_one_at_a_time() {
    loom::model(|| {
        restart();
        let shared = shared();
        fork();
        fail(true);
        assert!(shared.process().opened().is_none());
        fail(false);
        in_two_threads(&shared, |shared| {
            assert!(shared.process().opened().is_some())
        });
        assert_eq!((opened(), environments()), (2, 1));
    });
}
