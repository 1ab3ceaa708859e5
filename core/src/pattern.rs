// SPDX-License-Identifier: MIT OR Apache-2.0

//! MX patterns, the `mx` lines of a policy (RFC 8461 §3.2), and whether a candidate MX host
//! is among them (§4.1).

use crate::name::{MAX_NAME, is_host_name, is_label, without_final_dot};
use alloc::{string::String, vec::Vec};

/// A host name, or `*.` and a host name, of a policy: lower-case and without a final dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MxPattern<'a>(&'a str);

impl<'a> MxPattern<'a> {
    /// The pattern as text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether `mx_host`, the name in an MX record or without MX records the Policy Domain,
    /// matches (R-MX-1): `*` stands for exactly one label, case and a final dot do not count,
    /// and what is no host name matches nothing.
    pub fn matches(self, mx_host: &str) -> bool {
        let host = without_final_dot(mx_host).as_bytes();
        host.len() <= MAX_NAME && self.matches_bare(host)
    }

    fn matches_bare(self, host: &[u8]) -> bool {
        let pattern = self.0.as_bytes();
        match pattern.strip_prefix(b"*") {
            None => host.eq_ignore_ascii_case(pattern),
            Some(parent) => match host.len().checked_sub(parent.len()) {
                Some(at) if host[at..].eq_ignore_ascii_case(parent) => is_label(&host[..at]),
                _ => false,
            },
        }
    }
}

/// Whether `value` is `Domain` or `*.Domain`.
pub(crate) fn is_legal(value: &[u8]) -> bool {
    is_host_name(value.strip_prefix(b"*.").unwrap_or(value))
}

/// A policy's patterns in their order, duplicates too (R-POL-4), in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MxPatterns {
    names: String,
    ends: Vec<u32>,
}

impl MxPatterns {
    /// Takes a pattern that [`is_legal`].
    pub(crate) fn push(&mut self, legal: &str) {
        let start = self.names.len();
        self.names.push_str(legal);
        self.names[start..].make_ascii_lowercase();
        self.ends.push(self.names.len() as u32); // a policy has at most 64 KiB
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = MxPattern<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let pattern = &self.names[start..end as usize];
            start = end as usize;
            MxPattern(pattern)
        })
    }

    pub(crate) fn matches(&self, mx_host: &str) -> bool {
        let host = without_final_dot(mx_host).as_bytes();
        host.len() <= MAX_NAME && self.iter().any(|pattern| pattern.matches_bare(host))
    }
}
