// SPDX-License-Identifier: MIT OR Apache-2.0

//! DNS for RFC 8461 §3.1 and §3.3: TXT, MX and address records of fully qualified names, and
//! three kinds of failure. Nothing is cached (R-FLOW-10), no search list and no hosts file is
//! used. CNAMEs are followed here, for not every name server does (R-TXT-1). Whether an answer is
//! DNSSEC-secure the name server says, by the AD bit (R-APPLY-2).

use crate::error::OpenError;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};
use mtasts::{TxtAnswer, TxtFailure};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A DNS question without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFailure {
    /// The DNS says that there are no such records: NXDOMAIN, or NODATA. `ttl` is the negative
    /// TTL in seconds (RFC 2308 §5), if known.
    NoRecords {
        /// The negative TTL in seconds.
        ttl: Option<u32>,
    },
    /// The answer is malformed or a loop, or the name cannot be asked for.
    Permanent,
    /// Time-out, SERVFAIL, REFUSED, no network: another try may do better.
    Temporary,
}

impl DnsFailure {
    /// A few words for the log.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::NoRecords { .. } => "there is none",
            Self::Permanent => "the answer is malformed",
            Self::Temporary => "the name servers do not answer for now",
        }
    }
}

impl From<DnsFailure> for TxtFailure {
    fn from(failure: DnsFailure) -> Self {
        match failure {
            DnsFailure::NoRecords { ttl } => Self::NoRecords { ttl },
            DnsFailure::Permanent => Self::Permanent,
            DnsFailure::Temporary => Self::Temporary,
        }
    }
}

/// An MX record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mx {
    /// The lowest goes first.
    pub preference: u16,
    /// The host as the record names it, without the final dot.
    pub host: String,
}

/// Who takes a domain's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxHosts {
    /// The hosts, the most preferred first. None: a null MX, the domain takes no mail.
    pub hosts: Vec<Mx>,
    /// There are no MX records, and the domain itself is its host (RFC 5321 §5.1).
    pub is_implicit: bool,
    /// The MX records (or, without any, the address records) are DNSSEC-secure; what
    /// [`mtasts::Session::mx_secure`] wants. Never, unless [`crate::Options::dane`] is set.
    pub is_secure: bool,
    /// How long this holds: the least TTL of the answers that it rests on, in seconds.
    pub ttl: u32,
}

/// The addresses of a host.
pub(crate) struct Addresses {
    pub addresses: Vec<IpAddr>,
    /// Where the CNAMEs of the host lead, without the final dot.
    pub name: String,
    /// Whether the records and the CNAMEs before them are DNSSEC-secure.
    pub is_secure: bool,
    /// The least TTL of them.
    pub ttl: u32,
}

/// What is at a name or where its CNAMEs lead.
pub(crate) struct Found {
    /// At least one, of the type that was asked for.
    pub records: Vec<RData>,
    /// The least TTL on the way.
    pub ttl: u32,
    /// Where the CNAMEs lead.
    pub end: Name,
    /// Whether the records and the CNAMEs before them are DNSSEC-secure.
    pub is_secure: bool,
}

/// The most CNAMEs that are followed from one name.
pub(crate) const MAX_CNAMES: usize = 12;

/// How long an absence counts of which the name server does not say so, in seconds.
const UNKNOWN_TTL: u32 = 300;

/// How often each name server is asked.
const ROUNDS: usize = 2;

/// The longest that one name server has for one answer.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(crate) struct Dns {
    servers: Vec<NameServerConfig>,
    options: ResolverOpts,
    limit: Duration,
    /// Whether to ask for the AD bit, and to believe it.
    dane: bool,
    /// An answer was secure: the name servers validate.
    has_validated: AtomicBool,
}

