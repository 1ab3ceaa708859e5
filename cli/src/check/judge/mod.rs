// SPDX-License-Identifier: MIT OR Apache-2.0

//! Findings from facts (R-PUB-2). How severe a finding about an MX host is hangs on the policy:
//!
//! | mode                | an MX host fails                                                   |
//! |---------------------|--------------------------------------------------------------------|
//! | enforce             | error if no host is left to which senders deliver, else a warning  |
//! | testing             | a warning                                                          |
//! | none, or no policy  | a notice                                                           |

mod certificate;
mod grammar;
mod mail;
mod policy;
mod records;

use super::facts::{Facts, MxHost, Presence};
use super::finding::{Finding, Severity};
use mtasts::{Mode, UnixTime};
use mtasts_publish::id_at;
use serde::Serialize;

/// What a domain comes to, in the words and numbers of Nagios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Status {
    /// Of these findings.
    pub fn of(findings: &[Finding]) -> Self {
        Self::from(findings.iter().map(|finding| finding.severity).max())
    }

    /// As monitoring says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The severity that it stands for.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Ok => Severity::Notice,
            Self::Warning => Severity::Warning,
            Self::Critical => Severity::Error,
            Self::Unknown => Severity::Unknown,
        }
    }
}

impl From<Option<Severity>> for Status {
    fn from(worst: Option<Severity>) -> Self {
        match worst {
            None | Some(Severity::Notice) => Self::Ok,
            Some(Severity::Warning) => Self::Warning,
            Some(Severity::Unknown) => Self::Unknown,
            Some(Severity::Error) => Self::Critical,
        }
    }
}

/// A domain with what is to be said of it: what `--json` shows.
#[derive(Debug, Serialize)]
pub struct Report {
    pub status: Status,
    #[serde(flatten)]
    pub facts: Facts,
    pub findings: Vec<Finding>,
}

/// Judges what was seen at `now`. The worst finding comes first.
pub fn judge(facts: Facts, now: UnixTime) -> Report {
    let scene = Scene { facts: &facts, now };
    let mut findings = Vec::new();
    records::record(&scene, &mut findings);
    policy::policy(&scene, &mut findings);
    mail::mail(&scene, &mut findings);
    records::tlsrpt(&scene, &mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity)); // stable
    Report {
        status: Status::of(&findings),
        facts,
        findings,
    }
}

/// Certificates that end within fewer days than this are told of.
const SOON: i64 = 14;

/// What is judged.
struct Scene<'a> {
    facts: &'a Facts,
    now: UnixTime,
}

impl Scene<'_> {
    /// The mode that senders apply.
    fn mode(&self) -> Mode {
        let policy = &self.facts.policy;
        policy
            .mode
            .filter(|_| policy.in_force)
            .unwrap_or(Mode::None)
    }

    /// Whether the domain has begun to publish MTA-STS.
    fn is_meant(&self) -> bool {
        let record = self.facts.record.txt.state;
        record != Presence::None && record != Presence::Unknown || self.facts.policy.mode.is_some()
    }

    /// The record with a new id.
    fn record_line(&self) -> String {
        let id = id_at(self.now);
        format!(
            "{}. IN TXT \"v=STSv1; id={id};\"",
            self.facts.record.txt.name
        )
    }

    /// How severe a fault of an MX host is.
    fn fault(&self) -> Severity {
        match self.mode() {
            Mode::Enforce if self.facts.mx.hosts.iter().any(MxHost::is_good) => Severity::Warning,
            Mode::Enforce => Severity::Error,
            Mode::Testing => Severity::Warning,
            Mode::None => Severity::Notice,
        }
    }

    /// How severe it is that an MX host, or an address of it, could not be looked at.
    fn doubt(&self) -> Severity {
        let addresses = self.facts.mx.hosts.iter().flat_map(|host| &host.addresses);
        let is_seen = addresses
            .into_iter()
            .any(|address| address.session.state.is_known());
        match (self.mode(), is_seen) {
            (Mode::None, _) => Severity::Notice,
            (_, true) => Severity::Warning,
            (_, false) => Severity::Unknown,
        }
    }
}
