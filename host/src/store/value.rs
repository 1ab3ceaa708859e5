// SPDX-License-Identifier: MIT OR Apache-2.0

//! A value of the store: a line by which the store compares and prunes, so that it need not
//! understand the text that follows.

use super::Entry;

/// The store's own line.
pub(crate) struct Header {
    pub fetched_at: u64,
    pub useless_after: u64,
}

impl Header {
    /// Reads the first line of `value`.
    pub fn read(value: &[u8]) -> Option<Self> {
        split(value).map(|(header, _)| header)
    }
}

/// `fetched TIME useless-after TIME`, and the text.
pub(crate) fn encode(entry: &Entry<'_>) -> Vec<u8> {
    let Entry {
        fetched_at,
        useless_after,
        text,
        ..
    } = entry;
    format!("fetched {fetched_at} useless-after {useless_after}\n{text}").into_bytes()
}

/// The text of `value`; none if it is not what [`encode`] wrote.
pub(crate) fn text(value: &[u8]) -> Option<&str> {
    split(value).map(|(_, text)| text)
}

fn split(value: &[u8]) -> Option<(Header, &str)> {
    let (line, text) = std::str::from_utf8(value).ok()?.split_once('\n')?;
    let mut words = line.split(' ');
    let mut time = |name| {
        words
            .next()
            .filter(|word| *word == name)
            .and(words.next()?.parse().ok())
    };
    let header = Header {
        fetched_at: time("fetched")?,
        useless_after: time("useless-after")?,
    };
    Some((header, text))
}
