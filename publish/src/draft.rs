// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writing a policy (RFC 8461 §3.2). What is written has been read back by the engine, strictly:
//! it is what was meant, and no sender finds anything in it to tolerate.

use crate::error::{Error, Field};
use alloc::{format, string::String, vec::Vec};
use core::fmt;
use mtasts::policy::MAX_MAX_AGE;
use mtasts::{ErrorKind, Mode, Policy, WarningKind};

/// A policy as it is meant, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The mode.
    pub mode: Mode,
    /// The lifetime in seconds.
    pub max_age: u32,
    /// The MX patterns: host names, or `*.` and a host name; capitals and a final dot are left
    /// out in writing, duplicates too.
    pub mx: Vec<String>,
}

/// A policy in the form in which it is served: fields in the RFC's order, lines that end in CRLF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(Policy);

impl Draft {
    /// What `policy` says; extension fields, of which there are none in use, are left behind.
    pub fn of(policy: &Policy) -> Self {
        Self {
            mode: policy.mode(),
            max_age: policy.max_age(),
            mx: policy.mx().map(|mx| mx.as_str().into()).collect(),
        }
    }

    /// Writes the policy.
    ///
    /// # Errors
    /// The field that no policy can have.
    pub fn write(&self) -> Result<Written, Error> {
        if self.max_age > MAX_MAX_AGE {
            let reason = format!("at most {MAX_MAX_AGE} seconds, about a year");
            return Err(Error::new(Field::MaxAge, reason));
        }
        let patterns = self.patterns()?;
        if patterns.is_empty() && self.mode != Mode::None {
            let reason = "the modes enforce and testing need at least one MX host";
            return Err(Error::new(Field::MxList, reason));
        }
        written(self.mode, self.max_age, &patterns)
    }

    /// The patterns in the form in which they are written, each once.
    fn patterns(&self) -> Result<Vec<String>, Error> {
        let mut patterns = Vec::with_capacity(self.mx.len());
        for (index, mx) in self.mx.iter().enumerate() {
            let pattern = mx.strip_suffix('.').unwrap_or(mx).to_ascii_lowercase();
            if let Some(reason) = refusal(&pattern) {
                return Err(Error::new(Field::Mx(index), reason));
            }
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        Ok(patterns)
    }
}

fn written(mode: Mode, max_age: u32, patterns: &[String]) -> Result<Written, Error> {
    let lines: String = patterns.iter().map(|mx| format!("mx: {mx}\r\n")).collect();
    let text = format!("version: STSv1\r\nmode: {mode}\r\n{lines}max_age: {max_age}\r\n");
    let refused = |error: mtasts::Error| Error::new(Field::MxList, error.kind().as_str());
    let policy = Policy::parse_strict(text.as_bytes()).map_err(refused)?;
    let is_same = policy.mode() == mode
        && policy.max_age() == max_age
        && policy.mx().map(|mx| mx.as_str()).eq(patterns);
    match is_same {
        true => Ok(Written(policy)),
        false => Err(Error::new(Field::MxList, "cannot be written")),
    }
}

/// Why `pattern` can be no MX pattern, by the engine's reading of a policy that has it.
fn refusal(pattern: &str) -> Option<&'static str> {
    if pattern.contains(char::is_control) {
        return Some(OTHER);
    }
    let text = format!("version: STSv1\nmode: enforce\nmx: {pattern}\nmax_age: 1\n");
    let kind = Policy::parse_strict(text.as_bytes()).err()?.kind();
    Some(match kind {
        ErrorKind::Strict(WarningKind::MxEmpty) => "the host name is missing",
        ErrorKind::Strict(WarningKind::MxIpAddress) => "an IP address is no host name",
        ErrorKind::Strict(WarningKind::MxList) => "one host name each, without spaces or commas",
        ErrorKind::Strict(WarningKind::MxNotAscii) => "write it in A-labels (xn--...)",
        ErrorKind::Strict(WarningKind::MxUnderscore) => "no host name has an underscore",
        _ => OTHER,
    })
}

const OTHER: &str = "not a host name, nor '*.' and a host name";

impl Written {
    /// The policy's text, as the web server is to serve it, octet for octet.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.0
    }

    /// What is legal and yet rarely meant.
    pub fn advice(&self) -> Vec<Advice> {
        let policy = &self.0;
        let is_applied = policy.mode() != Mode::None;
        let is_wide = |mx: mtasts::MxPattern<'_>| mx.as_str().matches('.').count() == 1;
        let has_wide = policy
            .mx()
            .any(|mx| mx.as_str().starts_with("*.") && is_wide(mx));
        [
            (is_applied && policy.max_age() < DAY).then_some(Advice::ShortMaxAge),
            (policy.mode() == Mode::Enforce && (DAY..WEEK).contains(&policy.max_age()))
                .then_some(Advice::LongerMaxAge),
            (!is_applied && policy.max_age() > WEEK).then_some(Advice::LongForNone),
            has_wide.then_some(Advice::WideWildcard),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

pub(crate) const DAY: u32 = 86_400;
pub(crate) const WEEK: u32 = 7 * DAY;

/// What is legal in a policy and yet rarely meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Below a day.
    ShortMaxAge,
    /// Enforced, and below a week.
    LongerMaxAge,
    /// Mode `none`, and above a week.
    LongForNone,
    /// `*.com`.
    WideWildcard,
}

impl Advice {
    /// A word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShortMaxAge => "short-max-age",
            Self::LongerMaxAge => "longer-max-age",
            Self::LongForNone => "long-for-none",
            Self::WideWildcard => "wide-wildcard",
        }
    }

    /// One line for a person.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::ShortMaxAge => {
                "max_age is below a day: a policy protects only senders that still remember it, and \
                 some take none this short"
            }
            Self::LongerMaxAge => {
                "max_age is below a week: once all is well, weeks protect better (RFC 8461 §3.2)"
            }
            Self::LongForNone => {
                "mode none with a max_age above a week: the longer it is, the longer it has to be \
                 served before you may remove it (RFC 8461 §8.3)"
            }
            Self::WideWildcard => "the wildcard covers a whole top-level domain",
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}
