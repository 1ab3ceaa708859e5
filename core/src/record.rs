// SPDX-License-Identifier: MIT OR Apache-2.0

//! The TXT record at `_mta-sts.<policy domain>` (RFC 8461 §3.1): it says that there is a
//! policy, and by its `id` which one. What is not exactly one legal record is no record.

use crate::error::{Error, ErrorKind};
use crate::name::{PolicyId, is_id};
use alloc::vec::Vec;
use nom::{IResult, Parser, bytes::complete::tag, combinator::verify};

/// What every record that competes for being the one begins with (R-TXT-2).
const PREFIX: &[u8] = b"v=STSv1;";

/// A legal MTA-STS record.
///
/// ```
/// let record = mtasts::Record::parse(b"v=STSv1; id=20160831085700Z;")?;
/// assert_eq!(record.id(), "20160831085700Z");
/// # Ok::<(), mtasts::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    id: &'a str,
}

impl<'a> Record<'a> {
    /// The one record among all TXT records of the name, each with its strings concatenated
    /// ([`concat`]).
    ///
    /// # Errors
    /// [`ErrorKind::NoRecord`] or [`ErrorKind::SeveralRecords`], else as [`Record::parse`].
    pub fn select<R: AsRef<[u8]>>(records: &'a [R]) -> Result<Self, Error> {
        Self::parse(select(records, PREFIX)?)
    }

    /// Reads one record by the ABNF (R-TXT-3).
    ///
    /// # Errors
    /// Says what the record lacks, at which octet. The engine takes any error for "no
    /// record" (R-TXT-4).
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        let rest = version(text, b"v=STSv1")?;
        let mut id = None;
        for_each_field(text, rest, |name, after| {
            let (rest, value) = ext_value(text, after)?;
            if name == b"id" && id.is_none() {
                id = Some(sts_id(value, text.len() - after.len())?);
            } // else an sts-extension, or a duplicate, of which the first counts
            Ok(rest)
        })?;
        let id = id.ok_or(Error::new(ErrorKind::RecordIdMissing, 0))?;
        Ok(Self { id })
    }

    /// The `id`: 1 to 32 letters or digits.
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// The `id` to keep.
    pub fn policy_id(&self) -> Result<PolicyId, Error> {
        self.id.parse()
    }
}

/// The strings of one TXT record as the one text that they are (R-TXT-1: without spaces).
pub fn concat<S: AsRef<[u8]>>(strings: &[S]) -> Vec<u8> {
    strings
        .iter()
        .flat_map(|string| string.as_ref().iter().copied())
        .collect()
}

/// RFC 8461 §3.1, RFC 8460 §3: of several records those that do not begin with the version are
/// discarded, and one must be left; a single one is judged by the grammar alone.
pub(crate) fn select<'a, R: AsRef<[u8]>>(
    records: &'a [R],
    prefix: &[u8],
) -> Result<&'a [u8], Error> {
    if let [one] = records {
        return Ok(one.as_ref());
    }
    let mut left = records
        .iter()
        .map(AsRef::as_ref)
        .filter(|record| record.starts_with(prefix));
    match (left.next(), left.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Error::new(ErrorKind::NoRecord, 0)),
        (Some(_), Some(_)) => Err(Error::new(ErrorKind::SeveralRecords, 0)),
    }
}

pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

/// `sts-version` or `tlsrpt-version`; gives what follows.
pub(crate) fn version<'a>(text: &'a [u8], version: &[u8]) -> Result<&'a [u8], Error> {
    let parsed: Parsed<'a, _> = tag(version)(text);
    parsed
        .map(|(rest, _)| rest)
        .map_err(|_| Error::new(ErrorKind::RecordVersion, 0))
}

/// `1*(field-delim field) [field-delim]`, of which `rest` is what is left of `text`: gives each
/// field's name and what stands after its "=", and goes on with what `each` leaves.
pub(crate) fn for_each_field<'a>(
    text: &'a [u8],
    mut rest: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<&'a [u8], Error>,
) -> Result<(), Error> {
    while !rest.is_empty() {
        let (field, _) = field_delim(rest).map_err(|_| refused(text, rest))?;
        if field.is_empty() {
            return Ok(());
        }
        let (after, name) = ext_name(field).map_err(|_| refused(text, field))?;
        rest = each(name, after)?;
    }
    Ok(())
}

fn refused(text: &[u8], rest: &[u8]) -> Error {
    Error::new(ErrorKind::RecordField, text.len() - rest.len())
}

/// `*WSP ";" *WSP`
fn field_delim(input: &[u8]) -> Parsed<'_, ()> {
    (octets(is_wsp), octet(b';'), octets(is_wsp))
        .map(|_| ())
        .parse(input)
}

/// A field's name and "=", which is left out.
fn ext_name(input: &[u8]) -> Parsed<'_, &[u8]> {
    (field_name, octet(b'=')).map(|(name, _)| name).parse(input)
}

/// `1*(%x21-3A / %x3C / %x3E-7E)`: visible ASCII but for ";" and "=". Gives what follows, and
/// the value.
pub(crate) fn ext_value<'a>(text: &[u8], input: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Error> {
    let is_value = |b: u8| b.is_ascii_graphic() && b != b';' && b != b'=';
    let parsed: Parsed<'a, _> =
        verify(octets(is_value), |value: &[u8]| !value.is_empty()).parse(input);
    parsed.map_err(|_| refused(text, input))
}

/// `1*32(ALPHA / DIGIT)`
fn sts_id(value: &[u8], at: usize) -> Result<&str, Error> {
    let text = core::str::from_utf8(value).ok().filter(|_| is_id(value));
    text.ok_or(Error::new(ErrorKind::Id, at))
}

/// `(ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")`, in records and policies.
#[inline]
pub(crate) fn field_name(input: &[u8]) -> Parsed<'_, &[u8]> {
    let is_octet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let is_name =
        |name: &[u8]| name.len() <= 32 && name.first().is_some_and(u8::is_ascii_alphanumeric);
    verify(octets(is_octet), is_name).parse(input)
}

// nom's `take_while` and `tag` call functions that are not inlined across crates: with them a
// policy takes half as long again to read.

/// All octets from the first that `is` holds for, maybe none.
#[inline]
pub(crate) fn octets(is: impl Fn(u8) -> bool) -> impl Fn(&[u8]) -> Parsed<'_, &[u8]> {
    move |input| {
        let end = input.iter().position(|&b| !is(b)).unwrap_or(input.len());
        let (taken, rest) = input.split_at(end);
        Ok((rest, taken))
    }
}

/// The one octet `wanted`.
#[inline]
pub(crate) fn octet(wanted: u8) -> impl Fn(&[u8]) -> Parsed<'_, u8> {
    move |input| match input {
        [first, rest @ ..] if *first == wanted => Ok((rest, wanted)),
        _ => Err(nom::Err::Error(())),
    }
}

pub(crate) fn is_wsp(b: u8) -> bool {
    b == b' ' || b == b'\t'
}
