// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether one MX host, by what is known of the session with it, may be given the mail
//! (RFC 8461 §4, §5), DANE first (§2, RFC 7672).
//!
//! | DANE for this host        | MX secure | what decides                                     |
//! |---------------------------|-----------|--------------------------------------------------|
//! | TLSA look-up failed       |           | defer                                            |
//! | usable TLSA               | yes       | DANE alone                                       |
//! | usable TLSA               | no        | DANE must pass, then the policy                  |
//! | TLSA, none usable         |           | TLS is required, then the policy                 |
//! | none                      |           | the policy                                       |

use crate::outcome::Outcome;
use crate::policy::{Mode, Policy};
use crate::tlsrpt::ResultType;

/// What is known of the session with one candidate MX host.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The name in the MX record, or without MX records the Policy Domain itself (R-MX-1).
    /// Never a CNAME's target, nor an address's name.
    pub mx_host: &'a str,
    /// How far TLS got.
    pub tls: Tls,
    /// What DANE says of this host; [`Dane::NotUsed`] where the host does none.
    pub dane: Dane,
    /// Whether the MX records (or, without any, the address records) were DNSSEC-secure.
    pub mx_secure: bool,
}

/// How far TLS got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tls {
    /// Not yet connected: the verdict says whether the host is worth a try.
    NotTried,
    /// The server offers no STARTTLS, or refused it.
    NotOffered,
    /// STARTTLS began and no session of TLS 1.2 or later came of it. There is no going back
    /// to clear text (R-APPLY-1).
    Failed,
    /// TLS stands; the certificate, checked for [`Session::mx_host`], is as said.
    Established(Certificate),
}

/// The MX host's certificate against R-CERT-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certificate {
    /// Chains to a trusted root, is in time, and is valid for the name.
    Valid,
    /// Not valid now.
    Expired,
    /// No DNS-ID is the name.
    HostMismatch,
    /// Anything else: unreadable, none shown, not for servers.
    Invalid,
    /// No chain to a trusted root.
    NotTrusted,
}

impl Certificate {
    /// What is wrong with it, `None` if nothing is.
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Valid => None,
            Self::Expired => Some(Cause::CertificateExpired),
            Self::HostMismatch => Some(Cause::CertificateHostMismatch),
            Self::Invalid => Some(Cause::CertificateInvalid),
            Self::NotTrusted => Some(Cause::CertificateNotTrusted),
        }
    }
}

/// What DANE (RFC 7672) says of one MX host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dane {
    /// The sender does no DANE, or the host has no secure TLSA records.
    NotUsed,
    /// The TLSA records could not be looked up: SERVFAIL, bogus, time-out.
    LookupFailed,
    /// Secure TLSA records, none of which can be used: TLS is required, unauthenticated.
    Unusable,
    /// Usable TLSA records; TLS has not been tried.
    Usable,
    /// Usable TLSA records, and the certificate matches one.
    Passed,
    /// Usable TLSA records, and the certificate matches none.
    Failed,
}

/// What DANE says of a domain as a whole, for one that has to say it before there is a
/// connection: a policy server (R-APPLY-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DomainDane {
    /// The MX records are not secure, or no MX host has usable TLSA records: the policy.
    None,
    /// That could not be found out.
    Temporary,
    /// The MX records are secure, and some MX host has usable TLSA records.
    Usable,
}

/// What to do with the mail, as far as this MX host is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Go on: connect, or send.
    Deliver,
    /// Not to this host, and never in the clear: on to the next MX host in the usual order;
    /// when none is left, a transient failure.
    Defer,
    /// Not to this host; the host's configured fallback route, a Policy Domain of its own, may
    /// take the mail (R-APPLY-4).
    Divert,
}

impl Action {
    /// A word for a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Defer => "defer",
            Self::Divert => "divert",
        }
    }
}

/// A verdict on one session, for one Policy Domain (R-APPLY-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// What to report by RFC 8460, in mode `testing` too; `None` for success, and where there
    /// is no policy to report against.
    pub result: Option<ResultType>,
    /// What is wrong with the session, `None` if nothing is.
    pub cause: Option<Cause>,
}

/// What is wrong with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The certificate is not valid now.
    CertificateExpired,
    /// The certificate is for another name.
    CertificateHostMismatch,
    /// The certificate is no good in some other way.
    CertificateInvalid,
    /// The certificate has no chain to a trusted root.
    CertificateNotTrusted,
    /// The certificate matches no TLSA record.
    DaneFailed,
    /// The TLSA records could not be looked up.
    DaneLookupFailed,
    /// No MX pattern of the policy matches the host.
    MxNotListed,
    /// It is not known whether there is a policy ([`Outcome::is_try_later`]).
    PolicyUnknown,
    /// The host offers no STARTTLS.
    StartTlsNotSupported,
    /// STARTTLS began and failed.
    TlsFailed,
}

