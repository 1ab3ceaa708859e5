// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts check` in a lab.

#![allow(dead_code)] // each test uses what it needs

use mtasts_lab::Lab;
use serde_json::Value;
use std::process::{Command, Output};

/// A domain for each thing that `mtasts check` says.
pub const SCENE: &str = include_str!("../check.toml");

/// The command with what leads it into the lab.
pub fn command(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
    let smtp_port = lab.smtp_port().to_string();
    command
        .args(["check", "--allow-non-global"])
        .args(["--nameserver", &lab.dns().to_string()])
        .args(["--https-port", &lab.https_port().to_string()])
        .args(["--smtp-port", &smtp_port, "--ehlo", "sender.example"])
        .arg("--ca-file")
        .arg(lab.ca_file())
        .args(arguments)
        .env_remove("CLICOLOR_FORCE");
    if !arguments.contains(&"--timeout") {
        command.args(["--timeout", "2"]);
    }
    command
}

/// What it does.
pub fn check(lab: &Lab, arguments: &[&str]) -> Output {
    command(lab, arguments).output().unwrap()
}

/// What it prints, and its exit status.
pub fn text(lab: &Lab, arguments: &[&str]) -> (String, i32) {
    let output = check(lab, arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

/// The report of one domain.
pub fn json(lab: &Lab, arguments: &[&str]) -> Value {
    let output = check(lab, &[arguments, &["--json"]].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    let found = serde_json::from_slice(&output.stdout);
    found.unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// Severity and id of each finding.
pub fn findings(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .map(|finding| (text(&finding["severity"]), text(&finding["id"])))
        .collect()
}
