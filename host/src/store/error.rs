// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong with the store, in words that name the path.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the store could not be opened, read or written.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    problem: Problem,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Problem {
    /// The entry of this domain is not what was saved.
    Corrupt(String),
    /// A Policy Domain has 1 to 253 octets.
    Domain,
    /// A file could not be created or opened.
    File(PathBuf, io::Error),
    /// The process was forked while another of its threads was opening a store.
    Forked,
    /// This process, a child, has not got the store that its parent has.
    Gone,
    /// LMDB, or a system call that it made.
    Lmdb(heed::Error),
}

impl Error {
    pub(super) fn new(path: &Path, problem: Problem) -> Self {
        Self {
            path: path.to_owned(),
            problem,
        }
    }

    /// The directory of the store.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Problem {
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Lmdb(heed::Error::Mdb(heed::MdbError::MapFull)))
    }
}

impl From<heed::Error> for Problem {
    fn from(error: heed::Error) -> Self {
        Self::Lmdb(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Corrupt(domain) => write!(f, "{path}: the entry of {domain} cannot be read"),
            Problem::Domain => write!(f, "{path}: a policy domain has 1 to 253 octets"),
            Problem::File(file, error) => write!(f, "{}: {error}", file.display()),
            Problem::Gone => write!(f, "{path}: not open in this process"),
            Problem::Forked => write!(f, "{path}: forked while a store was being opened"),
            problem if problem.is_full() => write!(f, "{path}: the store is full"),
            Problem::Lmdb(error) => write!(f, "{path}: {error}"),
        }
    }
}

impl std::error::Error for Error {}