impl Cause {
    /// A word, fit for the `failure-reason-code` of a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateHostMismatch => "certificate-host-mismatch",
            Self::CertificateInvalid => "certificate-invalid",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::DaneFailed => "dane-failed",
            Self::DaneLookupFailed => "dane-lookup-failed",
            Self::MxNotListed => "mx-not-listed",
            Self::PolicyUnknown => "policy-unknown",
            Self::StartTlsNotSupported => "starttls-not-supported",
            Self::TlsFailed => "tls-failed",
        }
    }

    /// One line for a person.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::CertificateExpired => "the MX host's certificate has expired or is not valid yet",
            Self::CertificateHostMismatch => "the MX host's certificate is for another name",
            Self::CertificateInvalid => "the MX host's certificate cannot be used",
            Self::CertificateNotTrusted => "the MX host's certificate has no trusted issuer",
            Self::DaneFailed => "the MX host's certificate matches none of its TLSA records",
            Self::DaneLookupFailed => "the MX host's TLSA records cannot be looked up for now",
            Self::MxNotListed => "the MX host is not listed in the policy",
            Self::PolicyUnknown => "it cannot be found out for now whether there is a policy",
            Self::StartTlsNotSupported => "the MX host offers no STARTTLS",
            Self::TlsFailed => "the MX host offers STARTTLS, but no TLS session came of it",
        }
    }

    /// The result type of RFC 8460 §4.3 (R-RPT-2).
    pub const fn result_type(self) -> Option<ResultType> {
        match self {
            Self::CertificateExpired => Some(ResultType::CertificateExpired),
            Self::CertificateHostMismatch => Some(ResultType::CertificateHostMismatch),
            Self::CertificateNotTrusted => Some(ResultType::CertificateNotTrusted),
            Self::DaneLookupFailed => Some(ResultType::DnssecInvalid),
            Self::StartTlsNotSupported => Some(ResultType::StartTlsNotSupported),
            Self::CertificateInvalid | Self::DaneFailed | Self::MxNotListed | Self::TlsFailed => {
                Some(ResultType::ValidationFailure)
            }
            Self::PolicyUnknown => None,
        }
    }
}

impl Outcome {
    /// Whether and how this session may carry the mail. Allocates nothing.
    #[inline]
    pub fn verdict(&self, session: &Session<'_>) -> Verdict {
        judge(self, session)
    }
}

fn judge(outcome: &Outcome, session: &Session<'_>) -> Verdict {
    if let Some(cause) = dane_failure(session) {
        return blocked(cause, Action::Defer); // no diversion follows a DANE failure
    }
    if is_for_dane(session) {
        return GOOD;
    }
    match outcome.policy() {
        None if outcome.try_later => blocked(Cause::PolicyUnknown, Action::Defer),
        None => GOOD,
        Some(policy) => by_policy(policy, session, outcome.diverts),
    }
}

fn by_policy(policy: &Policy, session: &Session<'_>, diverts: bool) -> Verdict {
    let cause = match policy.mode() {
        Mode::None => None,
        Mode::Enforce | Mode::Testing => policy_failure(policy, session),
    };
    match (cause, policy.mode()) {
        (None, _) => GOOD,
        (Some(cause), Mode::Enforce) if diverts => blocked(cause, Action::Divert),
        (Some(cause), Mode::Enforce) => blocked(cause, Action::Defer),
        (Some(cause), _) => blocked(cause, Action::Deliver),
    }
}

const GOOD: Verdict = Verdict {
    action: Action::Deliver,
    result: None,
    cause: None,
};

fn blocked(cause: Cause, action: Action) -> Verdict {
    Verdict {
        action,
        result: cause.result_type(),
        cause: Some(cause),
    }
}

/// RFC 8461 §4: the host is listed, TLS stands, the certificate is valid.
fn policy_failure(policy: &Policy, session: &Session<'_>) -> Option<Cause> {
    if !policy.matches(session.mx_host) {
        return Some(Cause::MxNotListed);
    }
    tls_failure(session.tls).or(match session.tls {
        Tls::Established(certificate) => certificate.cause(),
        _ => None,
    })
}

pub(crate) fn tls_failure(tls: Tls) -> Option<Cause> {
    match tls {
        Tls::NotTried | Tls::Established(_) => None,
        Tls::NotOffered => Some(Cause::StartTlsNotSupported),
        Tls::Failed => Some(Cause::TlsFailed),
    }
}

/// Whether the verdict is DANE's and no policy's.
pub(crate) fn is_for_dane(session: &Session<'_>) -> bool {
    session.mx_secure && is_usable(session.dane) || dane_failure(session).is_some()
}

fn is_usable(dane: Dane) -> bool {
    matches!(dane, Dane::Usable | Dane::Passed | Dane::Failed)
}

/// What DANE forbids by itself, whatever the policy (R-APPLY-2).
fn dane_failure(session: &Session<'_>) -> Option<Cause> {
    match session.dane {
        Dane::NotUsed => None,
        Dane::LookupFailed => Some(Cause::DaneLookupFailed),
        Dane::Unusable | Dane::Passed => tls_failure(session.tls),
        // TLS stands and the sender has not compared: fail closed.
        Dane::Usable if matches!(session.tls, Tls::Established(_)) => Some(Cause::DaneFailed),
        Dane::Usable => tls_failure(session.tls),
        Dane::Failed => Some(tls_failure(session.tls).unwrap_or(Cause::DaneFailed)),
    }
}
