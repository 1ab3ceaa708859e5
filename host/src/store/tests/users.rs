// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several users, who share the store by its group, and processes that change their root.

use super::*;
use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

/// A group and two users that need not exist.
const GROUP: u32 = 54_321;
const MEMBER: u32 = 54_322;
const STRANGER: u32 = 54_323;

/// A directory that root and the group share, inside one that everybody may enter.
fn shared_folder() -> TempDir {
    let dir = folder();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let store = dir.path().join("store");
    fs::create_dir(&store).unwrap();
    chown(&store, None, Some(GROUP)).unwrap();
    fs::set_permissions(&store, Permissions::from_mode(0o2770)).unwrap();
    dir
}

/// Becomes `user` of `group`, with a umask that lets nobody else in.
fn become_user(user: u32, group: u32) -> bool {
    // SAFETY: only this process, a child, is changed.
    unsafe {
        libc::umask(0o077);
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setgid(group) == 0
            && libc::setuid(user) == 0
    }
}

fn enter_root(path: &Path) -> bool {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: only this process, a child, is changed.
    unsafe { libc::chroot(path.as_ptr()) == 0 && libc::chdir(c"/".as_ptr()) == 0 }
}

fn check_files(store: &Path) {
    for name in ["data.mdb", "lock.mdb"] {
        let metadata = fs::metadata(store.join(name)).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o660, "{name}");
        assert_eq!(metadata.gid(), GROUP, "{name}");
    }
}

#[test]
fn root_opens_another_user_writes_and_a_chrooted_third_reads() {
    if !is_root() {
        return;
    }
    let dir = shared_folder();
    let path = dir.path().join("store");
    assert!(in_child(|| {
        // SAFETY: only this process, a child, is changed.
        unsafe { libc::umask(0o077) };
        let store = Store::open(&path).unwrap();
        save(&store, "root.example", "root's", NOW)
    }));
    check_files(&path);
    assert!(in_child(|| {
        let store = become_user(MEMBER, GROUP)
            .then(|| Store::open(&path).unwrap())
            .unwrap();
        save(&store, "member.example", "member's", NOW) && load(&store, "root.example").is_some()
    }));
    assert!(in_child(|| {
        let store = Store::open(&path).unwrap();
        let reads = |store: &Store| matches!(store.load("member.example"), Ok(Some(_)));
        let inside = enter_root(dir.path()) && become_user(STRANGER, STRANGER) && reads(&store);
        // What it has open it keeps; its child can no longer find it, which is a failure.
        let fails = || store.load("member.example").is_err() && store.take_notice().is_some();
        inside && in_child(fails) && reads(&store)
    }));
    check_files(&path);
}

#[test]
fn a_member_opens_first() {
    if !is_root() {
        return;
    }
    let dir = shared_folder();
    let path = dir.path().join("store");
    assert!(in_child(|| {
        let store = become_user(MEMBER, GROUP)
            .then(|| Store::open(&path).unwrap())
            .unwrap();
        save(&store, "member.example", "member's", NOW)
    }));
    check_files(&path);
    let store = Store::open(&path).unwrap();
    assert!(load(&store, "member.example").is_some());
    assert!(save(&store, "root.example", "root's", NOW));
    assert!(in_child(|| {
        // Root has it open; it is dropped and opened again as somebody else.
        become_user(STRANGER, GROUP) && load(&store, "root.example").is_some()
    }));
}

#[test]
fn a_stranger_is_told_so() {
    if !is_root() {
        return;
    }
    let dir = shared_folder();
    let path = dir.path().join("store");
    let refused = |file: &str| {
        in_child(|| {
            let error = become_user(STRANGER, STRANGER).then(|| Store::open(&path).unwrap_err());
            let error = error.unwrap().to_string();
            error.contains(path.join(file).to_str().unwrap()) && error.contains("denied")
        })
    };
    assert!(refused(""));
    fs::set_permissions(&path, Permissions::from_mode(0o2775)).unwrap();
    assert!(refused("data.mdb")); // which cannot be made
    drop(Store::open(&path).unwrap());
    assert!(refused("data.mdb")); // which cannot be written
}

#[test]
fn an_interrupted_start_is_made_good() {
    if !is_root() {
        return;
    }
    let dir = shared_folder();
    let path = dir.path().join("store");
    let file = path.join("data.mdb");
    fs::write(&file, "").unwrap(); // root was killed before it could give the file away
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    chown(&file, Some(0), Some(0)).unwrap();
    drop(Store::open(&path).unwrap());
    check_files(&path);
}
