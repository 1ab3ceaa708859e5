// SPDX-License-Identifier: MIT OR Apache-2.0

//! The look-up (RFC 8461 §3, §5.1): what it needs now, and the answers.

use crate::outcome::Outcome;
use crate::policy::{Policy, read_domain};
use crate::problem::{Problem, Thrown};
use crate::record::Records;
use crate::words;
use mtasts::{Error, HttpsReply, PolicyDomain, Position, RequestId, Stored, TxtAnswer, UnixTime};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// What a host may set.
#[wasm_bindgen]
#[derive(Clone, Default)]
pub struct Config(pub(crate) mtasts::Config);

#[wasm_bindgen]
impl Config {
    /// The engine's defaults.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes the setting of this name. Truth is 1 and 0.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), Thrown> {
        let most = if name == "divertPercent" {
            100
        } else {
            u32::MAX
        };
        if !(0.0..=f64::from(most)).contains(&value) || value.fract() != 0.0 {
            return Err(Thrown::Misuse(format!(
                "{name} is not a whole number from 0 to {most}"
            )));
        }
        self.put(name, value as u32)
    }
}

impl Config {
    fn put(&mut self, name: &str, value: u32) -> Result<(), Thrown> {
        let config = &mut self.0;
        match name {
            "deferOnDnsFailure" => config.defer_on_dns_failure = value != 0,
            "divertPercent" => config.divert_percent = u8::try_from(value).unwrap_or(100),
            "fetchTimeoutMs" => config.fetch_timeout_ms = value,
            "maxBody" => config.max_body = usize::try_from(value).unwrap_or(usize::MAX),
            "maxNegativeTtl" => config.max_negative_ttl = value,
            "maxTtl" => config.ttl = *config.ttl.start()..=value,
            "minTtl" => config.ttl = value..=*config.ttl.end(),
            "refreshAfter" => config.refresh_after = value,
            "unknownTtl" => config.unknown_ttl = value,
            _ => return Err(Thrown::Misuse(format!("there is no option {name}"))),
        }
        Ok(())
    }
}

/// What a lookup needs now.
#[wasm_bindgen(getter_with_clone)]
pub struct Step {
    /// `query-txt`, `fetch` or `done`.
    pub kind: String,
    /// Comes back with the answer.
    pub id: u32,
    /// The name to query, or the Policy Host.
    pub name: String,
    /// The path to fetch.
    pub path: String,
    /// The time limit of the fetch.
    #[wasm_bindgen(js_name = timeoutMs)]
    pub timeout_ms: u32,
    /// The most octets of body to read.
    #[wasm_bindgen(js_name = maxBody)]
    pub max_body: u32,
}

/// The look-up of one Policy Domain, and where in the policy the error is that it met.
#[wasm_bindgen]
pub struct Lookup(mtasts::Lookup, Option<Position>);

impl From<mtasts::Lookup> for Lookup {
    fn from(lookup: mtasts::Lookup) -> Self {
        Self(lookup, None)
    }
}

#[wasm_bindgen]
impl Lookup {
    /// Begins with what the store has, if anything.
    #[wasm_bindgen(constructor)]
    pub fn new(
        domain: &str,
        stored: Option<String>,
        now: f64,
        config: &Config,
    ) -> Result<Self, Problem> {
        let domain = read_domain(domain)?;
        let read = |text: String| text.parse::<Stored>().map(Arc::new);
        let stored = stored.map(read).transpose().map_err(Problem::somewhere)?;
        Ok(mtasts::Lookup::new(domain, stored, &config.0, time(now)).into())
    }

    /// Begins without the store, which cannot be read.
    #[wasm_bindgen(js_name = withoutStore)]
    pub fn without_store(domain: &str, now: f64, config: &Config) -> Result<Self, Problem> {
        let begin = |domain| mtasts::Lookup::without_store(domain, &config.0, time(now));
        read_domain(domain).map(begin).map(Self::from)
    }

    /// Ends with the operator's own policy.
    pub fn local(domain: &str, policy: &Policy, config: &Config) -> Result<Self, Problem> {
        let begin = |domain: PolicyDomain| {
            mtasts::Lookup::local(domain, Arc::clone(&policy.policy), &config.0)
        };
        read_domain(domain).map(begin).map(Self::from)
    }

    /// What is needed now.
    pub fn poll(&self) -> Step {
        let (kind, id, fetch) = match self.0.poll() {
            mtasts::Step::QueryTxt { id, name } => return query(id, name),
            mtasts::Step::Fetch { id, request } => ("fetch", id.0, Some(request)),
            mtasts::Step::Done(_) => ("done", 0, None),
        };
        let (host, path) = fetch.map_or(("", ""), |fetch| (fetch.host, fetch.path));
        Step {
            kind: kind.to_owned(),
            id,
            name: host.to_owned(),
            path: path.to_owned(),
            timeout_ms: fetch.map_or(0, |fetch| fetch.timeout_ms),
            max_body: fetch.map_or(0, |fetch| fetch.max_body as u32), // 64 KiB at most
        }
    }

    /// Takes the TXT records.
    pub fn txt(
        &mut self,
        id: u32,
        now: f64,
        records: Records,
        ttl: Option<u32>,
    ) -> Result<(), Problem> {
        let records = records.0;
        let answer = TxtAnswer { records, ttl };
        self.0
            .txt(RequestId(id), time(now), Ok(&answer))
            .map_err(Problem::somewhere)
    }

    /// Takes why there are none.
    #[wasm_bindgen(js_name = txtFailure)]
    pub fn txt_failure(
        &mut self,
        id: u32,
        now: f64,
        failure: &str,
        ttl: Option<u32>,
    ) -> Result<(), Thrown> {
        let failure = words::txt_failure(failure, ttl)?;
        taken(self.0.txt(RequestId(id), time(now), Err(failure)))
    }

    /// Takes the reply of the Policy Host.
    pub fn https(
        &mut self,
        id: u32,
        now: f64,
        status: u16,
        content_type: Option<String>,
        body: Vec<u8>,
    ) -> Result<(), Problem> {
        let reply = HttpsReply {
            status,
            content_type,
            body,
        };
        self.0
            .https(RequestId(id), time(now), Ok(&reply))
            .map_err(Problem::somewhere)?;
        if let mtasts::Step::Done(outcome) = self.0.poll() {
            let place = |error: Error| Position::of(&reply.body, error.offset());
            self.1 = outcome.error().map(place);
        }
        Ok(())
    }

    /// Takes why there is none.
    #[wasm_bindgen(js_name = httpsFailure)]
    pub fn https_failure(&mut self, id: u32, now: f64, failure: &str) -> Result<(), Thrown> {
        let failure = words::fetch_failure(failure)?;
        taken(self.0.https(RequestId(id), time(now), Err(failure)))
    }

    /// The outcome, once there is nothing more to do.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.0.poll() {
            mtasts::Step::Done(outcome) => Some(Outcome(outcome.clone(), self.1)),
            _ => None,
        }
    }
}

fn query(id: RequestId, name: &str) -> Step {
    Step {
        kind: "query-txt".to_owned(),
        id: id.0,
        name: name.to_owned(),
        path: String::new(),
        timeout_ms: 0,
        max_body: 0,
    }
}

fn taken(result: Result<(), Error>) -> Result<(), Thrown> {
    result.map_err(|error| Problem::somewhere(error).into())
}

fn time(seconds: f64) -> UnixTime {
    UnixTime(seconds as u64) // saturates
}
