// SPDX-License-Identifier: MIT OR Apache-2.0

//! MX patterns, the `mx` lines of a policy (RFC 8461 §3.2), and whether a candidate MX host
//! is among them (§4.1).

use crate::name::{MAX_NAME, is_host_name, is_label, without_final_dot};
use alloc::vec::Vec;
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

/// A policy's patterns in their order, duplicates too (R-POL-4): where they are in a text, which
/// the policy keeps and gives with each call. Most have few, which need no
/// allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MxPatterns {
    Few { count: u8, places: [Place; FEW] },
    Many(Vec<Place>),
}

const FEW: usize = 7;

/// A policy has at most 64 KiB ([`crate::policy::MAX_BODY`]), a pattern at most 255 octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    start: u16,
    len: u8,
}

impl Place {
    fn range(self) -> Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.len)
    }
}

impl MxPatterns {
    pub(crate) fn none() -> Self {
        let places = [Place::default(); FEW];
        Self::Few { count: 0, places }
    }

    /// Takes the pattern of `len` octets at `at`, which [`is_legal`].
    #[inline]
    pub(crate) fn push(&mut self, at: usize, len: usize) {
        let (start, len) = (at as u16, len as u8);
        let place = Place { start, len };
        match self {
            Self::Few { count, places } => match places.get_mut(usize::from(*count)) {
                Some(free) => {
                    *free = place;
                    *count += 1;
                }
                None => *self = Self::Many([&places[..], &[place]].concat()),
            },
            Self::Many(places) => places.push(place),
        }
    }

    /// No more will come.
    pub(crate) fn shrink(&mut self) {
        if let Self::Many(places) = self {
            places.shrink_to_fit();
        }
    }

    /// Where the first one is; 0 if there is none.
    pub(crate) fn start(&self) -> usize {
        self.places().first().map_or(0, |place| place.start.into())
    }

    pub(crate) fn len(&self) -> usize {
        self.places().len()
    }

    /// `lower_case` is the text in lower case.
    pub(crate) fn iter<'a>(
        &'a self,
        lower_case: &'a str,
    ) -> impl ExactSizeIterator<Item = MxPattern<'a>> {
        let places = self.places().iter();
        places.map(|place| MxPattern(&lower_case[place.range()]))
    }

    #[inline]
    pub(crate) fn matches(&self, lower_case: &str, mx_host: &str) -> bool {
        let host = without_final_dot(mx_host).as_bytes();
        let text = lower_case.as_bytes();
        let is_one = |place: &Place| is_match(&text[place.range()], host);
        host.len() <= MAX_NAME && self.places().iter().any(is_one)
    }

    #[inline]
    fn places(&self) -> &[Place] {
        match self {
            Self::Few { count, places } => &places[..usize::from(*count).min(FEW)],
            Self::Many(places) => places,
        }
    }
}
