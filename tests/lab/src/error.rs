// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one error of the lab: a sentence for the person who wrote the scene or the test.

use std::fmt;

/// What went wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error that says `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same error, with `place` before it.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }

    /// A name that is not one of `legal`.
    pub(crate) fn unknown(what: &str, given: &str, legal: &[&str]) -> Self {
        Self(format!(
            "unknown {what} `{given}`; legal are: {}",
            legal.join(", ")
        ))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($other:ty),+) => {$(
        impl From<$other> for Error {
            fn from(error: $other) -> Self {
                Self(error.to_string())
            }
        }
    )+};
}

from!(
    std::io::Error,
    rcgen::Error,
    rustls::Error,
    serde_json::Error,
    toml::de::Error
);
from!(hickory_proto::ProtoError, std::str::Utf8Error);
