// SPDX-License-Identifier: MIT OR Apache-2.0

//! What DNS, HTTPS and clocks may say, as scripts have it: mostly what servers say, and anything.

use arbitrary::Arbitrary;
use mtasts::{
    Config, FetchFailure, HttpsReply, Lookup, Outcome, Policy, PolicyDomain, Step, TxtAnswer,
    TxtFailure, UnixTime,
};
use std::sync::Arc;

/// 2026-01-01T00:00:00Z
pub const START: UnixTime = UnixTime(1_767_225_600);

/// The domains of all scripts.
pub const DOMAINS: [&str; 3] = ["example.com", "example.net", "a.b.example.org"];

/// One of [`DOMAINS`].
pub fn domain(number: u8) -> PolicyDomain {
    let name = DOMAINS[usize::from(number) % DOMAINS.len()];
    name.parse().expect("a legal name")
}

/// What the clock does.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Clock {
    /// Nothing.
    Stays,
    /// It goes on.
    Seconds(u16),
    /// It goes on.
    Hours(u16),
    /// It is set back.
    Back(u16),
    /// It is set back.
    HoursBack(u16),
    /// It is set.
    At(u64),
}

impl Clock {
    /// The time after `now`.
    pub fn after(self, now: UnixTime) -> UnixTime {
        UnixTime(match self {
            Self::Stays => now.0,
            Self::Seconds(seconds) => now.0.saturating_add(seconds.into()),
            Self::Hours(hours) => now.0.saturating_add(u64::from(hours) * 3600),
            Self::Back(seconds) => now.0.saturating_sub(seconds.into()),
            Self::HoursBack(hours) => now.0.saturating_sub(u64::from(hours) * 3600),
            Self::At(time) => time,
        })
    }
}

/// The answer to a TXT query.
#[derive(Arbitrary, Clone, Debug)]
pub enum Txt {
    /// A record with an id of one letter.
    Id(u8, Option<u32>),
    /// Whatever records.
    Any(Vec<Vec<u8>>, Option<u32>),
    NoRecords(Option<u32>),
    Permanent,
    Temporary,
    Local,
}

impl Txt {
    /// As the engine takes it.
    pub fn give(&self) -> Result<TxtAnswer, TxtFailure> {
        match self {
            Self::Id(id, ttl) => Ok(TxtAnswer {
                records: vec![record(*id)],
                ttl: *ttl,
            }),
            Self::Any(records, ttl) => Ok(TxtAnswer {
                records: records.clone(),
                ttl: *ttl,
            }),
            Self::NoRecords(ttl) => Err(TxtFailure::NoRecords { ttl: *ttl }),
            Self::Permanent => Err(TxtFailure::Permanent),
            Self::Temporary => Err(TxtFailure::Temporary),
            Self::Local => Err(TxtFailure::Local),
        }
    }
}

fn record(id: u8) -> Vec<u8> {
    format!("v=STSv1; id={};", char::from(b'a' + id % 8)).into_bytes()
}

/// The answer to a fetch.
#[derive(Arbitrary, Clone, Debug)]
pub enum Https {
    /// A legal policy.
    Policy(Served),
    /// One of which something is not as it should be.
    Odd(Served, u16, Option<String>, Vec<u8>),
    /// Any reply.
    Reply(u16, Option<String>, Vec<u8>),
    Failed(u8),
}

impl Https {
    /// As the engine takes it.
    pub fn give(&self) -> Result<HttpsReply, FetchFailure> {
        use FetchFailure::{BodyTooLarge, Connect, Dns, Local, Other, Timeout, WebPki};
        let reply = |status: u16, content_type, body| {
            Ok(HttpsReply {
                status: 100 + (status - status.min(100)) % 900, // no others are status codes
                content_type,
                body,
            })
        };
        let plain = || Some("text/plain".to_owned());
        match self.clone() {
            Self::Policy(served) => reply(200, plain(), served.body()),
            Self::Odd(served, status, content_type, more) => {
                let status = if status % 4 == 0 { status } else { 200 };
                let body = [served.body(), more].concat();
                reply(status, content_type.or_else(plain), body)
            }
            Self::Reply(status, content_type, body) => reply(status, content_type, body),
            Self::Failed(failure) => {
                let all = [BodyTooLarge, Connect, Dns, Local, Other, Timeout, WebPki];
                Err(all[usize::from(failure) % all.len()])
            }
        }
    }
}

/// A legal policy.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Served {
    mode: u8,
    age: Age,
    mx: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Age {
    Day,
    Longest,
    None,
    Seconds(u16),
}

impl Served {
    /// Its text.
    pub fn body(self) -> Vec<u8> {
        let mode = ["enforce", "testing", "none"][usize::from(self.mode) % 3];
        let age = match self.age {
            Age::Day => 86_400,
            Age::Longest => mtasts::policy::MAX_MAX_AGE,
            Age::None => 0,
            Age::Seconds(seconds) => seconds.into(),
        };
        let mut text = format!("version: STSv1\nmode: {mode}\nmax_age: {age}\n");
        for number in 0..=self.mx % 12 {
            let pattern = match (self.mx.wrapping_add(number)) % 4 {
                0 => "*.example.com".to_owned(),
                1 => format!("mx{number}.example.com"),
                2 => "a.example.net".to_owned(),
                _ => format!("*.{number}.example.org"),
            };
            text += &format!("mx: {pattern}\n");
        }
        text.into_bytes()
    }
}

/// Outcomes of each kind. The policy has `seed` in it as far as the grammar lets it.
pub fn outcomes(seed: &[u8]) -> Vec<Outcome> {
    let text: String = String::from_utf8_lossy(seed).chars().take(2_000).collect();
    let text = text.replace(['\r', '\n'], " ");
    let body = |mode, line: &str| {
        format!(
            "version: STSv1\nmode: {mode}\nmax_age: 86400\nmx: *.example.com\nmx: a.example\n{line}\n"
        )
    };
    let odd = format!("x: {}", text.trim());
    let mut all = Vec::new();
    for mode in ["enforce", "testing", "none"] {
        let lines = [odd.as_str(), "x: y"];
        let legal = lines.iter().map(|line| body(mode, line));
        let legal = legal.filter_map(|body| Policy::parse(body.as_bytes()).ok());
        if let Some(policy) = legal.into_iter().next() {
            all.push(fetched(policy.text().as_bytes()));
            all.push(Outcome::local(domain(0), Arc::new(policy)));
        }
    }
    let config = Config::default();
    all.extend(done(Lookup::without_store(domain(0), &config, START), b""));
    all.extend(done(
        Lookup::new(domain(0), None, &config, START),
        &text.into_bytes(),
    ));
    all
}

fn fetched(body: &[u8]) -> Outcome {
    let lookup = Lookup::new(domain(0), None, &Config::default(), START);
    done(lookup, body).expect("two answers are enough")
}

/// The outcome where DNS has a record, and the body is what is served.
fn done(mut lookup: Lookup, body: &[u8]) -> Option<Outcome> {
    let reply = HttpsReply {
        status: 200,
        content_type: Some("text/plain".to_owned()),
        body: body.to_vec(),
    };
    let answer = TxtAnswer {
        records: vec![record(0)],
        ttl: None,
    };
    if let Step::QueryTxt { id, .. } = lookup.poll() {
        lookup.txt(id, START, Ok(&answer)).ok()?;
    }
    if let Step::Fetch { id, .. } = lookup.poll() {
        lookup.https(id, START, Ok(&reply)).ok()?;
    }
    lookup.into_outcome()
}
