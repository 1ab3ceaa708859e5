// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts lint` as a domain owner uses it: what is printed, and the exit status.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn lint(arguments: &[&str], policy: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .arg("lint")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(policy);
    child.wait_with_output().unwrap()
}

fn lint_json(policy: &[u8]) -> (Value, i32) {
    let output = lint(&["--json", "-"], policy);
    (
        serde_json::from_slice(&output.stdout).unwrap(),
        output.status.code().unwrap(),
    )
}

/// R-POL-5
#[test]
fn a_valid_policy_is_described_with_its_warnings() {
    let policy =
        b"version: STSv1\nmode: enforce\nmx: a_b.example\nmx: *.C.example.\n\nmax_age: 99999999\n";
    let (found, status) = lint_json(policy);
    assert_eq!(status, 0);
    let places: Vec<_> = found["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (&warning["line"], &warning["column"]))
        .collect();
    assert_eq!(
        places,
        [
            (&json!(3), &json!(5)),
            (&json!(4), &json!(5)),
            (&json!(5), &json!(1)),
            (&json!(6), &json!(10))
        ]
    );
    assert_eq!(found["valid"], true);
    assert_eq!(found["mode"], "enforce");
    assert_eq!(found["mx"], json!(["*.c.example"]));
    assert_eq!(found["max_age"], 31_557_600);
}

#[test]
fn an_invalid_policy_gets_a_place_and_status_1() {
    let (found, status) = lint_json(b"version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n");
    assert_eq!(status, 1);
    assert_eq!(
        (&found["valid"], &found["line"], &found["column"]),
        (&json!(false), &json!(2), &json!(7))
    );
    assert!(found["error"].as_str().unwrap().contains("mode"));
    let output = lint(&["-"], b"\xff");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("-:1:1: error: "));
}

#[test]
fn r_pol_7_a_policy_that_is_too_large_is_refused_whole() {
    let mut policy = b"version: STSv1\nmode: none\nmax_age: 1\nx: ".to_vec();
    policy.resize(65_536, b'a');
    assert_eq!(lint_json(&policy).1, 0);
    policy.push(b'a');
    assert_eq!(lint_json(&policy).1, 1);
}

#[test]
fn misuse_is_status_2() {
    assert_eq!(lint(&[], b"").status.code(), Some(2));
    assert_eq!(lint(&["--wrong", "-"], b"").status.code(), Some(2));
    let output = lint(&["/nonexistent/policy"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/policy"));
}
