// SPDX-License-Identifier: MIT OR Apache-2.0

//! Stores as earlier servers have left them, and many domains to ask for.

#![allow(dead_code)] // each test file uses some of it

use super::serve_world::{Client, Server, free_port};
use mtasts::{Policy, RecordCheck, Stored, StoredPolicy, UnixTime};
use mtasts_host::store::{Entry, Store};
use mtasts_lab::Lab;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

/// The `max_age` of the policies here, in seconds.
pub const WEEK: u64 = 604_800;

/// The host in the policies here.
pub const OLD_MX: &str = "mx.old.example";

/// What a server answers where such a policy is enforced.
pub const OLD: &str = "OK secure match=mx.old.example servername=hostname";

/// The part of a configuration that has a server ask nobody.
pub fn no_network() -> String {
    let port = free_port();
    format!("[network]\nnameservers = [\"127.0.0.1:{port}\"]\ndns_timeout = \"300ms\"\n")
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// A policy with the `id` `old` that was fetched so many seconds ago. The TTL of its record is
/// over.
pub fn cached(domain: &str, mode: &str, age: u64) -> Stored {
    let fetched_at = UnixTime(now() - age);
    let text = format!("version: STSv1\nmode: {mode}\nmx: {OLD_MX}\nmax_age: {WEEK}\n");
    let policy = StoredPolicy {
        policy: Policy::parse(text.as_bytes()).unwrap(),
        id: "old".parse().unwrap(),
        fetched_at,
    };
    let mut stored = Stored::unknown(domain.parse().unwrap());
    stored.record = Some(RecordCheck {
        id: Some(policy.id.clone()),
        until: fetched_at,
    });
    stored.policy = Some(Arc::new(policy));
    stored
}

/// Writes entries into the store in this folder, which is made.
pub fn keep(folder: &Path, entries: &[Stored]) {
    std::fs::create_dir_all(folder).unwrap();
    let store = Store::open(folder).unwrap();
    for stored in entries {
        let text = stored.to_text();
        assert!(store.save(&Entry::new(stored, &text), now()).unwrap());
    }
}

/// What the store in this folder has of a domain, while no server of this process has it open.
pub fn kept(folder: &Path, domain: &str) -> Option<Stored> {
    let text = Store::open(folder).unwrap().load(domain).unwrap()?;
    Some(text.parse().unwrap())
}

/// Domains `d0.load.example` and so on, whose records are looked at each time.
pub const SCENE: &str = r#"
[defaults]
ttl = 0
negative_ttl = 0

[[bulk]]
count = 4000
pattern = "d{}.load.example"
id = "1"
policy = "enforce"

[[domain]]
name = "old.example"
id = "old"
policy = "enforce"
"#;

/// The answer for each of them.
pub const SECURE: &str = "OK secure match=mx.load.example servername=hostname";

pub fn domain(number: usize) -> String {
    format!("d{number}.load.example")
}

pub fn ask_all(server: &Server, numbers: impl IntoIterator<Item = usize>) {
    let mut client = Client::connect(&server.socketmap);
    for number in numbers {
        let answer = client.ask(&format!("postfix {}", domain(number)));
        assert_eq!(answer, SECURE, "{}", domain(number));
    }
}

/// Eight clients share the domains.
pub fn ask_all_at_once(server: &Server, numbers: &[usize]) {
    thread::scope(|scope| {
        for part in numbers.chunks(numbers.len() / 8 + 1) {
            scope.spawn(|| ask_all(server, part.iter().copied()));
        }
    });
}

/// A lab with the same domains, where nothing works.
pub fn failing() -> Lab {
    let scene = SCENE.replace("[[bulk]]", "dns = \"servfail\"\n[[bulk]]");
    Lab::start(scene).unwrap()
}
