// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `mtasts serve` logs, and where.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serde_json::Value;
use serve_world::{Client, Server, configure, http, netstring, wait_until};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "1"
policy = "enforce"
"#;

const GOOD: &str = "OK secure match=mx.good.example servername=hostname";

/// Has the policy of `good.example` fetched again, as `mtasts cache refresh` does.
fn refresh(server: &Server) {
    let control = server.path("control");
    let control = serve_world::text(&control);
    let (status, body) = http(control, "POST", "/v1/refresh?domain=good.example");
    assert_eq!(status, 200, "{body}");
}

#[test]
fn a_change_of_a_policy_is_one_line_with_both() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = Server::start(&lab, "", "");
    assert_eq!(server.ask("postfix good.example"), GOOD);
    refresh(&server);
    let new = "policy=testing policy_mx=*.other.example";
    lab.set("good.example", new).unwrap();
    refresh(&server);
    let line = server.wait_for_log("policy changed");
    assert!(line.contains(" INFO "), "{line}");
    for part in [
        "domain=good.example",
        "old=\"id 1, ",
        "enforce",
        "mx.good.example",
        "new=\"id 1, ",
        "testing",
        "*.other.example",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    refresh(&server);
    server.reload();
    assert_eq!(server.logged().matches("policy changed").count(), 1);
    assert_eq!(server.metric("mtasts_policy_changes_total"), 1.0);
}

#[test]
fn as_json_every_line_is_an_object() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (socketmap, address) = configure(dir.path(), &lab, "", "[log]\nformat = \"json\"");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
    command
        .arg("serve")
        .arg("--config")
        .arg(dir.path().join("mtasts.toml"));
    let mut server = Server::launch(dir, socketmap, address, command, "\"ready\"");
    server.ask("postfix good.example");
    lab.set("good.example", "policy=testing").unwrap();
    refresh(&server);
    let line: Value = serde_json::from_str(&server.wait_for_log("policy changed")).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["fields"]["message"], "policy changed");
    assert_eq!(line["fields"]["domain"], "good.example");
    server.reconfigure("[network]", "[network]\nnonsense = \"\n");
    server.signal("HUP");
    server.wait_for_log("not reloaded"); // a message of several lines
    server.signal("TERM");
    server.wait();
    for line in server.logged().lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        assert!(object["timestamp"].is_string(), "{line}");
    }
}

#[test]
fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (socketmap, address) = configure(dir.path(), &lab, "", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
    command
        .arg("serve")
        .arg("--config")
        .arg(dir.path().join("mtasts.toml"));
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let is_there = || std::os::unix::net::UnixStream::connect(&address).is_ok();
    wait_until("it listens", is_there);
    for _ in 0..2 {
        let mut client = Client::connect(&socketmap);
        client.send(&[&netstring("postfix good.example")[..], b"nonsense"].concat());
        assert_eq!(client.reply().as_deref(), Some(GOOD));
        assert_eq!(client.reply(), None);
        lab.set("good.example", "id=2").unwrap();
    }
    assert_eq!(http(&address, "GET", "/healthz").0, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn where_there_is_no_journal_the_log_is_text() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (_, address) = configure(dir.path(), &lab, "", "");
    let log = dir.path().join("log");
    let file = File::create(&log).unwrap();
    // As systemd sets it where standard error is the journal's.
    let found = file.metadata().unwrap();
    let stream = format!("{}:{}", found.dev(), found.ino());
    for (variable, is_text) in [("0:0", true), ("nonsense", true), (&stream, !has_journal())] {
        fs::write(&log, "").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
        command
            .arg("serve")
            .arg("--config")
            .arg(dir.path().join("mtasts.toml"));
        command.env("JOURNAL_STREAM", variable);
        let mut child = command.stderr(file.try_clone().unwrap()).spawn().unwrap();
        let is_there = || std::os::unix::net::UnixStream::connect(&address).is_ok();
        wait_until("it listens", is_there);
        if is_text {
            let is_ready = || fs::read_to_string(&log).unwrap().contains(" ready");
            wait_until("it is ready", is_ready);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn has_journal() -> bool {
    fs::exists("/run/systemd/journal/socket").unwrap()
}
