// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reports, as one organisation sends them to another once a day: the I-JSON schema of RFC 8460
//! §4.4, read and written (R-RPT-3).
//!
//! What is read was written by anybody. Members that the schema does not know are passed over,
//! types that it does not know are kept as text, and what senders are known to leave out may be
//! missing; all else that breaks the schema is an error with its place. A report takes memory of
//! at most some twenty times its octets, of which there are at most [`MAX_REPORT`].
//!
//! ```
//! use mtasts::tlsrpt::report::{Counter, FailureDetails, PolicyReport, Report, Sender};
//! use mtasts::{PolicyDomain, UnixTime, tlsrpt::PolicyType};
//!
//! // A sender counts, and makes of each domain's day a report.
//! let domain: PolicyDomain = "example.com".parse()?;
//! let mut counted = PolicyReport::new(PolicyType::Sts, &domain);
//! counted.summary.total_successful_session_count = 20;
//! counted.fail(3, FailureDetails {
//!     receiving_mx_hostname: Some("mx.example.com".into()),
//!     ..FailureDetails::new(mtasts::ResultType::CertificateExpired)
//! });
//! let mut counter = Counter::default();
//! counter.add(UnixTime(1_767_225_600), &domain, counted)?;
//! let sender = Sender {
//!     organization_name: "Sender",
//!     contact_info: "tlsrpt@sender.example",
//!     submitter: &"mta.sender.example".parse()?,
//! };
//! let (_, report) = counter.take(UnixTime(1_767_312_000), &sender).remove(0);
//!
//! // Whoever gets it reads what was written.
//! let read = Report::parse(report.to_json().as_bytes())?;
//! assert_eq!(read, report);
//! assert_eq!(read.policies[0].summary.total_failure_session_count, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod count;
mod date;
mod mail;
mod read;

pub use count::{Counter, MAX_FAILURE_DETAILS, Sender};
pub use date::DateRange;
pub use mail::{Format, Mail};

use super::{PolicyType, ResultType};
use crate::error::Position;
use crate::name::PolicyDomain;
use alloc::string::{String, ToString};
use alloc::{format, vec::Vec};
use core::fmt;
use serde::{Deserialize, Serialize};

/// The most octets of JSON that a report may have: 32 MiB, many times what any sender is known to
/// send.
pub const MAX_REPORT: usize = 32 << 20;

/// The characters of an error's message, which may quote the report.
const MAX_MESSAGE: usize = 200;

/// A report on one day's sessions with one domain (RFC 8460 §4.4).
///
/// Texts are as the sender wrote them, who may be anybody: escape them before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
pub struct Report {
    /// Who sends the report. Empty where it does not say.
    #[serde(default, deserialize_with = "read::or_default")]
    pub organization_name: String,
    /// The time that it is about.
    pub date_range: DateRange,
    /// How to reach the sender: a mail address, mostly. Empty where it does not say.
    #[serde(default, deserialize_with = "read::or_default")]
    pub contact_info: String,
    /// The sender's name for this report, of which it has no other.
    pub report_id: String,
    /// What was counted, by policy.
    pub policies: Vec<PolicyReport>,
}

/// What was counted against one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
pub struct PolicyReport {
    /// The policy.
    pub policy: AppliedPolicy,
    /// How many sessions there were.
    pub summary: Summary,
    /// What failed, and how often. Not all failures need be told.
    #[serde(
        default,
        deserialize_with = "read::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub failure_details: Vec<FailureDetails>,
}

/// The policy that was applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
pub struct AppliedPolicy {
    /// A name of [`PolicyType`], or whatever the sender has written.
    pub policy_type: String,
    /// The policy's text: of MTA-STS its lines, of DANE the TLSA records.
    #[serde(
        default,
        deserialize_with = "read::one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub policy_string: Vec<String>,
    /// The domain of the policy, in A-labels; of DANE the TLSA base domain.
    pub policy_domain: String,
    /// The patterns of the policy's MX hosts. Some senders write one alone, and not an array.
    #[serde(
        default,
        deserialize_with = "read::one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub mx_host: Vec<String>,
}