impl Dns {
    /// `nameservers`, or if empty those of the system, asked in this order; no question takes
    /// longer than `limit`. With `dane` their word on DNSSEC is asked for and believed.
    pub fn open(
        nameservers: &[SocketAddr],
        limit: Duration,
        dane: bool,
    ) -> Result<Self, OpenError> {
        let servers = match nameservers {
            [] => system_servers()?,
            given => given.iter().copied().map(name_server).collect(),
        };
        let mut options = ResolverOpts::default();
        options.os_port_selection = true; // the kernel's choice is as random after a fork
        options.timeout = PATIENCE.min(limit / asked(&servers)); // so that each has its turn
        Ok(Self {
            servers,
            options,
            limit,
            dane,
            has_validated: AtomicBool::new(false),
        })
    }

    pub fn dane(&self) -> bool {
        self.dane
    }

    /// The time limit of one question.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether there was a secure answer.
    pub fn has_validated(&self) -> bool {
        self.has_validated.load(Ordering::Relaxed)
    }

    /// All TXT records of `name`, with the TTL.
    pub async fn txt(&self, name: &str) -> Result<TxtAnswer, DnsFailure> {
        let found = self.question(name, RecordType::TXT).await?;
        let strings = |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()), // without spaces between
            _ => None,
        };
        Ok(TxtAnswer {
            records: found.records.into_iter().filter_map(strings).collect(),
            ttl: Some(found.ttl),
        })
    }

    /// The MX records of `domain`, the most preferred first. One with the root for its host, the
    /// null MX of RFC 7505, names no host and is left out.
    pub async fn mx(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        let found = self.question(domain, RecordType::MX).await?;
        let mut hosts: Vec<Mx> = found.records.into_iter().filter_map(mx).collect();
        hosts.sort();
        Ok(MxHosts {
            hosts,
            is_implicit: false,
            is_secure: found.is_secure,
            ttl: found.ttl,
        })
    }

    /// The addresses of `host`, IPv4 first. That one family cannot be looked up does not
    /// matter if the other has an address.
    pub async fn addresses(&self, host: &str) -> Result<Addresses, DnsFailure> {
        let (v4, v6) = tokio::join!(
            self.question(host, RecordType::A),
            self.question(host, RecordType::AAAA)
        );
        let failures = [v4.as_ref().err().copied(), v6.as_ref().err().copied()];
        let found: Vec<Found> = v4.into_iter().chain(v6).collect();
        match failures {
            _ if !found.is_empty() => addresses(found),
            [Some(one), Some(other)] => Err(worse(one, other)),
            [failure, None] | [None, failure] => Err(failure.unwrap_or(DnsFailure::Permanent)),
        }
    }

    /// The records of type `kind` at `name` or where its CNAMEs lead.
    pub async fn question(&self, name: &str, kind: RecordType) -> Result<Found, DnsFailure> {
        let name = absolute(name)?;
        let answer = tokio::time::timeout(self.limit, self.follow(name, kind)).await;
        answer.unwrap_or(Err(DnsFailure::Temporary))
    }

    /// Asks for `kind` at `name` itself; CNAMEs are not followed.
    pub async fn question_at(
        &self,
        name: &Name,
        kind: RecordType,
    ) -> Result<DnsResponse, DnsFailure> {
        let query = Query::query(name.clone(), kind);
        let answer = tokio::time::timeout(self.limit, self.ask(&query)).await;
        answer.unwrap_or(Err(DnsFailure::Temporary))
    }

    /// Whether the name server says that the response is secure (RFC 6840 §5.8), and its word
    /// counts.
    pub fn is_secure(&self, response: &DnsResponse) -> bool {
        let is_secure = self.dane && response.metadata.authentic_data;
        if is_secure {
            self.has_validated.store(true, Ordering::Relaxed);
        }
        is_secure
    }

    async fn follow(&self, name: Name, kind: RecordType) -> Result<Found, DnsFailure> {
        let mut chain = Chain {
            names: vec![name],
            ttl: u32::MAX,
            is_secure: true,
        };
        loop {
            let asked = chain.names.len();
            let query = Query::query(chain.last()?.clone(), kind);
            let response = self
                .ask(&query)
                .await
                .map_err(|failure| chain.cap(failure))?;
            chain.is_secure &= self.is_secure(&response);
            chain.walk(&response.answers)?;
            let records = chain.take(&response.answers, kind)?;
            if !records.is_empty() {
                return chain.found(records);
            }
            if response.response_code == ResponseCode::NXDomain || response.soa().is_some() {
                let ttl = response.negative_ttl();
                return Err(chain.cap(DnsFailure::NoRecords { ttl }));
            }
            if chain.names.len() == asked {
                return Err(DnsFailure::Permanent); // it answers something else
            }
        }
    }

    /// Asks one name server after the other until one gives an answer, be it negative.
    async fn ask(&self, query: &Query) -> Result<DnsResponse, DnsFailure> {
        let mut failure = None;
        for server in self
            .servers
            .iter()
            .cycle()
            .take(self.servers.len() * ROUNDS)
        {
            match self.ask_server(server, query).await {
                Err(next @ (DnsFailure::Temporary | DnsFailure::Permanent)) => {
                    failure = Some(failure.map_or(next, |failure| worse(failure, next)));
                }
                answer => return answer,
            }
        }
        Err(failure.unwrap_or(DnsFailure::Temporary))
    }

    async fn ask_server(
        &self,
        server: &NameServerConfig,
        query: &Query,
    ) -> Result<DnsResponse, DnsFailure> {
        let mut options = DnsRequestOptions::default();
        options.edns_payload_len = self.options.edns_payload_len;
        // DO asks for AD. Not AD itself, which a careless forwarder may send back.
        options.edns_set_dnssec_ok = self.dane;
        // A child of a fork would otherwise draw the message ids that its siblings draw.
        rand::rng().reseed().map_err(|_| DnsFailure::Temporary)?;
        let tls = TlsConfig::new().map_err(|_| DnsFailure::Temporary)?;
        let context = Arc::new(PoolContext::new(self.options.clone(), tls));
        let provider = TokioRuntimeProvider::default();
        let pool = NameServerPool::from_config([server.clone()], context, provider);
        let answer = pool.lookup(query.clone(), options).first_answer().await;
        answer
            .map_err(|error| classify(&error))
            .and_then(check_code)
    }
}

