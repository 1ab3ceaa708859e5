// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with what is to be published, and in which field of the form.

use alloc::string::String;
use core::fmt;

/// A field that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    field: Field,
    reason: String,
}

/// What an [`Error`] is about: a field of a form, an argument of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The host that serves the policy: its address, or the name that it is an alias of.
    Address,
    /// A path on the web server: of the certificate, its key, or the folder to serve.
    Path,
    /// The lifetime of the policy.
    MaxAge,
    /// An MX pattern, counted from 0.
    Mx(usize),
    /// The MX patterns as a whole.
    MxList,
    /// An address for TLS reports, counted from 0.
    Rua(usize),
    /// The addresses for TLS reports as a whole.
    RuaList,
}

impl Error {
    pub(crate) fn new(field: Field, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { field, reason }
    }

    /// Which field.
    pub fn field(&self) -> Field {
        self.field
    }

    /// One line for a person, without the field's name.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Field {
    /// A word: `mx` for [`Field::Mx`] and [`Field::MxList`], `rua` for the other two.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Path => "path",
            Self::MaxAge => "max_age",
            Self::Mx(_) | Self::MxList => "mx",
            Self::Rua(_) | Self::RuaList => "rua",
        }
    }

    /// Which of several, counted from 0.
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::Mx(index) | Self::Rua(index) => Some(index),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    /// `mx 2: an IP address is no host name`, counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.as_str())?;
        if let Some(index) = self.field.index() {
            write!(f, " {}", index + 1)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl core::error::Error for Error {}
