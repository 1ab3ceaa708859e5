// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `lookups` from the outcome on.

use crate::exports::lookups::{
    Basis, Config, Error, GuestOutcome, Lookup, Outcome, Policy, PolicyBorrow, Reason, ResultType,
    Session, UnixTime, Verdict,
};
use crate::lookup::{LookupHandle, policy_domain, settings};
use crate::policies::PolicyHandle;
use crate::words::{action, basis, cause, dane, reason, result_type, tls};
use std::sync::Arc;

/// An `outcome`.
pub(crate) struct OutcomeHandle(pub(crate) mtasts::Outcome);

impl OutcomeHandle {
    pub(crate) fn handle(outcome: mtasts::Outcome) -> Outcome {
        Outcome::new(Self(outcome))
    }

    /// The policy, kept alive by whoever asks.
    fn shared_policy(&self) -> Option<Arc<mtasts::Policy>> {
        let fetched = || Some(Arc::new(self.0.fetched()?.policy.clone()));
        self.0.local_policy().cloned().or_else(fetched)
    }
}

impl GuestOutcome for OutcomeHandle {
    fn local(domain: String, policy: PolicyBorrow<'_>) -> Result<Outcome, Error> {
        let policy = Arc::clone(&policy.get::<PolicyHandle>().policy);
        let outcome = mtasts::Outcome::local(policy_domain(&domain)?, policy);
        Ok(Self::handle(outcome))
    }

    fn domain(&self) -> String {
        self.0.domain().as_str().to_owned()
    }

    fn basis(&self) -> Basis {
        basis(self.0.basis())
    }

    fn reason(&self) -> Option<Reason> {
        self.0.reason().map(reason)
    }

    fn result_type(&self) -> Option<ResultType> {
        self.0.result_type().map(result_type)
    }

    fn explanation(&self) -> String {
        self.0.explanation()
    }

    fn policy(&self) -> Option<Policy> {
        let policy = self.shared_policy()?;
        Some(Policy::new(PolicyHandle::of(policy)))
    }

    fn id(&self) -> Option<String> {
        Some(self.0.fetched()?.id.as_str().to_owned())
    }

    fn fetched_at(&self) -> Option<UnixTime> {
        Some(self.0.fetched()?.fetched_at.0)
    }

    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.0.expires_at()?.0)
    }

    fn is_enforced(&self) -> bool {
        self.0.is_enforced()
    }

    fn is_try_later(&self) -> bool {
        self.0.is_try_later()
    }

    fn is_changed(&self) -> bool {
        self.0.is_changed()
    }

    fn stored(&self) -> String {
        self.0.stored().to_text()
    }

    fn useless_after(&self) -> UnixTime {
        self.0.stored().useless_after().0
    }

    fn verdict(&self, session: Session) -> Verdict {
        let verdict = self.0.verdict(&session_of(&session));
        Verdict {
            action: action(verdict.action),
            result: verdict.result.map(result_type),
            cause: verdict.cause.map(cause),
        }
    }

    fn look_again(&self, config: Option<Config>) -> Lookup {
        LookupHandle::handle(self.0.look_again(&settings(config)))
    }
}

pub(crate) fn session_of(session: &Session) -> mtasts::Session<'_> {
    mtasts::Session {
        mx_host: &session.mx_host,
        tls: tls(session.tls),
        dane: dane(session.dane),
        mx_secure: session.mx_secure,
    }
}