fn system_servers() -> Result<Vec<NameServerConfig>, OpenError> {
    let (config, _) =
        system_conf::read_system_conf().map_err(|error| OpenError::Resolver(error.to_string()))?;
    Ok(config.name_servers().to_vec())
}

/// How many questions there are at most.
fn asked(servers: &[NameServerConfig]) -> u32 {
    u32::try_from(servers.len() * ROUNDS)
        .unwrap_or(u32::MAX)
        .max(1)
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let at_port = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    let connections = vec![
        at_port(ConnectionConfig::udp()),
        at_port(ConnectionConfig::tcp()),
    ];
    NameServerConfig::new(address.ip(), true, connections)
}

/// `name` as a fully qualified name.
pub(crate) fn absolute(name: &str) -> Result<Name, DnsFailure> {
    let mut name = Name::from_ascii(name).map_err(|_| DnsFailure::Permanent)?;
    name.set_fqdn(true);
    Ok(name)
}

/// `name` without the final dot.
pub(crate) fn text(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn mx(data: RData) -> Option<Mx> {
    match data {
        RData::MX(mx) if !mx.exchange.is_root() => Some(Mx {
            preference: mx.preference,
            host: text(&mx.exchange),
        }),
        _ => None,
    }
}

/// What was found of both families together.
fn addresses(found: Vec<Found>) -> Result<Addresses, DnsFailure> {
    let first = found.first().ok_or(DnsFailure::Permanent)?;
    Ok(Addresses {
        name: text(&first.end),
        is_secure: found.iter().all(|found| found.is_secure),
        ttl: found.iter().map(|found| found.ttl).fold(u32::MAX, u32::min),
        addresses: found
            .iter()
            .flat_map(|found| &found.records)
            .filter_map(RData::ip_addr)
            .collect(),
    })
}

/// The names from the one asked for along its CNAMEs.
struct Chain {
    names: Vec<Name>,
    ttl: u32,
    is_secure: bool,
}

impl Chain {
    fn last(&self) -> Result<&Name, DnsFailure> {
        self.names.last().ok_or(DnsFailure::Permanent)
    }

    /// Goes on as far as `answers` lead.
    fn walk(&mut self, answers: &[Record]) -> Result<(), DnsFailure> {
        while let Some((target, ttl)) = cname(answers, self.last()?) {
            let is_loop = self.names.contains(target);
            if is_loop || self.names.len() > MAX_CNAMES {
                return Err(DnsFailure::Permanent);
            }
            self.names.push(target.clone());
            self.ttl = self.ttl.min(ttl);
        }
        Ok(())
    }

    /// The records of type `kind` at the chain's end.
    fn take(&mut self, answers: &[Record], kind: RecordType) -> Result<Vec<RData>, DnsFailure> {
        let end = self.last()?.clone();
        let is_wanted = |record: &&Record| record.record_type() == kind && record.name == end;
        let found: Vec<&Record> = answers.iter().filter(is_wanted).collect();
        self.ttl = found
            .iter()
            .fold(self.ttl, |ttl, record| ttl.min(record.ttl));
        Ok(found
            .into_iter()
            .map(|record| record.data.clone())
            .collect())
    }

    fn found(self, records: Vec<RData>) -> Result<Found, DnsFailure> {
        Ok(Found {
            records,
            ttl: self.ttl,
            end: self.last()?.clone(),
            is_secure: self.is_secure,
        })
    }

    /// A negative TTL is not longer than those of the CNAMEs before it.
    fn cap(&self, failure: DnsFailure) -> DnsFailure {
        match failure {
            DnsFailure::NoRecords { ttl } if ttl.is_some() || self.names.len() > 1 => {
                DnsFailure::NoRecords {
                    ttl: Some(known(ttl).min(self.ttl)),
                }
            }
            other => other,
        }
    }
}

pub(crate) fn cname<'a>(answers: &'a [Record], name: &Name) -> Option<(&'a Name, u32)> {
    answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name == *name => Some((&target.0, record.ttl)),
        _ => None,
    })
}

