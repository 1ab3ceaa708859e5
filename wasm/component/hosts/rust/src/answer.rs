// SPDX-License-Identifier: MIT OR Apache-2.0

//! A look-up as its caller asks for it, and what came of it.

use crate::Resolving;
use crate::exports::mtasts::engine::lookups::{
    Action, Basis, Cause, CertificateStatus, Dane, Reason, ResultType, Session, Tls,
};
use crate::exports::mtasts::engine::types::{Error, Mode};
use crate::host::Lab;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Debug;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

/// A line of standard input.
#[derive(Deserialize)]
pub struct Asked {
    domain: String,
    stored: Option<String>,
    #[serde(default)]
    unreadable: bool,
    #[serde(default)]
    again: bool,
    sessions: Vec<AskedSession>,
}

#[derive(Deserialize)]
struct AskedSession {
    mx_host: String,
    tls: String,
    certificate: Option<String>,
}

/// The component, and the network that it asks.
pub struct Lookups {
    pub world: Resolving,
    pub store: Store<Lab>,
}

impl Lookups {
    /// One look-up, and its verdicts.
    pub fn answer(&mut self, asked: &Asked) -> wasmtime::Result<Value> {
        let lab = self.store.data_mut();
        lab.stored.clone_from(&asked.stored);
        lab.is_readable = !asked.unreadable;
        let outcome = match self.resolve(asked)? {
            Ok(outcome) => outcome,
            Err(error) => return Ok(json!({ "error": word(error.kind) })),
        };
        let mut facts = self.facts(outcome)?;
        let sessions = asked.sessions.iter();
        let verdicts = sessions.map(|session| self.verdict(outcome, session));
        facts["verdicts"] = verdicts.collect::<wasmtime::Result<Value>>()?;
        outcome.resource_drop(&mut self.store)?;
        Ok(facts)
    }

    fn resolve(&mut self, asked: &Asked) -> wasmtime::Result<Result<ResourceAny, Error>> {
        let (resolver, store) = (self.world.mtasts_engine_resolver(), &mut self.store);
        let first = match resolver.call_resolve(&mut *store, &asked.domain, None)? {
            Ok(outcome) if asked.again => outcome,
            found => return Ok(found),
        };
        let outcome = resolver.call_look_again(&mut *store, first, None)?;
        first.resource_drop(store)?;
        Ok(Ok(outcome))
    }

    fn facts(&mut self, outcome: ResourceAny) -> wasmtime::Result<Value> {
        let (mode, mx) = self.policy(outcome)?;
        let (lookups, store) = (self.world.mtasts_engine_lookups(), &mut self.store);
        let get = lookups.outcome();
        Ok(json!({
            "basis": word::<Basis>(get.call_basis(&mut *store, outcome)?),
            "reason": get.call_reason(&mut *store, outcome)?.map(reason),
            "result": get.call_result_type(&mut *store, outcome)?.map(word::<ResultType>),
            "mode": mode.map(word),
            "id": get.call_id(&mut *store, outcome)?,
            "mx": mx,
            "try_later": get.call_is_try_later(&mut *store, outcome)?,
            "changed": get.call_is_changed(&mut *store, outcome)?,
            "stored": get.call_stored(&mut *store, outcome)?,
        }))
    }

    fn policy(&mut self, outcome: ResourceAny) -> wasmtime::Result<(Option<Mode>, Vec<String>)> {
        let (lookups, store) = (self.world.mtasts_engine_lookups(), &mut self.store);
        let Some(policy) = lookups.outcome().call_policy(&mut *store, outcome)? else {
            return Ok((None, Vec::new()));
        };
        let get = self.world.mtasts_engine_policies().policy();
        let mode = get.call_mode(&mut *store, policy)?;
        let mx = get.call_mx(&mut *store, policy)?;
        policy.resource_drop(store)?;
        Ok((Some(mode), mx))
    }

    fn verdict(&mut self, outcome: ResourceAny, asked: &AskedSession) -> wasmtime::Result<Value> {
        let session = Session {
            mx_host: asked.mx_host.clone(),
            tls: tls(asked),
            dane: Dane::NotUsed,
            mx_secure: false,
        };
        let lookups = self.world.mtasts_engine_lookups();
        let outcomes = lookups.outcome();
        let verdict = outcomes.call_verdict(&mut self.store, outcome, &session)?;
        Ok(json!({
            "action": word::<Action>(verdict.action),
            "result": verdict.result.map(word::<ResultType>),
            "cause": verdict.cause.map(word::<Cause>),
        }))
    }
}

fn tls(asked: &AskedSession) -> Tls {
    match (asked.tls.as_str(), asked.certificate.as_deref()) {
        ("not-tried", _) => Tls::NotTried,
        ("not-offered", _) => Tls::NotOffered,
        ("established", Some("valid")) => Tls::Established(CertificateStatus::Valid),
        ("established", Some("expired")) => Tls::Established(CertificateStatus::Expired),
        ("established", Some("host-mismatch")) => Tls::Established(CertificateStatus::HostMismatch),
        ("established", Some("not-trusted")) => Tls::Established(CertificateStatus::NotTrusted),
        ("established", _) => Tls::Established(CertificateStatus::Invalid),
        _ => Tls::Failed,
    }
}

fn reason(reason: Reason) -> String {
    match reason {
        Reason::Status(status) => format!("status-{status}"),
        other => word(other),
    }
}

/// The WIT's name: what bindgen prints for a value, `ErrorKind::HostName`, in its own spelling.
fn word<T: Debug>(value: T) -> String {
    let printed = format!("{value:?}");
    let name = printed.rsplit("::").next().unwrap_or_default();
    let mut word = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}
