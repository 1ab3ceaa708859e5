// SPDX-License-Identifier: MIT OR Apache-2.0

//! `fork` in every state.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the store works, in a process that has used it or not.
fn works(store: &Store, domain: &str) -> bool {
    save(store, domain, "text", NOW) && load(store, domain).is_some_and(|text| text == "text")
}

#[test]
fn a_child_uses_the_store_and_so_does_the_parent() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    save(&store, "parent.example", "text", NOW);
    for n in 0..5 {
        assert!(in_child(|| {
            load(&store, "parent.example").is_some() && works(&store, &format!("{n}.example"))
        }));
        assert!(load(&store, &format!("{n}.example")).is_some());
        assert!(works(&store, &format!("parent{n}.example")));
    }
}

#[test]
fn a_child_of_a_child_uses_the_store() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    assert!(in_child(|| {
        let grandchild = in_child(|| works(&store, "two.example")); // the child has not used it
        let used = works(&store, "one.example");
        grandchild && used && in_child(|| works(&store, "three.example"))
    }));
    assert_eq!(store.len().unwrap(), 3);
}

#[test]
fn a_child_closes_and_opens_the_store() {
    let dir = folder();
    let mut store = Some(Store::open(dir.path()).unwrap());
    assert!(in_child(|| {
        store = None; // without having used it
        works(&Store::open(dir.path()).unwrap(), "one.example")
    }));
    assert!(in_child(|| {
        let used = works(store.as_ref().unwrap(), "two.example");
        let twice = Store::open(dir.path()).unwrap();
        store = None;
        used && works(&twice, "three.example")
    }));
    assert!(works(store.as_ref().unwrap(), "four.example"));
    assert_eq!(store.unwrap().len().unwrap(), 4);
}

#[test]
fn a_child_opens_what_the_parent_has_not() {
    let dir = folder();
    assert!(in_child(|| works(
        &Store::open(dir.path()).unwrap(),
        "one.example"
    )));
    assert!(works(&Store::open(dir.path()).unwrap(), "two.example"));
}

#[test]
fn a_fork_while_other_threads_read_and_write() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (store, done) = (&store, &done);
            scope.spawn(move || {
                for n in 0_u64.. {
                    save(
                        store,
                        &format!("thread{thread}.example"),
                        &n.to_string(),
                        NOW,
                    );
                    load(store, "thread0.example");
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        for n in 0..40 {
            assert!(in_child(|| works(&store, &format!("{n}.example"))), "{n}");
        }
        done.store(true, Ordering::Relaxed);
    });
    for n in 0..40 {
        assert!(load(&store, &format!("{n}.example")).is_some());
    }
}

#[test]
fn a_fork_while_other_threads_open_and_close() {
    let dirs = [folder(), folder()];
    let store = Store::open(dirs[0].path()).unwrap();
    save(&store, "example.com", "text", NOW);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                drop(Store::open(dirs[1].path()).unwrap());
            }
        });
        for _ in 0..60 {
            // The store works, or the child has none, which is no empty one, and says why, once.
            assert!(in_child_at_any_time(|| match store.load("example.com") {
                Ok(Some(text)) => text == "text" && store.take_notice().is_none(),
                Ok(None) => false,
                Err(_) => store.take_notice().is_some() && store.take_notice().is_none(),
            }));
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_parent_goes_on_when_its_children_have_died() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    for _ in 0..3 {
        assert!(!in_child(|| {
            works(&store, "example.com");
            // SAFETY: it ends this process.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
            true
        }));
        assert!(works(&store, "other.example"));
    }
}

#[test]
fn a_child_whose_store_is_gone_cannot_read_it_and_says_so_once() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    save(&store, "example.com", "text", NOW);
    let aside = dir.path().with_extension("aside");
    std::fs::rename(dir.path(), &aside).unwrap();
    assert!(in_child(|| {
        let fails = store.load("example.com").is_err() && store.load("example.com").is_err();
        let notice = store.take_notice().unwrap().to_string();
        let once = store.take_notice().is_none() && notice.contains("No such file");
        std::fs::rename(&aside, dir.path()).unwrap();
        fails && once && works(&store, "example.com") // it is there again
    }));
}
