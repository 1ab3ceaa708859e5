// SPDX-License-Identifier: MIT OR Apache-2.0

//! The TXT record at `_mta-sts.<policy domain>` (RFC 8461 §3.1): it says that there is a
//! policy, and by its `id` which one. What is not exactly one legal record is no record.

use crate::error::{Error, ErrorKind};
use crate::name::{MAX_ID, PolicyId};
use crate::scan::{ALNUM, EXT_VALUE, FIELD_NAME, Scanner, WSP};
use alloc::vec::Vec;
use core::fmt;

/// What every record that competes for being the one begins with (R-TXT-2).
const PREFIX: &[u8] = b"v=STSv1;";

/// A legal MTA-STS record.
///
/// ```
/// let record = mtasts::Record::parse(b"v=STSv1; id=20160831085700Z;")?;
/// assert_eq!(record.id(), "20160831085700Z");
/// # Ok::<(), mtasts::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Letters and digits.
    id: &'a [u8],
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
        let mut id = None;
        for_each_field(text, b"v=STSv1", |name, scanner| {
            if name == b"id" && id.is_none() {
                id = Some(sts_id(scanner)?);
                return Ok(());
            }
            // An sts-extension, or a duplicate, of which the first counts.
            ext_value(scanner).map(|_| ())
        })?;
        let id = id.ok_or(Error::new(ErrorKind::RecordIdMissing, 0))?;
        Ok(Self { id })
    }

    /// The `id`: 1 to 32 letters or digits.
    pub fn id(&self) -> &'a str {
        core::str::from_utf8(self.id).unwrap_or_default()
    }

    /// The `id` to keep.
    pub fn policy_id(&self) -> Result<PolicyId, Error> {
        self.id().parse()
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id()).finish()
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

/// `version 1*(field-delim field) [field-delim]`: gives each field's name, and the scanner
/// after its "=", from which `each` reads the value.
#[inline(always)]
pub(crate) fn for_each_field<'a>(
    text: &'a [u8],
    version: &[u8],
    mut each: impl FnMut(&'a [u8], &mut Scanner<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut scanner = Scanner::new(text);
    if !scanner.eat(version) {
        return Err(Error::new(ErrorKind::RecordVersion, 0));
    }
    while !scanner.is_at_end() {
        let at = scanner.at();
        field_delim(&mut scanner).ok_or(refused(at))?;
        if scanner.is_at_end() {
            break;
        }
        let at = scanner.at();
        let name = field_name(&mut scanner).filter(|_| scanner.eat(b"="));
        each(name.ok_or(refused(at))?, &mut scanner)?;
    }
    Ok(())
}

fn refused(at: usize) -> Error {
    Error::new(ErrorKind::RecordField, at)
}

/// `*WSP ";" *WSP`
#[inline(always)]
fn field_delim(scanner: &mut Scanner<'_>) -> Option<()> {
    scanner.skip(WSP);
    scanner.eat(b";").then(|| scanner.skip(WSP))
}

/// `1*(%x21-3A / %x3C / %x3E-7E)`
#[inline(always)]
pub(crate) fn ext_value<'a>(scanner: &mut Scanner<'a>) -> Result<&'a [u8], Error> {
    let at = scanner.at();
    match scanner.take(EXT_VALUE) {
        [] => Err(refused(at)),
        value => Ok(value),
    }
}

/// `1*32(ALPHA / DIGIT)`
#[inline(always)]
fn sts_id<'a>(scanner: &mut Scanner<'a>) -> Result<&'a [u8], Error> {
    let at = scanner.at();
    let id = scanner.take(ALNUM);
    match (id.len(), scanner.take(EXT_VALUE)) {
        (0, []) => Err(refused(at)),
        (1..=MAX_ID, []) => Ok(id),
        _ => Err(Error::new(ErrorKind::Id, at)),
    }
}

/// `(ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")`, in records and policies.
#[inline(always)]
pub(crate) fn field_name<'a>(scanner: &mut Scanner<'a>) -> Option<&'a [u8]> {
    match scanner.take(FIELD_NAME) {
        name @ [first, ..] if name.len() <= 32 && first.is_ascii_alphanumeric() => Some(name),
        _ => None,
    }
}
