// SPDX-License-Identifier: MIT OR Apache-2.0

//! Results of sessions on their way to the collector (R-RPT-4).

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{DOMAIN, host, lab, lines, log, options};
use mtasts::tlsrpt::{Details, Record};
use mtasts::{Certificate, Config, Dane, Outcome, Session, Tls, TxtFailure};
use mtasts_host::{DefaultHost, Options, to_policy_domain};
use mtasts_lab::Lab;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

const RECORD: &str = "v=TLSRPTv1;rua=mailto:r@good.example";

fn with_collector(lab: &Lab, socket: &Path) -> DefaultHost {
    let options = Options {
        tlsrpt_socket: Some(socket.to_owned()),
        ..options(lab)
    };
    DefaultHost::open(options).unwrap()
}

/// What is said of a session with an expired certificate.
fn datagram(outcome: &Outcome, record: &Record<'_>) -> Vec<u8> {
    let session = Session {
        mx_host: "mx1.good.example",
        tls: Tls::Established(Certificate::Expired),
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    let result = outcome.session_result(&session).unwrap();
    result.datagram(record, &Details::default()).unwrap()
}

#[test]
fn r_rpt_4_a_sessions_result_reaches_the_collector() {
    let (lab, folder) = (lab(), tempfile::tempdir().unwrap());
    lab.set(DOMAIN, "tlsrpt=mailto:r@good.example").unwrap();
    let socket = folder.path().join("collector");
    let collector = UnixDatagram::bind(&socket).unwrap();
    let host = with_collector(&lab, &socket);
    let domain = to_policy_domain(DOMAIN).unwrap();
    let answer = host.blocking().tlsrpt_records(&domain).unwrap();
    let record = Record::select(&answer.records).unwrap();
    let outcome = host.blocking().resolve(domain, &Config::default());
    host.tlsrpt_send(&datagram(&outcome, &record)).unwrap();
    let mut octets = [0; 2_000];
    let len = collector.recv(&mut octets).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&octets[..len]).unwrap();
    assert_eq!((&json["d"], &json["pr"]), (&DOMAIN.into(), &RECORD.into()));
    let policy = &json["policies"][0];
    assert_eq!(policy["policy-string"][1], "mode: enforce");
    assert_eq!(policy["mx-host"][0], "mx1.good.example");
    assert_eq!(policy["failure-details"][0]["c"], 204);
}

#[test]
fn a_domain_without_a_record_wants_no_reports() {
    let lab = lab();
    let domain = to_policy_domain(DOMAIN).unwrap();
    let records = || host(&lab).blocking().tlsrpt_records(&domain);
    assert!(matches!(records(), Err(TxtFailure::NoRecords { .. })));
    lab.set(DOMAIN, "dns=servfail").unwrap();
    assert!(matches!(records(), Err(TxtFailure::Temporary)));
}

#[test]
fn without_a_socket_nothing_is_sent() {
    host(&lab()).tlsrpt_send(b"{}").unwrap();
}

/// The delivery neither waits nor fails, and the administrator gets to know.
#[test]
fn a_collector_that_does_not_read_loses_results() {
    let (lab, folder) = (lab(), tempfile::tempdir().unwrap());
    let socket = folder.path().join("collector");
    let (log, lines_of_log) = log();
    let options = Options {
        tlsrpt_socket: Some(socket.clone()),
        log,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let lost = host.tlsrpt_send(b"{}").unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::NotFound);
    let collector = UnixDatagram::bind(&socket).unwrap();
    let full = loop {
        if let Err(error) = host.tlsrpt_send(&[b' '; 1_000]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    drop(collector);
    let gone = host.tlsrpt_send(b"{}").unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
    let start = format!("TLSRPT collector {}: ", socket.display());
    let lines = lines(&lines_of_log);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines.iter().all(|line| line.starts_with(&start)),
        "{lines:?}"
    );
}
