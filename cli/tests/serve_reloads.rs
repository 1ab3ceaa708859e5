// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `mtasts serve` takes up while it runs: local policies (R-APPLY-3) and, on SIGHUP, its
//! configuration.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{Client, Server};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
"#;

const GOOD: &str = "OK secure match=mx.good.example servername=hostname";
const FAILURES: &str = "mtasts_reload_failures_total";
const READ: &str = "local policies read";
const NOT_READ: &str = "local policies not read";

/// Writes a policy file beside the folder, and moves it in, as one change.
fn put(folder: &Path, domain: &str, mx: &str) {
    let policy = format!("version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 60\n");
    let new = folder.with_extension("new");
    fs::write(&new, policy).unwrap();
    fs::rename(new, folder.join(format!("{domain}.txt"))).unwrap();
}

fn pinned(mx: &str) -> String {
    format!("OK secure match={mx} servername=hostname")
}

/// A server with the folder `DIR/policies`.
fn server(lab: &Lab) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("policies");
    fs::create_dir(&folder).unwrap();
    put(&folder, "first.example", "mx.first.example");
    let top = format!("local_policies = \"{}\"", folder.display());
    Server::start_in(dir, lab, &top, "")
}

#[test]
fn r_apply_3_a_change_in_the_folder_is_taken_up() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    let folder = server.path("policies");
    assert_eq!(
        server.ask("postfix first.example"),
        pinned("mx.first.example")
    );
    assert_eq!(server.ask("postfix good.example"), GOOD);

    put(&folder, "good.example", "pinned.example");
    assert!(server.wait_for_log(READ).contains("policies=2"));
    assert_eq!(server.ask("postfix good.example"), pinned("pinned.example"));

    put(&folder, "good.example", "other.example");
    server.wait_for_log(READ);
    assert_eq!(server.ask("postfix good.example"), pinned("other.example"));

    fs::remove_file(folder.join("good.example.txt")).unwrap();
    assert!(server.wait_for_log(READ).contains("policies=1"));
    assert_eq!(server.ask("postfix good.example"), GOOD);
    assert_eq!(server.metric("mtasts_local_policies"), 1.0);
    assert_eq!(server.metric(FAILURES), 0.0);
}

#[test]
fn r_apply_3_a_bad_file_leaves_all_policies_as_they_were() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    let folder = server.path("policies");
    put(&folder, "good.example", "pinned.example");
    server.wait_for_log(READ);
    let bad = folder.join("bad.example.txt");
    fs::write(&bad, "version: STSv1\nmode: enforced\nmax_age: 60\n").unwrap();
    let line = server.wait_for_log(NOT_READ);
    assert!(line.contains("ERROR"), "{line}");
    assert!(line.contains(&format!("{}:2:7: ", bad.display())), "{line}");
    assert!(server.metric(FAILURES) >= 1.0);
    assert_eq!(server.ask("postfix good.example"), pinned("pinned.example"));
    assert_eq!(
        server.ask("postfix first.example"),
        pinned("mx.first.example")
    );
    assert_eq!(server.ask("postfix bad.example"), "NOTFOUND ");
    fs::remove_file(bad).unwrap();
    server.wait_for_log(READ); // said because it was bad, though the policies are the same
}

#[test]
fn r_apply_3_another_folder_in_its_place_is_taken_up() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    let folder = server.path("policies");
    let new = server.path("prepared");
    fs::create_dir(&new).unwrap();
    put(&new, "good.example", "pinned.example");
    fs::rename(&folder, server.path("old")).unwrap();
    fs::rename(&new, &folder).unwrap();
    server.wait_for_log("policies=1");
    while server.ask("postfix good.example") != pinned("pinned.example") {
        server.wait_for_log(READ);
    }
    assert_eq!(server.ask("postfix first.example"), "NOTFOUND ");
    put(&folder, "good.example", "other.example");
    while server.ask("postfix good.example") != pinned("other.example") {
        server.wait_for_log(READ);
    }
}

#[test]
fn r_apply_3_a_folder_that_goes_leaves_its_policies_until_it_is_back() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    let folder = server.path("policies");
    fs::rename(&folder, server.path("away")).unwrap();
    server.wait_for_log("cannot watch the local policies");
    assert!(
        server
            .wait_for_log(NOT_READ)
            .contains("policies: No such file")
    );
    assert_eq!(
        server.ask("postfix first.example"),
        pinned("mx.first.example")
    );
    let prepared = server.path("prepared");
    fs::create_dir(&prepared).unwrap();
    put(&prepared, "good.example", "pinned.example");
    fs::rename(prepared, &folder).unwrap();
    assert!(server.wait_for_log(READ).contains("policies=1"));
    assert_eq!(server.ask("postfix good.example"), pinned("pinned.example"));
    let warnings = server.logged().matches("cannot watch").count();
    assert_eq!(warnings, 1);
}

