// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache` where no server runs or answers: it works on the store, or says why not.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts::{Attempt, Policy, Reason, Stored, StoredPolicy, UnixTime};
use mtasts_host::store::{Entry, Store};
use mtasts_lab::Lab;
use serve_world::{mtasts, network, text};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "2"
policy = "enforce"
mx = ["mx.good.example"]

[[domain]]
name = "plain.example"
"#;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// An entry with a policy that was fetched so many seconds ago and counts for a day.
fn entry(domain: &str, age: u64) -> Stored {
    let policy = "version: STSv1\nmode: testing\nmx: mx.example\nmax_age: 86400\n";
    let mut stored = Stored::unknown(domain.parse().unwrap());
    stored.policy = Some(Arc::new(StoredPolicy {
        policy: Policy::parse(policy.as_bytes()).unwrap(),
        id: "1".parse().unwrap(),
        fetched_at: UnixTime(now() - age),
    }));
    stored
}

/// An entry of a domain whose policy could not be fetched so many seconds ago.
fn failed(domain: &str, age: u64) -> Stored {
    let mut stored = Stored::unknown(domain.parse().unwrap());
    let attempt = Attempt {
        at: UnixTime(now() - age),
        id: "1".parse().unwrap(),
        failed: Some(Reason::Timeout),
    };
    stored.attempts = vec![attempt].into();
    stored
}

fn store(folder: &Path, entries: &[Stored]) {
    let store = Store::open(folder).unwrap();
    for stored in entries {
        let saved = store.save(&Entry::new(stored, &stored.to_text()), 1);
        assert!(saved.unwrap());
    }
}

/// `mtasts cache` on a store alone.
fn cache(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    mtasts(&[&["cache"], arguments, &["--store", text(folder)]].concat())
}

/// The first column of `list --all`.
fn known(folder: &Path) -> Vec<String> {
    let (_, out, _) = cache(folder, &["list", "--all"]);
    let first = |line: &str| line.split('\t').next().unwrap().to_owned();
    out.lines().map(first).collect()
}

/// The options of `refresh` that make it ask the lab.
fn lab_options(lab: &Lab) -> Vec<String> {
    let (dns, port) = (lab.dns().to_string(), lab.https_port().to_string());
    let ca = lab.ca_file().display().to_string();
    let options = [
        "--allow-non-global",
        "--nameserver",
        &dns,
        "--https-port",
        &port,
        "--ca-file",
        &ca,
    ];
    options.map(str::to_owned).into()
}

/// A folder with a configuration: `top` and a listener.
fn configured(lab: &Lab, top: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("store")).unwrap();
    let path = dir.path().display();
    let listen = "[[listen]]\ntype = \"http\"\naddress = \"127.0.0.1:1\"\n";
    let config = format!(
        "{}\n{}{listen}",
        top.replace("DIR", &path.to_string()),
        network(lab)
    );
    std::fs::write(dir.path().join("mtasts.toml"), config).unwrap();
    dir
}

const BOTH: &str = "store = \"DIR/store\"\ncontrol = \"DIR/control\"";

fn with_config(dir: &tempfile::TempDir, arguments: &[&str]) -> (i32, String, String) {
    let config = dir.path().join("mtasts.toml");
    mtasts(&[&["cache"], arguments, &["--config", text(&config)]].concat())
}

#[test]
fn list_tells_expired_policies_and_back_off() {
    let dir = tempfile::tempdir().unwrap();
    let entries = [
        entry("b.example", 90_000),
        entry("a.example", 7_390),
        failed("c.example", 10),
    ];
    store(dir.path(), &entries);
    let (status, out, _) = cache(dir.path(), &["list", "--all"]);
    assert_eq!(status, 0);
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "a.example\ttesting\t1\t2h 3m ago\tin 21h 56m\t-");
    assert_eq!(lines[1], "b.example\ttesting\t1\t1d 1h ago\texpired\t-");
    assert!(
        lines[2].starts_with("c.example\t-\t-\t-\t-\ttimeout, again in 4m "),
        "{out}"
    );
    let (_, out, _) = cache(dir.path(), &["show", "b.example"]);
    assert!(out.contains("\n  expired   20"), "{out}");
}

#[test]
fn purge_expired_leaves_what_still_says_something() {
    let dir = tempfile::tempdir().unwrap();
    store(
        dir.path(),
        &[
            entry("applies.example", 86_000),
            entry("expired.example", 86_402),
            failed("waits.example", 10),
            failed("waited.example", 302),
        ],
    );
    let (status, out, _) = cache(dir.path(), &["purge", "--expired"]);
    assert_eq!(status, 0);
    assert!(out.ends_with("2 domains purged; they are not protected until their next look-up\n"));
    assert_eq!(known(dir.path()), ["applies.example", "waits.example"]);
}

#[test]
fn purge_without_a_server_is_of_the_store() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = configured(&lab, BOTH);
    let folder = dir.path().join("store");
    store(
        &folder,
        &[
            entry("a.example", 1),
            entry("b.example", 1),
            entry("c.example", 1),
        ],
    );
    let (status, out, err) = with_config(&dir, &["purge", "A.example", "d.example"]);
    assert_eq!(status, 0);
    assert!(
        err.contains("no server listens at ") && err.contains("store alone"),
        "{err}"
    );
    assert!(out.contains("a.example: purged\n") && out.contains("d.example: nothing was known\n"));
    assert_eq!(known(&folder), ["b.example", "c.example"]);
    drop(UnixListener::bind(dir.path().join("control")).unwrap()); // a socket left behind
    let (status, out, _) = with_config(&dir, &["purge", "--all", "--yes"]);
    assert_eq!(status, 0);
    assert!(out.ends_with("2 domains purged; they are not protected until their next look-up\n"));
    assert_eq!(known(&folder), [""; 0]);
}

