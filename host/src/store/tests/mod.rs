// SPDX-License-Identifier: MIT OR Apache-2.0

//! Tests of the store. Those with several processes fork, or run this program again.

#![expect(unsafe_code, reason = "forks")]

mod content;
mod forks;
mod processes;
mod users;

use super::*;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// Some time in 2026.
const NOW: u64 = 1_780_000_000;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// An entry with a policy fetched at `fetched_at`, or without one.
fn entry<'a>(domain: &'a str, text: &'a str, fetched_at: u64) -> Entry<'a> {
    Entry {
        domain,
        text,
        fetched_at,
        useless_after: NOW + 86_400,
    }
}

fn save(store: &Store, domain: &str, text: &str, fetched_at: u64) -> bool {
    store.save(&entry(domain, text, fetched_at), NOW).unwrap()
}

fn load(store: &Store, domain: &str) -> Option<String> {
    store.load(domain).unwrap()
}

/// The process's own environment.
fn opened(store: &Store) -> &Opened {
    store.shared.process().opened().unwrap()
}

fn small(map: usize, looked: u64) -> Limits {
    Limits { map, looked }
}

/// Runs `work` in a forked child, which may take 20 s, and tells whether it gave true. No other
/// test is just opening a store: that would be a state of its own.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    let alone = shared::Opening::begin();
    in_child_at_any_time(|| {
        drop(alone);
        work()
    })
}

fn in_child_at_any_time(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `work` and ends; what it inherits it does not give back.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: it sets a timer.
        unsafe { libc::alarm(20) };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // SAFETY: the child ends here.
        unsafe { libc::_exit(i32::from(!done.unwrap_or(false))) };
    }
    drop(work);
    let mut status = 0;
    // SAFETY: the child is ours.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    status == 0
}

fn is_root() -> bool {
    // SAFETY: it only reads a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    if !is_root {
        println!("skipped: only root can change the user");
    }
    is_root
}

/// Runs this program again, as the worker `role` on the store in `path`.
fn worker(role: &str, path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::work", "--nocapture"])
        .env("MTASTS_TEST_ROLE", role)
        .env("MTASTS_TEST_STORE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// The next line that a worker has written for us.
fn next_line(stdout: &mut BufReader<ChildStdout>) -> Option<String> {
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        // The test harness writes to the same place, without ending its line.
        if let Some((_, line)) = line.split_once("worker: ") {
            return Some(line.trim_end().to_owned());
        }
    }
}

/// What a worker does; as a test of its own it does nothing.
#[test]
fn work() {
    let Ok(role) = std::env::var("MTASTS_TEST_ROLE") else {
        return;
    };
    let path = std::env::var_os("MTASTS_TEST_STORE").unwrap();
    processes::work(&role, Path::new(&path));
}
