// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts report`: reports in all their wrappings, hostile ones, the page in a browser, and reports
//! that are made (R-RPT-3). Snapshots stand in `snapshots/`.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn mtasts(arguments: &[&str], folder: &Path, input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .arg("report")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(input); // it may have ended
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn show(arguments: &[&str], folder: &Path) -> Output {
    mtasts(&[&["show"], arguments].concat(), folder, b"")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// All that a person sees.
fn seen(output: &Output) -> String {
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    format!(
        "{out}--- standard error\n{errors}--- status {}\n",
        output.status.code().unwrap()
    )
}

fn as_json(arguments: &[&str], folder: &Path) -> Value {
    serde_json::from_slice(&show(&[&["--json"], arguments].concat(), folder).stdout).unwrap()
}

fn example(name: &str) -> String {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/reports");
    fs::read_to_string(reports.join(name)).unwrap()
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

/// A mail with one part, and around it what `multipart` says.
fn mail(media_type: &str, body: &str, multipart: bool) -> String {
    let part = format!("Content-Type: {media_type}\r\n\r\n{body}\r\n");
    if !multipart {
        return format!("Subject: x\r\nMIME-Version: 1.0\r\n{part}");
    }
    format!(
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=tlsrpt;\r\n \
         boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n{part}--b--\r\n"
    )
}

fn folder() -> (TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().to_owned();
    (temporary, path)
}

#[test]
fn r_rpt_3_many_wrappings_are_told_by_their_content() {
    let (_temporary, folder) = folder();
    fs::write(folder.join("a"), gzip(example("google.json").as_bytes())).unwrap();
    fs::write(folder.join("b.gz"), example("microsoft.json")).unwrap();
    fs::create_dir_all(folder.join("maildir/cur")).unwrap();
    fs::create_dir_all(folder.join("maildir/new")).unwrap();
    let appendix = example("appendix_b.json");
    fs::write(
        folder.join("maildir/cur/1"),
        mail("application/tlsrpt+json", &appendix, true),
    )
    .unwrap();
    fs::write(
        folder.join("maildir/new/2"),
        mail("application/json", &appendix, true),
    )
    .unwrap();
    let google = example("google.json");
    let mbox = format!(
        "From a\n{}\nFrom b\nSubject: other\n\nhello\n",
        mail("application/tlsrpt+json", &google, false).replace('\r', "")
    );
    fs::write(folder.join("box.json"), &mbox).unwrap();
    let output = show(&["a", "b.gz", "maildir", "box.json"], &folder);
    insta::assert_snapshot!("wrappings", seen(&output));
    let compressed = mtasts(&["show", "-"], &folder, &gzip(mbox.as_bytes()));
    insta::assert_snapshot!("standard_input", seen(&compressed));
}

#[test]
fn r_rpt_3_a_mail_without_a_report_says_so() {
    let (_temporary, folder) = folder();
    fs::write(
        folder.join("mail"),
        mail("application/json", &example("google.json"), true),
    )
    .unwrap();
    let output = show(&["mail"], &folder);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no part of a report's media type"));
}

#[test]
fn filters_choose_domains_and_days() {
    let (_temporary, folder) = folder();
    for name in ["google.json", "microsoft.json", "appendix_b.json"] {
        fs::write(folder.join(name), example(name)).unwrap();
    }
    let all = as_json(&["."], &folder);
    assert_eq!(
        (&all["reports"], &all["successful"], &all["failed"]),
        (&json!(3), &json!(5522), &json!(307))
    );
    let domain = as_json(&[".", "--domain", "NEWS.example.com."], &folder);
    assert_eq!(
        (&domain["reports"], &domain["successful"]),
        (&json!(1), &json!(2))
    );
    let since = as_json(&[".", "--since", "2016-04-02"], &folder);
    assert_eq!(
        (&since["reports"], &since["first_date"]),
        (&json!(2), &json!("2026-01-31"))
    );
    assert_eq!(
        show(&[".", "--since", "soon"], &folder).status.code(),
        Some(2)
    );
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_shown() {
    let (_temporary, folder) = folder();
    fs::write(folder.join("good"), example("google.json")).unwrap();
    fs::write(folder.join("broken"), &example("google.json")[..100]).unwrap();
    fs::write(
        folder.join("cut.gz"),
        &gzip(example("google.json").as_bytes())[..200],
    )
    .unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    fs::write(folder.join("picture"), b"\x89PNG\r\n\x1a\n\0\0").unwrap();
    fs::write(folder.join("twice.gz"), gzip(&gzip(b"{}"))).unwrap();
    fs::write(
        folder.join("wrong"),
        example("google.json").replace("153", "\"\\u001b[2J\""),
    )
    .unwrap();
    let files = [
        "good", "broken", "cut.gz", "empty", "picture", "twice.gz", "wrong", "missing",
    ];
    insta::assert_snapshot!("bad_files", seen(&show(&files, &folder)));
}

/// The program with at most so much memory.
fn limited(kilobytes: u32, arguments: &str, folder: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_mtasts");
    let script = format!("ulimit -v {kilobytes} && exec {program} report show {arguments}");
    Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn gzip_bombs_take_bounded_memory() {
    let (_temporary, folder) = folder();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"{\"x\":\"").unwrap();
    for _ in 0..2048 {
        encoder.write_all(&[b'a'; 1 << 20]).unwrap(); // 2 GiB in all
    }
    fs::write(folder.join("bomb"), encoder.finish().unwrap()).unwrap();
    let output = limited(600_000, "bomb", &folder);
    assert_eq!(
        text(&output.stderr),
        "mtasts: bomb: the report is larger than 32 MiB\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

const HOSTILE: &str =
    "</title></style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}";

#[test]
fn hostile_names_are_escaped_in_the_page_and_on_the_terminal() {
    let (_temporary, folder) = folder();
    let mut report: Value = example("google.json").parse().unwrap();
    report["organization-name"] = json!(HOSTILE);
    report["policies"][0]["policy"]["policy-domain"] = json!(HOSTILE);
    report["policies"][0]["policy"]["policy-type"] = json!("\u{1b}[31m");
    report["policies"][0]["failure-details"][0]["result-type"] = json!(HOSTILE);
    report["policies"][0]["failure-details"][0]["receiving-mx-hostname"] = json!(HOSTILE);
    fs::write(folder.join("a"), report.to_string()).unwrap();
    let output = show(&["a", "--html", "page.html"], &folder);
    let shown = text(&output.stdout);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    for open in ["<script", "<img", "\u{1b}", "\u{202e}"] {
        assert!(!page.contains(open), "{open}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    browse(&folder.join("page.html"));
}

/// Opens the page in Chromium, where there is one, and fails if it wants something of the network,
/// breaks its own content security policy (which also holds the hash of its style), or lacks a plot.
fn browse(page: &Path) {
    let profile = tempfile::tempdir().unwrap();
    let run = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output();
    let Ok(run) = run else {
        assert!(std::env::var_os("CI").is_none(), "there is no chromium");
        eprintln!("the page is not opened: there is no chromium");
        return;
    };
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!said.contains("CONSOLE"), "{said}");
    let dom = String::from_utf8_lossy(&run.stdout);
    assert_eq!(dom.matches("<svg").count(), 4, "{dom}");
    assert!(!dom.contains("<script"), "{dom}");
}

const COUNTED: &str = r#"
{"policy_domain":"example.com","policy_type":"sts","result":"success","count":20,"mx_host":["mx.example.com"]}
{"policy_domain":"example.com","policy_type":"sts","result":"certificate-expired","count":3,"mx_host":["mx.example.com"],"receiving_mx_hostname":"mx.example.com"}
{"policy_domain":"mx.example.com","policy_type":"tlsa","domain":"example.com","result":"success"}
"#;

const BY: &[&str] = &[
    "--organization",
    "Sender",
    "--contact",
    "tlsrpt@sender.example",
    "--submitter",
    "mta.sender.example",
    "--date",
    "2026-01-31",
];

fn build(arguments: &[&str], folder: &Path, counted: &str) -> Output {
    mtasts(
        &[&["build", "-"], BY, arguments].concat(),
        folder,
        counted.as_bytes(),
    )
}

#[test]
fn r_rpt_3_counted_results_become_a_report() {
    let (_temporary, folder) = folder();
    let plain = build(&["-o", "-", "--no-gzip"], &folder, COUNTED);
    insta::assert_snapshot!("built", seen(&plain));
    let built = build(&[], &folder, COUNTED);
    let name = "./mta.sender.example!example.com!1769817600!1769903999.json.gz";
    assert_eq!(text(&built.stdout).trim_end(), name);
    let summed = as_json(&[name], &folder);
    assert_eq!(
        (&summed["successful"], &summed["failed"]),
        (&json!(21), &json!(3))
    );
    let mail = build(&["-o", "-", "--to", "r@example.com"], &folder, COUNTED);
    fs::write(folder.join("mail"), &mail.stdout).unwrap();
    let of_mail = as_json(&["mail"], &folder);
    assert_eq!(of_mail, summed);
}

#[test]
fn r_rpt_3_csv_is_counted_too_and_names_become_a_labels() {
    let (_temporary, folder) = folder();
    let csv = "policy_domain,policy_type,result,count,mx_host,date\n\
               bücher.example,sts,success,4,\"a.example\nb.example\",\n\
               example.org,no-policy-found,starttls-not-supported,,,2026-01-30\n";
    let built = build(&[], &folder, csv);
    insta::assert_snapshot!("built_of_csv", seen(&built));
    assert_eq!(
        as_json(&["."], &folder)["policies"][1]["policy_domain"],
        "xn--bcher-kva.example"
    );
}

#[test]
fn what_is_wrong_in_counted_results_is_named_with_its_line() {
    let (_temporary, folder) = folder();
    let good =
        "{\"policy_domain\":\"example.com\",\"policy_type\":\"sts\",\"result\":\"success\"}\n";
    for (line, message) in [
        (
            r#"{"policy_domain":"example.com","policy_type":"sts","result":"x"}"#,
            "line 2: result: x",
        ),
        (
            r#"{"policy_domain":"-","policy_type":"sts","result":"success"}"#,
            "line 2: -: not a host",
        ),
        (
            r#"{"policy_domain":"a.example","policy_type":"dane","result":"success"}"#,
            "policy_type: dane",
        ),
        (
            r#"{"policy_domain":"a.example","policy_type":"sts","result":"success","n":1}"#,
            "unknown field",
        ),
    ] {
        let output = build(&[], &folder, &format!("{good}{line}\n"));
        let said = text(&output.stderr);
        assert!(
            output.status.code() == Some(2) && said.contains(message),
            "{said}"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
    assert_eq!(build(&[], &folder, "").status.code(), Some(2));
}

/// R-RPT-3: one mail of an attacker's in a mailbox hides no report beside it, and has little of our
/// memory.
#[test]
fn a_mail_that_nests_or_unpacks_without_end_hides_nothing() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, octets: &[u8]| std::fs::write(folder.path().join(name), octets).unwrap();
    for folder_name in ["cur", "new"] {
        std::fs::create_dir(folder.path().join(folder_name)).unwrap();
    }
    let report = |id: usize, padding: usize| {
        format!(
            r#"{{"organization-name":"o","date-range":{{"start-datetime":"2026-01-01T00:00:00Z","end-datetime":"2026-01-01T23:59:59Z"}},"contact-info":"c","report-id":"{id}","policies":[{{"policy":{{"policy-type":"sts","policy-domain":"{}example.com"}},"summary":{{"total-successful-session-count":1,"total-failure-session-count":0}}}}]}}"#,
            "a".repeat(padding)
        )
    };
    write(
        "cur/good",
        format!(
            "Content-Type: application/tlsrpt+json\r\n\r\n{}",
            report(1, 0)
        )
        .as_bytes(),
    );
    write(
        "cur/nested",
        "Content-Type: message/rfc822\n\n"
            .repeat(100_000)
            .as_bytes(),
    );
    let mut mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for id in 2..42 {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(report(id, 20 << 20).as_bytes()).unwrap();
        mail.extend(b"--b\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: binary\r\n\r\n");
        mail.extend(gzip.finish().unwrap());
        mail.extend(b"\r\n");
    }
    mail.extend(b"--b--\r\n");
    write("cur/large", &mail);

    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -v 800000; exec \"$0\" report show --json \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_mtasts"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        shown["reports"], 2,
        "the good one, and the first of the large ones"
    );
    let errors = shown["errors"].to_string();
    assert!(errors.contains("mails within mails"), "{errors}");
    assert!(errors.contains("larger than 32 MiB"), "{errors}");
    assert!(output.stdout.len() < 10_000);
}
