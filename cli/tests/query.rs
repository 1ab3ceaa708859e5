// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts query` against the lab's DNS and policy hosts: what a sender would do.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts_lab::Lab;
use serde_json::{Value, json};
use std::process::{Command, Output};

const SCENE: &str = r#"
[defaults]
ttl = 0

[[domain]]
name = "good.example"
id = "20260101"
policy = "enforce"
mx = ["mx1.good.example", "mx.evil.example"]
policy_mx = ["*.good.example"]

[[domain]]
name = "xn--mnchen-3ya.example"
id = "1"
policy = "testing"

[[domain]]
name = "plain.example"
mxdns = "gone"

[[domain]]
name = "nullmx.example"
mxdns = "null"
"#;

fn query(lab: &Lab, arguments: &[&str]) -> Output {
    let (dns, port) = (lab.dns().to_string(), lab.https_port().to_string());
    Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .args([
            "query",
            "--allow-non-global",
            "--nameserver",
            &dns,
            "--https-port",
            &port,
        ])
        .arg("--ca-file")
        .arg(lab.ca_file())
        .args(arguments)
        .output()
        .unwrap()
}

fn query_json(lab: &Lab, arguments: &[&str]) -> (Value, i32) {
    let output = query(lab, &[arguments, &["--json"]].concat());
    let text = String::from_utf8_lossy(&output.stderr);
    let found = serde_json::from_slice(&output.stdout);
    (
        found.unwrap_or_else(|_| panic!("no JSON: {text}")),
        output.status.code().unwrap(),
    )
}

#[test]
fn the_policy_and_its_meaning_for_each_mx_host() {
    let lab = Lab::start(SCENE).unwrap();
    let (found, status) = query_json(&lab, &["Good.Example."]);
    assert_eq!(status, 0);
    assert_eq!(found["domain"], "good.example");
    assert_eq!(found["basis"], "fresh");
    assert_eq!(found["policy"]["mode"], "enforce");
    assert_eq!(found["policy"]["id"], "20260101");
    assert_eq!(found["policy"]["mx"], json!(["*.good.example"]));
    let judged = |at: usize| {
        (
            found["mx"][at]["host"].clone(),
            found["mx"][at]["action"].clone(),
        )
    };
    assert_eq!(judged(0), (json!("mx1.good.example"), json!("deliver")));
    assert_eq!(judged(1), (json!("mx.evil.example"), json!("defer")));
    assert_eq!(found["mx"][1]["result"], "validation-failure");
}

#[test]
fn mx_hosts_may_be_given() {
    let lab = Lab::start(SCENE).unwrap();
    let (found, _) = query_json(
        &lab,
        &[
            "good.example",
            "--mx",
            "a.b.good.example",
            "--mx",
            "A.good.example",
        ],
    );
    assert_eq!(found["mx"][0]["action"], "defer");
    assert_eq!(found["mx"][1]["action"], "deliver");
    assert!(
        query(&lab, &["good.example"])
            .stdout
            .starts_with(b"good.example\n  policy  mode enforce")
    );
}

#[test]
fn r_dom_1_internationalised_names_are_converted() {
    let lab = Lab::start(SCENE).unwrap();
    let (found, status) = query_json(&lab, &["M\u{fc}nchen.example"]);
    assert_eq!(
        (found["policy"]["mode"].as_str(), status),
        (Some("testing"), 0)
    );
}

#[test]
fn a_domain_without_a_policy_or_mx_records() {
    let lab = Lab::start(SCENE).unwrap();
    let (found, status) = query_json(&lab, &["plain.example"]);
    assert_eq!(status, 0);
    assert_eq!(
        (&found["policy"], &found["reason"]),
        (&json!(null), &json!("no-record"))
    );
    assert_eq!(
        found["mx"],
        json!([{"host": "plain.example", "action": "deliver", "cause": null, "result": null}])
    );
    assert_eq!(query_json(&lab, &["nullmx.example"]).0["mx"], json!([]));
}

