// SPDX-License-Identifier: MIT OR Apache-2.0

//! `/v1/policy?domain=…&mx=…`: what is asked, and the answer.
//!
//! ```
//! use mtasts::{Config, Outcome, Policy};
//! use mtasts_web::query;
//!
//! let parameters = query::parameters("domain=Example.COM&mx=mx.example.com,evil.example");
//! let domain = query::domain(&parameters, query::POLICY, query::a_labels)?;
//! // … the policy of the domain is looked up …
//! let policy = Policy::parse(b"version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 60\n")?;
//! let reply = query::policy(&Outcome::local(domain, policy.into()), None, &parameters);
//! assert_eq!(reply.status, 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::answer::{Hosts, as_json};
use crate::reply::Reply;
use mtasts::{DomainDane, Outcome, PolicyDomain};
use std::fmt;

/// The path.
pub const PATH: &str = "/v1/policy";

/// The parameters that there are.
pub const POLICY: &[&str] = &["domain", "mx"];

/// Why a name is no Policy Domain, in most cases.
pub const NO_DOMAIN: &str = "domain= is no domain";

/// The parameters of a request, as they come.
pub type Parameters = [(String, String)];

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status code.
    pub status: u16,
    /// For a person.
    pub why: String,
}

impl Problem {
    /// The request is wrong.
    pub fn bad_request(why: &str) -> Self {
        Self {
            status: 400,
            why: why.to_owned(),
        }
    }

    /// The response.
    pub fn reply(&self) -> Reply<'static> {
        Reply::problem(self.status, &self.why)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Problem {}

/// The most MX hosts of one query: the owner of a domain chooses both them and the patterns that
/// each is compared with.
pub const MAX_HOSTS: usize = 1_000;

/// The parameters of a URL's query.
pub fn parameters(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The one domain that is asked about. `known` are the parameters that there are; `convert` makes
/// a Policy Domain of the name, or says why it cannot.
///
/// # Errors
/// What is wrong with the request.
pub fn domain(
    parameters: &Parameters,
    known: &[&str],
    convert: impl Fn(&str) -> Result<PolicyDomain, &'static str>,
) -> Result<PolicyDomain, Problem> {
    let is_known = |name: &str| known.contains(&name);
    if let Some((unknown, _)) = parameters.iter().find(|(name, _)| !is_known(name)) {
        return Err(Problem::bad_request(&format!(
            "unknown parameter {unknown}"
        )));
    }
    if all(parameters, "mx").nth(MAX_HOSTS).is_some() {
        return Err(Problem::bad_request("mx= names more than 1000 hosts"));
    }
    let mut domains = parameters.iter().filter(|(name, _)| name == "domain");
    match (domains.next(), domains.next()) {
        (None, _) => Err(Problem::bad_request("domain= is missing")),
        (Some(_), Some(_)) => Err(Problem::bad_request("domain= is there twice")),
        (Some((_, name)), None) => convert(name).map_err(Problem::bad_request),
    }
}

/// For [`domain`], where there is no IDNA: A-labels only (R-DOM-1).
///
/// # Errors
/// [`NO_DOMAIN`], or that the name is not in A-labels.
pub fn a_labels(name: &str) -> Result<PolicyDomain, &'static str> {
    match name.parse() {
        Ok(domain) => Ok(domain),
        Err(_) if name.is_ascii() => Err(NO_DOMAIN),
        Err(_) => Err("domain= is not in A-labels (xn--...), which are wanted here"),
    }
}

/// The answer. `dane`: `None` where DANE is not looked at.
pub fn policy(
    outcome: &Outcome,
    dane: Option<DomainDane>,
    parameters: &Parameters,
) -> Reply<'static> {
    let hosts = Hosts {
        names: all(parameters, "mx").map(str::to_owned).collect(),
        is_implicit: false,
    };
    let hosts = Some(&hosts).filter(|hosts| !hosts.names.is_empty());
    Reply::json(200, &as_json(outcome, dane, hosts))
}

/// The values of a parameter, each of which may be a list.
fn all<'a>(parameters: &'a Parameters, name: &str) -> impl Iterator<Item = &'a str> {
    let of_name = move |pair: &&'a (String, String)| pair.0 == name;
    parameters
        .iter()
        .filter(of_name)
        .flat_map(|(_, value)| value.split(','))
}
