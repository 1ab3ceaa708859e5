// SPDX-License-Identifier: MIT OR Apache-2.0

//! Certificate chains against the public x509-limbo suite (R-CERT-1). The cases are read from
//! `$MTASTS_SHARED/limbo/limbo.json`, or `shared/limbo` beside the repository, and not kept
//! here; without them the test says so and passes. Differences from what the suite expects are
//! listed with their reasons, and one that is no more fails as well.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests

use mtasts::{Certificate, UnixTime};
use mtasts_host::chain::Roots;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where we differ, a line each: the case, and why.
const DIFFERENCES: &str = include_str!("limbo.txt");

#[test]
fn r_cert_1_x509_limbo() {
    let Some(text) = limbo() else {
        println!("skipped: no limbo.json");
        return;
    };
    let suite: Value = serde_json::from_str(&text).unwrap();
    let (mut ran, mut skipped, mut wrong) = (0, 0, Vec::new());
    for case in suite["testcases"].as_array().unwrap() {
        if !applies(case) {
            skipped += 1;
            continue;
        }
        ran += 1;
        let id = case["id"].as_str().unwrap();
        let found = judge(case);
        let agrees = (found == Certificate::Valid) == (case["expected_result"] == "SUCCESS");
        let is_listed = differences().any(|(listed, _)| listed == id);
        if agrees == is_listed {
            wrong.push(format!(
                "{id}: {found:?}, expected {}",
                case["expected_result"]
            ));
        }
    }
    println!(
        "{ran} cases, {skipped} skipped, {} expected differences",
        differences().count()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differences() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = DIFFERENCES.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": "))
}

fn limbo() -> Option<String> {
    let shared = std::env::var_os("MTASTS_SHARED").map(PathBuf::from);
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = shared.unwrap_or_else(|| beside.into());
    std::fs::read_to_string(shared.join("limbo/limbo.json")).ok()
}

/// Whether the case asks for what we do: judge a server by its DNS name, without revocation
/// lists and with chains as long as they are.
fn applies(case: &Value) -> bool {
    let features = case["features"].as_array().unwrap();
    case["validation_kind"] == "SERVER"
        && case["expected_peer_name"]["kind"] == "DNS"
        && case["max_chain_depth"].is_null()
        && !features.iter().any(|feature| feature == "has-crl")
}

fn judge(case: &Value) -> Certificate {
    let roots = Roots::new(&certificates(&case["trusted_certs"]));
    let mut chain = vec![certificate(&case["peer_certificate"])];
    chain.extend(certificates(&case["untrusted_intermediates"]));
    let chain: Vec<&[u8]> = chain.iter().map(|der| &**der).collect();
    let name = case["expected_peer_name"]["value"].as_str().unwrap();
    let now = case["validation_time"].as_str().map_or_else(today, seconds);
    roots.verify(&chain, name, UnixTime(now))
}

fn certificates(list: &Value) -> Vec<CertificateDer<'static>> {
    list.as_array().unwrap().iter().map(certificate).collect()
}

fn certificate(pem: &Value) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_str().unwrap().as_bytes()).unwrap()
}

fn today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// `2024-01-01T00:00:00+00:00`, perhaps with a fraction, in seconds since 1970.
fn seconds(time: &str) -> u64 {
    assert!(time.ends_with("+00:00"), "{time}");
    let numbers: Vec<u64> = time[..19]
        .split(|c: char| !c.is_ascii_digit())
        .map(|n| n.parse().unwrap())
        .collect();
    let [year, month, day, hour, minute, second] = numbers[..] else {
        panic!("{time}");
    };
    let by = |year: u64, n| year.is_multiple_of(n);
    let leap = |year| by(year, 4) && (!by(year, 100) || by(year, 400));
    let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = months[..month as usize - 1].iter().sum();
    let leap_day = u64::from(month > 2 && leap(year));
    (((years + months + leap_day + day - 1) * 24 + hour) * 60 + minute) * 60 + second
}
