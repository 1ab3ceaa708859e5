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
    let output = lint(&["--format", "short", "-"], b"\xff");
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

const FAULTY: &[u8] = b"version: STSv1\r\nmode: enforce\r\nmx: a_b.example\r\nmx: *.C.example.\r\n\
    mx: b\xc3\xbccher.example\r\nmx: a.example, b.example\r\n\r\nmax_age: 99999999\r\n";

/// R-POL-4, R-POL-5
#[test]
fn each_remark_shows_its_line_why_a_sender_cares_and_what_to_write_instead() {
    let output = lint(&["-"], FAULTY);
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}

/// R-POL-2: `mx: 192.0.2.1` is why there is none.
#[test]
fn a_policy_without_a_usable_mx_is_refused_at_the_first_that_was_passed_over() {
    let policy = b"version: STSv1\nmode: enforce\nmx: 192.0.2.1\nmx: a_b.example\nmax_age: 86400\n";
    let (found, status) = lint_json(policy);
    assert_eq!(status, 1);
    assert_eq!(
        (&found["id"], &found["line"], &found["column"]),
        (&json!("mx-missing"), &json!(3), &json!(5))
    );
    let (found, _) = lint_json(b"version: STSv1\nmode: enforce\nmax_age: 86400\n");
    assert_eq!(
        (&found["id"], &found["line"], &found["column"]),
        (&json!("mx-missing"), &json!(1), &json!(1))
    );
}

/// R-POL-5: a strict mode turns warnings into errors; advice stays advice.
#[test]
fn strict_takes_no_warning() {
    let tolerated = b"version: STSv1\nmode: enforce\nmx: a.example.\nmax_age: 604800\n";
    assert_eq!(lint(&["-"], tolerated).status.code(), Some(0));
    assert_eq!(lint(&["--strict", "-"], tolerated).status.code(), Some(1));
    let short_lived = b"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 60\n";
    let output = lint(&["--strict", "-"], short_lived);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("note[short-max-age]"));
}

/// R-TXT-3, R-TXT-4, R-RPT-1
#[test]
fn records_are_checked_too() {
    for (words, status, wanted) in [
        (
            ["--record", "v=STSv1; id=20260101T000000;"],
            0,
            "id 20260101T000000",
        ),
        (["--record", "v=STSv1; id=1 "], 1, "error["),
        (["--record", "v=STSv1;"], 1, "error[record-id-missing]"),
        (["--record", "v=STSv1; id=a-b;"], 1, "error["),
        (
            ["--tlsrpt", "v=TLSRPTv1; rua=mailto:r@example.com"],
            0,
            "mailto:r@example.com",
        ),
        (
            ["--tlsrpt", "v=TLSRPTv1; rua=r@example.com"],
            1,
            "error[rua",
        ),
    ] {
        let output = lint(&words, b"");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{words:?}: {text}");
        assert!(text.contains(wanted), "{words:?}: {text}");
    }
}

#[test]
fn of_many_files_each_is_told_of_and_one_that_cannot_be_read_hides_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        path("good.txt"),
        "version: STSv1\nmode: none\nmax_age: 86400\n",
    )
    .unwrap();
    std::fs::write(path("bad.txt"), "version: STSv1\n").unwrap();
    let (good, bad, missing) = (path("good.txt"), path("bad.txt"), path("missing.txt"));
    let output = lint(&["--json", &bad, &missing, &good], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.txt"));
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&found[0]["file"], &found[0]["valid"]),
        (&json!(bad), &json!(false))
    );
    assert_eq!(
        (&found[1]["file"], &found[1]["valid"]),
        (&json!(good), &json!(true))
    );
    assert_eq!(lint(&[&bad, &good], b"").status.code(), Some(1));
}

/// What a code host needs of SARIF 2.1.0: rules that results refer to, and places that exist.
#[test]
fn sarif_names_rules_and_places() {
    let output = lint(&["--format", "sarif", "-"], FAULTY);
    assert_eq!(output.status.code(), Some(0));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules: Vec<_> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        let rule = rules
            .iter()
            .find(|rule| rule["id"] == result["ruleId"])
            .unwrap();
        let help = rule["helpUri"].as_str().unwrap();
        assert!(
            help.starts_with("https://www.rfc-editor.org/rfc/rfc8461#section-3"),
            "{help}"
        );
        assert_eq!(result["level"], "warning");
        let region = &result["locations"][0]["physicalLocation"]["region"];
        let line = region["startLine"].as_u64().unwrap() as usize;
        let text = String::from_utf8_lossy(FAULTY);
        let line = text.lines().nth(line - 1).unwrap().chars().count() as u64;
        let (start, end) = (
            region["startColumn"].as_u64().unwrap(),
            region["endColumn"].as_u64().unwrap(),
        );
        assert!(1 <= start && start <= end && end <= line + 1, "{region}");
    }
}

/// Whoever publishes a policy may be an attacker of whoever lints it.
#[test]
fn nothing_in_a_policy_is_obeyed_by_a_terminal() {
    let policy = "version: STSv1\nmode: enforce\nmx: \u{1b}[31m\u{202e}\u{9b}x\nmax_age: 60\n";
    let output = lint(&["-"], policy.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
}

/// What code hosts and pre-commit run are these very words.
#[test]
fn the_hook_and_the_action_run() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let folder = tempfile::tempdir().unwrap();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_mtasts"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let bash = |script: &str, strict: &str| {
        let mut command = Command::new("bash");
        command
            .args(["-e", "-c", script])
            .current_dir(folder.path())
            .env("PATH", &path);
        command.envs([
            ("FILES", "*.txt"),
            ("STRICT", strict),
            ("RUNNER_TEMP", "."),
            ("GITHUB_OUTPUT", "output"),
        ]);
        command.output().unwrap()
    };
    let hook = std::fs::read_to_string(format!("{root}/.pre-commit-hooks.yaml")).unwrap();
    let entry = hook
        .lines()
        .find_map(|line| line.trim().strip_prefix("entry: "))
        .unwrap();
    let action = std::fs::read_to_string(format!("{root}/action.yml")).unwrap();
    let (_, step) = action.rsplit_once("run: |\n").unwrap();

    std::fs::write(
        folder.path().join("a.txt"),
        "version: STSv1\nmode: none\nmax_age: 86400\n",
    )
    .unwrap();
    assert!(bash(&format!("{entry} a.txt"), "").status.success());
    assert!(bash(step, "--strict").status.success());

    std::fs::write(
        folder.path().join("b.txt"),
        "version: STSv1\nmode: none\n\nmax_age: 86400\n",
    )
    .unwrap();
    assert!(!bash(&format!("{entry} a.txt b.txt"), "").status.success());
    assert!(bash(step, "").status.success());
    let output = bash(step, "--strict");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("error[blank-line]"));
    let sarif = std::fs::read(folder.path().join("mtasts.sarif")).unwrap();
    let log: Value = serde_json::from_slice(&sarif).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "b.txt");
    let told = std::fs::read_to_string(folder.path().join("output")).unwrap();
    assert!(told.contains("sarif=./mtasts.sarif"));
}
