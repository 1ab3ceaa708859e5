// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong with the store of a fleet, in words that name the servers and never the
//! password.

use crate::error::OpenError;
use redis::ErrorKind;
use std::fmt;

/// Why the store could not be opened, read or written.
#[derive(Debug)]
pub struct RedisError {
    /// The servers, as in the URL, without user, password and options.
    servers: String,
    problem: Problem,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Problem {
    /// The file of trusted certificates.
    CaFile(OpenError),
    /// While all entries were being read, the cluster gave slots to other servers.
    Changed,
    /// The server says so, or it cannot be reached.
    Client(redis::RedisError),
    /// The entry of this domain is not what was saved.
    Corrupt(String),
    /// A Policy Domain has 1 to 253 octets.
    Domain,
    /// No answer within the time for a call.
    Slow,
    /// No server of the cluster is responsible for some slots.
    Unserved,
    /// The URL. Nothing of it is repeated, for any part may be a password in the wrong place.
    Url(&'static str),
}

impl RedisError {
    pub(super) fn new(servers: &str, problem: Problem) -> Self {
        Self {
            servers: servers.to_owned(),
            problem,
        }
    }
}

impl From<redis::RedisError> for Problem {
    fn from(error: redis::RedisError) -> Self {
        Self::Client(error)
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = &self.servers;
        match &self.problem {
            Problem::Url(reason) => write!(f, "the URL of the store: {reason}"),
            Problem::CaFile(error) => write!(f, "{servers}: {error}"),
            Problem::Changed => write!(f, "{servers}: the cluster changed meanwhile"),
            Problem::Client(error) if error.is_timeout() => write!(f, "{servers}: no answer"),
            Problem::Client(error) if error.kind() == ErrorKind::ClusterConnectionNotFound => {
                write!(f, "{servers}: no server of the cluster can be reached")
            }
            Problem::Client(error) => write!(f, "{servers}: {error}"),
            Problem::Corrupt(domain) => {
                write!(f, "{servers}: the entry of {domain} cannot be read")
            }
            Problem::Domain => write!(f, "{servers}: a policy domain has 1 to 253 octets"),
            Problem::Slow => write!(f, "{servers}: no answer"),
            Problem::Unserved => write!(f, "{servers}: the cluster does not serve all slots"),
        }
    }
}

impl std::error::Error for RedisError {}
