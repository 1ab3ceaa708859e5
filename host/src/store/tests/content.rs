// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is kept, what gives way, and what cannot be read.

use super::*;

#[test]
fn what_is_saved_is_loaded() {
    let (dir, domain) = (folder(), "example.com");
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(load(&store, domain), None);
    assert!(save(&store, domain, "two\nlines\n", 0));
    assert_eq!(load(&store, domain).unwrap(), "two\nlines\n");
    assert!(save(&store, domain, "", NOW));
    assert_eq!(load(&store, domain).unwrap(), "");
    assert_eq!(store.len().unwrap(), 1); // in one database only
    assert!(store.remove(domain).unwrap());
    assert!(!store.remove(domain).unwrap());
    assert!(store.is_empty().unwrap());
}

#[test]
fn it_survives_closing() {
    let dir = folder();
    save(
        &Store::open(dir.path()).unwrap(),
        "example.com",
        "text",
        NOW,
    );
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(load(&store, "example.com").unwrap(), "text");
}

#[test]
fn opened_twice_is_one_store() {
    let dir = folder();
    let one = Store::open(dir.path()).unwrap();
    let other = Store::open(&dir.path().join(".")).unwrap();
    save(&one, "example.com", "text", NOW);
    drop(one);
    assert_eq!(load(&other, "example.com").unwrap(), "text");
    drop(other);
    let again = Store::open(dir.path()).unwrap();
    assert_eq!(load(&again, "example.com").unwrap(), "text");
}

#[test]
fn a_later_policy_stays() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    assert!(save(&store, "example.com", "later", NOW - 10));
    assert!(!save(&store, "example.com", "earlier", NOW - 20));
    assert!(!save(&store, "example.com", "none", 0));
    assert_eq!(load(&store, "example.com").unwrap(), "later");
    assert!(save(
        &store,
        "example.com",
        "the same, looked at again",
        NOW - 10
    ));
    assert!(save(&store, "example.com", "latest", NOW));
    assert_eq!(load(&store, "example.com").unwrap(), "latest");
}

#[test]
fn r_flow_11_a_policy_of_the_future_does_not_stay() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    assert!(save(&store, "example.com", "future", NOW + 1));
    assert!(save(&store, "example.com", "mended", NOW));
    assert_eq!(load(&store, "example.com").unwrap(), "mended");
}

#[test]
fn what_is_there_already_is_not_committed() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    save(&store, "example.com", "text", NOW);
    let before = opened(&store).last_commit();
    assert!(save(&store, "example.com", "text", NOW));
    assert_eq!(opened(&store).last_commit(), before);
    save(&store, "example.com", "other", NOW);
    assert_ne!(opened(&store).last_commit(), before);
}

#[test]
fn entries_without_a_policy_are_bounded_and_go_first() {
    let dir = folder();
    let store = Store::open_with(dir.path(), small(64 << 20, 100)).unwrap();
    for n in 0..150 {
        save(&store, &format!("policy{n}.example"), "policy", NOW);
    }
    for n in 0..1000 {
        let domain = format!("{n:04}.attacker.example");
        save(&store, &domain, "nothing", 0);
        assert!(load(&store, &domain).is_some(), "{domain}"); // the new one is there
    }
    assert!(store.len().unwrap() <= 250);
    for n in 0..150 {
        assert!(load(&store, &format!("policy{n}.example")).is_some());
    }
}

#[test]
fn saving_prunes_what_is_useless() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    for n in 0..100 {
        let domain = format!("{n:02}.example");
        let old = Entry {
            useless_after: NOW - 1,
            ..entry(&domain, "old", NOW - 100)
        };
        store.save(&old, NOW - 50).unwrap();
    }
    save(&store, "keep.example", "text", NOW);
    for n in 0..60 {
        save(&store, "one.example", &n.to_string(), NOW);
    }
    assert_eq!(store.len().unwrap(), 2);
    assert!(load(&store, "keep.example").is_some());
}

#[test]
fn pruning_goes_on_where_it_ended() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    for n in 0..50 {
        let useless_after = if n % 2 == 0 { NOW - 1 } else { NOW + 1 };
        let domain = format!("{n:02}.example");
        let entry = Entry {
            useless_after,
            ..entry(&domain, "text", 0)
        };
        store.save(&entry, NOW - 50).unwrap();
    }
    let deleted: usize = (0..20).map(|_| store.prune(NOW, 10).unwrap()).sum();
    assert_eq!((deleted, store.len().unwrap()), (25, 25));
}

