// SPDX-License-Identifier: MIT OR Apache-2.0

//! The domains that mail goes to: which have a policy, how long it lives, who serves it, and how
//! much mail each gets. All follows from a domain's number, which is its rank by mail.

use mtasts::{HttpsReply, Policy, RecordCheck, Stored, StoredPolicy, UnixTime};
use mtasts_benches::{Outcome, mix};
use std::sync::Arc;

/// When the simulation begins: midnight UTC.
pub const START: u64 = 1_767_225_600;

/// `max_age` of 216 policies that were found published, in parts per thousand.
const MAX_AGES: &[(u32, u64)] = &[
    (604_800, 467),
    (86_400, 319),
    (1_209_600, 83),
    (2_419_200, 46),
    (31_557_600, 23),
    (10_368_000, 14),
    (2_592_000, 14),
    (15_552_000, 14),
    (31_536_000, 5),
    (3_600, 5),
    (300, 5),
    (604, 5),
];

/// TTLs of the records, in parts per thousand: an assumption.
const TTLS: &[(u32, u64)] = &[(300, 250), (3_600, 500), (14_400, 100), (86_400, 150)];

#[derive(Clone, Debug)]
pub struct Population {
    pub domains: u32,
    /// Per million: those with a policy, and of these the tenants of one large provider.
    pub policies: u64,
    pub tenants: u64,
    /// Mails a second, on the mean of a day.
    pub rate: f64,
    harmonic: f64,
}

impl Population {
    pub fn new(domains: u32, policies: f64, tenants: f64, rate: f64) -> Self {
        let harmonic = (1..=domains).map(|rank| 1.0 / f64::from(rank)).sum();
        Self {
            domains,
            policies: (policies * 1e6) as u64,
            tenants: (tenants * 1e6) as u64,
            rate,
            harmonic,
        }
    }

    /// Mails a second to one domain (Zipf).
    pub fn rate_of(&self, number: u32) -> f64 {
        self.rate / self.harmonic / f64::from(number + 1)
    }

    pub fn has_policy(&self, number: u32) -> bool {
        draw(number, 1) % 1_000_000 < self.policies
    }

    /// Whether the large provider serves its policy.
    pub fn is_tenant(&self, number: u32) -> bool {
        self.has_policy(number) && draw(number, 2) % 1_000_000 < self.tenants
    }

    /// Of all tenants it is the provider's.
    pub fn max_age(&self, number: u32) -> u32 {
        match self.is_tenant(number) {
            true => 604_800,
            false => weighted(MAX_AGES, draw(number, 3)),
        }
    }

    pub fn ttl(&self, number: u32) -> u32 {
        match self.is_tenant(number) {
            true => 3_600,
            false => weighted(TTLS, draw(number, 4)),
        }
    }

    pub fn id(&self, number: u32, version: u32) -> String {
        let version = if self.is_tenant(number) { version } else { 0 };
        format!("2026010100000{version}")
    }

    pub fn record(&self, number: u32, version: u32) -> Vec<u8> {
        format!("v=STSv1; id={};", self.id(number, version)).into_bytes()
    }

    fn text(&self, number: u32, version: u32) -> String {
        let hosts = match self.is_tenant(number) {
            true => format!("mx: *.in{version}.provider.example\r\n"),
            false => format!("mx: mx1.{0}\r\nmx: *.mail.{0}\r\n", name(number)),
        };
        let max_age = self.max_age(number);
        format!("version: STSv1\r\nmode: enforce\r\n{hosts}max_age: {max_age}\r\n")
    }

    pub fn reply(&self, number: u32, version: u32) -> HttpsReply {
        HttpsReply {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            body: self.text(number, version).into_bytes(),
        }
    }

    /// An entry as an earlier fetch has left it.
    pub fn stored(&self, number: u32, fetched_at: u64, until: u64) -> Outcome<Arc<Stored>> {
        let policy = StoredPolicy {
            policy: Policy::parse(self.text(number, 0).as_bytes())?,
            id: self.id(number, 0).parse()?,
            fetched_at: UnixTime(fetched_at),
        };
        let mut stored = Stored::unknown(name(number).parse()?);
        stored.record = Some(RecordCheck {
            id: Some(policy.id.clone()),
            until: UnixTime(until),
        });
        stored.policy = Some(Arc::new(policy));
        Ok(Arc::new(stored))
    }
}

/// Mail by the hour: most in the afternoon, least at night; 1 on the mean.
pub fn tide(second: u64) -> f64 {
    let day = (second % 86_400) as f64 / 86_400.0;
    1.0 + SWING * (std::f64::consts::TAU * (day - 0.375)).sin()
}

/// How far the tide goes.
pub const SWING: f64 = 0.6;

pub fn name(number: u32) -> String {
    format!("mail{number}.example.com")
}

/// The number in any of the names of a domain.
pub fn number(name: &str) -> u32 {
    let digits = name.rsplit_once("mail").map_or("", |(_, rest)| rest);
    let digits = digits.split('.').next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}

fn draw(number: u32, what: u64) -> u64 {
    mix(u64::from(number) | what << 40)
}

fn weighted(values: &[(u32, u64)], draw: u64) -> u32 {
    let mut left = draw % values.iter().map(|(_, weight)| weight).sum::<u64>();
    for (value, weight) in values {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return *value,
        }
    }
    0
}
