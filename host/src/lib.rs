// SPDX-License-Identifier: MIT OR Apache-2.0

//! The default host of MTA-STS (RFC 8461): what the engine, which does no I/O, needs of a host.
//! DNS ([`DefaultHost::txt`], [`DefaultHost::mx`], [`DefaultHost::addresses`]), the fetch over
//! HTTPS ([`DefaultHost::https`]), the check of an MX host's certificate
//! ([`DefaultHost::verify_chain`]), DANE ([`DefaultHost::dane`]), the clock, the operator's own
//! policies ([`LocalPolicies`]), the way to a TLSRPT collector ([`DefaultHost::tlsrpt_send`]), and a
//! policy store that all mail processes of a machine share ([`store::Store`]).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mtasts_host::{DefaultHost, Options, to_policy_domain};
//!
//! let options = Options { store: Some("/var/lib/mtasts".into()), ..Options::default() };
//! let host = DefaultHost::open(options)?;
//! let outcome = host.resolve(to_policy_domain("example.com")?, &Default::default()).await;
//! if let Some(policy) = outcome.policy() {
//!     println!("{}", policy.mode().as_str());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The methods are async and want a tokio runtime with I/O and time. Who has none takes
//! [`DefaultHost::blocking`].
//!
//! Everything that is read from files is read by [`DefaultHost::open`], so that a process may
//! change its root directory afterwards. Between calls there are no threads and, but for the
//! store's, no descriptors; a process may fork at any time.

#[cfg(feature = "bundle")]
extern crate mtasts_ffi as _; // its symbols

pub mod address;
mod alias;
mod blocking;
#[cfg(feature = "capi")]
pub mod capi;
pub mod chain;
mod dane;
mod dns;
mod domain;
mod error;
mod https;
mod local;
mod options;
#[cfg(feature = "redis")]
pub mod redis;
mod shortage;
mod sigpipe;
pub mod store;
mod tls;
mod tlsrpt;
mod turns;

pub use blocking::Blocking;
pub use dane::DaneRecords;
pub use dns::{DnsFailure, Mx, MxHosts};
pub use domain::to_policy_domain;
pub use error::OpenError;
pub use local::{LocalError, LocalPolicies};
pub use mtasts::DomainDane;
pub use options::{Level, Log, LogFunction, Options};

use chain::Roots;
use dane::Validation;
use dns::Dns;
use https::Https;
use local::LocalFolder;
use mtasts::{
    Basis, Certificate, Config, Fetch, FetchFailure, HttpsReply, Lookup, Outcome, PolicyDomain,
    Step, StoreFailure, Stored, TxtAnswer, TxtFailure, UnixTime,
};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::{Entry, Store};

/// How long a fetch for which somebody waits, waits for its turn. Not long: mail does.
const TURN: Duration = Duration::from_secs(5);

/// The default host. Any thread may use it, several at a time.
pub struct DefaultHost {
    dns: Dns,
    validation: Validation,
    https: Https,
    roots: Arc<Roots>,
    store: Option<Store>,
    local: Option<LocalFolder>,
    tlsrpt_socket: Option<PathBuf>,
    log: Log,
}

