// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts certificate verify`, from files of PEM: what it says and its exit status, with chains made
//! here, and with the x509-limbo suite where it is beside the repository (host/tests/limbo.rs).

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const NAME: &str = "mx.example.com";

fn verify(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
    command.args(["certificate", "verify"]).args(words);
    command.output().unwrap()
}

/// What `--json` prints, and the exit status.
fn judge(words: &[&str]) -> (Value, i32) {
    let output = verify(&[words, &["--json"]].concat());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text, "");
    let found = serde_json::from_slice(&output.stdout).unwrap();
    (found, output.status.code().unwrap())
}

/// A folder with `ca.pem`, `other.pem` (a CA that signed nothing) and `chain.pem`, the certificate of
/// [`NAME`] in the year 2026.
fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (ca, other) = (authority("a"), authority("b"));
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    let leaf = params
        .signed_by(&KeyPair::generate().unwrap(), &ca)
        .unwrap();
    for (name, text) in [
        ("ca.pem", ca.pem()),
        ("other.pem", other.pem()),
        (
            "chain.pem",
            format!("s_client says:\n{}{}", leaf.pem(), ca.pem()),
        ),
        ("empty.pem", String::new()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn r_cert_1_a_chain_is_judged_by_roots_name_and_time() {
    let folder = files();
    let in_time = "2026-07-01T00:00:00Z";
    for (roots, host, time, cause) in [
        ("ca.pem", NAME, in_time, None),
        ("ca.pem", NAME, "1782864000", None),
        (
            "ca.pem",
            "mx.example.net",
            in_time,
            Some("certificate-host-mismatch"),
        ),
        ("other.pem", NAME, in_time, Some("certificate-not-trusted")),
        (
            "ca.pem",
            NAME,
            "2027-01-02T00:00:00Z",
            Some("certificate-expired"),
        ),
        (
            "ca.pem",
            NAME,
            "2025-12-31T00:00:00Z",
            Some("certificate-expired"),
        ),
    ] {
        let (chain, roots) = (path(folder.path(), "chain.pem"), path(folder.path(), roots));
        let (found, status) = judge(&[
            "--chain", &chain, "--roots", &roots, "--host", host, "--time", time,
        ]);
        assert_eq!(found["valid"], cause.is_none(), "{host} {time}: {found}");
        assert_eq!(found["cause"], json!(cause), "{host} {time}");
        assert_eq!(found["result"], json!(cause), "{host} {time}");
        assert_eq!(status, i32::from(cause.is_some()));
    }
}

#[test]
fn misuse_says_what_is_wrong() {
    let folder = files();
    let chain = path(folder.path(), "chain.pem");
    let empty = path(folder.path(), "empty.pem");
    let missing = path(folder.path(), "missing.pem");
    for (words, wanted) in [
        (
            ["--chain", &chain, "--roots", &empty, "--host", NAME],
            "no certificate in PEM",
        ),
        (
            ["--chain", &empty, "--roots", &chain, "--host", NAME],
            "no certificate in PEM",
        ),
        (
            ["--chain", &missing, "--roots", &chain, "--host", NAME],
            "missing.pem",
        ),
        (
            ["--chain", &chain, "--time", "soon", "--host", NAME],
            "seconds since 1970",
        ),
    ] {
        let output = verify(&words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(wanted), "{words:?}: {text}");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
    }
}

/// The differences of host/tests/limbo.txt are those of the command too.
#[test]
fn r_cert_1_x509_limbo_through_the_command() {
    let Some(suite) = limbo() else {
        println!("skipped: no limbo.json");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in suite["testcases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| applies(case))
    {
        let id = case["id"].as_str().unwrap();
        let is_valid = judge_case(folder.path(), case);
        let agrees = is_valid == (case["expected_result"] == "SUCCESS");
        let is_listed = include_str!("../../host/tests/limbo.txt")
            .lines()
            .any(|line| line.starts_with(&format!("{id}: ")));
        if agrees == is_listed {
            wrong.push(format!("{id}: valid {is_valid}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn limbo() -> Option<Value> {
    let shared = std::env::var_os("MTASTS_SHARED").map(PathBuf::from);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = shared.unwrap_or_else(|| beside.into());
    let text = std::fs::read_to_string(shared.join("limbo/limbo.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// As in host/tests/limbo.rs; a command is given one root at least.
fn applies(case: &Value) -> bool {
    let features = case["features"].as_array().unwrap();
    case["validation_kind"] == "SERVER"
        && case["expected_peer_name"]["kind"] == "DNS"
        && case["max_chain_depth"].is_null()
        && !features.iter().any(|feature| feature == "has-crl")
        && !case["trusted_certs"].as_array().unwrap().is_empty()
}

fn judge_case(folder: &Path, case: &Value) -> bool {
    let text = |list: &Value| -> String {
        let pem = list
            .as_array()
            .unwrap()
            .iter()
            .map(|pem| pem.as_str().unwrap());
        pem.flat_map(|pem| [pem, "\n"]).collect()
    };
    let own = case["peer_certificate"].as_str().unwrap();
    let (chain, roots) = (path(folder, "chain.pem"), path(folder, "roots.pem"));
    std::fs::write(
        &chain,
        format!("{own}\n{}", text(&case["untrusted_intermediates"])),
    )
    .unwrap();
    std::fs::write(&roots, text(&case["trusted_certs"])).unwrap();
    let host = case["expected_peer_name"]["value"].as_str().unwrap();
    let mut words = vec!["--chain", &chain, "--roots", &roots, "--host", host];
    let time = case["validation_time"]
        .as_str()
        .map(|time| format!("{}Z", &time[..19]));
    words.extend(time.iter().flat_map(|time| ["--time", time.as_str()]));
    let (found, status) = judge(&words);
    assert_eq!(found["valid"], status == 0);
    status == 0
}
