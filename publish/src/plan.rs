// SPDX-License-Identifier: MIT OR Apache-2.0

//! The order in which a domain publishes (RFC 8461 §8, R-PUB-1): each step can be taken when the wait of the
//! one before is over, and mail arrives at every moment between, whatever a sender remembers.
//!
//! * The policy goes before the record: the record's new `id` makes senders fetch, and they must
//!   not find the old policy then (§8.1).
//! * `testing` goes before `enforce`, and reports tell when (§5).
//! * An MX host is listed before DNS names it, and leaves the policy after it left DNS.
//! * The end is a policy of mode `none`, for as long as anyone may remember another (§8.3).

mod change;
mod steps;

use crate::draft::{Draft, Written};
use crate::error::Error;
use alloc::{format, string::String, vec::Vec};
use mtasts::{Mode, Policy, PolicyDomain, PolicyId, UnixTime};

/// What is published now.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The policy that is served.
    pub policy: &'a Policy,
    /// The `id` of the record.
    pub id: &'a PolicyId,
    /// The greatest `max_age` in seconds of any policy that was ever served, as far as it is known;
    /// that of [`Present::policy`] counts without being said.
    pub longest_max_age: u32,
    /// The hosts that the MX records name; `None` where that is not known.
    pub mx_hosts: Option<&'a [String]>,
}

/// Steps in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The steps; none where what is published is what is wanted.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub kind: Kind,
    /// What to do, in a line.
    pub title: String,
    /// How, and why now; a sentence or a few.
    pub detail: String,
    /// Where the RFC says so: `RFC 8461 §8.1`.
    pub section: &'static str,
    /// The policy to serve from this step on, for [`Kind::Policy`].
    pub policy: Option<Written>,
    /// The `id` that the record is to have from this step on, for [`Kind::Record`].
    pub id: Option<PolicyId>,
    /// What to wait for before the next step.
    pub wait: Option<Wait>,
}

/// What a [`Step`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The MX hosts' TLS and certificates.
    MxTls,
    /// The TLSRPT record.
    Tlsrpt,
    /// The Policy Host: its address, certificate and web server.
    PolicyHost,
    /// The policy is served.
    Policy,
    /// The record gets the policy's `id`.
    Record,
    /// What is published stays so.
    Keep,
    /// The reports are read.
    Reports,
    /// The MX records change.
    MxRecords,
    /// Record and policy go.
    Retire,
}

impl Kind {
    /// A word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MxTls => "mx-tls",
            Self::Tlsrpt => "tlsrpt",
            Self::PolicyHost => "policy-host",
            Self::Policy => "policy",
            Self::Record => "record",
            Self::Keep => "keep",
            Self::Reports => "reports",
            Self::MxRecords => "mx-records",
            Self::Retire => "retire",
        }
    }
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The TTL of the MTA-STS record as it was before, or of the answer that there was none.
    RecordTtl,
    /// The TTL of the MX records, as it was before.
    MxTtl,
    /// Reports without failures of two weeks, in which each sender has come by.
    Reports,
    /// This many seconds, a `max_age`: until no sender remembers an earlier policy.
    MaxAge(u32),
}

impl Wait {
    /// A word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordTtl => "record-ttl",
            Self::MxTtl => "mx-ttl",
            Self::Reports => "reports",
            Self::MaxAge(_) => "max-age",
        }
    }

    /// One line for a person.
    pub fn describe(self) -> String {
        match self {
            Self::RecordTtl => {
                "Wait until the TTL of what was at _mta-sts before is over: some senders see the \
                                new record only then."
                    .into()
            }
            Self::MxTtl => {
                "Wait until the TTL of the old MX records is over, and keep the old hosts \
                            running until then."
                    .into()
            }
            Self::Reports => {
                "Wait for two weeks of reports without failures that you cannot explain.".into()
            }
            Self::MaxAge(seconds) => format!(
                "Keep serving this for {}, the longest max_age that any sender may remember.",
                span(seconds)
            ),
        }
    }

    /// The seconds to wait at least, where they are known without the DNS.
    pub const fn seconds(self) -> Option<u32> {
        match self {
            Self::RecordTtl | Self::MxTtl => None,
            Self::Reports => Some(2 * crate::draft::WEEK),
            Self::MaxAge(seconds) => Some(seconds),
        }
    }
}

/// `14 days`, or in the greatest unit that is not broken.
fn span(seconds: u32) -> String {
    let (number, unit) = match seconds {
        _ if seconds.is_multiple_of(86_400) && seconds > 0 => (seconds / 86_400, "day"),
        _ if seconds.is_multiple_of(3600) && seconds > 0 => (seconds / 3600, "hour"),
        _ => (seconds, "second"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

impl Plan {
    /// From nothing to the policy that is wanted: in mode `testing` with a `max_age` of a day at
    /// most at first, and as wanted at the end. For mode `none` there is nothing to do.
    ///
    /// # Errors
    /// As [`Draft::write`].
    pub fn start(domain: &PolicyDomain, wanted: &Draft, now: UnixTime) -> Result<Self, Error> {
        wanted.write()?;
        let steps = match wanted.mode {
            Mode::None => Vec::new(),
            Mode::Enforce | Mode::Testing => change::start(domain, None, wanted, now)?,
        };
        Ok(Self { steps })
    }

    /// From what is published to what is wanted, in steps that never come in the wrong order; for
    /// mode `none` that is the domain's way out of MTA-STS.
    ///
    /// # Errors
    /// As [`Draft::write`].
    pub fn next(
        domain: &PolicyDomain,
        present: &Present<'_>,
        wanted: &Draft,
        now: UnixTime,
    ) -> Result<Self, Error> {
        wanted.write()?;
        let steps = match (present.policy.mode(), wanted.mode) {
            (_, Mode::None) => change::remove(domain, present, now)?,
            (Mode::None, _) => change::start(domain, Some(present.id), wanted, now)?,
            _ => change::change(domain, present, wanted, now)?,
        };
        Ok(Self { steps })
    }
}
