// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a domain publishes, and in which order (RFC 8461 §8, R-PUB-1): the crate `mtasts-publish`.

use crate::policy::{Policy, read_domain};
use crate::problem::{Problem, Thrown};
use mtasts_publish::{self as publish, Address, Draft, Mode, PolicyId, Present, UnixTime, Zone};
use wasm_bindgen::prelude::*;

/// A field that was refused.
#[wasm_bindgen(getter_with_clone)]
pub struct FieldProblem {
    /// `mx`, `max_age`, `rua`, `address` or `path`.
    pub field: String,
    /// Which of several, from 0.
    pub index: Option<u32>,
    /// One line for a person.
    pub message: String,
}

impl From<publish::Error> for FieldProblem {
    fn from(error: publish::Error) -> Self {
        let field = error.field();
        Self {
            field: field.as_str().to_owned(),
            index: field.index().and_then(|index| u32::try_from(index).ok()),
            message: error.reason().to_owned(),
        }
    }
}

impl From<publish::Error> for Thrown {
    fn from(error: publish::Error) -> Self {
        Self::Field(error.into())
    }
}

/// A policy in the form in which it is served.
#[wasm_bindgen]
pub struct WrittenPolicy(publish::Written);

#[wasm_bindgen]
impl WrittenPolicy {
    /// Writes a policy.
    pub fn write(mode: &str, max_age: u32, mx: Vec<String>) -> Result<Self, Thrown> {
        let mode: Mode = mode.parse().map_err(Problem::somewhere)?;
        Ok(Self(Draft { mode, max_age, mx }.write()?))
    }

    /// The text, lines ending in CRLF.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> String {
        self.0.text().to_owned()
    }

    /// What is legal and rarely meant, in words for a person.
    pub fn advice(&self) -> Vec<String> {
        let advice = self.0.advice();
        advice.iter().map(ToString::to_string).collect()
    }
}

/// The `id` for a policy that is published at `now`, after the present one, if there is one.
#[wasm_bindgen(js_name = nextId)]
pub fn next_id(
    policy: &WrittenPolicy,
    now: f64,
    present: Option<Policy>,
    present_id: Option<String>,
) -> Result<String, Problem> {
    let id = present_id.map(|id| read_id(&id)).transpose()?;
    let present = id
        .as_ref()
        .zip(present.as_ref().map(|present| &*present.policy));
    Ok(publish::next_id(present, &policy.0, time(now)).to_string())
}

/// The `id` of a policy by its text alone.
#[wasm_bindgen(js_name = idOf)]
pub fn id_of(policy: &str) -> String {
    publish::id_of(policy).to_string()
}

/// The MTA-STS record.
#[wasm_bindgen(js_name = writeRecord)]
pub fn write_record(id: &str) -> Result<String, Problem> {
    Ok(publish::record(&read_id(id)?))
}

/// The TLSRPT record.
#[wasm_bindgen(js_name = writeTlsrptRecord)]
pub fn write_tlsrpt_record(rua: Vec<String>) -> Result<String, Thrown> {
    Ok(publish::tlsrpt_record(&rua)?)
}

/// The lines of the domain's zone file. `address`: addresses, a name, or nothing.
#[wasm_bindgen(js_name = zoneLines)]
pub fn zone_lines(
    domain: &str,
    address: &str,
    ttl: u32,
    record: Option<String>,
    tlsrpt: Option<String>,
) -> Result<String, Thrown> {
    let zone = Zone {
        domain: &read_domain(domain)?,
        address: &Address::read(address)?,
        record: record.as_deref(),
        tlsrpt: tlsrpt.as_deref(),
        ttl,
    };
    Ok(zone.lines())
}

/// A Policy Domain and its Policy Host's files.
#[wasm_bindgen]
pub struct Site(publish::Site);

#[wasm_bindgen]
impl Site {
    /// With the usual paths.
    #[wasm_bindgen(constructor)]
    pub fn new(domain: &str) -> Result<Self, Problem> {
        read_domain(domain).map(publish::Site::of).map(Self)
    }

