// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why the default host could not be opened.

use crate::{LocalError, store};
use std::fmt;
use std::path::PathBuf;

/// Why the default host could not be opened. Its text names the file.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The trusted roots cannot be read, or there are none.
    CaFile {
        /// The file; where the system's roots were looked for, the first such place.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A local policy is not legal, or their folder cannot be read; a line for each.
    LocalPolicies(LocalError),
    /// The system's resolver configuration cannot be read, or the name servers cannot be used.
    Resolver(String),
    /// The store cannot be opened.
    Store(store::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CaFile { path, reason } => {
                write!(f, "trusted roots: {}: {reason}", path.display())
            }
            Self::LocalPolicies(error) => write!(f, "local policies: {error}"),
            Self::Resolver(reason) => write!(f, "resolver: {reason}"),
            Self::Store(error) => write!(f, "policy store: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<LocalError> for OpenError {
    fn from(error: LocalError) -> Self {
        Self::LocalPolicies(error)
    }
}

impl From<store::Error> for OpenError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}
