// SPDX-License-Identifier: MIT OR Apache-2.0

//! A session's result as libtlsrpt sends it to a collector on the same machine (R-RPT-4): one JSON
//! object in one datagram, octet by octet as that library writes it. tlsrpt-collectd counts equal
//! policies and equal failures together; tlsrpt-reportd makes RFC 8460 reports of the counts.
//!
//! | key                 | value                                                                  |
//! |---------------------|------------------------------------------------------------------------|
//! | `dpv`               | the version of this format, `"1"`                                      |
//! | `d`, `pr`           | the domain that asks for reports, and its TLSRPT record                |
//! | `policies`          | an array, here of one; in it:                                          |
//! | `policy-type`       | a number                                                               |
//! | `policy-domain`, `policy-string`, `mx-host` | as in a report                                 |
//! | `failure-details`   | an array, whose objects have one letter for a key, see `session_failure` |
//! | `t`, `f`            | how many failures there are; 1 for a failed session, else 0            |

use super::{Details, PolicyType, Record, ResultType, SessionResult};
use crate::policy::Policy;
use crate::reason::Reason;
use crate::verdict::Cause;
use alloc::{string::String, string::ToString, vec::Vec};
use core::fmt::{self, Write};
use core::net::IpAddr;

/// The most octets that a datagram has, which common systems let through a Unix socket.
pub const MAX_DATAGRAM: usize = 65_000;

/// The most characters of a text that comes from outside.
const MAX_TEXT: usize = 500;

/// How much of a policy is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Patterns,
    Neither,
}

impl SessionResult<'_> {
    /// The datagram's octets, at most [`MAX_DATAGRAM`]: where it would have more the policy's lines
    /// are left out, then its MX patterns. `None` where that does not suffice, which takes a TLSRPT
    /// record of tens of thousands of octets.
    ///
    /// `record` is the one at `_smtp._tls.` and the outcome's domain: a domain without one wants no
    /// reports.
    pub fn datagram(&self, record: &Record<'_>, details: &Details<'_>) -> Option<Vec<u8>> {
        let extents = [Extent::Whole, Extent::Patterns, Extent::Neither];
        let mut written = extents
            .into_iter()
            .map(|extent| self.write(record, details, extent));
        written
            .find(|datagram| datagram.len() <= MAX_DATAGRAM)
            .map(String::into_bytes)
    }

    fn write(&self, record: &Record<'_>, details: &Details<'_>, extent: Extent) -> String {
        let mut out = Json::default();
        out.raw("{");
        out.text("dpv", "1");
        out.text("d", self.domain);
        out.text("pr", &record.to_string());
        out.raw(",\"policies\":[{");
        out.number("policy-type", policy_type_number(self.policy_type));
        out.text("policy-domain", self.policy_domain());
        if let Some(policy) = self.policy {
            if extent == Extent::Whole {
                out.list("policy-string", lines(policy));
            }
            if extent != Extent::Neither {
                out.list("mx-host", policy.mx().map(|pattern| pattern.as_str()));
            }
        }
        let failures = self.failures(details);
        if !failures.is_empty() {
            let _ = write!(out.0, ",\"failure-details\":[{}]", failures.join(","));
        }
        out.number("t", failures.len());
        out.number("f", usize::from(!self.is_success()));
        out.raw("}]}");
        out.0
    }

    /// Each failure as an object.
    fn failures(&self, details: &Details<'_>) -> Vec<String> {
        let policy = self
            .policy_failure
            .map(|(reason, result)| policy_failure(reason, result, details));
        let session = self
            .failure
            .map(|(cause, result)| session_failure(self.mx_host, cause, result, details));
        policy.into_iter().chain(session).collect()
    }
}

/// A failure that is no MX host's.
fn policy_failure(reason: Reason, result: ResultType, details: &Details<'_>) -> String {
    let mut out = Json::default();
    out.raw("{");
    out.number("c", result_number(result));
    out.address("s", details.sending_mta_ip);
    out.text("f", &reason.to_string());
    out.raw("}");
    out.0
}

