// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a session with an MX host came to, as a report tells it (RFC 8460 §4.3, R-RPT-5): against
//! which policy, whether it succeeded, and what failed.
//!
//! | what decided                      | policy type       | failures                              |
//! |-----------------------------------|-------------------|---------------------------------------|
//! | DANE                              | `tlsa`            | the session's                         |
//! | a policy, but for mode `none`     | `sts`             | the session's; that none newer came   |
//! | a policy that could not be had    | `sts`, empty      | why; that there was no TLS            |
//! | no policy                         | `no-policy-found` | that there was no TLS                 |
//! | a policy of mode `none`, a local one, one that may exist | not told |                         |

use super::ResultType;
use crate::outcome::{Basis, Outcome};
use crate::policy::{Mode, Policy};
use crate::reason::Reason;
use crate::verdict::{Cause, Session, Tls, is_for_dane, tls_failure};
use core::net::IpAddr;

/// The type of the policy that was applied (RFC 8460 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyType {
    /// DANE (RFC 7672).
    Tlsa,
    /// MTA-STS.
    Sts,
    /// Neither.
    NoPolicyFound,
}

impl PolicyType {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Tlsa, Self::Sts, Self::NoPolicyFound];

    /// The name in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tlsa => "tlsa",
            Self::Sts => "sts",
            Self::NoPolicyFound => "no-policy-found",
        }
    }
}

/// What a report says of a failed session beside its result, as far as it is known: the fields of
/// RFC 8460 §4.4. Texts may be any octets: what is not UTF-8 becomes U+FFFD, and they are cut off
/// after 500 characters. Empty ones are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Details<'a> {
    /// `sending-mta-ip`: the address that the session came from.
    pub sending_mta_ip: Option<IpAddr>,
    /// `receiving-ip`: the address that it went to.
    pub receiving_ip: Option<IpAddr>,
    /// `receiving-mx-helo`: how the MX host called itself.
    pub receiving_mx_helo: &'a [u8],
    /// `failure-reason-code`: the TLS library's error, for instance. Empty: [`Cause::as_str`].
    pub failure_reason_code: &'a [u8],
    /// `additional-information`: a URI that leads to more.
    pub additional_information: &'a [u8],
}

/// What one session with one MX host came to.
#[derive(Clone, Copy, Debug)]
pub struct SessionResult<'a> {
    pub(super) policy_type: PolicyType,
    pub(super) domain: &'a str,
    pub(super) mx_host: &'a str,
    pub(super) policy: Option<&'a Policy>,
    pub(super) policy_failure: Option<(Reason, ResultType)>,
    pub(super) failure: Option<(Cause, ResultType)>,
}

impl SessionResult<'_> {
    /// The type of the policy.
    pub fn policy_type(&self) -> PolicyType {
        self.policy_type
    }

    /// The Policy Domain (RFC 8460 §1.1): that of the policy, for DANE the MX host.
    pub fn policy_domain(&self) -> &str {
        match self.policy_type {
            PolicyType::Tlsa => self.mx_host,
            PolicyType::Sts | PolicyType::NoPolicyFound => self.domain,
        }
    }

    /// Whether there was a TLS session as the policy wants it. A policy that could not be renewed
    /// does not make the session a failure.
    pub fn is_success(&self) -> bool {
        self.failure.is_none()
    }

    /// What failed in the session, whatever the mode.
    pub fn failure(&self) -> Option<ResultType> {
        self.failure.map(|(_, result)| result)
    }

    /// What failed before the session, on the way to the policy.
    pub fn policy_failure(&self) -> Option<ResultType> {
        self.policy_failure.map(|(_, result)| result)
    }
}

impl Outcome {
    /// What there is to report of a session with this outcome's verdict. `None` for nothing: there
    /// was no session yet, or the policy is of mode `none` or the operator's own, or it is not known
    /// whether there is one (R-RPT-5). Without any policy it is whether there was TLS.
    ///
    /// Ask once for a session, when no more comes to be known of its TLS.
    pub fn session_result<'a>(&'a self, session: &Session<'a>) -> Option<SessionResult<'a>> {
        let result = self.by_policy_type(session)?;
        let was_tried = session.tls != Tls::NotTried;
        (was_tried || result.failure.is_some()).then_some(result)
    }

    fn by_policy_type<'a>(&'a self, session: &Session<'a>) -> Option<SessionResult<'a>> {
        let failure =
            |cause: Option<Cause>| cause.and_then(|cause| Some((cause, cause.result_type()?)));
        let result = SessionResult {
            policy_type: PolicyType::Sts,
            domain: self.domain().as_str(),
            mx_host: session.mx_host,
            policy: self.policy(),
            policy_failure: self.reason.zip(self.result_type()),
            failure: failure(self.verdict(session).cause),
        };
        match self.policy() {
            _ if is_for_dane(session) => Some(SessionResult {
                policy_type: PolicyType::Tlsa,
                policy: None,
                policy_failure: None,
                ..result
            }),
            Some(policy) if policy.mode() == Mode::None || self.basis == Basis::Local => None,
            Some(_) => Some(result),
            None if self.try_later => None,
            None => Some(SessionResult {
                policy_type: match result.policy_failure {
                    Some(_) => PolicyType::Sts,
                    None => PolicyType::NoPolicyFound,
                },
                failure: failure(tls_failure(session.tls)),
                ..result
            }),
        }
    }
}
