// SPDX-License-Identifier: MIT OR Apache-2.0

//! Text of unknown origin, made visible.

/// One line for a terminal: nothing in it is obeyed.
pub fn shown(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    let one = |c: char| match c {
        c if c.is_ascii_graphic() || c == ' ' => c.to_string(),
        c if c.is_alphanumeric() => c.to_string(),
        c => c.escape_default().to_string(),
    };
    text.chars().take(MAX_SHOWN).map(one).collect()
}

/// The most characters of one text that are shown.
const MAX_SHOWN: usize = 500;
