// SPDX-License-Identifier: MIT OR Apache-2.0

//! What was seen of a domain, without any judgement: what `--json` shows, by the names of the
//! fields. All texts that come from the network are made visible ([`shown`]).

pub use crate::shown::shown;
use mtasts::{Action, Cause, Certificate, Dane, ErrorKind, Mode, ResultType, WarningKind};
use mtasts_host::DnsFailure;
use serde::{Serialize, Serializer};
use std::net::IpAddr;
use std::sync::Arc;

/// A domain as a sender sees it.
#[derive(Debug, Serialize)]
pub struct Facts {
    pub domain: String,
    pub record: Record,
    pub policy_host: PolicyHost,
    pub policy: Policy,
    pub mx: Mail,
    pub tlsrpt: Tlsrpt,
}

/// Whether something is in the DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    Found,
    None,
    /// More than one, where one is wanted.
    Several,
    /// It breaks the grammar.
    Broken,
    /// The answer of the DNS is malformed, or a loop.
    Malformed,
    /// It cannot be looked up for now.
    Unknown,
    /// MX records: there are none, the domain is its own host (RFC 5321 §5.1).
    Implicit,
    /// MX records: the domain takes no mail (RFC 7505).
    Null,
}

impl Presence {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::None => "none",
            Self::Several => "several",
            Self::Broken => "broken",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Implicit => "implicit",
            Self::Null => "null",
        }
    }
}

impl From<DnsFailure> for Presence {
    fn from(failure: DnsFailure) -> Self {
        match failure {
            DnsFailure::NoRecords { .. } => Self::None,
            DnsFailure::Permanent => Self::Malformed,
            DnsFailure::Temporary => Self::Unknown,
        }
    }
}

/// A TXT record that there should be one of.
#[derive(Debug, Serialize)]
pub struct Txt {
    pub name: String,
    /// Where the CNAMEs of the name lead.
    pub cname: Vec<String>,
    pub state: Presence,
    /// All TXT records at the name.
    pub records: Vec<String>,
    /// What is wrong with the record, and at which column.
    pub error: Option<String>,
    pub column: Option<usize>,
}

/// The MTA-STS record (RFC 8461 §3.1).
#[derive(Debug, Serialize)]
pub struct Record {
    #[serde(flatten)]
    pub txt: Txt,
    pub id: Option<String>,
}

/// The TLSRPT record (RFC 8460 §3).
#[derive(Debug, Serialize)]
pub struct Tlsrpt {
    #[serde(flatten)]
    pub txt: Txt,
    pub rua: Vec<String>,
}

/// The Policy Host, address by address.
#[derive(Debug, Serialize)]
pub struct PolicyHost {
    pub host: String,
    pub cname: Vec<String>,
    pub state: Presence,
    pub addresses: Vec<Session>,
}

/// What the Policy Host serves.
#[derive(Debug, Default, Serialize)]
pub struct Policy {
    /// Why there is no policy to be had: a word of `mtasts query --json`, such as `status-404`.
    pub reason: Option<String>,
    #[serde(serialize_with = "mode")]
    pub mode: Option<Mode>,
    pub max_age: Option<u32>,
    pub mx: Vec<String>,
    pub warnings: Vec<Remark>,
    /// What is wrong with the policy.
    pub error: Option<Remark>,
    /// The text, if it was to be had.
    pub text: Option<String>,
    /// Whether senders that look now apply it.
    pub in_force: bool,
}

/// Something at a place in the policy.
#[derive(Debug, Serialize)]
pub struct Remark {
    pub line: usize,
    pub column: usize,
    pub message: String,
    /// The line, as it is published.
    pub text: String,
    #[serde(skip)]
    pub kind: Fault,
}

/// What a [`Remark`] is about.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Error(ErrorKind),
    Warning(WarningKind),
}

/// Who takes the mail.
#[derive(Debug, Serialize)]
pub struct Mail {
    pub state: Presence,
    /// Whether DNSSEC secures the MX records; `null` without `--dane`.
    pub secure: Option<bool>,
    pub hosts: Vec<MxHost>,
    /// How many hosts there are beyond those looked at.
    pub left_out: usize,
}

/// An MX host.
#[derive(Debug, Serialize)]
pub struct MxHost {
    pub host: String,
    pub preference: u16,
    /// Whether a pattern of the policy matches; `null` without a policy.
    pub listed: Option<bool>,
    pub state: Presence,
    #[serde(serialize_with = "dane")]
    pub dane: Option<Dane>,
    pub addresses: Vec<MxAddress>,
}

impl MxHost {
    /// Whether mail for the policy can be given to it: a session was good, and none was bad.
    pub fn is_good(&self) -> bool {
        let is_known = |address: &&MxAddress| address.session.state.is_known();
        let mut known = self.addresses.iter().filter(is_known).peekable();
        self.listed != Some(false) && known.peek().is_some() && known.all(MxAddress::is_good)
    }
}

