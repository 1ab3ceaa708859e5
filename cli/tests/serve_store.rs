// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve` while its store, a folder, cannot be written or read, and after it was killed:
//! it goes on from memory, and a policy that it has given out is not forgotten.

#![expect(unsafe_code, reason = "asks for its user")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_cached;
mod serve_world;

use mtasts_host::store::{Entry, Store};
use mtasts_lab::Lab;
use serve_cached::{
    OLD, SCENE, SECURE, WEEK, ask_all, ask_all_at_once, cached, domain, failing, keep, kept,
    no_network, now,
};
use serve_world::{Client, Server, http, network, text};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// A server that has a policy in memory and in the store, and some in memory.
fn server_with_policies(lab: &Lab, dir: tempfile::TempDir) -> Server {
    let old = cached("old.example", "enforce", 3_600);
    keep(&dir.path().join("store"), &[old]);
    let mut server = Server::start_in(dir, lab, "", "");
    server.wait_for_log("store: read");
    ask_all(&server, 0..10);
    server.wait_for_metric("mtasts_store_up", 1.0);
    server
}

/// Asks for domains that are new and some that are not while the store takes nothing; gives how
/// many it has asked for.
fn ask_without_store(server: &mut Server) -> usize {
    let mut number = 10;
    while server.metric("mtasts_store_up") > 0.0 {
        ask_all(server, [number]); // a full disk has a little room yet
        number += 1;
    }
    ask_all(server, 0..number + 50);
    server.wait_for_log("store: cannot save");
    assert_eq!(server.ask("postfix old.example"), OLD);
    assert_eq!(server.metric("mtasts_store_up"), 0.0);
    assert!(server.metric("mtasts_store_waiting") >= 50.0);
    let (_, health) = server.get("/healthz");
    assert!(health.contains(r#""store":"down""#), "{health}");
    number + 50
}

/// The store is there again: what has waited is written, while others ask.
fn wait_until_saved(server: &mut Server, mut number: usize) {
    while server.metric("mtasts_store_waiting") > 0.0 || server.metric("mtasts_store_up") < 1.0 {
        ask_all(server, [number]);
        number += 1;
        assert!(number < 4_000, "never saved:\n{}", server.logged());
    }
    server.wait_for_log("store: up again");
    let logged = server.logged();
    assert_eq!(logged.matches("store: cannot save").count(), 1, "{logged}");
}

/// The next server has what this one has given out, whatever the network says.
fn check_next(server: Server, count: usize) {
    let lab = failing();
    let server = Server::start_in(server.end("KILL"), &lab, "", "");
    assert_eq!(server.ask("postfix old.example"), OLD);
    ask_all_at_once(&server, &(0..count).collect::<Vec<_>>());
}

/// Whether these tests may mount and change attributes of files.
fn is_root() -> bool {
    // SAFETY: it only reads a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    if !is_root {
        eprintln!("skipped: only root can make this store fail");
    }
    is_root
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

/// A file system of its own, small, which ends when it is dropped.
struct Mounted(tempfile::TempDir);

impl Mounted {
    /// With the store of a server in `dir`.
    fn for_store_in(dir: &Path) -> Self {
        let place = tempfile::tempdir().unwrap();
        let kind = ["-t", "tmpfs", "-o", "size=2m", "mtasts-test"];
        run("mount", &[&kind[..], &[text(place.path())]].concat());
        symlink(place.path(), dir.join("store")).unwrap();
        Self(place)
    }

    /// Leaves no room; gives the file that has taken it.
    fn fill(&self) -> PathBuf {
        let path = self.0.path().join("filler");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[1; 4_096]).is_ok() {}
        path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &["-l", text(self.0.path())]);
    }
}

#[test]
fn with_a_full_disk_it_goes_on_from_memory_and_saves_when_there_is_room() {
    if !is_root() {
        return;
    }
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let disk = Mounted::for_store_in(dir.path());
    let mut server = server_with_policies(&lab, dir);
    let filler = disk.fill();
    let count = ask_without_store(&mut server);
    fs::remove_file(filler).unwrap();
    wait_until_saved(&mut server, count);
    check_next(server, count);
}