#[test]
fn r_flow_1_a_cached_policy_outlives_the_record_and_the_policy_host() {
    let lab = Lab::start(SCENE).unwrap();
    let store = tempfile::tempdir().unwrap();
    let folder = store.path().to_str().unwrap();
    let ask = || query_json(&lab, &["good.example", "--store", folder]).0;
    assert_eq!(ask()["basis"], "fresh");
    lab.set("good.example", "record=servfail https=wrong-name")
        .unwrap();
    let found = ask();
    assert_eq!(
        (found["basis"].as_str(), found["reason"].as_str()),
        (Some("cached"), Some("dns-temporary"))
    );
    lab.set("good.example", "record=ok id=2").unwrap();
    let found = ask();
    assert_eq!(
        (found["basis"].as_str(), found["reason"].as_str()),
        (Some("cached"), Some("webpki"))
    );
    assert_eq!(found["result"], "sts-webpki-invalid");
    assert_eq!(found["mx"][1]["action"], "defer");
}

#[test]
fn what_cannot_be_known_now_is_status_1_and_misuse_status_2() {
    let lab = Lab::start(SCENE).unwrap();
    lab.set("good.example", "record=servfail").unwrap();
    let (found, status) = query_json(&lab, &["good.example"]);
    assert_eq!(
        (found["reason"].as_str(), status),
        (Some("dns-temporary"), 1)
    );
    for wrong in ["[192.0.2.1]", "a_b.example", ""] {
        assert_eq!(query(&lab, &[wrong]).status.code(), Some(2), "{wrong}");
    }
    let output = query(&lab, &["good.example", "--store", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent"));
}

/// A folder with a local policy.
fn local_policies(file: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(file), text).unwrap();
    folder
}

const PINNED: &str = "version: STSv1\nmode: enforce\nmx: mx.evil.example\nmax_age: 60\n";

#[test]
fn r_apply_3_a_local_policy_is_shown_instead_of_the_domains() {
    let lab = Lab::start(SCENE).unwrap();
    let folder = local_policies("Good.Example.txt", PINNED);
    let local = ["--local-policies", folder.path().to_str().unwrap()];
    let (found, status) = query_json(&lab, &[&["good.example"], &local[..]].concat());
    assert_eq!((&found["basis"], status), (&json!("local"), 0));
    assert_eq!(
        (&found["reason"], &found["try_later"]),
        (&json!(null), &json!(false))
    );
    assert_eq!(
        found["policy"],
        json!({"id": null, "mode": "enforce", "max_age": 60, "mx": ["mx.evil.example"],
               "fetched_at": null, "expires_at": null})
    );
    let actions: Vec<_> = [0, 1].map(|at| found["mx"][at]["action"].clone()).into();
    assert_eq!(actions, ["defer", "deliver"]);
    assert_eq!(lab.count("dns", "type=TXT").unwrap(), 0);
    let text = query(&lab, &[&["good.example"], &local[..]].concat()).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.starts_with(
            "good.example\n  policy  mode enforce, max_age 60, mx mx.evil.example\n  \
             basis   local, whatever the domain publishes\n  mx      "
        ),
        "{text}"
    );
    let (other, _) = query_json(&lab, &[&["plain.example"], &local[..]].concat());
    assert_eq!(other["basis"], "no-policy");
}

#[test]
fn local_policies_that_are_not_legal_are_misuse_and_all_told() {
    let lab = Lab::start(SCENE).unwrap();
    let folder = local_policies("good.example.txt", &PINNED.replace("enforce", "strict"));
    std::fs::write(folder.path().join("a_b.example.txt"), PINNED).unwrap();
    let path = folder.path().to_str().unwrap();
    let output = query(&lab, &["good.example", "--local-policies", path]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert!(
        lines[0].starts_with(&format!("mtasts: local policies: {path}/a_b.example.txt: ")),
        "{told}"
    );
    assert!(
        lines[1].starts_with(&format!("{path}/good.example.txt:2:7: mode ")),
        "{told}"
    );
    let missing = query(&lab, &["good.example", "--local-policies", "/nonexistent"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nonexistent: "));
}
