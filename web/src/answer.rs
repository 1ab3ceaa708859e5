// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of a domain in JSON: by `mtasts query --json`, and by servers at `/v1/policy`.

use mtasts::{Dane, DomainDane, Outcome, Policy, Session, StoredPolicy, Tls, Verdict};
use serde_json::{Value, json};

/// The MX hosts that are judged.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Their names, as given.
    pub names: Vec<String>,
    /// There are no MX records, so that the domain itself is its host (RFC 5321 §5.1).
    pub is_implicit: bool,
}

/// Everything about one domain. `hosts`: `None` where they could not be looked up. `dane`: `None`
/// where DANE is not looked at.
pub fn as_json(outcome: &Outcome, dane: Option<DomainDane>, hosts: Option<&Hosts>) -> Value {
    let reason = outcome.reason();
    json!({
        "domain": outcome.domain().as_str(),
        "basis": outcome.basis().as_str(),
        "dane": dane.map(dane_word),
        "reason": reason.map(|reason| reason.to_string()),
        "result": outcome.result_type().map(|result| result.as_str()),
        "explanation": reason.map(|_| outcome.explanation()),
        "try_later": outcome.is_try_later(),
        "policy": policy_json(outcome),
        "mx_is_implicit": hosts.map(|hosts| hosts.is_implicit),
        "mx": hosts.map(|hosts| {
            hosts.names.iter().map(|host| host_json(outcome, host)).collect::<Vec<_>>()
        }),
    })
}

/// What a refresh came to, beside the policy that was there before.
pub fn refreshed_json(outcome: &Outcome, previous: Option<&StoredPolicy>) -> Value {
    let mut value = as_json(outcome, None, None);
    value["previous"] = previous.map(stored_policy_json).into();
    value
}

fn policy_json(outcome: &Outcome) -> Value {
    let Some(policy) = outcome.policy() else {
        return Value::Null;
    };
    let fetched = outcome
        .fetched()
        .filter(|_| outcome.local_policy().is_none());
    one_policy_json(policy, fetched.map(|fetched| &**fetched))
}

/// A policy that was fetched.
pub fn stored_policy_json(fetched: &StoredPolicy) -> Value {
    one_policy_json(&fetched.policy, Some(fetched))
}

fn one_policy_json(policy: &Policy, fetched: Option<&StoredPolicy>) -> Value {
    json!({
        "id": fetched.map(|fetched| fetched.id.as_str()),
        "mode": policy.mode().as_str(),
        "max_age": policy.max_age(),
        "mx": policy.mx().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
        "fetched_at": fetched.map(|fetched| fetched.fetched_at.0),
        "expires_at": fetched.map(|fetched| fetched.expires_at().0),
    })
}

fn host_json(outcome: &Outcome, host: &str) -> Value {
    let verdict = judge(outcome, host);
    json!({
        "host": host,
        "action": verdict.action.as_str(),
        "cause": verdict.cause.map(|cause| cause.as_str()),
        "result": verdict.result.map(|result| result.as_str()),
    })
}

/// Whether a host is worth a try, before there is a connection.
pub fn judge(outcome: &Outcome, mx_host: &str) -> Verdict {
    outcome.verdict(&Session {
        mx_host,
        tls: Tls::NotTried,
        dane: Dane::NotUsed,
        mx_secure: false,
    })
}

fn dane_word(dane: DomainDane) -> &'static str {
    match dane {
        DomainDane::None => "none",
        DomainDane::Temporary => "temporary",
        DomainDane::Usable => "usable",
    }
}
