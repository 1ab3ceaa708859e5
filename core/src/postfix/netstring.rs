// SPDX-License-Identifier: MIT OR Apache-2.0

//! Netstrings (<https://cr.yp.to/proto/netstrings.txt>), in which requests and replies of the
//! socketmap protocol of Postfix and Sendmail travel: `5:hello,`.

use alloc::vec::Vec;
use core::fmt;

/// Why octets are no netstring. There is no telling where the next would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetstringError {
    /// No digit before the colon.
    EmptyLength,
    /// A length of several digits that begins with 0.
    LeadingZero,
    /// No comma after the payload.
    MissingComma,
    /// Something else than a digit where the length is.
    NotADigit,
    /// The length is over the limit.
    TooLong,
}

impl NetstringError {
    /// One line for a person.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::EmptyLength => "a netstring without a length",
            Self::LeadingZero => "a netstring's length begins with 0",
            Self::MissingComma => "a netstring does not end with a comma",
            Self::NotADigit => "a netstring's length is not a number",
            Self::TooLong => "a netstring is longer than allowed",
        }
    }
}

impl fmt::Display for NetstringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

impl core::error::Error for NetstringError {}

/// The payload of the netstring that `input` begins with, and how many octets the whole takes;
/// `None` if more octets are needed. `limit` is the longest payload, in octets.
///
/// # Errors
/// As soon as what is there can no longer become a netstring within the limit.
///
/// ```
/// use mtasts::postfix::netstring::parse;
/// assert_eq!(parse(b"5:hello,4:next,", 10_000), Ok(Some((&b"hello"[..], 8))));
/// assert_eq!(parse(b"5:hel", 10_000), Ok(None));
/// ```
pub fn parse(input: &[u8], limit: usize) -> Result<Option<(&[u8], usize)>, NetstringError> {
    let Some((start, len)) = length(input, limit)? else {
        return Ok(None);
    };
    let end = start.saturating_add(len);
    match (input.get(start..end), input.get(end)) {
        (Some(payload), Some(b',')) => Ok(Some((payload, end + 1))),
        (Some(_), Some(_)) => Err(NetstringError::MissingComma),
        _ => Ok(None),
    }
}

/// Where the payload begins, and its length.
fn length(input: &[u8], limit: usize) -> Result<Option<(usize, usize)>, NetstringError> {
    let mut len = 0_usize;
    for (at, &b) in input.iter().enumerate() {
        match b {
            b':' if at == 0 => return Err(NetstringError::EmptyLength),
            b':' => return Ok(Some((at + 1, len))),
            b'0'..=b'9' if at > 0 && input[0] == b'0' => return Err(NetstringError::LeadingZero),
            b'0'..=b'9' => len = len.saturating_mul(10).saturating_add(usize::from(b - b'0')),
            _ => return Err(NetstringError::NotADigit),
        }
        if len > limit {
            return Err(NetstringError::TooLong);
        }
    }
    Ok(None)
}

/// Appends a netstring to `out`, whose payload `fill` appends; gives what `fill` gives. `fill`
/// leaves what is there before as it is.
///
/// ```
/// let mut out = b"2:hi,".to_vec();
/// mtasts::postfix::netstring::frame(&mut out, |out| out.extend_from_slice(b"hello"));
/// assert_eq!(out, b"2:hi,5:hello,");
/// ```
pub fn frame<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let start = out.len();
    let result = fill(out);
    let len = out.len().saturating_sub(start);
    // The length is known only now; it is written behind the payload and moved before it.
    let before = out.len();
    put_number(out, len);
    out.push(b':');
    let moved = out.len() - before;
    if let Some(whole) = out.get_mut(start..) {
        whole.rotate_right(moved);
    }
    out.push(b',');
    result
}

/// Appends `number` in decimal.
fn put_number(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [b'0'; 20]; // as many as 64 bits may take
    let mut first = digits.len();
    while first == digits.len() || number > 0 {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[first..]);
}

/// The map's name and the key of a socketmap request: what stands before and after its first
/// space. `None` for one without a space, or that is not UTF-8.
pub fn request(payload: &[u8]) -> Option<(&str, &str)> {
    let space = payload.iter().position(|&b| b == b' ')?;
    let text = |octets| core::str::from_utf8(octets).ok();
    Some((text(&payload[..space])?, text(&payload[space + 1..])?))
}
