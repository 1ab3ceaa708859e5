// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a user of the default host may set. Nothing is read from environment variables: an
//! MTA may be setuid, and its caller must not choose its roots or its name servers.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The options of [`crate::DefaultHost::open`].
#[derive(Debug)]
pub struct Options {
    /// The recursive name servers to ask. Empty: those of the system's configuration, which is
    /// read when the host is opened.
    pub nameservers: Vec<SocketAddr>,
    /// The trusted roots, a file of PEM certificates, instead of the system's. Either is read
    /// when the host is opened.
    pub ca_file: Option<PathBuf>,
    /// The port of Policy Hosts. Another than 443 is for tests.
    pub https_port: u16,
    /// Whether to connect to addresses that are not global, too (R-GET-6). For tests.
    pub allow_non_global: bool,
    /// The directory of the policy store, which must exist. None: nothing is stored.
    pub store: Option<PathBuf>,
    /// The folder of the operator's own policies ([`crate::LocalPolicies`]), which come before
    /// what domains publish (R-APPLY-3). Read when the host is opened, and by
    /// [`crate::DefaultHost::reread_local_policies`]. None: there are none.
    pub local_policies: Option<PathBuf>,
    /// The Unix socket of the collector of TLSRPT (RFC 8460), such as `tlsrpt-collectd`, to which
    /// [`crate::DefaultHost::tlsrpt_send`] sends. It is looked for each time. None: nothing is sent.
    pub tlsrpt_socket: Option<PathBuf>,
    /// The time limit of one DNS question, all name servers together.
    pub dns_timeout: Duration,
    /// The time limit for connecting to one address, TLS handshake included.
    pub connect_timeout: Duration,
    /// The most fetches at a time from one address, or one /64 of IPv6, which may serve the policies
    /// of many domains. 0: as many as come. What has waited five seconds for its turn goes on without.
    /// With a bound a child of a `fork` opens a host of its own.
    pub max_fetches_per_address: usize,
    /// Whether DANE (RFC 7672) goes before MTA-STS (R-APPLY-2). Set it only where every name
    /// server validates (DNSSEC) and nobody can come between it and this host, for its word is
    /// believed: best one on this machine. Where they do not validate there is no DANE, and the
    /// log says so once.
    pub dane: bool,
    /// Where messages for the administrator go.
    pub log: Log,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nameservers: Vec::new(),
            ca_file: None,
            https_port: 443,
            allow_non_global: false,
            store: None,
            local_policies: None,
            tlsrpt_socket: None,
            dns_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(15),
            max_fetches_per_address: 0,
            dane: false,
            log: Log::default(),
        }
    }
}

/// How much a message matters. The numbers are those of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work that should: the store, for instance.
    Error = 3,
    /// Something is not as it should be, and the host copes.
    Warning = 4,
    /// Why a policy could not be fetched, or TLSA records not be looked up.
    Info = 6,
}

/// A function that takes messages, one line each.
pub type LogFunction = dyn Fn(Level, &str) + Send + Sync;

/// A place for messages; by default there is none. The function must not call the host.
#[derive(Default)]
pub struct Log(Option<Box<LogFunction>>);

impl Log {
    /// Messages go to `function`.
    pub fn new(function: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(function)))
    }

    pub(crate) fn write(&self, level: Level, message: fmt::Arguments<'_>) {
        if let Some(function) = &self.0 {
            function(level, &message.to_string());
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Log(function)"
        } else {
            "Log(nowhere)"
        })
    }
}
