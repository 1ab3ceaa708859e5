// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a look-up came to: the policy to apply, if any, on what basis, and what went wrong on
//! the way (RFC 8461 §3.3, §5).

use crate::error::Error;
use crate::name::PolicyDomain;
use crate::policy::{Mode, Policy};
use crate::reason::Reason;
use crate::stored::{Stored, StoredPolicy};
use crate::time::UnixTime;
use crate::tlsrpt::ResultType;
use alloc::{format, string::String, sync::Arc};

/// Where the policy of an [`Outcome`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// There is none: deliver as if the domain had none (R-FLOW-2).
    NoPolicy,
    /// The store: its `id` is still the record's, or what would have been newer was not to be
    /// had, as [`Outcome::reason`] says (R-FLOW-1).
    Cached,
    /// The network, just now.
    Fresh,
    /// The operator of the sending host, who has set aside what the domain says (R-APPLY-3).
    Local,
}

impl Basis {
    /// A word for a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPolicy => "no-policy",
            Self::Cached => "cached",
            Self::Fresh => "fresh",
            Self::Local => "local",
        }
    }
}

/// The outcome of a look-up of one Policy Domain. It holds for that domain alone, and its
/// verdicts ([`Outcome::verdict`]) each for one connection (R-APPLY-5).
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(crate) stored: Arc<Stored>,
    pub(crate) local: Option<Arc<Policy>>,
    pub(crate) basis: Basis,
    pub(crate) reason: Option<Reason>,
    pub(crate) error: Option<Error>,
    pub(crate) changed: bool,
    pub(crate) try_later: bool,
    pub(crate) diverts: bool,
}

impl Outcome {
    /// The outcome for a domain for which the operator has written a policy (R-APPLY-3): to pin
    /// one, to exempt the domain (mode `none`), or to demote it to mode `testing`. Nothing is
    /// looked up and nothing remembered; the policy has no `id`.
    pub fn local(domain: PolicyDomain, policy: Arc<Policy>) -> Self {
        Self {
            stored: Arc::new(Stored::unknown(domain)),
            local: Some(policy),
            basis: Basis::Local,
            reason: None,
            error: None,
            changed: false,
            try_later: false,
            diverts: false,
        }
    }

    /// The Policy Domain.
    pub fn domain(&self) -> &PolicyDomain {
        &self.stored.domain
    }

    /// The policy to apply.
    pub fn policy(&self) -> Option<&Policy> {
        let fetched = self.fetched().map(|fetched| &fetched.policy);
        self.local.as_deref().or(fetched)
    }

    /// The policy to apply with its `id` and the time of its fetch; `None` also where it is a
    /// local one.
    pub fn fetched(&self) -> Option<&Arc<StoredPolicy>> {
        self.stored
            .policy
            .as_ref()
            .filter(|_| self.basis != Basis::NoPolicy)
    }

    /// The operator's own policy, where that is what applies.
    pub fn local_policy(&self) -> Option<&Arc<Policy>> {
        self.local.as_ref()
    }

    /// Where the policy comes from.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Why there is no policy, or no newer one. `None`: all went well.
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// What to report of [`Outcome::reason`]: as [`Reason::result_type`], and nothing where a
    /// policy of mode `none` applies (R-RPT-5).
    pub fn result_type(&self) -> Option<ResultType> {
        let is_none = self
            .policy()
            .is_some_and(|policy| policy.mode() == Mode::None);
        self.reason
            .filter(|_| !is_none)
            .and_then(Reason::result_type)
    }

    /// What is wrong with the record or the policy that was refused, for a person.
    pub fn error(&self) -> Option<Error> {
        self.error
    }

    /// One line for a person: why there is no policy, or no newer one. Empty if all went well.
    pub fn explanation(&self) -> String {
        let reason = self.reason.map_or("", Reason::describe);
        let status = match self.reason {
            Some(Reason::Status(status)) => format!(": {status}"),
            _ => String::new(),
        };
        let detail = self
            .error
            .filter(|_| self.reason != Some(Reason::SeveralRecords));
        let detail = detail.map(|error| format!(": {error}")).unwrap_or_default();
        format!("{reason}{status}{detail}")
    }

    /// Whether a policy of mode `enforce` applies to all mail for the domain. A policy server, which
    /// answers for a domain and sees no delivery that it could divert, goes by mode `testing`
    /// where the domain is outside the share that is enforced (R-APPLY-4).
    pub fn is_enforced(&self) -> bool {
        let mode = self.policy().map(|policy| policy.mode());
        mode == Some(Mode::Enforce) && !self.diverts
    }

    /// Whether the delivery is to wait, as it is not known if there is a policy.
    pub fn is_try_later(&self) -> bool {
        self.try_later
    }

    /// What to remember of the domain.
    pub fn stored(&self) -> &Arc<Stored> {
        &self.stored
    }

    /// Whether [`Outcome::stored`] is not what the look-up began with, and is to be saved.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// When the policy's lifetime ends.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.fetched().map(|fetched| fetched.expires_at())
    }
}