impl DefaultHost {
    /// Reads the resolver's configuration, the trusted roots and the local policies, and opens
    /// the store.
    ///
    /// # Errors
    /// One of them cannot be read or opened; the text says which and names the file.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let roots = Arc::new(Roots::load(options.ca_file.as_deref())?);
        let tls = tls::client_config(Arc::clone(&roots)).map_err(|error| OpenError::CaFile {
            path: options.ca_file.clone().unwrap_or_default(),
            reason: error.to_string(),
        })?;
        let https = Https {
            tls,
            port: options.https_port,
            allow_non_global: options.allow_non_global,
            connect_timeout: options.connect_timeout,
            turns: turns::Turns::new(options.max_fetches_per_address),
        };
        let dns = Dns::open(&options.nameservers, options.dns_timeout, options.dane)?;
        let store = options.store.as_deref().map(Store::open).transpose()?;
        let folder = options.local_policies.as_deref();
        let local = folder.map(LocalFolder::open).transpose()?;
        let host = Self {
            dns,
            validation: Validation::default(),
            https,
            roots,
            store,
            local,
            tlsrpt_socket: options.tlsrpt_socket,
            log: options.log,
        };
        host.log_local_warnings();
        Ok(host)
    }

    /// The wall clock.
    pub fn now(&self) -> UnixTime {
        wall_clock()
    }

    /// The TXT records of `name` (R-TXT-1): CNAMEs followed, the strings of each concatenated,
    /// nothing from a cache. The TTL is the least on the way.
    ///
    /// # Errors
    /// No records, with the negative TTL, or why it is not known.
    pub async fn txt(&self, name: &str) -> Result<TxtAnswer, TxtFailure> {
        let answer = self.dns.txt(name).await;
        answer.map_err(|failure| match failure {
            DnsFailure::Temporary if self.is_short() => TxtFailure::Local,
            failure => failure.into(),
        })
    }

    /// The MX records of `domain`, the most preferred first. A null MX (RFC 7505), `.`, is left
    /// out, so that an empty list means that the domain takes no mail; without MX records, which
    /// is a failure here, the domain itself is its host (RFC 5321 §5.1).
    ///
    /// # Errors
    /// No records, or why it is not known.
    pub async fn mx(&self, domain: &str) -> Result<Vec<Mx>, DnsFailure> {
        Ok(self.dns.mx(domain).await?.hosts)
    }

    /// The addresses of `host`, IPv4 first, whether global or not.
    ///
    /// # Errors
    /// No address, or why it is not known.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsFailure> {
        Ok(self.dns.addresses(host).await?.addresses)
    }

    /// Makes a GET request as R-GET wants it.
    ///
    /// # Errors
    /// Why there is no whole reply.
    pub async fn https(&self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        self.https_within(fetch, TURN).await
    }

    /// The same, but where there are as many fetches from an address as there may be
    /// ([`Options::max_fetches_per_address`]) it waits no longer than `patience` for its turn, and
    /// then goes on without one. With no patience at all it goes on to the next address instead, and
    /// without any turn there is no reply ([`FetchFailure::Local`]): what is known of the domain stays
    /// as it is.
    ///
    /// # Errors
    /// As [`DefaultHost::https`].
    pub async fn https_within(
        &self,
        fetch: &Fetch<'_>,
        patience: Duration,
    ) -> Result<HttpsReply, FetchFailure> {
        let reply = self.https.get(fetch, patience, &self.dns, &self.log).await;
        reply.map_err(|failure| match failure {
            FetchFailure::Connect | FetchFailure::Dns if self.is_short() => FetchFailure::Local,
            failure => failure,
        })
    }

    /// Whether a question failed because this process has no descriptors left; the log says so.
    fn is_short(&self) -> bool {
        let is_short = shortage::lacks_descriptors();
        if is_short {
            let message = format_args!("this process has not enough descriptors left to look up");
            self.log.write(Level::Error, message);
        }
        is_short
    }

    /// Judges the certificate chain that an MX host showed, DER, its own certificate first, for
    /// the name in the MX record (R-CERT-1), now. No I/O.
    pub fn verify_chain(&self, chain: &[&[u8]], name: &str) -> Certificate {
        self.roots.verify(chain, name, self.now())
    }

    /// The store, if there is one.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// What the store has of `domain`. Reading is a matter of microseconds and does not yield.
    ///
    /// # Errors
    /// The store cannot be read, or the entry cannot; the log says why.
    pub async fn load(&self, domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        self.load_now(domain)
    }

    /// Saves what is to be remembered of a domain. A synced commit, a matter of milliseconds at
    /// most on a healthy disk, does not yield. A failure goes to the log.
    pub async fn save(&self, stored: &Arc<Stored>) {
        self.save_now(stored);
    }

    /// Looks `domain` up, unless there is a local policy ([`DefaultHost::local`]), and saves what
    /// is new.
    pub async fn resolve(&self, domain: PolicyDomain, config: &Config) -> Outcome {
        let lookup = match self.local(&domain) {
            Some(policy) => Lookup::local(domain, policy, config),
            None => self.discover(domain, config),
        };
        self.run(lookup).await
    }

    /// Looks again before a message is given up (R-FLOW-6), and saves what is new. A local policy
    /// applies as it is now, and where it is gone what the domain publishes.
    pub async fn look_again(&self, outcome: &Outcome, config: &Config) -> Outcome {
        self.run(self.again(outcome, config)).await
    }

    /// Runs a lookup to its end, and saves what is new.
    pub async fn run(&self, mut lookup: Lookup) -> Outcome {
        loop {
            // An answer to what was just asked is never stale.
            let _ = match lookup.poll() {
                Step::QueryTxt { id, name } => {
                    let answer = self.txt(name).await;
                    lookup.txt(id, self.now(), answer.as_ref().map_err(|failure| *failure))
                }
                Step::Fetch { id, request } => {
                    let answer = self.https(&request).await;
                    lookup.https(id, self.now(), answer.as_ref().map_err(|failure| *failure))
                }
                Step::Done(outcome) => {
                    if outcome.is_changed() {
                        self.save(outcome.stored()).await;
                    }
                    return outcome.clone();
                }
            };
        }
    }

    /// The same for a caller without a runtime, and for [`mtasts::resolve`].
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking::new(self)
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }
}

