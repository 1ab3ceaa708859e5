// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `instructions.py` counts by callgrind: each subject, called [`CALLS`] times by
//! [`measured`], which is what it toggles on. Prints their names in the order in which they run.

#![allow(missing_docs)]

use mtasts::tlsrpt::Report;
use mtasts::*;
use std::error::Error;
use std::hint::black_box;

/// As `abi.c` does, and `instructions.py` divides by.
const CALLS: usize = 100;

const RECORD: &[u8] = b"v=STSv1; id=20160831085700Z;";

/// The example of RFC 8461 §3.2, with the line ends of most real ones.
const POLICY: &[u8] = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
    mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

const FIVE_PATTERNS: &[u8] = b"version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\n\
    mx: mx2.example.com\r\nmx: *.mail.example.net\r\nmx: *.example.org\r\n\
    mx: backup.example.com\r\nmax_age: 604800\r\n";

/// What is asked about the five patterns.
const HOSTS: [(&str, &str); 4] = [
    ("match_last", "backup.example.com"),
    ("match_last_in_capitals", "BACKUP.EXAMPLE.COM."),
    ("match_wildcard", "inbound.example.org"),
    ("match_none", "mx.attacker.example"),
];

const REPORT: &[u8] = include_bytes!("../core/tests/reports/google.json");

const NOW: UnixTime = UnixTime(1_767_225_600);

fn main() -> Result<(), Box<dyn Error>> {
    // In memory of their own, as from the network: constants have an alignment by chance.
    let texts = [RECORD, POLICY, REPORT].map(<[u8]>::to_vec);
    let [record, policy, report] = &texts;
    measure("record_parse", || Record::parse(black_box(record)).is_ok());
    measure("policy_parse", || Policy::parse(black_box(policy)).is_ok());
    let five = Policy::parse(FIVE_PATTERNS)?;
    for (name, host) in HOSTS {
        let expected = name != "match_none";
        measure(name, || {
            black_box(&five).matches(black_box(host)) == expected
        });
    }
    let outcome = look_up().ok_or("the look-up has no policy")?;
    measure("verdict", || verdict(black_box(&outcome)));
    measure("lookup", || look_up().is_some());
    measure("report_parse", || Report::parse(black_box(report)).is_ok());
    Ok(())
}

/// Once before, so that nothing is done for the first time; each call must give true.
fn measure(name: &str, mut subject: impl FnMut() -> bool) {
    let good = subject() && measured(&mut subject);
    println!("{}", if good { name } else { "a call failed" });
}

#[inline(never)]
fn measured(subject: &mut dyn FnMut() -> bool) -> bool {
    (0..CALLS).fold(true, |good, _| good & subject())
}

fn verdict(outcome: &Outcome) -> bool {
    let session = Session {
        mx_host: "backup.example.com",
        tls: Tls::Established(Certificate::Valid),
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    outcome.verdict(black_box(&session)).action == Action::Deliver
}

/// A whole look-up of a domain that is not known, by its transcript: the record, the policy and
/// the text for the store. The outcome, if it is that there is a policy.
fn look_up() -> Option<Outcome> {
    let domain = black_box("example.com").parse().ok()?;
    let record = TxtAnswer {
        records: vec![RECORD.to_vec()],
        ttl: Some(3600),
    };
    let reply = HttpsReply {
        status: 200,
        content_type: Some("text/plain".into()),
        body: FIVE_PATTERNS.to_vec(),
    };
    let mut lookup = Lookup::new(domain, None, &Config::default(), NOW);
    loop {
        match lookup.poll() {
            Step::QueryTxt { id, .. } => lookup.txt(id, NOW, Ok(&record)).ok()?,
            Step::Fetch { id, .. } => lookup.https(id, NOW, Ok(&reply)).ok()?,
            Step::Done(outcome) => {
                black_box(outcome.stored().to_text());
                break;
            }
        }
    }
    lookup
        .into_outcome()
        .filter(|outcome| outcome.policy().is_some())
}
