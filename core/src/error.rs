// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can be wrong with an input, or is tolerated in it, and where.

use core::fmt;

/// Why an input was refused, and the octet at which that was seen.
///
/// Its text (`Display`) is one line for a person: what is wrong and what the RFC asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: usize,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where in the input, in octets from its start; 0 where the input as a whole is meant.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())
    }
}

impl core::error::Error for Error {}

/// A place in a text as editors count it: lines and columns (in characters) from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1. LF ends a line.
    pub line: usize,
    /// The column in the line, from 1, in characters where the text is UTF-8.
    pub column: usize,
}

impl Position {
    /// The place of the octet at `offset` of `text`; past the end means the end.
    pub fn of(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let is_first_octet = |b: &&u8| (**b & 0xC0) != 0x80; // not a UTF-8 continuation
        let column = 1 + before[start..].iter().filter(is_first_octet).count();
        Self { line, column }
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, )*) => {
        /// The kinds of [`Error`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $( $(#[$doc])* $name, )*
            /// Strict parsing met what is otherwise only warned of (R-POL-5).
            Strict(WarningKind),
        }

        impl ErrorKind {
            /// One line for a person.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$name => $text, )*
                    Self::Strict(warning) => warning.as_str(),
                }
            }
        }
    };
}

kinds! {
    /// `[192.0.2.1]`: mail to an address literal has no Policy Domain (R-FLOW-7).
    AddressLiteral = "an address literal has no MTA-STS policy",
    /// More than [`crate::MAX_BODY`] octets (R-POL-7).
    BodyTooLarge = "the policy is larger than 64 KiB",
    /// The text begins with a byte order mark.
    ByteOrderMark = "the text begins with a byte order mark, which is no part of a policy",
    /// The certificate cannot be read as X.509 version 3.
    Certificate = "the certificate cannot be read",
    /// No DNS-ID of the certificate is this name (R-CERT-1).
    CertificateHostMismatch = "the certificate is not valid for this host name",
    /// A line of a policy is not `name: value`.
    Field = "this line is not a field: expected a name, a colon and a value",
    /// The name of a policy's field is not 1 to 32 of letters, digits, `_`, `-` and `.`.
    FieldName = "expected a field name of 1 to 32 letters, digits, '_', '-' or '.', then ':'",
    /// A value is empty or holds a control character.
    FieldValue = "the value is empty or holds a control character",
    /// An answer came for a lookup that has its outcome.
    Finished = "the lookup has its outcome and takes no more answers",
    /// Not a host name of RFC 5321 in A-labels.
    HostName = "not a host name of letters, digits and '-' (A-labels), 253 octets at most",
    /// An `id` is not 1 to 32 letters or digits.
    Id = "an id is 1 to 32 letters or digits",
    /// A CR that no LF follows.
    LineTerminator = "a carriage return without a line feed: lines end in LF or CRLF",
    /// The value of `max_age` is not 1 to 10 digits.
    MaxAge = "max_age is not a number of 1 to 10 digits",
    /// There is no `max_age`.
    MaxAgeMissing = "there is no max_age field",
    /// The value of `mode` is none of the three.
    Mode = "mode is not 'enforce', 'testing' or 'none'",
    /// There is no `mode`.
    ModeMissing = "there is no mode field",
    /// Mode `enforce` or `testing` without a usable `mx`.
    MxMissing = "no usable mx field, which the modes enforce and testing need",
    /// No TXT record is an MTA-STS (or TLSRPT) record.
    NoRecord = "there is no such record",
    /// A record's field is not `name=value`.
    RecordField = "expected a field 'name=value' after ';', without spaces inside",
    /// A record has no `id`.
    RecordIdMissing = "the record has no id field",
    /// A record does not begin with its version.
    RecordVersion = "the record does not begin with its version, v=STSv1 or v=TLSRPTv1",
    /// A `rua` holds what is no URI, or one that names nobody.
    Rua = "rua is not a list of mailto: and https: URIs",
    /// A TLSRPT record names no address that reports could be sent to.
    RuaMissing = "the record has no rua field with a mailto: or https: URI",
    /// Two or more records: as good as none (RFC 8461 §3.1).
    SeveralRecords = "there is more than one such record, which counts as none",
    /// An answer to a question that this lookup does not ask now.
    StaleRequest = "the answer belongs to no request of this lookup that is open",
    /// What came from the store is not what was given to it.
    Stored = "the stored entry cannot be read",
    /// The text is not UTF-8.
    Utf8 = "the text is not UTF-8",
    /// The value of `version` is not `STSv1`.
    Version = "version is not STSv1",
    /// There is no `version`.
    VersionMissing = "there is no version field",
}

/// Something in a policy that the RFC does not allow and the engine tolerates (R-POL-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub kind: WarningKind,
    /// The octet of the policy at which it begins.
    pub offset: usize,
    /// Line and column of that octet.
    pub position: Position,
}

/// The kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// An empty line, or one of white space; skipped.
    BlankLine,
    /// `max_age` is above [`crate::policy::MAX_MAX_AGE`], which is used instead.
    MaxAgeClamped,
    /// An `mx` without a value; the line is ignored, as are those of the next kinds.
    MxEmpty,
    /// An `mx` that is no host name.
    MxIllegal,
    /// An `mx` that is an IP address.
    MxIpAddress,
    /// An `mx` with several hosts.
    MxList,
    /// An `mx` with letters beyond ASCII.
    MxNotAscii,
    /// A final dot on an `mx`; dropped.
    MxTrailingDot,
    /// An `mx` with an underscore.
    MxUnderscore,
}

impl WarningKind {
    /// One line for a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BlankLine => "blank line: skipped, but RFC 8461 allows none",
            Self::MaxAgeClamped => "max_age is above 31557600, which is used instead",
            Self::MxEmpty => "mx without a host name: the line is ignored",
            Self::MxIllegal => {
                "mx is not a host name, nor '*.' and a host name: the line is ignored"
            }
            Self::MxIpAddress => "mx is an IP address, not a host name: the line is ignored",
            Self::MxList => "mx takes one host name a line: the line is ignored",
            Self::MxNotAscii => "mx is not in A-labels (xn--...): the line is ignored",
            Self::MxTrailingDot => "mx ends in a dot, which is dropped",
            Self::MxUnderscore => {
                "mx has an underscore, which no host name has: the line is ignored"
            }
        }
    }
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
