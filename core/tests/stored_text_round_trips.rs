// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is stored comes back from its text as it was; a text that is none is a failing store,
//! never an empty one.

mod common;

use common::Dice;
use mtasts::{Attempt, ErrorKind, FetchFailure, Policy, Reason, RecordCheck, Stored};
use mtasts::{StoredPolicy, TxtFailure, UnixTime};
use std::sync::Arc;

const REASONS: &[&Reason] = &[
    &Reason::BodyTooLarge,
    &Reason::Connect,
    &Reason::DnsPermanent,
    &Reason::DnsTemporary,
    &Reason::FetchLimit,
    &Reason::FetchOther,
    &Reason::MediaType,
    &Reason::NoRecord,
    &Reason::PolicyHostDns,
    &Reason::PolicyInvalid,
    &Reason::RecordInvalid,
    &Reason::SeveralRecords,
    &Reason::Status(0),
    &Reason::Status(404),
    &Reason::Status(u16::MAX),
    &Reason::StoreFailed,
    &Reason::Timeout,
    &Reason::WebPki,
];
const BODIES: &[&str] = &[
    "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n",
    "version: STSv1\r\nmode: none\r\nmax_age: 0",
    "\nversion: STSv1\n\nmode: testing\n\npolicy: x fetched 1\n\
     mx: *.example.com.\nmax_age: 9999999999\n\n",
];

fn time(dice: &mut Dice) -> UnixTime {
    UnixTime(*dice.one_of(&[&0, &1, &1_767_225_600, &u64::MAX, &(u64::MAX - 1)]))
}

fn stored(dice: &mut Dice) -> Option<Stored> {
    let id = dice.one_of(&[
        "a",
        "20260101T000000",
        "0",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    ]);
    let domain = dice.one_of(&["example.com", "xn--mnchen-3ya.example", "localhost"]);
    let mut stored = Stored::unknown(domain.parse().ok()?);
    if dice.below(2) == 0 {
        let id = Some(id.parse().ok()?).filter(|_| dice.below(2) == 0);
        stored.record = Some(RecordCheck {
            id,
            until: time(dice),
        });
    }
    let mut attempts = Vec::new();
    for _ in 0..dice.below(8) {
        let failed = Some(*dice.one_of(REASONS)).filter(|_| dice.below(4) > 0);
        attempts.push(Attempt {
            at: time(dice),
            id: id.parse().ok()?,
            failed,
        });
    }
    stored.attempts = attempts.into();
    if let Ok(policy) = Policy::parse(dice.one_of(BODIES).as_bytes()) {
        let fetched_at = time(dice);
        stored.policy = Some(Arc::new(StoredPolicy {
            policy,
            id: id.parse().ok()?,
            fetched_at,
        }));
    }
    Some(stored)
}

#[test]
fn whatever_is_in_it() {
    for run in 0..5_000 {
        let stored = stored(&mut Dice::new(run)).unwrap();
        let text = stored.to_text();
        assert_eq!(text.parse(), Ok(stored), "{text}");
    }
}

#[test]
fn every_reason_is_read_back() {
    for reason in REASONS {
        assert_eq!(reason.to_string().parse(), Ok(**reason));
        assert!(!reason.describe().is_empty());
    }
    assert_eq!(
        Reason::from(FetchFailure::Dns).to_string(),
        "policy-host-dns"
    );
    assert_eq!(
        Reason::from(TxtFailure::Temporary).to_string(),
        "dns-temporary"
    );
}

#[test]
fn a_text_that_is_none_is_an_error() {
    let good = "mtasts-stored: 1\ndomain: example.com\n";
    assert!(good.parse::<Stored>().is_ok());
    for text in [
        "",
        "\n",
        "mtasts-stored: 2\ndomain: example.com\n",
        "domain: example.com\n",
        "mtasts-stored: 1\n",
        "mtasts-stored: 1\ndomain: [192.0.2.1]\n",
        "mtasts-stored: 1\nrecord: - until 1\ndomain: example.com\n",
    ] {
        assert!(text.parse::<Stored>().is_err(), "{text:?}");
    }
    for line in [
        "record: a until",
        "record: a until x",
        "record: a until -1",
        "record: a until 18446744073709551616",
        "record: a_b until 1",
        "record: a at 1",
        "attempt: a at",
        "attempt: a until 1",
        "policy: a fetched 1",
        "policy: a fetched 1\n\nversion: STSv1\nmode: enforce\nmax_age: 1\n",
        "policy: a fetched\n\nversion: STSv1\nmode: none\nmax_age: 1\n",
    ] {
        let text = format!("{good}{line}\n");
        assert!(text.parse::<Stored>().is_err(), "{text:?}");
    }
    let error = "nonsense".parse::<Stored>().map_err(|error| error.kind());
    assert_eq!(error, Err(ErrorKind::Stored));
}

#[test]
fn an_entry_cut_short_never_loses_its_policy_silently() {
    let body = BODIES[0];
    let policy = Policy::parse(body.as_bytes()).unwrap();
    let mut stored = Stored::unknown("example.com".parse().unwrap());
    let (id, fetched_at) = ("a".parse().unwrap(), UnixTime(1));
    stored.policy = Some(Arc::new(StoredPolicy {
        policy,
        id,
        fetched_at,
    }));
    let text = stored.to_text();
    let header = text.find("policy:").unwrap();
    // A cut within the last line can leave a shorter max_age, which is legal.
    for end in header + "policy:".len() + 1..text.rfind(':').unwrap() {
        assert!(text[..end].parse::<Stored>().is_err(), "{}", &text[..end]);
    }
}

#[test]
fn useless_after_is_the_last_of_its_times() {
    let mut stored = Stored::unknown("example.com".parse().unwrap());
    assert_eq!(stored.useless_after(), UnixTime(0));
    let attempt = Attempt {
        at: UnixTime(10),
        id: "a".parse().unwrap(),
        failed: None,
    };
    stored.attempts = vec![attempt].into();
    assert_eq!(stored.useless_after(), UnixTime(310));
    stored.record = Some(RecordCheck {
        id: None,
        until: UnixTime(500),
    });
    assert_eq!(stored.useless_after(), UnixTime(500));
    let policy = Policy::parse(BODIES[0].as_bytes()).unwrap();
    let fetched = |at| StoredPolicy {
        policy,
        id: "a".parse().unwrap(),
        fetched_at: UnixTime(at),
    };
    stored.policy = Some(Arc::new(fetched(u64::MAX)));
    assert_eq!(stored.useless_after(), UnixTime(u64::MAX)); // lifetimes never overflow (R-FLOW-3)
}