impl DefaultHost {
    /// Begins to look again.
    pub(crate) fn again(&self, outcome: &Outcome, config: &Config) -> Lookup {
        let domain = outcome.domain().clone();
        if let Some(policy) = self.local(&domain) {
            return Lookup::local(domain, policy, config);
        }
        if outcome.basis() != Basis::Local {
            return outcome.look_again(config);
        }
        let lookup = self.discover(domain, config);
        match lookup.poll() {
            Step::Done(known) => known.look_again(config), // whatever the TTL of the record
            _ => lookup,
        }
    }

    /// Begins with what the store has of `domain`.
    fn discover(&self, domain: PolicyDomain, config: &Config) -> Lookup {
        let (stored, now) = (self.load_now(&domain), self.now());
        match stored {
            Ok(stored) => Lookup::new(domain, stored, config, now),
            Err(StoreFailure) => Lookup::without_store(domain, config, now),
        }
    }

    pub(crate) fn load_now(
        &self,
        domain: &PolicyDomain,
    ) -> Result<Option<Arc<Stored>>, StoreFailure> {
        let Some(text) = self.load_text(domain.as_str())? else {
            return Ok(None);
        };
        let stored: Stored = text.parse().map_err(|error| {
            self.log.write(
                Level::Error,
                format_args!("policy store: {domain}: {error}"),
            );
            StoreFailure
        })?;
        Ok(Some(Arc::new(stored)))
    }

    pub(crate) fn load_text(&self, domain: &str) -> Result<Option<String>, StoreFailure> {
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let text = store.load(domain);
        self.log_notice(store);
        text.map_err(|error| {
            self.log
                .write(Level::Error, format_args!("policy store: {error}"));
            StoreFailure
        })
    }

    pub(crate) fn save_now(&self, stored: &Stored) {
        self.save_entry(&Entry::new(stored, &stored.to_text()));
    }

    pub(crate) fn save_entry(&self, entry: &Entry<'_>) {
        let Some(store) = &self.store else {
            return;
        };
        if let Err(error) = store.save(entry, self.now().0) {
            self.log
                .write(Level::Error, format_args!("policy store: {error}"));
        }
        self.log_notice(store);
    }

    fn log_notice(&self, store: &Store) {
        if let Some(notice) = store.take_notice() {
            self.log.write(
                Level::Error,
                format_args!("policy store, which this process cannot open: {notice}"),
            );
        }
    }
}

pub(crate) fn wall_clock() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

impl fmt::Debug for DefaultHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultHost")
            .field("store", &self.store)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
