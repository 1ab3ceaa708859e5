// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the parts of the engine cost, each by itself, in the order in which a delivery needs
//! them. Criterion leaves the samples in `sample.json` files, which `least.py` reads.

use criterion::Criterion;
use mtasts::{
    Attempts, Certificate, Config, Dane, HttpsReply, Lookup, Outcome, Policy, PolicyDomain, Record,
    RecordCheck, Session, Stored, StoredPolicy, Tls, UnixTime, reply,
};
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

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

const NOW: UnixTime = UnixTime(1_767_225_600);

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .sample_size(50)
        .nresamples(2000)
        .configure_from_args();
    let stored = Arc::new(stored()?);
    texts(&mut criterion);
    matches(&mut criterion)?;
    entries(&mut criterion, &stored);
    lookups(&mut criterion, &stored)
}

fn texts(criterion: &mut Criterion) {
    let reply = HttpsReply {
        status: 200,
        content_type: Some("text/plain; charset=utf-8".into()),
        body: POLICY.to_vec(),
    };
    criterion.bench_function("record_parse", |b| {
        b.iter(|| Record::parse(black_box(RECORD)));
    });
    criterion.bench_function("policy_parse", |b| {
        b.iter(|| Policy::parse(black_box(POLICY)));
    });
    criterion.bench_function("reply_accept", |b| {
        b.iter(|| reply::accept(black_box(&reply), mtasts::MAX_BODY));
    });
}

fn matches(criterion: &mut Criterion) -> Result<(), mtasts::Error> {
    let policy = Policy::parse(FIVE_PATTERNS)?;
    for (name, host) in HOSTS {
        criterion.bench_function(name, |b| {
            b.iter(|| black_box(&policy).matches(black_box(host)));
        });
    }
    Ok(())
}

fn entries(criterion: &mut Criterion, stored: &Stored) {
    let text = stored.to_text();
    criterion.bench_function("stored_write", |b| b.iter(|| black_box(stored).to_text()));
    criterion.bench_function("stored_parse", |b| {
        b.iter(|| black_box(text.as_str()).parse::<Stored>());
    });
}

fn lookups(criterion: &mut Criterion, stored: &Arc<Stored>) -> Result<(), Box<dyn Error>> {
    let config = Config::default();
    let session = Session {
        mx_host: "backup.example.com",
        tls: Tls::Established(Certificate::Valid),
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    let outcome = cached(stored, &config).ok_or("the policy is not taken from the cache")?;
    criterion.bench_function("verdict", |b| {
        b.iter(|| black_box(&outcome).verdict(black_box(&session)));
    });
    criterion.bench_function("lookup_cached", |b| {
        b.iter(|| cached(black_box(stored), &config).map(|outcome| outcome.verdict(&session)));
    });
    Ok(())
}

/// The outcome of a look-up that the cache answers.
fn cached(stored: &Arc<Stored>, config: &Config) -> Option<Outcome> {
    let lookup = Lookup::new(
        stored.domain.clone(),
        Some(Arc::clone(stored)),
        config,
        NOW.plus(60),
    );
    lookup.into_outcome()
}

fn stored() -> Result<Stored, mtasts::Error> {
    let domain: PolicyDomain = "example.com".parse()?;
    let record = Record::parse(RECORD)?;
    Ok(Stored {
        domain,
        policy: Some(Arc::new(StoredPolicy {
            policy: Policy::parse(FIVE_PATTERNS)?,
            id: record.policy_id()?,
            fetched_at: NOW,
        })),
        record: Some(RecordCheck {
            id: Some(record.policy_id()?),
            until: NOW.plus(3600),
        }),
        attempts: Attempts::default(),
    })
}
