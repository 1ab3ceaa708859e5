// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy document (RFC 8461 §3.2): `version`, `mode`, `max_age` and `mx` fields, one a
//! line. The parsers bear the names of the ABNF rules; where the engine is more lenient than
//! the ABNF (R-POL-5), a [`Warning`] says so.

use crate::error::{Error, ErrorKind, Position, Warning, WarningKind};
use crate::pattern::{self, MxPattern, MxPatterns};
use crate::record::field_name;
use crate::scan::{Scanner, WSP};
use alloc::{borrow::ToOwned, boxed::Box};
use core::{fmt, str::FromStr};

/// The largest policy, in octets (R-POL-7).
pub const MAX_BODY: usize = 64 * 1024;

/// The longest `max_age`, about a year, in seconds (RFC 8461 §3.2).
pub const MAX_MAX_AGE: u32 = 31_557_600;

/// What a sender is to do about hosts that are not as the policy says (RFC 8461 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Do not deliver to them.
    Enforce,
    /// Deliver, and report.
    Testing,
    /// As if there were no policy.
    None,
}

impl Mode {
    /// The word in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Testing => "testing",
            Self::None => "none",
        }
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "enforce" => Ok(Self::Enforce),
            "testing" => Ok(Self::Testing),
            "none" => Ok(Self::None),
            _ => Err(Error::new(ErrorKind::Mode, 0)),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A legal policy.
///
/// ```
/// let text = b"version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 604800\n";
/// let policy = mtasts::Policy::parse(text)?;
/// assert!(policy.matches("MX1.example.com."));
/// assert!(!policy.matches("example.com"));
/// # Ok::<(), mtasts::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The text as published; if there are capitals in a pattern, once more in lower case.
    text: Box<str>,
    is_twice: bool,
    mode: Mode,
    max_age: u32,
    mx: MxPatterns,
}

impl Policy {
    /// Reads a policy as an HTTPS reply's body brings it.
    ///
    /// # Errors
    /// What is wrong and at which octet; [`Position::of`] turns that into line and column.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        Self::parse_with(body, |_| Ok(()))
    }

    /// As [`Policy::parse`], but what the engine merely tolerates (R-POL-5) is an
    /// [`ErrorKind::Strict`] error.
    pub fn parse_strict(body: &[u8]) -> Result<Self, Error> {
        Self::parse_with(body, |warning| {
            Err(Error::new(ErrorKind::Strict(warning.kind), warning.offset))
        })
    }

    /// As [`Policy::parse`]; each [`Warning`] goes to `warn`, in the order of the text, and an
    /// error that `warn` gives ends the reading.
    pub fn parse_with(
        body: &[u8],
        warn: impl FnMut(Warning) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        if body.len() > MAX_BODY {
            return Err(Error::new(ErrorKind::BodyTooLarge, MAX_BODY));
        }
        let text = core::str::from_utf8(body)
            .map_err(|error| Error::new(ErrorKind::Utf8, error.valid_up_to()))?;
        sts_policy_record(text, warn)
    }

    /// The text as it was published.
    pub fn text(&self) -> &str {
        match self.is_twice {
            true => &self.text[..self.text.len() / 2],
            false => &self.text,
        }
    }

    /// The memory behind it, in octets.
    #[cfg(feature = "engine")]
    pub(crate) fn octets(&self) -> usize {
        self.text.len() + self.mx.octets()
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The lifetime in seconds, at most [`MAX_MAX_AGE`].
    pub fn max_age(&self) -> u32 {
        self.max_age
    }

    /// The MX patterns in the order of the text.
    pub fn mx(&self) -> impl ExactSizeIterator<Item = MxPattern<'_>> {
        self.mx.iter(self.lower_case())
    }

    /// Whether some pattern matches `mx_host` ([`MxPattern::matches`]).
    #[inline]
    pub fn matches(&self, mx_host: &str) -> bool {
        self.mx.matches(self.lower_case(), mx_host)
    }

    /// The text in which the patterns are in lower case.
    #[inline]
    fn lower_case(&self) -> &str {
        match self.is_twice {
            true => &self.text[self.text.len() / 2..],
            false => &self.text,
        }
    }
}

/// `sts-policy-record = sts-policy-field *WSP *(sts-policy-term sts-policy-field *WSP)
/// [sts-policy-term]` (R-POL-1), blank lines allowed.
fn sts_policy_record(
    text: &str,
    warn: impl FnMut(Warning) -> Result<(), Error>,
) -> Result<Policy, Error> {
    let mut fields = Fields::new(text, warn);
    let mut scanner = Scanner::new(text.as_bytes());
    while !scanner.is_at_end() {
        let line = scanner;
        fields.begin_line(line.at());
        match name_and_colon(&mut scanner) {
            Some(name) => fields.take(&sts_policy_field(name, &mut scanner)?)?,
            None => {
                scanner = blank_line(line)?;
                fields.warn(WarningKind::BlankLine, line.at())?;
            }
        }
        if !sts_policy_term(&mut scanner) {
            return Err(unexpected(&scanner));
        }
    }
    fields.finish()
}