#[test]
fn a_full_store_loses_no_policy_and_says_so() {
    let dir = folder();
    let store = Store::open_with(dir.path(), small(512 << 10, 10_000)).unwrap();
    let long = "x".repeat(2000);
    for n in 0..40 {
        save(&store, &format!("{n}.nothing.example"), &long, 0);
    }
    let mut saved = 0;
    let error = loop {
        match store.save(&entry(&format!("{saved}.example"), &long, NOW), NOW) {
            Ok(_) => saved += 1,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("full"), "{error}");
    assert!(saved > 50, "{saved}");
    assert_eq!(store.len().unwrap(), saved); // those without a policy have gone
    for n in 0..saved {
        assert_eq!(load(&store, &format!("{n}.example")).unwrap(), long);
    }
}

/// A flood of policies between entries without one makes the file no larger than it may be.
#[test]
fn the_file_does_not_outgrow_its_limit() {
    let dir = folder();
    let limit = 2 << 20;
    let store = Store::open_with(dir.path(), small(limit, 10_000)).unwrap();
    let long = "x".repeat(60_000);
    for n in 0..400 {
        let fetched_at = if n % 8 == 0 { 0 } else { NOW };
        let text = if fetched_at == 0 { "" } else { &long };
        let _ = store.save(&entry(&format!("{n}.example"), text, fetched_at), NOW);
    }
    let size = std::fs::metadata(dir.path().join("data.mdb"))
        .unwrap()
        .len();
    assert!(size <= limit as u64 + (2 << 20), "{size}");
}

/// Whatever the clock says: who has seen no policy does not take away one that is in time.
#[test]
fn an_entry_without_a_policy_replaces_none_that_is_in_time() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    save(&store, "example.com", "policy", NOW);
    for clock in [NOW - 2, NOW + 2] {
        assert!(
            !store
                .save(&entry("example.com", "nothing", 0), clock)
                .unwrap()
        );
        assert_eq!(load(&store, "example.com").unwrap(), "policy");
    }
}

#[test]
fn all_entries_are_visited() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    for n in 0..600 {
        save(
            &store,
            &format!("{n:03}.example"),
            &n.to_string(),
            (n % 2) * NOW,
        );
    }
    let mut seen = Vec::new();
    store
        .for_each(|domain, text| seen.push((domain.to_owned(), text.unwrap().to_owned())))
        .unwrap();
    assert_eq!(seen.len(), 600);
    seen.sort();
    assert_eq!(seen[7], ("007.example".to_owned(), "7".to_owned()));
}

#[test]
fn a_corrupted_entry_is_an_error_and_can_be_replaced() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let texts: [&[u8]; 6] = [
        b"",
        b"\xff\xfe",
        b"fetched 1\ntext",
        b"fetched x useless-after 1\n",
        b"garbage\n",
        b"\0",
    ];
    for garbage in texts {
        let put = |txn: &mut RwTxn<'_>| {
            Ok((
                opened(&store).policies.put(txn, b"example.com", garbage)?,
                true,
            ))
        };
        opened(&store).write(put).unwrap();
        let error = store.load("example.com").unwrap_err().to_string();
        assert!(error.contains("example.com"), "{error}");
        store.for_each(|_, text| assert!(text.is_err())).unwrap();
        store.prune(NOW, 10).unwrap();
        assert!(save(&store, "example.com", "mended", NOW));
        assert_eq!(load(&store, "example.com").unwrap(), "mended");
    }
}

#[test]
fn illegal_names_are_errors() {
    let dir = folder();
    let store = Store::open(dir.path()).unwrap();
    let long = "a".repeat(254);
    for domain in ["", &long] {
        assert!(store.load(domain).is_err());
        assert!(store.save(&entry(domain, "text", 0), NOW).is_err());
        assert!(store.remove(domain).is_err());
    }
    assert!(save(&store, &long[..253], "text", NOW));
}

#[test]
fn what_is_no_store_is_an_error_that_names_it() {
    let dir = folder();
    let missing = dir.path().join("missing");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let broken = dir.path().join("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("data.mdb"), "not LMDB".repeat(1000)).unwrap();
    for path in [missing, file, broken] {
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn links_are_not_followed() {
    let (dir, other) = (folder(), folder());
    let target = other.path().join("target");
    std::fs::write(&target, "").unwrap();
    let file = dir.path().join("data.mdb");
    std::os::unix::fs::symlink(&target, &file).unwrap();
    assert!(Store::open(dir.path()).is_err());
    std::fs::remove_file(&file).unwrap();
    std::fs::hard_link(&target, &file).unwrap();
    assert!(Store::open(dir.path()).is_err());
}

#[test]
fn programs_that_are_executed_do_not_get_it() {
    let dir = folder();
    let _store = Store::open(dir.path()).unwrap();
    let script = format!("ls -l /proc/self/fd | grep -c {}", dir.path().display());
    let listed = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap().trim(), "0");
}

#[test]
fn it_is_not_what_is_printed_to() {
    let dir = folder();
    assert!(in_child(|| {
        // SAFETY: the child needs none of them.
        let _ = unsafe { [0, 1, 2].map(|descriptor| libc::close(descriptor)) };
        let store = Store::open(dir.path()).unwrap();
        // SAFETY: it tells whether the descriptors are open.
        let closed = unsafe { [0, 1, 2].map(|n| libc::fcntl(n, libc::F_GETFD)) } == [-1; 3];
        closed && save(&store, "example.com", "text", NOW)
    }));
}

#[test]
fn a_store_that_was_removed_or_replaced_is_not_in_place() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    save(&store, "example.com", "old", NOW);
    assert!(store.is_in_place());
    for file in ["data.mdb", "lock.mdb"] {
        std::fs::remove_file(folder.path().join(file)).unwrap();
    }
    assert!(!store.is_in_place());
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert!(store.is_in_place());
    assert_eq!(load(&store, "example.com"), None);
    drop(folder);
    assert!(!store.is_in_place());
}
