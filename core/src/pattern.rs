// SPDX-License-Identifier: MIT OR Apache-2.0

//! MX patterns, the `mx` lines of a policy (RFC 8461 §3.2), and whether a candidate MX host
//! is among them (§4.1).

use crate::name::{MAX_NAME, is_host_name, is_label, without_final_dot};
use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

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
        host.len() <= MAX_NAME && is_match(self.0.as_bytes(), host)
    }
}

#[inline(always)] // a policy's patterns are all asked
fn is_match(pattern: &[u8], host: &[u8]) -> bool {
    match pattern.strip_prefix(b"*") {
        None => host.eq_ignore_ascii_case(pattern),
        Some(parent) => match host.len().checked_sub(parent.len()) {
            Some(at) if host[at..].eq_ignore_ascii_case(parent) => is_label(&host[..at]),
            _ => false,
        },
    }
}

/// Whether `value` is `Domain` or `*.Domain`.
pub(crate) fn is_legal(value: &[u8]) -> bool {
    is_host_name(value.strip_prefix(b"*.").unwrap_or(value))
}

/// A policy's patterns in their order, duplicates too (R-POL-4): places in its text, of which
/// there is a copy in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MxPatterns {
    lower_case: Box<str>,
    places: Vec<(u32, u32)>,
}

impl MxPatterns {
    /// Takes no pattern of `text` yet.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            lower_case: text.to_ascii_lowercase().into_boxed_str(),
            places: Vec::with_capacity(4),
        }
    }

    /// Takes the pattern of `len` octets at `at`, which [`is_legal`].
    pub(crate) fn push(&mut self, at: usize, len: usize) {
        self.places.push((at as u32, (at + len) as u32)); // a policy has at most 64 KiB
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = MxPattern<'_>> {
        self.places()
            .map(|place| MxPattern(&self.lower_case[place]))
    }

    pub(crate) fn matches(&self, mx_host: &str) -> bool {
        let host = without_final_dot(mx_host).as_bytes();
        let text = self.lower_case.as_bytes();
        host.len() <= MAX_NAME && self.places().any(|place| is_match(&text[place], host))
    }

    fn places(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        self.places
            .iter()
            .map(|&(start, end)| start as usize..end as usize)
    }
}