/// `LF / CRLF`; the end serves for the last.
#[inline(always)]
fn sts_policy_term(scanner: &mut Scanner<'_>) -> bool {
    scanner.eat(b"\r\n") || scanner.eat(b"\n") || scanner.is_at_end()
}

/// A field's name and value; the value's offset in the policy.
struct Field<'a> {
    name: Name,
    value: &'a [u8],
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Version,
    Mode,
    MaxAge,
    Mx,
    Extension,
}

/// What comes after the ":" of `sts-policy-ext-name field-delim sts-policy-ext-value *WSP`
/// (R-POL-3): every field has this form.
#[inline(always)] // else the field goes through memory, and the processor waits for it
fn sts_policy_field<'a>(name: Name, scanner: &mut Scanner<'a>) -> Result<Field<'a>, Error> {
    scanner.skip(WSP);
    let at = scanner.at();
    let value = sts_policy_ext_value(scanner);
    if value.is_empty() && name != Name::Mx {
        return Err(Error::new(ErrorKind::FieldValue, at));
    }
    Ok(Field { name, value, at })
}

/// A name and its ":".
#[inline(always)]
fn name_and_colon(scanner: &mut Scanner<'_>) -> Option<Name> {
    match scanner {
        _ if scanner.eat(b"mx:") => Some(Name::Mx),
        _ if scanner.eat(b"mode:") => Some(Name::Mode),
        _ if scanner.eat(b"version:") => Some(Name::Version),
        _ if scanner.eat(b"max_age:") => Some(Name::MaxAge),
        _ => field_name(scanner)
            .filter(|_| scanner.eat(b":"))
            .map(|_| Name::Extension),
    }
}

/// `sts-policy-vchar [*(%x20 / sts-policy-vchar) sts-policy-vchar] *WSP`, or nothing: the
/// caller knows for which field that is tolerable. All of it is UTF-8.
#[inline(always)]
fn sts_policy_ext_value<'a>(scanner: &mut Scanner<'a>) -> &'a [u8] {
    let value = scanner.take_visible().trim_ascii_end();
    scanner.skip(WSP);
    value
}

/// `*WSP` of a line without a field, up to its end.
#[cold]
fn blank_line(line: Scanner<'_>) -> Result<Scanner<'_>, Error> {
    let mut rest = line;
    rest.skip(WSP);
    let end = rest;
    match sts_policy_term(&mut rest) {
        true => Ok(end),
        false => Err(not_a_field(&line)),
    }
}

/// The line that comes next has no name or no colon after it.
fn not_a_field(line: &Scanner<'_>) -> Error {
    let (at, line) = (line.at(), line.rest());
    let name = line.split(|&b| b == b':' || b == b'\n').next();
    let name = name.unwrap_or(line);
    let kind = match line.get(name.len()) {
        _ if at == 0 && line.starts_with(b"\xEF\xBB\xBF") => ErrorKind::ByteOrderMark,
        Some(b':') => ErrorKind::FieldName,
        _ => ErrorKind::Field,
    };
    Error::new(kind, at)
}

/// A value has ended, but the line has not.
#[cold]
fn unexpected(scanner: &Scanner<'_>) -> Error {
    let kind = if scanner.rest().starts_with(b"\r") {
        ErrorKind::LineTerminator
    } else {
        ErrorKind::FieldValue
    };
    Error::new(kind, scanner.at())
}

/// The fields read so far; of each but `mx` the first counts (R-POL-2, R-POL-3).
struct Fields<'a, W> {
    text: &'a str,
    line: usize,
    line_start: usize,
    version: bool,
    mode: Option<Mode>,
    max_age: Option<u32>,
    mx: MxPatterns,
    /// The value of the first `mx` that is no pattern.
    passed_over: Option<usize>,
    sink: W,
}

impl<'a, W: FnMut(Warning) -> Result<(), Error>> Fields<'a, W> {
    fn new(text: &'a str, sink: W) -> Self {
        Self {
            text,
            line: 0,
            line_start: 0,
            version: false,
            mode: None,
            max_age: None,
            mx: MxPatterns::none(),
            passed_over: None,
            sink,
        }
    }

    fn begin_line(&mut self, at: usize) {
        self.line += 1;
        self.line_start = at;
    }

    #[inline(always)]
    fn take(&mut self, field: &Field<'_>) -> Result<(), Error> {
        match field.name {
            Name::Mx => self.mx(field)?,
            Name::Version if !self.version => self.version = sts_policy_version(field)?,
            Name::Mode if self.mode.is_none() => self.mode = Some(sts_policy_mode(field)?),
            Name::MaxAge if self.max_age.is_none() => self.max_age(field)?,
            _ => {} // sts-policy-extension, or a duplicate
        }
        Ok(())
    }

