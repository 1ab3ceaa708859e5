// SPDX-License-Identifier: MIT OR Apache-2.0

//! Something to say of a text: what, where, why a sender cares, and what to write instead.

use crate::grammar::{Rule, of_error, of_warning, rule_of_error, rule_of_warning};
use crate::shown::shown;
use mtasts::{Error, ErrorKind, Position, Warning};
use mtasts_publish::Advice;
use std::fmt::Debug;
use std::ops::Range;

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Legal, and rarely meant.
    Note,
    /// Not allowed, and tolerated by many.
    Warning,
    /// Senders cannot read it.
    Error,
}

impl Level {
    /// What it counts as.
    pub const fn when(self, strict: bool) -> Self {
        match self {
            Self::Warning if strict => Self::Error,
            level => level,
        }
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something to say of a text.
pub struct Remark {
    pub level: Level,
    /// A word for its kind, which never changes.
    pub id: String,
    pub offset: usize,
    pub position: Position,
    /// The octets that are meant; none where it is the text as a whole.
    pub span: Option<Range<usize>>,
    pub message: &'static str,
    pub rule: Rule,
    pub instead: Option<String>,
}

impl Remark {
    pub fn of_error(text: &[u8], error: Error) -> Self {
        let (kind, offset) = (error.kind(), error.offset());
        Self {
            level: Level::Error,
            id: word(kind),
            offset,
            position: Position::of(text, offset),
            span: (!is_of_the_whole(kind, offset)).then(|| span(text, offset)),
            message: kind.as_str(),
            rule: rule_of_error(kind),
            instead: of_error(kind, &value(text, offset)),
        }
    }

    pub fn of_warning(text: &[u8], warning: &Warning) -> Self {
        Self {
            level: Level::Warning,
            id: word(warning.kind),
            offset: warning.offset,
            position: warning.position,
            span: Some(span(text, warning.offset)),
            message: warning.kind.as_str(),
            rule: rule_of_warning(warning.kind),
            instead: of_warning(warning.kind, &value(text, warning.offset)),
        }
    }

    /// `text` is a policy that can be read.
    pub fn of_advice(text: &[u8], advice: Advice) -> Self {
        let field: &[u8] = match advice {
            Advice::WideWildcard => b"mx",
            _ => b"max_age",
        };
        let offset = offset_of(text, field).unwrap_or_default();
        Self {
            level: Level::Note,
            id: advice.as_str().to_owned(),
            offset,
            position: Position::of(text, offset),
            span: Some(span(text, offset)),
            message: advice.describe(),
            rule: Rule {
                why: "what a policy says is kept by senders for its max_age",
                requirement: "R-PUB-1",
                rfc: "RFC 8461 §3.2",
            },
            instead: None,
        }
    }
}

/// `MxMissing` is `mx-missing`.
fn word(kind: impl Debug) -> String {
    let name = format!("{kind:?}");
    let mut word = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}

/// Something that is not there has no place.
fn is_of_the_whole(kind: ErrorKind, offset: usize) -> bool {
    let is_missing = matches!(
        kind,
        ErrorKind::BodyTooLarge
            | ErrorKind::MaxAgeMissing
            | ErrorKind::ModeMissing
            | ErrorKind::MxMissing
            | ErrorKind::RecordIdMissing
            | ErrorKind::RuaMissing
            | ErrorKind::VersionMissing
    );
    is_missing && offset == 0
}

/// From `offset` to the end of its line, without white space there.
fn span(text: &[u8], offset: usize) -> Range<usize> {
    let rest = text.get(offset..).unwrap_or_default();
    let line = rest.split(|&b| b == b'\n').next().unwrap_or_default();
    offset..offset + line.trim_ascii_end().len()
}

/// The line of `offset`, without its end.
pub fn line(text: &[u8], offset: usize) -> Range<usize> {
    let before = text.get(..offset).unwrap_or(text);
    let start = before
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    start..span(text, offset).end.max(start)
}

/// What stands after the colon in the line of `offset`, made visible.
fn value(text: &[u8], offset: usize) -> String {
    let line = text.get(line(text, offset)).unwrap_or_default();
    let colon = line.iter().position(|&b| b == b':');
    let value = colon.map_or(&line[..0], |at| &line[at + 1..]);
    shown(value.trim_ascii())
}

/// Where the value of the first field of this name is.
fn offset_of(text: &[u8], name: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        if let Some(rest) = line
            .strip_prefix(name)
            .filter(|rest| rest.starts_with(b":"))
        {
            return Some(start + line.len() - rest[1..].trim_ascii_start().len());
        }
        start += line.len();
    }
    None
}
