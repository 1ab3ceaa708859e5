// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts publish` against the lab: a domain's whole life, with a sender at every moment of it.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts_lab::{Lab, quote};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const DOMAIN: &str = "life.example";

const SCENE: &str = r#"
[defaults]
ttl = 0

[[domain]]
name = "life.example"
mx = ["mx1.life.example"]
"#;

fn mtasts(lab: &Lab, subcommand: &str, arguments: &[&str]) -> Output {
    let (dns, port) = (lab.dns().to_string(), lab.https_port().to_string());
    Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .args([subcommand, DOMAIN, "--allow-non-global"])
        .args(["--nameserver", &dns, "--https-port", &port])
        .arg("--ca-file")
        .arg(lab.ca_file())
        .args(arguments)
        .output()
        .unwrap()
}

fn json_of(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn publish(lab: &Lab, arguments: &[&str]) -> Value {
    json_of(&mtasts(lab, "publish", &[arguments, &["--json"]].concat()))
}

/// The kinds of the steps to do now.
fn now(stage: &Value) -> Vec<&str> {
    let steps = stage["steps"].as_array().unwrap().iter();
    let now = steps.filter(|step| step["now"] == true);
    now.map(|step| step["kind"].as_str().unwrap()).collect()
}

/// A sender that remembers delivers to every MX host; gives the mode that it goes by.
fn delivers(lab: &Lab, store: &Path) -> Value {
    let arguments = ["--json", "--store", store.to_str().unwrap()];
    let seen = json_of(&mtasts(lab, "query", &arguments));
    let hosts = seen["mx"].as_array().unwrap();
    assert!(!hosts.is_empty());
    assert!(
        hosts.iter().all(|host| host["action"] == "deliver"),
        "{seen}"
    );
    seen["policy"]["mode"].clone()
}

/// Publishes what a stage says, in its order. After each step a sender comes by who remembers what
/// it saw before, and at last one whose first visit it is; gives the mode that this one goes by.
fn publish_stage(lab: &Lab, store: &Path, stage: &Value) -> Value {
    let policy = stage["policy"].as_str().unwrap();
    assert!(!policy.replace("\r\n", "").contains(['\r', '\n']));
    is_flawless(policy);
    lab.set(DOMAIN, &format!("policy_text={}", quote(policy)))
        .unwrap();
    delivers(lab, store);
    let id = stage["id"].as_str().unwrap();
    assert_eq!(stage["record"], format!("v=STSv1; id={id};"));
    lab.set(DOMAIN, &format!("id={id}")).unwrap();
    delivers(lab, store);
    delivers(lab, tempfile::tempdir().unwrap().path())
}

fn is_flawless(policy: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), policy).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .args(["lint", "--json"])
        .arg(file.path())
        .output()
        .unwrap();
    let found = json_of(&output);
    assert_eq!(
        (&found["valid"], &found["warnings"]),
        (&json!(true), &json!([]))
    );
}

/// R-PUB-1
#[test]
fn mail_arrives_at_every_moment_of_a_domains_life() {
    let lab = Lab::start(SCENE).unwrap();
    let store = tempfile::tempdir().unwrap();
    let store = store.path();

    let stage = publish(&lab, &["--rua", "tls@life.example", "--server", "nginx"]);
    let whole = ["mx-tls", "tlsrpt", "policy-host", "policy", "record"];
    assert_eq!(now(&stage), whole);
    assert!(stage["zone"].as_str().unwrap().contains("v=TLSRPTv1"));
    assert_eq!(publish_stage(&lab, store, &stage), "testing");

    let stage = publish(&lab, &["--mode", "enforce"]); // not before the reports are read
    assert_eq!(
        (now(&stage), &stage["policy"]),
        (vec!["reports"], &Value::Null)
    );
    let stage = publish(&lab, &["--waited"]);
    assert_eq!(publish_stage(&lab, store, &stage), "enforce");
    assert_eq!(now(&publish(&lab, &[])), [""; 0]);
    let more = publish(&lab, &["--server", "nginx", "--rua", "other@life.example"]);
    assert!(
        more["zone"]
            .as_str()
            .unwrap()
            .contains("other@life.example")
    );
    let server = more["server"]["text"].as_str().unwrap();
    assert!(server.contains("mode: enforce"), "{server}");

    let stage = publish(&lab, &["--mx", "mx2.life.example"]);
    assert!(stage["policy"].as_str().unwrap().contains("mx1."));
    publish_stage(&lab, store, &stage);
    let stage = publish(&lab, &["--mx", "mx2.life.example", "--waited"]); // DNS still names mx1
    assert_eq!(now(&stage), ["mx-records"]);
    lab.set(DOMAIN, "mx=mx2.life.example").unwrap();
    delivers(&lab, store);
    let stage = publish(&lab, &["--mx", "mx2.life.example"]);
    assert!(!stage["policy"].as_str().unwrap().contains("mx1."));
    publish_stage(&lab, store, &stage);

    let stage = publish(&lab, &["--remove"]);
    assert_eq!(publish_stage(&lab, store, &stage), "none");
    assert_eq!(now(&publish(&lab, &["--remove"])), ["keep"]);
    assert_eq!(now(&publish(&lab, &["--remove", "--waited"])), ["retire"]);
}