#[test]
fn a_server_that_does_not_answer_is_no_missing_server() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = configured(&lab, BOTH);
    let folder = dir.path().join("store");
    store(&folder, &[entry("a.example", 1)]);
    let silent = UnixListener::bind(dir.path().join("control")).unwrap();
    let refused = |subcommands: &[&str], reason: &str| {
        for subcommand in subcommands {
            let (status, _, err) = with_config(&dir, &[subcommand, "a.example"]);
            assert_eq!(status, 1, "{err}");
            assert!(
                err.contains(reason) && err.contains("give --store PLACE"),
                "{err}"
            );
        }
    };
    refused(&["purge"], "no answer");
    std::thread::spawn(move || silent.incoming().for_each(drop)); // closes at once
    refused(&["purge", "refresh"], "does not answer as it should");
    assert_eq!(known(&folder), ["a.example"]);
    let (status, _, _) = cache(&folder, &["purge", "a.example"]);
    assert_eq!((status, known(&folder).len()), (0, 0));
}

#[test]
fn refresh_without_a_server_fetches_and_saves() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = configured(&lab, BOTH);
    let folder = dir.path().join("store");
    store(
        &folder,
        &[entry("good.example", 400), entry("plain.example", 90_000)],
    );
    let (status, out, _) = with_config(&dir, &["refresh", "--all"]);
    assert_eq!(status, 0, "{out}");
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_unstable();
    let changed = "good.example: changed: id 1, mode testing, max_age 86400, mx mx.example → id ";
    assert!(lines[0].starts_with(changed), "{out}");
    assert_eq!(
        lines[1],
        "plain.example: no policy: there is no MTA-STS record"
    );
    let (_, out, _) = with_config(&dir, &["show", "good.example"]);
    assert!(out.contains("mode enforce"), "{out}");

    lab.set("good.example", "https=expired").unwrap();
    let options = lab_options(&lab);
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let refresh = || {
        cache(
            &folder,
            &[&["refresh", "good.example"], &options[..]].concat(),
        )
    };
    let (status, out, _) = refresh();
    assert_eq!(status, 1);
    assert!(
        out.starts_with("good.example: failed: ") && out.contains("; still: id "),
        "{out}"
    );
    let asked = lab.count("https", "").unwrap();
    assert_eq!(refresh().0, 1);
    assert_eq!(
        lab.count("https", "").unwrap(),
        asked,
        "r_get_5: the back-off is on"
    );
    let (_, out, _) = cache(&folder, &["list"]);
    assert!(out.contains("\twebpki, again in "), "{out}");
}

#[test]
fn refresh_mends_a_corrupt_entry() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = configured(&lab, BOTH);
    let folder = dir.path().join("store");
    let garbage = Entry {
        domain: "good.example",
        text: "?",
        fetched_at: 0,
        useless_after: 9,
    };
    Store::open(&folder).unwrap().save(&garbage, 1).unwrap();
    assert_eq!(with_config(&dir, &["list"]).0, 1);
    let (status, out, _) = with_config(&dir, &["refresh", "good.example"]);
    assert_eq!(status, 0, "{out}");
    let (status, out, _) = with_config(&dir, &["list"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("good.example\tenforce\t"));
}

#[test]
fn errors_say_what_to_do() {
    let lab = Lab::start(SCENE).unwrap();
    let no_control = configured(&lab, "store = \"DIR/store\"");
    let no_store = configured(&lab, "control = \"DIR/control\"");
    let neither = configured(&lab, "");
    let no_folder = configured(&lab, "store = \"/nonexistent\"\ncontrol = \"DIR/control\"");
    for (dir, arguments, status, words) in [
        (
            &no_control,
            &["purge", "a.example"][..],
            2,
            "has no `control`",
        ),
        (
            &no_control,
            &["refresh", "a.example"],
            2,
            "give --store PLACE",
        ),
        (&no_control, &["list", "--memory"], 2, "has no `control`"),
        (&no_store, &["list"], 1, "no server listens there; start it"),
        (&no_store, &["purge", "a.example"], 1, "has no `store`"),
        (&neither, &["list"], 2, "has no `control`"),
        (&no_folder, &["list"], 2, "/nonexistent"),
        (
            &no_control,
            &["refresh", "a.example", "--nameserver", "192.0.2.1"],
            2,
            "go with --store",
        ),
        (&no_control, &["purge", "a_b.example"], 2, "a_b.example"),
        (&no_control, &["purge"], 2, "--all"),
        (
            &no_control,
            &["purge", "a.example", "--all"],
            2,
            "cannot be used with",
        ),
    ] {
        let (found, _, err) = with_config(dir, arguments);
        assert_eq!(found, status, "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
    let (status, _, err) = mtasts(&["cache", "list", "--config", "/nonexistent"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("/nonexistent: ") && err.contains("--store PLACE"),
        "{err}"
    );
}

#[test]
fn two_thousand_entries_are_listed_quickly() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<_> = (0..2_000)
        .map(|n| entry(&format!("d{n:04}.example"), 1))
        .collect();
    store(dir.path(), &entries);
    let begun = Instant::now();
    let (status, out, _) = cache(dir.path(), &["list"]);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(status, 0);
    let listed: Vec<_> = out.lines().map(|line| &line[..5]).collect();
    let expected: Vec<_> = (0..2_000).map(|n| format!("d{n:04}")).collect();
    assert_eq!(listed, expected);
}