fn session_failure(mx: &str, cause: Cause, result: ResultType, details: &Details<'_>) -> String {
    let mut out = Json::default();
    out.raw("{");
    out.number("c", result_number(result));
    out.address("s", details.sending_mta_ip);
    out.octets("n", mx.as_bytes());
    out.octets("h", details.receiving_mx_helo);
    out.address("r", details.receiving_ip);
    out.octets("a", details.additional_information);
    match details.failure_reason_code {
        [] => out.text("f", cause.as_str()),
        code => out.octets("f", code),
    }
    out.raw("}");
    out.0
}

/// The policy's lines, without those that are blank.
pub(super) fn lines(policy: &Policy) -> impl Iterator<Item = &str> {
    let lines = policy.text().split('\n').map(str::trim_ascii);
    lines.filter(|line| !line.is_empty())
}

/// libtlsrpt's `tlsrpt_policy_type_t`.
const fn policy_type_number(policy_type: PolicyType) -> usize {
    match policy_type {
        PolicyType::Tlsa => 1,
        PolicyType::Sts => 2,
        PolicyType::NoPolicyFound => 9,
    }
}

/// libtlsrpt's `tlsrpt_failure_t`.
const fn result_number(result: ResultType) -> usize {
    match result {
        ResultType::StartTlsNotSupported => 201,
        ResultType::CertificateHostMismatch => 202,
        ResultType::CertificateNotTrusted => 203,
        ResultType::CertificateExpired => 204,
        ResultType::ValidationFailure => 205,
        ResultType::StsPolicyFetchError => 301,
        ResultType::StsPolicyInvalid => 302,
        ResultType::StsWebPkiInvalid => 303,
        ResultType::TlsaInvalid => 304,
        ResultType::DnssecInvalid => 305,
        ResultType::DaneRequired => 306,
    }
}

/// JSON as it comes to be. Always whole and always UTF-8: a collector may end at what is not.
#[derive(Default)]
struct Json(String);

impl Json {
    fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// A key, after a comma unless it is an object's first.
    fn key(&mut self, key: &str) {
        let comma = if self.0.ends_with('{') { "" } else { "," };
        let _ = write!(self.0, "{comma}\"{key}\":");
    }

    fn number(&mut self, key: &str, number: usize) {
        self.key(key);
        let _ = write!(self.0, "{number}");
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        let _ = write!(self.0, " {}", Quoted(text)); // libtlsrpt has a space there
    }

    fn list<'a>(&mut self, key: &str, texts: impl Iterator<Item = &'a str>) {
        self.key(key);
        for (n, text) in texts.enumerate() {
            let begin = if n == 0 { "[" } else { "," };
            let _ = write!(self.0, "{begin}{}", Quoted(text));
        }
        self.raw("]");
    }

    fn address(&mut self, key: &str, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.text(key, &address.to_string());
        }
    }

    /// A text from outside; nothing if it is empty.
    fn octets(&mut self, key: &str, octets: &[u8]) {
        if let Some(text) = text(octets) {
            self.text(key, &text);
        }
    }
}

/// A text from outside, cut off; `None` if it is empty.
pub(super) fn text(octets: &[u8]) -> Option<String> {
    let replaced = |chunk: core::str::Utf8Chunk<'_>| {
        let bad = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(bad).collect::<Vec<_>>()
    };
    let chunks = octets.utf8_chunks();
    let text: String = chunks.flat_map(replaced).take(MAX_TEXT).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// A JSON string (RFC 8259 §7).
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\u{8}' => f.write_str("\\b")?,
                '\t' => f.write_str("\\t")?,
                '\n' => f.write_str("\\n")?,
                '\u{c}' => f.write_str("\\f")?,
                '\r' => f.write_str("\\r")?,
                '\0'..='\x1f' | '\x7f' => write!(f, "\\u{:04x}", u32::from(c))?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