#[test]
fn an_mx_host_in_dns_that_the_policy_leaves_out_is_told() {
    let lab = Lab::start(SCENE).unwrap();
    let stage = publish(&lab, &["--mx", "other.example"]);
    assert!(
        stage["notes"]
            .to_string()
            .contains("names the MX host mx1.life.example")
    );
}

#[test]
fn a_tlsrpt_record_that_senders_cannot_use_is_told_of() {
    let lab = Lab::start(SCENE).unwrap();
    lab.set(DOMAIN, "tlsrpt=nonsense").unwrap();
    let notes = publish(&lab, &["--rua", "mailto:r@life.example"])["notes"].to_string();
    assert!(
        notes.contains("at _smtp._tls senders cannot use"),
        "{notes}"
    );
}

#[test]
fn a_tlsrpt_record_that_cannot_be_looked_up_is_not_taken_for_none() {
    let scene =
        format!("{SCENE}\n[[domain]]\nname = \"_smtp._tls.{DOMAIN}\"\ndns = \"servfail\"\n");
    let lab = Lab::start(scene.as_str()).unwrap();
    let notes = publish(&lab, &["--rua", "mailto:r@life.example"])["notes"].to_string();
    assert!(
        notes.contains("TLSRPT record cannot be looked up for now"),
        "{notes}"
    );
}

/// R-PUB-1: nobody vouches for the DNS, so that a host which it names gets into no policy that is there.
#[test]
fn a_host_that_the_dns_names_is_told_of_and_not_taken_into_the_policy() {
    let lab = Lab::start(SCENE).unwrap();
    lab.set(DOMAIN, "mx=mx1.life.example,thief.example")
        .unwrap();
    let present = tempfile::NamedTempFile::new().unwrap();
    let text = "version: STSv1\r\nmode: enforce\r\nmx: mx1.life.example\r\nmax_age: 604800\r\n";
    fs::write(present.path(), text).unwrap();
    let from = ["--from", present.path().to_str().unwrap(), "--id", "1"];
    let stage = publish(&lab, &[&from[..], &["--max-age", "4w"]].concat());
    assert!(!stage["policy"].to_string().contains("thief"), "{stage}");
    assert!(stage["notes"].to_string().contains("thief.example"));
}

/// R-PUB-1: whoever keeps us from the policy host is not to have the policy weakened.
#[test]
fn a_policy_that_cannot_be_fetched_is_not_begun_anew() {
    for fault in ["https=refused", "https=expired", "status=503"] {
        let lab = Lab::start(SCENE).unwrap();
        lab.set(DOMAIN, "id=1").unwrap();
        lab.set(DOMAIN, "policy=enforce").unwrap();
        lab.set(DOMAIN, fault).unwrap();
        let output = mtasts(&lab, "publish", &["--yes"]);
        assert_eq!(output.status.code(), Some(1), "{fault}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("--from"),
            "{fault}"
        );
    }
}

#[test]
fn files_are_written_whole_and_never_over_others() {
    let lab = Lab::start(SCENE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let server = ["--server", "caddy", "--out", out];
    fs::write(folder.path().join("Caddyfile"), "mine").unwrap();
    let output = mtasts(&lab, "publish", &server);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1); // not even half of it

    let output = mtasts(&lab, "publish", &[&server[..], &["--force"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let policy = fs::read_to_string(folder.path().join("mta-sts.txt")).unwrap();
    assert!(policy.starts_with("version: STSv1\r\nmode: testing\r\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn what_cannot_be_published_is_refused_with_the_argument() {
    let lab = Lab::start(SCENE).unwrap();
    let output = mtasts(&lab, "publish", &["--mx", "192.0.2.1"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("--mx 192.0.2.1: an IP address"), "{text}");
    let output = mtasts(&lab, "publish", &["--remove"]);
    assert_eq!(output.status.code(), Some(2));
    lab.set(DOMAIN, "dns=servfail").unwrap();
    assert_eq!(mtasts(&lab, "publish", &[]).status.code(), Some(1));
}
