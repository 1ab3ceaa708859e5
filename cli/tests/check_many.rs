// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts check` of many domains.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod check_lab;

use check_lab::{SCENE, command, text};
use mtasts_lab::Lab;
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

/// A file of 200 domains, as people write them.
fn domains() -> String {
    let lines = (0..200).map(|number| format!("d{number}.load.example # a comment\n"));
    format!(
        "# Our domains\n\n{}  D0.load.example.\n",
        lines.collect::<String>()
    )
}

#[test]
fn two_hundred_domains_of_a_file() {
    let lab = Lab::start(SCENE).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(domains().as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let (found, status) = text(&lab, &["--file", path]);
    let mut lines = found.lines();
    let total = "MTA-STS OK - 200 domains: 200 ok, 0 warning, 0 critical, 0 unknown";
    assert_eq!((lines.next(), status), (Some(total), 0));
    let rows: Vec<_> = lines
        .skip(2)
        .map(|row| row.split(' ').next().unwrap())
        .collect();
    let wanted: Vec<_> = (0..200)
        .map(|number| format!("d{number}.load.example"))
        .collect();
    assert_eq!(rows, wanted);
    // They share an MX host, which is looked at once.
    assert_eq!(lab.count("smtp-connect", "").unwrap(), 1);
    assert_eq!(lab.count("https", "status=200").unwrap(), 200);
}

#[test]
fn standard_input_in_and_json_lines_out() {
    let lab = Lab::start(SCENE).unwrap();
    let mut child = command(&lab, &["half.example", "--file", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(domains().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let reports: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((reports.len(), output.status.code()), (201, Some(1)));
    assert_eq!(reports[0]["domain"], "half.example");
    assert_eq!(reports[200]["domain"], "d199.load.example");
    assert!(reports[1..].iter().all(|report| report["status"] == "ok"));
}

#[test]
fn a_table_and_with_verbose_the_findings_of_each() {
    let lab = Lab::start(SCENE).unwrap();
    let names = ["good", "half", "clear", "servfail", "null", "plain"];
    let names = names.map(|name| format!("{name}.example"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (table, status) = text(&lab, &names);
    assert_eq!(status, 2);
    insta::with_settings!({
        filters => [(r"\b28\b", "29"), (r" -2 ", " -1 ")], omit_expression => true
    }, {
        insta::assert_snapshot!("table", table);
    });
    let (verbose, _) = text(&lab, &[&names[..], &["--verbose"]].concat());
    // Not the whole table: between the two runs a certificate may have lost a day.
    assert_eq!(verbose.lines().next(), table.lines().next());
    for headline in [
        "\nMTA-STS OK - good.example: ",
        "\nMTA-STS CRITICAL - clear.example: ",
    ] {
        assert!(verbose.contains(headline), "{verbose}");
    }
}

#[test]
fn a_line_that_is_no_domain_is_told_with_its_place() {
    let lab = Lab::start(SCENE).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"good.example\n\nnot a domain\n").unwrap();
    let path = file.path().to_str().unwrap();
    let output = check_lab::check(&lab, &["--file", path]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with(&format!("mtasts: {path}:3: ")), "{told}");
    assert_eq!(output.status.code(), Some(3));
}
