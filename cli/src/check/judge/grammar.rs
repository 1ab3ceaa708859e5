// SPDX-License-Identifier: MIT OR Apache-2.0

//! The line to publish instead of one that is wrong, or only tolerated.

use crate::check::facts::{Fault, MxHost, Remark};
use crate::grammar::{of_error, of_warning};
use mtasts::ErrorKind;

/// The line, if there is one; `hosts` are those of the MX records.
pub fn instead(remark: &Remark, hosts: &[MxHost]) -> Option<String> {
    let value = remark
        .text
        .split_once(':')
        .map_or("", |(_, value)| value.trim());
    match remark.kind {
        Fault::Error(ErrorKind::MxMissing) if !hosts.is_empty() => {
            let lines = hosts.iter().map(|host| format!("mx: {}", host.host));
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        Fault::Error(kind) => of_error(kind, value),
        Fault::Warning(kind) => of_warning(kind, value),
    }
}