    /// Sets the paths of the certificate and its key.
    #[wasm_bindgen(js_name = withCertificate)]
    pub fn with_certificate(self, certificate: &str, key: &str) -> Result<Self, Thrown> {
        Ok(Self(self.0.with_certificate(certificate, key)?))
    }

    /// Sets the folder to serve.
    #[wasm_bindgen(js_name = withRoot)]
    pub fn with_root(self, root: &str) -> Result<Self, Thrown> {
        Ok(Self(self.0.with_root(root)?))
    }

    /// Where senders fetch the policy.
    #[wasm_bindgen(getter)]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The configuration of `apache`, `caddy`, `envoy` or `nginx`.
    pub fn configuration(
        &self,
        server: &str,
        policy: &WrittenPolicy,
    ) -> Result<Configuration, Thrown> {
        let servers = publish::Server::ALL;
        let server = servers.iter().find(|known| known.as_str() == server);
        let server = *server.ok_or_else(|| Thrown::Misuse("there is no such server".to_owned()))?;
        let made = self.0.configuration(server, &policy.0);
        Ok(Configuration {
            text: made.text,
            file_name: server.file_name().to_owned(),
            policy_file: made.policy_file,
        })
    }
}

/// What a web server is to be told.
#[wasm_bindgen(getter_with_clone)]
pub struct Configuration {
    /// The configuration.
    pub text: String,
    /// What its file is usually called.
    #[wasm_bindgen(js_name = fileName)]
    pub file_name: String,
    /// Where the policy's file has to be, if the server reads it.
    #[wasm_bindgen(js_name = policyFile)]
    pub policy_file: Option<String>,
}

/// One step of a plan.
#[wasm_bindgen(getter_with_clone)]
pub struct PlanStep {
    /// A word, such as `policy`.
    pub kind: String,
    /// What to do.
    pub title: String,
    /// How, and why now.
    pub detail: String,
    /// Where the RFC says so.
    pub section: String,
    /// The policy to serve from here on.
    pub policy: Option<String>,
    /// The record to publish from here on.
    pub record: Option<String>,
    /// What to wait for before the next step.
    pub wait: Option<String>,
}

impl From<&publish::Step> for PlanStep {
    fn from(step: &publish::Step) -> Self {
        Self {
            kind: step.kind.as_str().to_owned(),
            title: step.title.clone(),
            detail: step.detail.clone(),
            section: step.section.to_owned(),
            policy: step.policy.as_ref().map(|policy| policy.text().to_owned()),
            record: step.id.as_ref().map(publish::record),
            wait: step.wait.map(publish::Wait::describe),
        }
    }
}

/// The steps from nothing to `wanted`.
#[wasm_bindgen(js_name = planStart)]
pub fn plan_start(domain: &str, wanted: &WrittenPolicy, now: f64) -> Result<Vec<PlanStep>, Thrown> {
    let wanted = Draft::of(wanted.0.policy());
    let plan = publish::Plan::start(&read_domain(domain)?, &wanted, time(now))?;
    Ok(plan.steps.iter().map(PlanStep::from).collect())
}

/// The steps from what is published to `wanted`.
#[wasm_bindgen(js_name = planNext)]
pub fn plan_next(
    domain: &str,
    present: &Policy,
    present_id: &str,
    longest_max_age: u32,
    mx_hosts: Option<Vec<String>>,
    wanted: &WrittenPolicy,
    now: f64,
) -> Result<Vec<PlanStep>, Thrown> {
    let present = Present {
        policy: &present.policy,
        id: &read_id(present_id)?,
        longest_max_age,
        mx_hosts: mx_hosts.as_deref(),
    };
    let wanted = Draft::of(wanted.0.policy());
    let plan = publish::Plan::next(&read_domain(domain)?, &present, &wanted, time(now))?;
    Ok(plan.steps.iter().map(PlanStep::from).collect())
}

fn read_id(id: &str) -> Result<PolicyId, Problem> {
    id.parse().map_err(Problem::somewhere)
}

fn time(seconds: f64) -> UnixTime {
    UnixTime(seconds as u64) // saturates
}