/// How many sessions succeeded and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
pub struct Summary {
    /// Sessions with TLS as the policy wants it.
    pub total_successful_session_count: u64,
    /// The others, whether mail was sent in them or not.
    pub total_failure_session_count: u64,
}

/// Failures that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
pub struct FailureDetails {
    /// A name of [`ResultType`], or whatever the sender has written.
    pub result_type: String,
    /// The address that the sessions came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sending_mta_ip: Option<String>,
    /// The MX host, by its record's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiving_mx_hostname: Option<String>,
    /// How the MX host called itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiving_mx_helo: Option<String>,
    /// The address that they went to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiving_ip: Option<String>,
    /// How many there were.
    pub failed_session_count: u64,
    /// A URI that leads to more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_information: Option<String>,
    /// What exactly failed, in the sender's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<String>,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// It is larger than [`MAX_REPORT`], no JSON, breaks the schema (a member is missing, there
    /// twice, or of another type), or ends before it begins.
    pub fn parse(json: &[u8]) -> Result<Self, ReportError> {
        if json.len() > MAX_REPORT {
            return Err(ReportError::new("the report is larger than 32 MiB"));
        }
        let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
        let report: Self =
            serde_json::from_slice(json).map_err(|error| ReportError::of(json, &error))?;
        if report.date_range.end < report.date_range.start {
            return Err(ReportError::new("date-range ends before it begins"));
        }
        Ok(report)
    }

    /// The report as JSON in one line, `mx-host` and `policy-string` as arrays, times in UTC.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // texts and numbers always can be written
    }
}

impl PolicyReport {
    /// No session yet, against a policy of which no more is known.
    pub fn new(policy_type: PolicyType, policy_domain: &PolicyDomain) -> Self {
        let policy = AppliedPolicy {
            policy_type: policy_type.as_str().into(),
            policy_string: Vec::new(),
            policy_domain: policy_domain.to_string(),
            mx_host: Vec::new(),
        };
        Self {
            policy,
            summary: Summary::default(),
            failure_details: Vec::new(),
        }
    }

    /// `count` sessions that failed alike, whatever count stands in `details`.
    pub fn fail(&mut self, count: u64, details: FailureDetails) {
        let failed = &mut self.summary.total_failure_session_count;
        *failed = failed.saturating_add(count);
        self.failure_details.push(FailureDetails {
            failed_session_count: count,
            ..details
        });
    }
}

impl AppliedPolicy {
    /// The type, if it is one of the RFC's.
    pub fn known_type(&self) -> Option<PolicyType> {
        PolicyType::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == self.policy_type)
    }
}

impl FailureDetails {
    /// Nothing is known but the result.
    pub fn new(result_type: ResultType) -> Self {
        Self {
            result_type: result_type.as_str().into(),
            ..Self::default()
        }
    }

    /// The result type, if it is one of the RFC's.
    pub fn known_result(&self) -> Option<ResultType> {
        self.result_type.parse().ok()
    }
}

/// Why a report cannot be read, or not be written as asked: one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError {
    message: String,
    position: Option<Position>,
}

impl ReportError {
    fn new(message: &str) -> Self {
        Self {
            message: message.into(),
            position: None,
        }
    }

    /// serde_json counts octets, and adds the place to the message.
    fn of(json: &[u8], error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&place).unwrap_or(&message);
        Self {
            message: message.chars().take(MAX_MESSAGE).collect(),
            position: (line > 0).then(|| {
                let lines = json.split_inclusive(|&b| b == b'\n');
                let start: usize = lines.take(line - 1).map(<[u8]>::len).sum();
                Position::of(json, start + column.saturating_sub(1))
            }),
        }
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where that was seen; `None` where the report as a whole is meant.
    pub fn position(&self) -> Option<Position> {
        self.position
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for ReportError {}