/// An address of an MX host, and what the engine says of the session for this domain.
#[derive(Debug, Serialize)]
pub struct MxAddress {
    #[serde(flatten)]
    pub session: Session,
    #[serde(serialize_with = "dane")]
    pub dane: Option<Dane>,
    #[serde(serialize_with = "action")]
    pub action: Action,
    #[serde(serialize_with = "cause")]
    pub cause: Option<Cause>,
    #[serde(serialize_with = "result")]
    pub result: Option<ResultType>,
}

impl MxAddress {
    /// Whether TLS stands with a valid certificate.
    pub fn is_good(&self) -> bool {
        self.session.verdict() == Some(Certificate::Valid)
    }
}

/// How far a session with an address got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// TLS stands.
    Tls,
    TlsFailed,
    StarttlsNotOffered,
    StarttlsRefused,
    /// It answers, and not as an SMTP server.
    NotSmtp,
    /// The connection was refused, or it broke.
    Closed,
    /// The host's answer is that it does not talk to this machine, or not now.
    Rejected,
    #[default]
    TimedOut,
    /// This machine has no route: no IPv6, for instance.
    NoRoute,
    /// Not a global address, to which nobody connects.
    NotGlobal,
    /// This machine lacks something.
    Local,
}

impl State {
    /// Whether it says something about the host, and not about the way there.
    pub fn is_known(self) -> bool {
        !matches!(
            self,
            Self::Rejected | Self::TimedOut | Self::NoRoute | Self::Local
        )
    }
}

/// A session with one address of a host.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    pub address: IpAddr,
    pub state: State,
    /// What happened, where TLS does not stand.
    pub error: Option<String>,
    /// The first line of an SMTP greeting.
    pub greeting: Option<String>,
    pub tls_version: Option<&'static str>,
    pub certificate: Option<CertificateFacts>,
    /// What the host showed, DER, its own certificate first.
    #[serde(skip)]
    pub chain: Arc<Vec<Vec<u8>>>,
}

impl Session {
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            state: State::TimedOut,
            error: None,
            greeting: None,
            tls_version: None,
            certificate: None,
            chain: Arc::default(),
        }
    }

    pub fn failed(address: IpAddr, state: State, error: &str) -> Self {
        let error = Some(error.to_owned());
        Self {
            state,
            error,
            ..Self::new(address)
        }
    }

    /// The verdict on the certificate, if there was one.
    pub fn verdict(&self) -> Option<Certificate> {
        self.certificate
            .as_ref()
            .map(|certificate| certificate.verdict)
    }

    /// What the engine wants to know; `None` where there was no session.
    pub fn tls(&self) -> Option<mtasts::Tls> {
        match (self.state, self.verdict()) {
            (State::Tls, Some(verdict)) => Some(mtasts::Tls::Established(verdict)),
            (State::Tls | State::TlsFailed, _) => Some(mtasts::Tls::Failed),
            (State::StarttlsNotOffered | State::StarttlsRefused, _) => {
                Some(mtasts::Tls::NotOffered)
            }
            _ => None,
        }
    }
}

/// A certificate.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateFacts {
    #[serde(serialize_with = "certificate")]
    pub verdict: Certificate,
    /// The DNS names that it is for.
    pub names: Vec<String>,
    pub issuer: String,
    pub not_before: String,
    pub not_after: String,
    /// Whole days until its end; negative after it.
    pub days_left: i64,
    /// Whether its time has not come yet.
    #[serde(skip)]
    pub is_early: bool,
    /// How many certificates the host showed.
    pub chain_length: usize,
}

/// The word for a certificate's verdict.
pub const fn certificate_word(verdict: Certificate) -> &'static str {
    match verdict {
        Certificate::Valid => "valid",
        Certificate::Expired => "expired",
        Certificate::HostMismatch => "host-mismatch",
        Certificate::Invalid => "invalid",
        Certificate::NotTrusted => "not-trusted",
    }
}

/// The word for what DANE says.
pub const fn dane_word(dane: Dane) -> &'static str {
    match dane {
        Dane::NotUsed => "none",
        Dane::LookupFailed => "lookup-failed",
        Dane::Unusable => "unusable",
        Dane::Usable => "usable",
        Dane::Passed => "passed",
        Dane::Failed => "failed",
    }
}

fn certificate<S: Serializer>(verdict: &Certificate, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(certificate_word(*verdict))
}

fn dane<S: Serializer>(dane: &Option<Dane>, to: S) -> Result<S::Ok, S::Error> {
    dane.map(dane_word).serialize(to)
}

fn mode<S: Serializer>(mode: &Option<Mode>, to: S) -> Result<S::Ok, S::Error> {
    mode.map(Mode::as_str).serialize(to)
}

fn action<S: Serializer>(action: &Action, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(action.as_str())
}

fn cause<S: Serializer>(cause: &Option<Cause>, to: S) -> Result<S::Ok, S::Error> {
    cause.map(Cause::as_str).serialize(to)
}

fn result<S: Serializer>(result: &Option<ResultType>, to: S) -> Result<S::Ok, S::Error> {
    result.map(ResultType::as_str).serialize(to)
}