#[test]
fn with_a_store_that_became_read_only_it_goes_on_from_memory() {
    if !is_root() {
        return;
    }
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server_with_policies(&lab, tempfile::tempdir().unwrap());
    let Some(immutable) = Immutable::make(server.path("store/data.mdb")) else {
        return eprintln!("skipped: this file system has no immutable files");
    };
    let count = ask_without_store(&mut server);
    drop(immutable);
    wait_until_saved(&mut server, count);
    check_next(server, count);
}

/// A file that not even root can write to, until this is dropped.
struct Immutable(PathBuf);

impl Immutable {
    fn make(file: PathBuf) -> Option<Self> {
        change(&file, "+i").then_some(Self(file))
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        change(&self.0, "-i");
    }
}

fn change(file: &Path, attribute: &str) -> bool {
    let status = Command::new("chattr").arg(attribute).arg(file).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn with_a_store_that_is_gone_it_goes_on_from_memory_and_saves_when_there_is_one_again() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server_with_policies(&lab, tempfile::tempdir().unwrap());
    fs::remove_dir_all(server.path("store")).unwrap();
    let count = ask_without_store(&mut server);
    fs::create_dir(server.path("store")).unwrap();
    wait_until_saved(&mut server, count);
    check_next(server, count);
}

#[test]
fn files_of_the_store_that_are_removed_or_replaced_are_no_store() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server_with_policies(&lab, tempfile::tempdir().unwrap());
    for name in ["data.mdb", "lock.mdb"] {
        fs::remove_file(server.path("store").join(name)).unwrap();
    }
    ask_all(&server, 0..50);
    server.wait_for_log("store: another one is there");
    server.wait_for_metric("mtasts_store_waiting", 0.0);
    assert_eq!(server.metric("mtasts_store_up"), 1.0);
    check_next(server, 50);
}

#[test]
fn a_corrupt_entry_is_neither_a_policy_nor_the_absence_of_one() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let good = ["a.example", "z.example"].map(|domain| cached(domain, "enforce", 3_600));
    keep(&folder, &good);
    for domain in ["d1.load.example", "nothing.example"] {
        let entry = Entry {
            domain,
            text: "no entry",
            fetched_at: now() - 60,
            useless_after: now() + WEEK,
        };
        Store::open(&folder).unwrap().save(&entry, now()).unwrap();
    }
    let mut server = Server::start_in(dir, &lab, "", "");
    server.wait_for_log("store: read");
    assert!(server.logged().contains("entry of nothing.example"));
    assert_eq!(server.metric("mtasts_domains"), 2.0);
    assert_eq!(server.metric("mtasts_store_up"), 1.0);
    for domain in ["a.example", "z.example"] {
        assert_eq!(server.ask(&format!("postfix {domain}")), OLD);
    }
    // A policy may have been there. Where the network has one, that is good.
    assert_eq!(server.ask("postfix nothing.example"), "TEMP ");
    assert_eq!(server.ask("postfix nothing.example"), "TEMP ");
    ask_all(&server, [1]);
    server.wait_for_metric("mtasts_store_waiting", 0.0);
    assert_eq!(server.metric("mtasts_store_up"), 1.0);
    let dir = server.end("TERM");
    let saved = kept(&folder, "d1.load.example").unwrap();
    assert!(saved.usable(mtasts::UnixTime(now())).is_some());
    drop(dir);
}

#[test]
fn r_flow_1_a_store_of_before_is_read_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<_> = (0..1_000)
        .map(|number| cached(&domain(number), "enforce", 3_600))
        .collect();
    keep(&dir.path().join("store"), &entries);
    let mut server = Server::start_on(dir, &no_network(), "", "");
    server.wait_for_log("store: read");
    assert_eq!(server.metric("mtasts_domains"), 1_000.0);
    // Out of memory, too: nothing is left of the store.
    fs::remove_dir_all(server.path("store")).unwrap();
    thread::scope(|scope| {
        for part in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut client = Client::connect(&server.socketmap);
                for number in part * 10..part * 10 + 10 {
                    let answer = client.ask(&format!("postfix {}", domain(number)));
                    assert_eq!(answer, OLD);
                }
            });
        }
    });
}

