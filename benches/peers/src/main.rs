// SPDX-License-Identifier: MIT OR Apache-2.0

//! The engine beside the crates that do some of the same, in one process and in turns: records,
//! policies, matches, and verdicts where there are any. Prints lines of a subject, a name, the
//! nanoseconds of a call and the median of its ratios to the engine's.

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::mta_sts::MtaSts;
use mailrs_mta_sts::{Decision, StsRecord, enforce, mx_matches};
use mtasts::{Action, Certificate, Dane, Outcome, Policy, Record, Session, Tls};
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 2000;
const CALLS: u32 = 100;

const RECORD: &str = "v=STSv1; id=20160831085700Z;";

/// The example of RFC 8461 §3.2, with the line ends of most real ones.
const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
    mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

const FIVE_PATTERNS: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\n\
    mx: mx2.example.com\r\nmx: *.mail.example.net\r\nmx: *.example.org\r\n\
    mx: backup.example.com\r\nmax_age: 604800\r\n";

/// What is asked about the five patterns.
const HOSTS: [(&str, &str); 4] = [
    ("match_last", "backup.example.com"),
    ("match_last_in_capitals", "BACKUP.EXAMPLE.COM."),
    ("match_wildcard", "inbound.example.org"),
    ("match_none", "mx.attacker.example"),
];

fn main() -> Result<(), Box<dyn Error>> {
    records();
    policies();
    let ours = Arc::new(Policy::parse(FIVE_PATTERNS.as_bytes())?);
    let theirs = mailrs_mta_sts::Policy::parse(FIVE_PATTERNS)?;
    for (subject, host) in HOSTS {
        matches(subject, host, &ours, &theirs);
    }
    let outcome = Outcome::local("example.com".parse()?, ours);
    verdicts(&outcome, &theirs);
    Ok(())
}

type Call<'a> = (&'a str, &'a dyn Fn() -> bool);

fn records() {
    compare(
        "record_parse",
        &[
            ("mtasts", &|| {
                Record::parse(black_box(RECORD).as_bytes()).is_ok_and(|record| is_id(record.id()))
            }),
            ("mailrs-mta-sts", &|| {
                StsRecord::parse(black_box(RECORD)).is_ok_and(|record| is_id(&record.id))
            }),
            ("mail-auth", &|| {
                MtaSts::parse(black_box(RECORD).as_bytes()).is_ok_and(|record| is_id(&record.id))
            }),
        ],
    );
}

fn is_id(id: &str) -> bool {
    black_box(id).len() == 15
}

fn policies() {
    compare(
        "policy_parse",
        &[
            ("mtasts", &|| {
                Policy::parse(black_box(POLICY).as_bytes())
                    .is_ok_and(|policy| policy.mx().len() == 3)
            }),
            ("mailrs-mta-sts", &|| {
                mailrs_mta_sts::Policy::parse(black_box(POLICY))
                    .is_ok_and(|policy| policy.mx.len() == 3)
            }),
        ],
    );
}

fn matches(subject: &str, host: &str, ours: &Policy, theirs: &mailrs_mta_sts::Policy) {
    let expected = subject != "match_none";
    compare(
        subject,
        &[
            ("mtasts", &|| {
                black_box(ours).matches(black_box(host)) == expected
            }),
            ("mailrs-mta-sts", &|| {
                let (patterns, host) = (&black_box(theirs).mx, black_box(host));
                patterns.iter().any(|pattern| mx_matches(host, pattern)) == expected
            }),
        ],
    );
}

fn verdicts(outcome: &Outcome, theirs: &mailrs_mta_sts::Policy) {
    let session = Session {
        mx_host: "backup.example.com",
        tls: Tls::Established(Certificate::Valid),
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    compare(
        "verdict",
        &[
            ("mtasts", &|| {
                let verdict = black_box(outcome).verdict(black_box(&session));
                verdict.action == Action::Deliver
            }),
            ("mailrs-mta-sts", &|| {
                enforce(black_box(theirs), black_box(session.mx_host)) == Decision::Allow
            }),
        ],
    );
}

/// Times the calls in turns, the engine's first: of each the least of all rounds, since other work
/// on the machine only adds, and the median of the ratios within the rounds.
fn compare(subject: &str, calls: &[Call<'_>]) {
    let rounds: Vec<Vec<f64>> = (0..ROUNDS)
        .map(|_| calls.iter().map(|(_, call)| time(*call)).collect())
        .collect();
    for (number, (name, _)) in calls.iter().enumerate() {
        let least = rounds
            .iter()
            .map(|round| round[number])
            .fold(f64::MAX, f64::min);
        let mut ratios: Vec<f64> = rounds
            .iter()
            .map(|round| round[number] / round[0])
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!("{subject}\t{name}\t{least:.2}\t{:.3}", ratios[ROUNDS / 2]);
    }
}

/// The nanoseconds of one call, in the mean of a few that take no longer than a processor is left
/// alone.
fn time(call: &dyn Fn() -> bool) -> f64 {
    let begun = Instant::now();
    let good = (0..CALLS).fold(true, |good, _| good & call());
    let nanoseconds = begun.elapsed().as_nanos() as f64 / f64::from(CALLS);
    assert!(good, "a call gave another answer than it should");
    nanoseconds
}