    #[inline(always)]
    fn mx(&mut self, field: &Field<'_>) -> Result<(), Error> {
        let bare = field.value.strip_suffix(b".").unwrap_or(field.value);
        if !pattern::is_legal(bare) {
            self.passed_over.get_or_insert(field.at);
            return self.warn(illegal_mx(bare), field.at);
        }
        self.mx.push(field.at, bare.len());
        if bare.len() < field.value.len() {
            self.warn(WarningKind::MxTrailingDot, field.at)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn max_age(&mut self, field: &Field<'_>) -> Result<(), Error> {
        let seconds = sts_policy_max_age(field)?;
        self.max_age = Some(seconds.min(MAX_MAX_AGE.into()) as u32);
        if seconds > MAX_MAX_AGE.into() {
            self.warn(WarningKind::MaxAgeClamped, field.at)?;
        }
        Ok(())
    }

    #[cold]
    fn warn(&mut self, kind: WarningKind, offset: usize) -> Result<(), Error> {
        // What precedes a value in its line is ASCII, so octets are characters.
        let position = Position {
            line: self.line,
            column: offset - self.line_start + 1,
        };
        (self.sink)(Warning {
            kind,
            offset,
            position,
        })
    }

    fn finish(mut self) -> Result<Policy, Error> {
        let missing = |kind| Error::new(kind, 0);
        if !self.version {
            return Err(missing(ErrorKind::VersionMissing));
        }
        let mode = self.mode.ok_or(missing(ErrorKind::ModeMissing))?;
        let max_age = self.max_age.ok_or(missing(ErrorKind::MaxAgeMissing))?;
        if self.mx.len() == 0 && mode != Mode::None {
            // There may be one that is not what it was meant to be.
            return Err(Error::new(
                ErrorKind::MxMissing,
                self.passed_over.unwrap_or(0),
            ));
        }
        self.mx.shrink();
        let is_twice = has_capitals(self.text, &self.mx);
        let text = match is_twice {
            true => [self.text, &self.text.to_ascii_lowercase()].concat(),
            false => self.text.to_owned(),
        };
        Ok(Policy {
            text: text.into_boxed_str(),
            is_twice,
            mode,
            max_age,
            mx: self.mx,
        })
    }
}

/// Whether some pattern has. Mostly there are none from the first pattern on, and to look at all
/// these octets at once is faster than at each pattern.
fn has_capitals(text: &str, mx: &MxPatterns) -> bool {
    let is_capital = |any: bool, b: &u8| any | b.is_ascii_uppercase();
    let from_first = &text.as_bytes()[mx.start()..];
    let has_any = |octets: &[u8]| octets.iter().fold(false, is_capital);
    has_any(from_first) && mx.iter(text).any(|mx| has_any(mx.as_str().as_bytes()))
}

/// `%s"STSv1"`; gives true.
fn sts_policy_version(field: &Field<'_>) -> Result<bool, Error> {
    match field.value {
        b"STSv1" => Ok(true),
        _ => Err(Error::new(ErrorKind::Version, field.at)),
    }
}

/// `%s"testing" / %s"enforce" / %s"none"`
fn sts_policy_mode(field: &Field<'_>) -> Result<Mode, Error> {
    match field.value {
        b"testing" => Ok(Mode::Testing),
        b"enforce" => Ok(Mode::Enforce),
        b"none" => Ok(Mode::None),
        _ => Err(Error::new(ErrorKind::Mode, field.at)),
    }
}

/// `1*10DIGIT`, in seconds.
fn sts_policy_max_age(field: &Field<'_>) -> Result<u64, Error> {
    let mut seconds = 0;
    if field.value.len() > 10 {
        return Err(Error::new(ErrorKind::MaxAge, field.at));
    }
    for digit in field.value {
        match digit {
            b'0'..=b'9' => seconds = seconds * 10 + u64::from(digit - b'0'),
            _ => return Err(Error::new(ErrorKind::MaxAge, field.at)),
        }
    }
    Ok(seconds)
}

/// Why `value` is no MX pattern.
fn illegal_mx(value: &[u8]) -> WarningKind {
    let text = core::str::from_utf8(value).unwrap_or_default();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    match value {
        [] => WarningKind::MxEmpty,
        _ if !text.is_ascii() => WarningKind::MxNotAscii,
        _ if bare.parse::<core::net::IpAddr>().is_ok() => WarningKind::MxIpAddress,
        _ if text.contains([',', ' ', ';']) => WarningKind::MxList,
        _ if text.contains('_') => WarningKind::MxUnderscore,
        _ => WarningKind::MxIllegal,
    }
}
