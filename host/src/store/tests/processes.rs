// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several processes at once, and processes that are killed.

use super::*;

/// How many entries each writer saves.
const ENTRIES: u64 = 150;

/// A text that differs in length from one entry to the next.
fn text(n: u64) -> String {
    format!("{n} ").repeat(1 + (n as usize * 37) % 300)
}

fn domain(worker: u32, n: u64) -> String {
    format!("{n}.{worker}.example")
}

/// What a worker does.
pub(super) fn work(role: &str, path: &Path) {
    match role {
        "write" => write(path),
        "write-for-ever" => write_for_ever(path),
        "grow" => grow(path),
        "hold" => hold(path),
        _ => panic!("no such role"),
    }
}

/// Saves entries, and reads them and everybody else's.
fn write(path: &Path) {
    let store = Store::open(path).unwrap();
    let own = std::process::id();
    println!("worker: {own}");
    for n in 0..ENTRIES {
        assert!(save(&store, &domain(own, n), &text(n), (n % 2) * NOW));
        assert_eq!(load(&store, &domain(own, n)).unwrap(), text(n));
        if n % 30 == 0 {
            store.for_each(|_, text| assert!(text.is_ok())).unwrap();
        }
    }
}

#[test]
fn many_processes_read_and_write() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let mut workers: Vec<_> = (0..4).map(|_| worker("write", dir.path())).collect();
    for (child, stdout) in &mut workers {
        let id: u32 = next_line(stdout).unwrap().parse().unwrap();
        assert!(child.wait().unwrap().success());
        for n in 0..ENTRIES {
            assert_eq!(load(&store, &domain(id, n)).unwrap(), text(n));
        }
    }
    assert_eq!(store.len().unwrap(), 4 * ENTRIES);
}

/// Says what has been saved, until it is killed.
fn write_for_ever(path: &Path) {
    let store = Store::open(path).unwrap();
    let own = std::process::id();
    for n in 0.. {
        save(&store, &domain(own, n), &text(n), NOW);
        println!("worker: {} {}", domain(own, n), n);
    }
}

#[test]
fn kill_9_loses_nothing_that_was_saved() {
    let dir = folder();
    let mut saved = Vec::new();
    for round in 0..12_u64 {
        let mut workers: Vec<_> = (0..2)
            .map(|_| worker("write-for-ever", dir.path()))
            .collect();
        for (child, stdout) in &mut workers {
            for _ in 0..1 + round * 17 % 60 {
                saved.push(next_line(stdout).unwrap());
            }
            child.kill().unwrap(); // in the middle of whatever it does
            child.wait().unwrap();
            saved.extend(std::iter::from_fn(|| next_line(stdout)));
        }
        let store = Store::open(dir.path()).unwrap();
        for line in &saved {
            let Some((domain, n)) = line.split_once(' ') else {
                continue; // the line was cut
            };
            let stored = load(&store, domain);
            assert!(
                stored.is_some_and(|stored| stored == text(n.parse().unwrap())),
                "{line}"
            );
        }
        assert!(save(&store, "after.example", &round.to_string(), NOW)); // nobody holds a lock
    }
}

/// Dies while it holds the lock for writing and a place among the readers.
fn hold(path: &Path) {
    let store = Store::open(path).unwrap();
    let opened = opened(&store);
    let die = |txn: &mut RwTxn<'_>| -> Result<((), bool), Problem> {
        opened
            .policies
            .put(txn, b"half.example", b"fetched 1 useless-after 1\n")?;
        opened.read(|_| {
            println!("worker: ready");
            loop {
                std::thread::park();
            }
        })
    };
    let _ = opened.write(die);
}

#[test]
fn a_writer_that_is_killed_blocks_nobody() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    for _ in 0..3 {
        let (mut child, mut stdout) = worker("hold", dir.path());
        assert_eq!(next_line(&mut stdout).unwrap(), "ready");
        assert_eq!(load(&store, "half.example"), None); // readers do not wait
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(save(&store, "example.com", "text", NOW));
        assert_eq!(load(&store, "half.example"), None);
    }
    drop(store);
    let store = Store::open(dir.path()).unwrap(); // clears the readers that were killed
    assert_eq!(opened(&store).stale_readers(), 0);
}

/// Makes the map larger than others have it, and uses that.
fn grow(path: &Path) {
    let store = Store::open_with(path, small(32 << 20, 1000)).unwrap();
    for n in 0..200 {
        save(&store, &domain(0, n), &"x".repeat(20_000), NOW);
    }
    println!("worker: done");
}

#[test]
fn a_map_that_others_have_enlarged_is_picked_up() {
    let dir = folder();
    let store = Store::open_with(dir.path(), small(256 << 10, 1000)).unwrap();
    save(&store, "example.com", "text", NOW);
    let (mut child, mut stdout) = worker("grow", dir.path());
    assert_eq!(next_line(&mut stdout).unwrap(), "done");
    assert!(child.wait().unwrap().success());
    assert_eq!(load(&store, &domain(0, 199)).unwrap().len(), 20_000);
    assert!(save(&store, "example.com", "more", NOW));
    drop(store);
    let store = Store::open_with(dir.path(), small(256 << 10, 1000)).unwrap();
    assert_eq!(load(&store, "example.com").unwrap(), "more");
}