/// What had no room in memory is in the store alone, and that is gone.
#[test]
fn r_flow_1_a_policy_that_may_be_in_the_store_is_not_taken_for_none() {
    let lab = Lab::start(SCENE).unwrap();
    let few = "[cache]\nmax_policies = 20\n";
    let dir = Server::start(&lab, "", "").end("TERM");
    let server = Server::start_on(dir, &network(&lab), "", few);
    server.wait_for_metric("mtasts_store_up", 1.0);
    ask_all(&server, 0..40);
    server.wait_for_metric("mtasts_store_waiting", 0.0);
    fs::remove_dir_all(server.path("store")).unwrap();
    let answers: Vec<_> = (0..40)
        .map(|number| {
            lab.set(&domain(number), "record=servfail").unwrap();
            server.ask(&format!("postfix {}", domain(number)))
        })
        .collect();
    let is = |wanted: &str| answers.iter().filter(|answer| *answer == wanted).count();
    assert_eq!(is(SECURE) + is("TEMP "), 40, "{answers:?}");
    assert!(is(SECURE) >= 15 && is("TEMP ") >= 15, "{answers:?}");
}

/// What the operator cannot have purged stays, also what is not saved yet.
#[test]
fn a_purge_that_fails_loses_nothing() {
    if !is_root() {
        return;
    }
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let disk = Mounted::for_store_in(dir.path());
    let mut server = server_with_policies(&lab, dir);
    let filler = disk.fill();
    let count = ask_without_store(&mut server);
    for number in 0..count {
        let path = format!("/v1/purge?domain={}", domain(number));
        let (status, _) = http(text(&server.path("control")), "POST", &path);
        assert_eq!(status, 503);
    }
    fs::remove_file(filler).unwrap();
    wait_until_saved(&mut server, count);
    check_next(server, count);
}

/// Whatever was answered is in the store before.
#[test]
fn r_flow_1_a_server_that_is_killed_has_forgotten_no_policy_that_it_gave_out() {
    const ROUNDS: usize = 25;
    // With and without another look at the record each time.
    let labs =
        ["ttl = 0", "ttl = 60"].map(|ttl| Lab::start(SCENE.replacen("ttl = 0", ttl, 1)).unwrap());
    let nothing = failing();
    let next = AtomicUsize::new(0);
    let mut dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let server = Server::start_in(dir, &labs[round % 2], "", "");
        let until = rand::random_range(1..=200);
        let (dead, answered) = kill_under_load(server, &next, until);
        dir = dead;
        let server = Server::start_in(dir, &nothing, "", "");
        ask_all_at_once(&server, &answered);
        dir = server.end("KILL");
        assert!(answered.len() >= until, "round {round}");
        all.extend(answered);
    }
    let server = Server::start_in(dir, &nothing, "", "");
    ask_all_at_once(&server, &all);
}

/// Kills a server after so many answers to clients that ask for domains it does not know, and to
/// others that ask for those just after them. Gives its directory and what it has answered.
fn kill_under_load(
    server: Server,
    next: &AtomicUsize,
    until: usize,
) -> (tempfile::TempDir, Vec<usize>) {
    let (sender, answers) = channel();
    let address = server.socketmap.clone();
    let mut answered = Vec::new();
    let dir = thread::scope(|scope| {
        for number in 0..12 {
            let (sender, address) = (sender.clone(), &address);
            scope.spawn(move || match number {
                0..8 => ask_until_killed(address, &sender, || next.fetch_add(1, Relaxed)),
                _ => ask_until_killed(address, &sender, || {
                    next.load(Relaxed).saturating_sub(rand::random_range(1..24))
                }),
            });
        }
        drop(sender);
        answered.extend(answers.iter().take(until));
        let dir = server.end("KILL");
        answered.extend(answers.iter());
        dir
    });
    (dir, answered)
}

fn ask_until_killed(address: &str, answered: &Sender<usize>, next: impl Fn() -> usize) {
    let mut client = Client::connect(address);
    loop {
        let number = next() % 4_000;
        if !client.try_send(&format!("postfix {}", domain(number))) {
            return;
        }
        match client.reply() {
            None => return,
            Some(answer) => assert_eq!(answer, SECURE),
        }
        let _ = answered.send(number);
    }
}
