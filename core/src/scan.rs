// SPDX-License-Identifier: MIT OR Apache-2.0

//! How the texts of the RFCs are read: by the classes of octets that their ABNF names, from left to
//! right and without going back. Values and names, most of every text, go by eight octets at a time.

/// Letters, digits and "-".
pub(crate) const LDH: u8 = 1;
/// `ALPHA / DIGIT`
pub(crate) const ALNUM: u8 = 2;
/// `ALPHA / DIGIT / "_" / "-" / "."`, of which names of fields are made.
pub(crate) const FIELD_NAME: u8 = 4;
/// `%x21-3A / %x3C / %x3E-7E`: visible ASCII but for ";" and "=".
pub(crate) const EXT_VALUE: u8 = 8;
/// The octets of a URI (RFC 3986 §2), but for "!", "," and ";", which must be encoded (RFC 8460 §3).
pub(crate) const URI: u8 = 16;
/// `SP / HTAB`
pub(crate) const WSP: u8 = 32;

/// The classes of each octet: to look them up is faster than to compare.
const CLASSES: &[u8; 256] = &{
    let mut classes = [0; 256];
    let mut b = 0;
    while b < 128 {
        classes[b as usize] = classes_of(b);
        b += 1;
    }
    classes
};

const fn classes_of(b: u8) -> u8 {
    let classes = match b {
        b'-' => LDH | FIELD_NAME | URI,
        b'_' | b'.' => FIELD_NAME | URI,
        b' ' | b'\t' => WSP,
        b'~' | b':' | b'/' | b'?' | b'#' | b'[' | b']' | b'@' | b'$' | b'&' | b'\'' | b'('
        | b')' | b'*' | b'+' | b'=' | b'%' => URI,
        _ if b.is_ascii_alphanumeric() => LDH | ALNUM | FIELD_NAME | URI,
        _ => 0,
    };
    match b {
        b'!'..=b':' | b'<' | b'>'..=b'~' => classes | EXT_VALUE,
        _ => classes,
    }
}

/// How many of the first octets are of `class`.
#[inline(always)]
pub(crate) fn span(octets: &[u8], class: u8) -> usize {
    let mut count = 0;
    while count < octets.len() && CLASSES[usize::from(octets[count])] & class != 0 {
        count += 1;
    }
    count
}

/// Whether all octets are of `class`.
pub(crate) fn is_all(octets: &[u8], class: u8) -> bool {
    span(octets, class) == octets.len()
}

/// A text of which the first part is read.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, rest: text }
    }

    /// How many octets are read.
    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// Whether all is read.
    #[inline(always)]
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is not read.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads `text` if that comes next.
    #[inline(always)]
    pub(crate) fn eat(&mut self, text: &[u8]) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => self.rest = rest,
            None => return false,
        }
        true
    }

    /// Reads all that is of `class`, maybe nothing.
    #[inline(always)]
    pub(crate) fn take(&mut self, class: u8) -> &'a [u8] {
        self.read(span(self.rest, class))
    }

    /// Reads past all that is of `class`, of which there is mostly little.
    #[inline(always)]
    pub(crate) fn skip(&mut self, class: u8) {
        while let [first, rest @ ..] = self.rest {
            if CLASSES[usize::from(*first)] & class == 0 {
                break;
            }
            self.rest = rest;
        }
    }

    /// Reads up to the next control character of ASCII, or to the end.
    #[inline(always)]
    pub(crate) fn take_visible(&mut self) -> &'a [u8] {
        self.read(visible(self.rest))
    }

    #[inline(always)]
    fn read(&mut self, count: usize) -> &'a [u8] {
        let (read, rest) = self.rest.split_at(count);
        self.rest = rest;
        read
    }
}

/// The same octet eight times.
const fn each(b: u8) -> u64 {
    u64::from_le_bytes([b; 8])
}

/// How many of the first octets are no control characters of ASCII (`%x00-1F / %x7F`).
#[inline(always)]
fn visible(octets: &[u8]) -> usize {
    let mut rest = octets;
    while let Some((word, after)) = rest.split_first_chunk() {
        let controls = controls(u64::from_le_bytes(*word));
        if controls != 0 {
            return octets.len() - rest.len() + controls.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let in_rest = rest.iter().position(u8::is_ascii_control);
    octets.len() - rest.len() + in_rest.unwrap_or(rest.len())
}

/// Sets the high bit of the first octet of `word` that is a control character, and maybe of later
/// ones; 0 if there is none.
#[inline(always)]
const fn controls(word: u64) -> u64 {
    let del = word ^ each(0x7F);
    let is_below = word.wrapping_sub(each(b' ')) & !word;
    let is_del = del.wrapping_sub(each(1)) & !del;
    (is_below | is_del) & each(0x80)
}

/// The whole words of `octets`, from its start.
#[inline(always)]
pub(crate) fn words(octets: &[u8]) -> impl Iterator<Item = &[u8; 8]> {
    let words = octets.chunks_exact(8);
    words.filter_map(|word| word.first_chunk())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every octet at every place of a text: what is read by words is as octet by octet.
    #[test]
    fn words_are_read_as_octets_are() {
        for len in 1..20 {
            for at in 0..len {
                for b in 0..=u8::MAX {
                    let mut text = [b'x'; 20];
                    text[at] = b;
                    let end = if b.is_ascii_control() { at } else { len };
                    assert_eq!(visible(&text[..len]), end, "{text:?}");
                }
            }
        }
    }
}
