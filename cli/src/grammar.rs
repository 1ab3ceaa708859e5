// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of a policy or a record that breaks the grammar: why a sender cares, where the RFC says
//! so, and the line to publish instead.

use mtasts::policy::MAX_MAX_AGE;
use mtasts::{ErrorKind, WarningKind};

/// What the grammar asks for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Why a sender cares.
    pub why: &'static str,
    /// The requirement's number in docs/requirements.md.
    pub requirement: &'static str,
    /// The RFC's section.
    pub rfc: &'static str,
}

const fn rule(why: &'static str, requirement: &'static str, rfc: &'static str) -> Rule {
    Rule {
        why,
        requirement,
        rfc,
    }
}

const POLICY: &str = "RFC 8461 §3.2";
const NO_POLICY: &str = "senders take a policy that breaks the grammar for none";
const NO_RECORD: &str = "senders take a record that breaks the grammar for none";

/// The rule that an error breaks.
pub const fn rule_of_error(kind: ErrorKind) -> Rule {
    match kind {
        ErrorKind::LineTerminator => rule(NO_POLICY, "R-POL-1", POLICY),
        ErrorKind::Version
        | ErrorKind::VersionMissing
        | ErrorKind::Mode
        | ErrorKind::ModeMissing
        | ErrorKind::MaxAge
        | ErrorKind::MaxAgeMissing
        | ErrorKind::MxMissing => rule(NO_POLICY, "R-POL-2", POLICY),
        ErrorKind::BodyTooLarge => rule(
            "senders read no policy beyond 64 KiB",
            "R-POL-7",
            "RFC 8461 §3.3",
        ),
        ErrorKind::Strict(kind) => rule_of_warning(kind),
        ErrorKind::Id | ErrorKind::RecordField | ErrorKind::RecordIdMissing => {
            rule(NO_RECORD, "R-TXT-3", "RFC 8461 §3.1")
        }
        ErrorKind::NoRecord | ErrorKind::RecordVersion => rule(
            "senders look for a record that begins with its version",
            "R-TXT-2",
            "RFC 8461 §3.1",
        ),
        ErrorKind::Rua | ErrorKind::RuaMissing => {
            rule("senders send no reports", "R-RPT-1", "RFC 8460 §3")
        }
        _ => rule(NO_POLICY, "R-POL-3", POLICY),
    }
}

/// The rule that a warning is about.
pub const fn rule_of_warning(kind: WarningKind) -> Rule {
    let (why, requirement) = match kind {
        WarningKind::BlankLine => ("not every sender skips it", "R-POL-5"),
        WarningKind::MaxAgeClamped => ("senders may take the policy for none", "R-POL-5"),
        WarningKind::MxTrailingDot => ("not every sender drops it", "R-POL-5"),
        WarningKind::MxEmpty
        | WarningKind::MxIllegal
        | WarningKind::MxIpAddress
        | WarningKind::MxList
        | WarningKind::MxNotAscii
        | WarningKind::MxUnderscore => (
            "senders that enforce the policy deliver to no host by it",
            "R-POL-4",
        ),
        _ => ("not every sender is lenient", "R-POL-5"),
    };
    rule(why, requirement, POLICY)
}

/// The line to write instead of what is wrong, of which `value` is the part after the colon.
pub fn of_error(kind: ErrorKind, value: &str) -> Option<String> {
    Some(match kind {
        ErrorKind::Mode | ErrorKind::ModeMissing => format!("mode: {}", mode(value)),
        ErrorKind::Version | ErrorKind::VersionMissing => "version: STSv1".to_owned(),
        ErrorKind::MaxAge | ErrorKind::MaxAgeMissing => "max_age: 604800".to_owned(),
        ErrorKind::MxMissing => "mx: with the host name of each MX record, a line each".to_owned(),
        ErrorKind::ByteOrderMark => "the same text without the byte order mark".to_owned(),
        ErrorKind::LineTerminator => "lines that end in CRLF".to_owned(),
        ErrorKind::Field | ErrorKind::FieldName | ErrorKind::FieldValue => {
            "lines of the form name: value, and no others".to_owned()
        }
        ErrorKind::Id => "an id of 1 to 32 letters and digits, such as 20260101T000000".to_owned(),
        ErrorKind::RecordIdMissing => "v=STSv1; id=20260101T000000;".to_owned(),
        ErrorKind::RecordField => {
            "name=value, with ; between the fields and no space at the end".to_owned()
        }
        ErrorKind::RecordVersion => "the version first, and no quotation marks".to_owned(),
        ErrorKind::Rua | ErrorKind::RuaMissing => {
            "rua=mailto: and a mail address, or an https: URI".to_owned()
        }
        _ => return None,
    })
}

/// What was meant; what is not known is best tested first.
fn mode(value: &str) -> &'static str {
    let value = value.to_ascii_lowercase();
    let is_like = |word: &&&str| value.starts_with(word.get(..4).unwrap_or_default());
    let words = ["enforce", "testing", "none"];
    words.iter().find(is_like).copied().unwrap_or("testing")
}

/// The line to write instead of what is only tolerated.
pub fn of_warning(kind: WarningKind, value: &str) -> Option<String> {
    Some(match kind {
        WarningKind::BlankLine => "no blank line".to_owned(),
        WarningKind::MaxAgeClamped => format!("max_age: {MAX_MAX_AGE}"),
        WarningKind::MxTrailingDot => format!("mx: {}", value.trim_end_matches('.')),
        WarningKind::MxIllegal => "mx: with a host name, or *. and a host name".to_owned(),
        WarningKind::MxIpAddress => "mx: with the host name of the MX record".to_owned(),
        WarningKind::MxList => {
            // Nor is the preference of an MX record a host.
            let is_host = |word: &&str| word.contains(|c: char| !c.is_ascii_digit());
            let hosts = value.split([' ', ',', ';']).filter(is_host);
            let lines: Vec<_> = hosts.map(|host| format!("mx: {host}")).collect();
            lines.join("\n")
        }
        WarningKind::MxNotAscii => {
            let name = mtasts_host::to_policy_domain(value.trim_start_matches("*.")).ok()?;
            let star = if value.starts_with("*.") { "*." } else { "" };
            format!("mx: {star}{name}")
        }
        _ => return None,
    })
}
