// SPDX-License-Identifier: MIT OR Apache-2.0

//! The line to publish instead of one that is wrong, or only tolerated.

use crate::check::facts::{Fault, MxHost, Remark};
use mtasts::policy::MAX_MAX_AGE;
use mtasts::{ErrorKind, WarningKind};

/// The line, if there is one; `hosts` are those of the MX records.
pub fn instead(remark: &Remark, hosts: &[MxHost]) -> Option<String> {
    let value = remark
        .text
        .split_once(':')
        .map_or("", |(_, value)| value.trim());
    match remark.kind {
        Fault::Error(kind) => of_error(kind, value, hosts),
        Fault::Warning(kind) => of_warning(kind, value),
    }
}

fn of_error(kind: ErrorKind, value: &str, hosts: &[MxHost]) -> Option<String> {
    Some(match kind {
        ErrorKind::Mode | ErrorKind::ModeMissing => format!("mode: {}", mode(value)),
        ErrorKind::Version | ErrorKind::VersionMissing => "version: STSv1".to_owned(),
        ErrorKind::MaxAge | ErrorKind::MaxAgeMissing => "max_age: 604800".to_owned(),
        ErrorKind::MxMissing if !hosts.is_empty() => {
            let lines: Vec<_> = hosts
                .iter()
                .map(|host| format!("mx: {}", host.host))
                .collect();
            lines.join("\n")
        }
        ErrorKind::ByteOrderMark => "the same text without the byte order mark".to_owned(),
        ErrorKind::LineTerminator => "lines that end in CRLF".to_owned(),
        ErrorKind::Field | ErrorKind::FieldName | ErrorKind::FieldValue => {
            "lines of the form name: value, and no others".to_owned()
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

fn of_warning(kind: WarningKind, value: &str) -> Option<String> {
    Some(match kind {
        WarningKind::BlankLine => "no blank line".to_owned(),
        WarningKind::MaxAgeClamped => format!("max_age: {MAX_MAX_AGE}"),
        WarningKind::MxTrailingDot => format!("mx: {}", value.trim_end_matches('.')),
        WarningKind::MxIpAddress => "mx: with the host name of the MX record".to_owned(),
        WarningKind::MxList => {
            let hosts = value.split([' ', ',', ';']).filter(|host| !host.is_empty());
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
