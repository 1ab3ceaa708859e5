// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a look-up came to, and what it means for a session with an MX host (RFC 8461 §4, §5).

use crate::lookup::{Config, Lookup};
use crate::policy::{Policy, read_domain};
use crate::problem::{Problem, Thrown};
use crate::words;
use mtasts::{Position, Session, UnixTime};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// The outcome of a look-up of one Policy Domain, and where in the policy its error is.
#[wasm_bindgen]
pub struct Outcome(pub(crate) mtasts::Outcome, pub(crate) Option<Position>);

#[wasm_bindgen]
impl Outcome {
    /// The outcome for a domain for which the operator has written a policy.
    pub fn local(domain: &str, policy: &Policy) -> Result<Self, Problem> {
        let domain = read_domain(domain)?;
        let policy = Arc::clone(&policy.policy);
        Ok(Self(mtasts::Outcome::local(domain, policy), None))
    }

    /// The same, for another owner.
    pub fn copy(&self) -> Self {
        Self(self.0.clone(), self.1)
    }

    /// The Policy Domain.
    #[wasm_bindgen(getter)]
    pub fn domain(&self) -> String {
        self.0.domain().as_str().to_owned()
    }

    /// The policy to apply.
    pub fn policy(&self) -> Option<Policy> {
        let policy = self.0.policy()?;
        Policy::read(policy.text().as_bytes()).ok() // it was read before
    }

    /// Its `id`.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> Option<String> {
        Some(self.0.fetched()?.id.as_str().to_owned())
    }

    /// When it was fetched.
    #[wasm_bindgen(getter, js_name = fetchedAt)]
    pub fn fetched_at(&self) -> Option<f64> {
        Some(seconds(self.0.fetched()?.fetched_at))
    }

    /// When its lifetime ends.
    #[wasm_bindgen(getter, js_name = expiresAt)]
    pub fn expires_at(&self) -> Option<f64> {
        self.0.expires_at().map(seconds)
    }

    /// `no-policy`, `cached`, `fresh` or `local`.
    #[wasm_bindgen(getter)]
    pub fn basis(&self) -> String {
        self.0.basis().as_str().to_owned()
    }

    /// Why there is no policy, or no newer one.
    #[wasm_bindgen(getter)]
    pub fn reason(&self) -> Option<String> {
        Some(self.0.reason()?.to_string())
    }

    /// The result type to report.
    #[wasm_bindgen(getter)]
    pub fn result(&self) -> Option<String> {
        Some(self.0.result_type()?.as_str().to_owned())
    }

    /// The reason for a person.
    #[wasm_bindgen(getter)]
    pub fn explanation(&self) -> String {
        self.0.explanation()
    }

    /// What is wrong with the record or the policy.
    pub fn error(&self) -> Option<Problem> {
        let problem = |error| match self.1 {
            Some(position) => Problem::at(position, error),
            None => Problem::in_one_line(error), // of a record
        };
        self.0.error().map(problem)
    }

    /// Whether a policy of mode `enforce` applies.
    #[wasm_bindgen(getter, js_name = isEnforced)]
    pub fn is_enforced(&self) -> bool {
        self.0.is_enforced()
    }

    /// Whether the delivery is to wait.
    #[wasm_bindgen(getter, js_name = isTryLater)]
    pub fn is_try_later(&self) -> bool {
        self.0.is_try_later()
    }

    /// Whether there is something to save.
    #[wasm_bindgen(getter, js_name = isChanged)]
    pub fn is_changed(&self) -> bool {
        self.0.is_changed()
    }

    /// What to save.
    pub fn stored(&self) -> String {
        self.0.stored().to_text()
    }

    /// A lookup that looks again.
    #[wasm_bindgen(js_name = lookAgain)]
    pub fn look_again(&self, config: &Config) -> Lookup {
        self.0.look_again(&config.0).into()
    }

    /// Judges a session.
    pub fn verdict(
        &self,
        mx_host: &str,
        tls: &str,
        certificate: Option<String>,
        dane: &str,
        mx_secure: bool,
    ) -> Result<Verdict, Thrown> {
        let session = Session {
            mx_host,
            tls: words::tls(tls, certificate.as_deref())?,
            dane: words::dane(dane)?,
            mx_secure,
        };
        Ok(Verdict(self.0.verdict(&session)))
    }
}

fn seconds(time: UnixTime) -> f64 {
    time.0 as f64
}

/// What to do with the mail, as far as one MX host is concerned.
#[wasm_bindgen]
pub struct Verdict(mtasts::Verdict);

#[wasm_bindgen]
impl Verdict {
    /// `deliver`, `defer` or `divert`.
    #[wasm_bindgen(getter)]
    pub fn action(&self) -> String {
        self.0.action.as_str().to_owned()
    }

    /// The result type to report.
    #[wasm_bindgen(getter)]
    pub fn result(&self) -> Option<String> {
        Some(self.0.result?.as_str().to_owned())
    }

    /// What is wrong with the session.
    #[wasm_bindgen(getter)]
    pub fn cause(&self) -> Option<String> {
        Some(self.0.cause?.as_str().to_owned())
    }

    /// The cause for a person.
    #[wasm_bindgen(getter)]
    pub fn explanation(&self) -> Option<String> {
        Some(self.0.cause?.describe().to_owned())
    }
}
