// SPDX-License-Identifier: MIT OR Apache-2.0

//! MX patterns, the `mx` lines of a policy (RFC 8461 §3.2), and whether a candidate MX host
//! is among them (§4.1).

use crate::name::{MAX_NAME, is_host_name, is_label, without_final_dot};
use crate::scan::words;
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
    match pattern {
        [b'*', parent @ ..] => match host.len().checked_sub(parent.len()) {
            Some(at) if host.get(at) == Some(&b'.') => {
                is_same(parent, &host[at..]) && is_label(&host[..at])
            }
            _ => false,
        },
        _ => is_same(pattern, host),
    }
}

/// Whether `host` is `name`, a pattern or its end, in whatever case: eight octets at a time, of
/// which the last ones may overlap those before.
#[inline(always)]
fn is_same(name: &[u8], host: &[u8]) -> bool {
    if name.len() != host.len() {
        return false;
    }
    match name.last_chunk().zip(host.last_chunk()) {
        Some(last) => is_same_word(last) && words(name).zip(words(host)).all(is_same_word),
        None => name.eq_ignore_ascii_case(host),
    }
}

/// A letter may differ in the bit that makes a capital of it. Of what names are made of, in lower
/// case, the letters alone have the bit 0x40.
#[inline(always)]
fn is_same_word((name, host): (&[u8; 8], &[u8; 8])) -> bool {
    let (name, host) = (u64::from_le_bytes(*name), u64::from_le_bytes(*host));
    let case = (name >> 1) & u64::from_le_bytes([0x20; 8]);
    (name ^ host) & !case == 0
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

    /// The memory behind them, in octets.
    #[cfg(feature = "engine")]
    pub(crate) fn octets(&self) -> usize {
        match self {
            Self::Few { .. } => 0,
            Self::Many(places) => size_of_val(places.as_slice()),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every octet at every place of a name (R-MX-1): what is compared by words is as octet by octet.
    #[test]
    fn words_are_compared_as_octets_are() {
        let name = b"a-1.z9b.q0x.example";
        for len in 1..=name.len() {
            for at in 0..len {
                for b in 0..=u8::MAX {
                    let mut host = *name;
                    host[at] = b;
                    let (name, host) = (&name[..len], &host[..len]);
                    assert_eq!(is_same(name, host), name.eq_ignore_ascii_case(host));
                }
            }
        }
    }
}
