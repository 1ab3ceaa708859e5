// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts check` against the lab: what it says of domains, good ones and those with a fault each
//! (R-PUB-2). The outputs are in `snapshots`.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod check_lab;

use check_lab::{SCENE, check, findings, json, text};
use mtasts_lab::Lab;
use std::collections::BTreeSet;

/// What is another each time: the days of a certificate that was made a moment ago, and times.
const FILTERS: [(&str, &str); 5] = [
    (r"\b28\b", "29"),
    (r"(?m) -2( days|$)", " -1$1"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"),
    (r"id=\d{14}Z", "id=[now]"),
    (r"\b28\.", "29."),
];

/// Compares the output of each domain with its snapshot.
fn golden(lab: &Lab, domains: &[&str], options: &[&str]) {
    for domain in domains {
        let name = format!("{domain}.example");
        let (text, status) = text(lab, &[&[name.as_str()], options].concat());
        let text = format!("{text}\nexit status {status}");
        insta::with_settings!({filters => FILTERS, omit_expression => true}, {
            insta::assert_snapshot!(*domain, text);
        });
    }
}

#[test]
fn r_pub_2_domains_without_fault() {
    let lab = Lab::start(SCENE).unwrap();
    golden(
        &lab,
        &[
            "good",
            "alias",
            "implicit",
            "none",
            "null",
            "nullplain",
            "unreported",
        ],
        &[],
    );
}

#[test]
fn r_pub_2_records() {
    let lab = Lab::start(SCENE).unwrap();
    golden(
        &lab,
        &[
            "plain",
            "forgotten",
            "two",
            "broken",
            "digest",
            "misreported",
        ],
        &[],
    );
    golden(&lab, &["servfail", "silent"], &["--timeout", "1"]);
}

#[test]
fn r_pub_2_policy_hosts() {
    let lab = Lab::start(SCENE).unwrap();
    golden(&lab, &["missing", "redirect", "html", "nohost"], &[]);
    golden(&lab, &["pastcert", "othercert", "strangecert"], &[]);
}

#[test]
fn r_pub_2_policies_at_line_and_column() {
    let lab = Lab::start(SCENE).unwrap();
    golden(&lab, &["syntax", "lenient", "testing", "unlisted"], &[]);
}

#[test]
fn r_pub_2_mx_hosts() {
    let lab = Lab::start(SCENE).unwrap();
    golden(
        &lab,
        &["clear", "half", "mxpast", "mxother", "mxself", "mxgarbage"],
        &[],
    );
    golden(&lab, &["mxrefuses", "mxbusy", "mxclosed"], &[]);
    golden(&lab, &["mxstall"], &["--timeout", "1"]);
    assert_eq!(lab.count("smtp-mail", "").unwrap(), 0);
}

#[test]
fn r_apply_2_dane_is_looked_at_when_asked_for() {
    let lab = Lab::start(SCENE).unwrap();
    golden(&lab, &["dane", "danefails"], &["--dane"]);
    let report = json(&lab, &["dane.example"]);
    assert!(report["mx"]["hosts"][0]["dane"].is_null());
    assert_eq!(lab.count("dns", "type=TLSA").unwrap(), 2);
}

#[test]
fn an_address_family_that_is_unreachable_from_here_is_not_the_domains_fault() {
    let lab = Lab::start(SCENE).unwrap();
    let report = json(&lab, &["sixless.example"]);
    let addresses = &report["mx"]["hosts"][0]["addresses"];
    assert_eq!(addresses[0]["state"], "tls");
    let found = findings(&report);
    match addresses[1]["state"].as_str().unwrap() {
        "no-route" => {
            assert_eq!(found, [("notice".to_owned(), "mx-no-route".to_owned())]);
            assert_eq!(report["status"], "ok");
        }
        // A machine with IPv6, from which nothing leads to addresses for documentation.
        state => {
            assert_eq!(state, "timed-out");
            assert_eq!(found, [("warning".to_owned(), "mx-not-reached".to_owned())]);
        }
    }
    // Without another address it is not known how the host is.
    lab.set("mx.sixless.example", "addr=2001:db8::25").unwrap();
    let report = json(&lab, &["sixless.example"]);
    assert_eq!(report["status"], "unknown");
}

#[test]
fn nobody_connects_to_addresses_inside_of_networks() {
    let lab = Lab::start(SCENE).unwrap();
    let (dns, ca) = (lab.dns().to_string(), lab.ca_file().to_str().unwrap());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .args([
            "check",
            "--nameserver",
            &dns,
            "--ca-file",
            ca,
            "--json",
            "good.example",
        ])
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<_> = findings(&report).into_iter().map(|(_, id)| id).collect();
    let wanted = ["policy-host-not-global", "mx-not-global", "mx-not-global"];
    assert_eq!(ids, wanted);
    assert_eq!(lab.count("smtp-connect", "").unwrap(), 0);
    assert_eq!(lab.count("https-connect", "").unwrap(), 0);
}

#[test]
fn exit_statuses_are_those_of_nagios_plugins() {
    let lab = Lab::start(SCENE).unwrap();
    for (arguments, status) in [
        (&["good.example"][..], 0),
        (&["half.example"], 1),
        (&["half.example", "--fail-on", "error"], 0),
        (&["clear.example"], 2),
        (&["clear.example", "--fail-on", "error"], 2),
        (&["clear.example", "--fail-on", "never"], 0),
        (&["servfail.example"], 3),
        (&["servfail.example", "--fail-on", "error"], 3),
        (&["servfail.example", "--fail-on", "never"], 0),
        (&["good.example", "half.example"], 1),
        (&["half.example", "servfail.example"], 3),
        (&["servfail.example", "clear.example", "good.example"], 2),
    ] {
        for format in ["text", "nagios", "json"] {
            let output = check(&lab, &[arguments, &["--format", format]].concat());
            assert_eq!(output.status.code(), Some(status), "{arguments:?} {format}");
        }
    }
}

#[test]
fn misuse_is_unknown_to_monitoring() {
    let lab = Lab::start(SCENE).unwrap();
    for (arguments, reason) in [
        (&[][..], "no domain to check"),
        (&["a_b.example"], "a_b.example: "),
        (&["postmaster@good.example"], "the domain after the @"),
        (&["--file", "/nonexistent"], "/nonexistent: "),
        (&["good.example", "--timeout", "0"], "--timeout"),
        (&["good.example", "--ehlo", "a b"], "--ehlo"),
        (&["good.example", "--no-such-option"], "--no-such-option"),
    ] {
        let output = check(&lab, arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {told}");
        assert!(told.contains(reason), "{arguments:?}: {told}");
    }
    let (told, _) = text(&lab, &["--format", "nagios", "a_b.example"]);
    assert!(
        told.starts_with("MTA-STS UNKNOWN - a_b.example: "),
        "{told}"
    );
}

#[test]
fn nagios_reads_a_line_with_performance_data_first() {
    let lab = Lab::start(SCENE).unwrap();
    lab.set("mx1.good.example", "smtp=no-starttls").unwrap();
    let domains = ["good.example", "clear.example", "servfail.example"];
    let outputs = [&domains[..1], &domains[1..2], &domains].map(|domains| {
        let (text, _) = text(&lab, &[domains, &["--format", "nagios"]].concat());
        text
    });
    insta::with_settings!({filters => FILTERS, omit_expression => true}, {
        insta::assert_snapshot!("nagios", outputs.join("\n"));
    });
}

#[test]
fn the_json_has_the_keys_that_the_help_tells_of() {
    let lab = Lab::start(SCENE).unwrap();
    let report = json(&lab, &["lenient.example", "--dane"]);
    let pretty = serde_json::to_string_pretty(&report).unwrap();
    insta::with_settings!({filters => FILTERS, omit_expression => true}, {
        insta::assert_snapshot!("json", pretty);
    });
    let help = check(&lab, &["--help"]).stdout;
    let help = String::from_utf8(help).unwrap();
    let words: BTreeSet<&str> = help
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let mut keys = BTreeSet::new();
    collect(&report, &mut keys);
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !words.contains(key.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn collect(value: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => object.iter().for_each(|(key, value)| {
            keys.insert(key.clone());
            collect(value, keys);
        }),
        serde_json::Value::Array(array) => array.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}

#[test]
fn colours_go_to_terminals_alone() {
    let lab = Lab::start(SCENE).unwrap();
    let plain = check(&lab, &["clear.example"]).stdout;
    assert!(!plain.contains(&0x1b));
    let forced = check_lab::command(&lab, &["clear.example"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let forced = String::from_utf8(forced.stdout).unwrap();
    assert!(
        forced.starts_with("\u{1b}[1m\u{1b}[31mMTA-STS CRITICAL"),
        "{forced:?}"
    );
    assert!(!forced.contains(['\u{2061}', '\u{2062}', '\u{2063}', '\u{2064}']));
}