#[test]
fn r_apply_3_a_symbolic_link_may_lead_elsewhere_later() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for version in ["one", "two"] {
        let folder = dir.path().join(version);
        fs::create_dir(&folder).unwrap();
        put(&folder, "good.example", &format!("{version}.example"));
    }
    let link = dir.path().join("policies");
    symlink("one", &link).unwrap();
    let top = format!("local_policies = \"{}\"", link.display());
    let mut server = Server::start_in(dir, &lab, &top, "");
    assert_eq!(server.ask("postfix good.example"), pinned("one.example"));
    symlink("two", server.path("next")).unwrap();
    fs::rename(server.path("next"), &link).unwrap();
    server.wait_for_log(READ);
    assert_eq!(server.ask("postfix good.example"), pinned("two.example"));
    put(&server.path("two"), "good.example", "three.example");
    server.wait_for_log(READ);
    assert_eq!(server.ask("postfix good.example"), pinned("three.example"));
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    let mut client = Client::connect(&server.socketmap);
    assert_eq!(client.ask("postfix good.example"), GOOD);
    for (count, (good, bad, place)) in [
        ("[network]", "[netwrok]", "line 4, column 2"),
        ("ca_file = \"", "ca_file = \"/no/such", "/no/such"),
        ("/policies\"", "/policise\"", "policise"),
    ]
    .into_iter()
    .enumerate()
    {
        server.reconfigure(good, bad);
        server.signal("HUP");
        let line = server.wait_for_log("not reloaded");
        assert!(line.contains("ERROR") && line.contains(place), "{line}");
        assert_eq!(server.metric(FAILURES), (count + 1) as f64);
        assert_eq!(
            client.ask("postfix first.example"),
            pinned("mx.first.example")
        );
        server.reconfigure(bad, good);
    }
    fs::rename(server.path("mtasts.toml"), server.path("away")).unwrap();
    server.signal("HUP");
    server.wait_for_log("not reloaded");
    fs::rename(server.path("away"), server.path("mtasts.toml")).unwrap();
    server.reload();
    assert_eq!(client.ask("postfix good.example"), GOOD);
}

#[test]
fn what_changes_only_at_a_start_is_told_and_left() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    assert_eq!(server.ask("postfix good.example"), GOOD);
    server.reconfigure("[network]", "[network]\ndane = true");
    for _ in 0..2 {
        server.signal("HUP");
        let told = server.wait_for_log("takes a restart"); // each time, as it is still so
        assert!(told.contains("network.dane"), "{told}");
        server.wait_for_log("reloaded");
        assert_eq!(server.ask("postfix good.example"), GOOD);
    }
    assert!(server.policy("good.example")["dane"].is_null());
    assert_eq!(lab.count("dns", "type=MX").unwrap(), 0);
}

/// Enforcement is introduced without a restart.
#[test]
fn r_apply_4_sighup_takes_another_share_of_domains() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    assert_eq!(server.ask("postfix good.example"), GOOD);
    server.reconfigure("[network]", "enforce_percent = 0\n[network]");
    server.signal("HUP");
    server.wait_for_log("the others are not protected");
    server.wait_for_log("changed=\"enforce_percent\"");
    assert_eq!(server.ask("postfix good.example"), "NOTFOUND ");
    server.reconfigure("enforce_percent = 0", "enforce_percent = 100");
    server.reload();
    assert_eq!(server.ask("postfix good.example"), GOOD);
}

#[test]
fn sighup_takes_another_folder_another_level_and_other_name_servers() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = server(&lab);
    let other = server.path("other");
    fs::create_dir(&other).unwrap();
    for at in 0..3 {
        put(&other, &format!("d{at}.example"), "pinned.example");
    }
    let be_nonsensical = |server: &Server| {
        let mut client = Client::connect(&server.socketmap);
        client.send(b"nonsense");
        assert_eq!(client.reply(), None);
    };
    server.reconfigure("/policies\"", "/other\"");
    server.reconfigure("[network]", "[log]\nlevel = \"error\"\n[network]");
    let nameserver = format!("\"{}\"", lab.dns());
    server.reconfigure(&nameserver, "\"127.0.0.1:1\"");
    server.signal("HUP");
    server.wait_for_metric("mtasts_local_policies", 3.0);
    be_nonsensical(&server);
    assert_eq!(server.ask("postfix d1.example"), pinned("pinned.example"));
    assert_eq!(server.ask("postfix good.example"), "NOTFOUND "); // nobody is there to ask
    put(&other, "d3.example", "pinned.example");
    server.wait_for_metric("mtasts_local_policies", 4.0);
    fs::write(other.join("bad.example.txt"), "mode: bad\n").unwrap();
    server.wait_for_log(NOT_READ);
    assert_eq!(server.logged().matches("connection closed").count(), 0);
    fs::remove_file(other.join("bad.example.txt")).unwrap();
    server.reconfigure("\"127.0.0.1:1\"", &nameserver);
    server.reconfigure("level = \"error\"", "level = \"debug\"");
    server.reload();
    be_nonsensical(&server);
    server.wait_for_log("connection closed");
    assert_eq!(server.ask("postfix good.example"), GOOD);
    // The old folder means nothing any more.
    server.reconfigure(&format!("local_policies = \"{}\"\n", other.display()), "");
    server.reload();
    assert_eq!(server.metric("mtasts_local_policies"), 0.0);
}