/// What the absence of an answer means. hickory gives SERVFAIL, REFUSED and the like as
/// [`DnsError::ResponseCode`], and NXDOMAIN and NODATA as [`DnsError::NoRecordsFound`], among
/// which are referrals: they come from a server that does not recurse, and say nothing.
fn classify(error: &NetError) -> DnsFailure {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if !is_referral(none) => {
            DnsFailure::NoRecords {
                ttl: none.negative_ttl,
            }
        }
        NetError::Dns(DnsError::ResponseCode(ResponseCode::FormErr))
        | NetError::Proto(_)
        | NetError::ForeignClassRecord { .. } => DnsFailure::Permanent,
        _ => DnsFailure::Temporary,
    }
}

fn is_referral(none: &NoRecords) -> bool {
    let is_negative = none.soa.is_some() || none.response_code == ResponseCode::NXDomain;
    none.ns.is_some() && !is_negative
}

/// Response codes of which hickory has no name pass as answers.
fn check_code(response: DnsResponse) -> Result<DnsResponse, DnsFailure> {
    match response.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(response),
        _ => Err(DnsFailure::Temporary),
    }
}

/// Of two failures the one that leaves more open.
fn worse(one: DnsFailure, other: DnsFailure) -> DnsFailure {
    match (one, other) {
        (DnsFailure::Temporary, _) | (_, DnsFailure::Temporary) => DnsFailure::Temporary,
        (DnsFailure::Permanent, _) | (_, DnsFailure::Permanent) => DnsFailure::Permanent,
        (DnsFailure::NoRecords { ttl: one }, DnsFailure::NoRecords { ttl: other }) => {
            DnsFailure::NoRecords {
                ttl: Some(known(one).min(known(other))),
            }
        }
    }
}

/// A negative TTL, or what stands for one.
pub(crate) fn known(ttl: Option<u32>) -> u32 {
    ttl.unwrap_or(UNKNOWN_TTL)
}
