// SPDX-License-Identifier: MIT OR Apache-2.0

//! "Nothing in here panics on any input": every parser is given octets of any kind, and legal
//! texts with slips in them. What is accepted all the same must mean what it says.

mod common;

use common::Dice;
use mtasts::{Error, MAX_BODY, Mode, Policy, PolicyDomain, PolicyId, Position, Reason, Record};
use mtasts::{ResultType, Stored};

const RUNS: u64 = 20_000;

const POLICY: &[u8] = b"version: STSv1\r\nmode: enforce\nmx: *.example.com\n\
    mx: mx.example.net.\n\nmax_age: 86400 \nx: \xC3\xA9\n";
const RECORD: &[u8] = b"v=STSv1 ; id=20260101T000000; x=y;";
const TLSRPT: &[u8] = b"v=TLSRPTv1; rua=mailto:a%20b@example.com , https://example.com/r; x=y";
const STORED: &[u8] = b"mtasts-stored: 1\ndomain: example.com\nrecord: a until 1767225900\n\
    attempt: a at 1767225600 failed status-404\npolicy: a fetched 1767225600\n\n\
    version: STSv1\nmode: none\nmax_age: 86400\n";

fn inputs(seed: &'static [u8]) -> impl Iterator<Item = Vec<u8>> {
    (1..RUNS).map(move |run| {
        let mut dice = Dice::new(run);
        if run % 4 == 0 {
            dice.octets(96)
        } else {
            dice.mutated(seed)
        }
    })
}

/// An error's place is in the text, and can be told as line and column.
fn check(error: Error, text: &[u8]) {
    assert!(error.offset() <= text.len(), "{error:?} in {text:?}");
    let Position { line, column } = Position::of(text, error.offset());
    assert!(line >= 1 && column >= 1);
    assert!(!error.to_string().is_empty());
}

#[test]
fn of_policies() {
    for body in inputs(POLICY) {
        let mut warnings = 0;
        let parsed = Policy::parse_with(&body, |warning| {
            warnings += 1;
            assert_eq!(warning.position, Position::of(&body, warning.offset));
            Ok(())
        });
        assert_eq!(parsed.is_ok(), Policy::parse(&body).is_ok());
        assert_eq!(
            parsed.is_ok() && warnings == 0,
            Policy::parse_strict(&body).is_ok()
        );
        match parsed {
            Err(error) => check(error, &body),
            Ok(policy) => check_policy(&policy, &body),
        }
    }
}

fn check_policy(policy: &Policy, body: &[u8]) {
    assert_eq!(policy.text().as_bytes(), body);
    assert!(policy.mx().len() > 0 || policy.mode() == Mode::None);
    for pattern in policy.mx() {
        let mx = pattern.as_str();
        assert_eq!(mx, mx.to_ascii_lowercase());
        let alone = format!("version: STSv1\nmode: testing\nmax_age: 1\nmx: {mx}\n");
        assert!(Policy::parse_strict(alone.as_bytes()).is_ok(), "{mx}");
        let host = mx.replacen('*', "any", 1);
        assert!(pattern.matches(&host) && policy.matches(&host), "{mx}");
    }
}

#[test]
fn of_hosts_to_match() {
    let policy = Policy::parse(POLICY);
    for host in inputs(b"mx1.example.com.") {
        let host = String::from_utf8_lossy(&host);
        if policy.as_ref().is_ok_and(|policy| policy.matches(&host)) {
            let legal: Result<PolicyDomain, _> = host.parse();
            assert!(legal.is_ok(), "{host:?} is no host name");
        }
    }
}

#[test]
fn of_records() {
    for text in inputs(RECORD) {
        match Record::parse(&text) {
            Err(error) => check(error, &text),
            Ok(record) => {
                let id: Result<PolicyId, _> = record.id().parse();
                assert!(id.is_ok() && record.policy_id().is_ok());
            }
        }
        let _ = Record::select(&[RECORD, &text, b"v=spf1 -all"]);
    }
}

#[test]
fn of_tlsrpt_records() {
    for text in inputs(TLSRPT) {
        match mtasts::tlsrpt::Record::parse(&text) {
            Err(error) => check(error, &text),
            Ok(record) => assert!(record.rua().iter().all(|uri| uri.contains(':'))),
        }
        let _ = mtasts::tlsrpt::Record::select(&[&text, TLSRPT]);
    }
}

#[test]
fn of_stored_entries() {
    for text in inputs(STORED) {
        let text = String::from_utf8_lossy(&text);
        let stored: Result<Stored, _> = text.parse();
        if let Ok(stored) = stored {
            let again: Result<Stored, _> = stored.to_text().parse();
            assert_eq!(again.as_ref(), Ok(&stored));
            let _ = (
                stored.useless_after(),
                stored.policy.map(|policy| policy.expires_at()),
            );
        }
    }
}

#[test]
fn of_names_and_words() {
    for text in inputs(b"xn--mnchen-3ya.example") {
        let text = String::from_utf8_lossy(&text);
        if let Ok(domain) = text.parse::<PolicyDomain>() {
            let again: Result<PolicyDomain, _> = domain.as_str().parse();
            assert_eq!(again, Ok(domain));
        }
        let _ = (text.parse::<PolicyId>(), text.parse::<Mode>());
        let _ = (text.parse::<Reason>(), text.parse::<ResultType>());
    }
}

#[test]
#[cfg(feature = "certificate")]
fn of_certificates() {
    const NAMES: &[&str] = &[
        "mx1.example.com",
        "example.com.",
        "[192.0.2.1]",
        "*.example.com",
        "",
    ];
    let good = include_bytes!("data/certificate.der");
    assert_eq!(
        mtasts::certificate::check_name(good, "MAIL.example.com."),
        Ok(())
    );
    for der in inputs(good) {
        for name in NAMES {
            let _ = mtasts::certificate::check_name(&der, name);
        }
    }
}

#[test]
fn of_positions() {
    for text in inputs(POLICY) {
        for offset in [0, 1, text.len() / 2, text.len(), text.len() + 1, usize::MAX] {
            let position = Position::of(&text, offset);
            assert!(position.line <= text.len() + 1 && position.column <= text.len() + 1);
        }
    }
}

#[test]
fn of_bodies_about_the_limit() {
    for size in [MAX_BODY - 1, MAX_BODY, MAX_BODY + 1, 4 * MAX_BODY] {
        for filling in [b'\n', b' ', b'x', b':', b'\r', b'\0', 0xC3] {
            let mut body = POLICY.to_vec();
            body.resize(size, filling);
            let parsed = Policy::parse(&body);
            assert!(parsed.is_err() || size <= MAX_BODY);
        }
    }
}
