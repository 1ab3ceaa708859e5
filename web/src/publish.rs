// SPDX-License-Identifier: MIT OR Apache-2.0

//! Serving policies (RFC 8461 §3.2, §3.3; R-PUB-1): which domains there are and what their
//! policies say is configured in JSON.
//!
//! ```
//! use mtasts_web::publish::{Publisher, Request};
//!
//! let publisher = Publisher::parse(r#"{
//!     "policies": {
//!         "standard": "version: STSv1\nmode: enforce\nmx: *.mail.example\nmax_age: 604800\n",
//!         "trial": ["version: STSv1", "mode: testing", "mx: mx.example.net", "max_age: 86400"]
//!     },
//!     "domains": { "example.com": "standard", "*.example.net": "trial" }
//! }"#)?;
//! let request = Request {
//!     method: "GET",
//!     authority: "mta-sts.example.com",
//!     path: "/.well-known/mta-sts.txt",
//!     if_none_match: None,
//! };
//! let reply = publisher.answer(&request).ok_or("a route of another")?;
//! assert_eq!(reply.status, 200);
//! assert!(reply.body.starts_with(b"version: STSv1\r\nmode: enforce\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | key | value |
//! | --- | --- |
//! | `policies` | a policy each by a name of your own: its text, or its lines |
//! | `domains` | the name of the policy of each domain. `*.example.net` is every domain below `example.net`; the longest pattern counts, an exact name before any |
//! | `default` | the name of the policy of all other domains; without it they have none |
//! | `unlisted` | `"not-found"` (default): 404 for policies of domains that have none here; `"pass"`: such requests are another's |

mod config;
mod served;

pub use config::{ConfigError, object, only};

use crate::query::{self, Problem};
use crate::reply::Reply;
use mtasts::{PolicyDomain, WELL_KNOWN_PATH};
use serde_json::{Value, json};
use served::Served;
use std::collections::BTreeMap;

/// The path at which [`Publisher::records`] should be served.
pub const RECORDS_PATH: &str = "/v1/records";

/// What the Policy Host of a domain is called begins so (RFC 8461 §3.3).
const PREFIX: &str = "mta-sts.";

/// The longest name that DNS can carry, in octets of text without the final dot.
const MAX_NAME: usize = 253;

/// Policies, and whose they are.
#[derive(Clone, Debug)]
pub struct Publisher {
    policies: Vec<Served>,
    /// Indices of `policies`.
    domains: BTreeMap<String, usize>,
    /// By what follows `*.`.
    patterns: BTreeMap<String, usize>,
    default: Option<usize>,
    passes_unlisted: bool,
}

/// A request, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// `Host` or `:authority`, with a port or without.
    pub authority: &'a str,
    /// The path, with a query or without.
    pub path: &'a str,
    /// The value of `If-None-Match`.
    pub if_none_match: Option<&'a str>,
}

/// Whether this is the path of policies; others are never answered.
pub fn is_policy_path(path: &str) -> bool {
    path.split('?').next() == Some(WELL_KNOWN_PATH)
}

/// `Host` or `:authority` without the port.
pub fn host_of(authority: &str) -> &str {
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    match port.bytes().all(|b| b.is_ascii_digit()) {
        true => host,
        false => authority,
    }
}

/// The domain of which this is the Policy Host: as the client wrote it, without port and final
/// dot. None that is too long for DNS: clients can write what takes long to look up.
pub fn domain_of(authority: &str) -> Option<&str> {
    let (prefix, domain) = host_of(authority).split_at_checked(PREFIX.len())?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let has_length = (1..=MAX_NAME - PREFIX.len()).contains(&domain.len());
    (prefix.eq_ignore_ascii_case(PREFIX) && has_length).then_some(domain)
}

impl Publisher {
    /// Reads the configuration.
    ///
    /// # Errors
    /// What is wrong, and where: for a policy its line and column.
    pub fn parse(json: &str) -> Result<Self, ConfigError> {
        let value = serde_json::from_str(json).map_err(|error| ConfigError::json(&error))?;
        Self::from_json(&value)
    }

    /// As [`Publisher::parse`], from JSON that was read already.
    ///
    /// # Errors
    /// As [`Publisher::parse`].
    pub fn from_json(value: &Value) -> Result<Self, ConfigError> {
        config::read(value)
    }

    /// The answer to a request. `None`: the request is for something else, and none of our
    /// business.
    pub fn answer(&self, request: &Request<'_>) -> Option<Reply<'_>> {
        let domain = domain_of(request.authority).filter(|_| is_policy_path(request.path))?;
        let Some(policy) = self.find(domain) else {
            return (!self.passes_unlisted).then(Served::not_found);
        };
        Some(policy.answer(request.method, request.if_none_match))
    }

    /// `/v1/records`: the TXT records that belong to the policies, in JSON, for whoever maintains
    /// the DNS. With the parameter `domain=` that of one domain, be it exact, by a pattern or by
    /// default; else those of all exact domains, and with a `name` of null what patterns and the
    /// default give.
    pub fn records(&self, query: &str) -> Reply<'static> {
        let parameters = query::parameters(query);
        if parameters.is_empty() {
            return Reply::json(200, &json!({ "records": self.all_records() }));
        }
        match query::domain(&parameters, &["domain"], query::a_labels) {
            Ok(domain) => self.record_of(&domain),
            Err(problem) => problem.reply(),
        }
    }

    fn record_of(&self, domain: &PolicyDomain) -> Reply<'static> {
        let Some(policy) = self.find(domain.as_str()) else {
            let why = "the domain has no policy here".to_owned();
            return Problem { status: 404, why }.reply();
        };
        let record = record(domain.as_str(), Some(domain.record_name()), policy);
        Reply::json(200, &json!({ "records": [record] }))
    }

    fn all_records(&self) -> Vec<Value> {
        let name = |domain: &str| Some(format!("_mta-sts.{domain}"));
        let exact = self
            .domains
            .iter()
            .map(|(domain, &policy)| (domain.clone(), name(domain), policy));
        let patterns = self
            .patterns
            .iter()
            .map(|(parent, &policy)| (format!("*.{parent}"), None, policy));
        let default = self.default.map(|policy| ("*".to_owned(), None, policy));
        exact
            .chain(patterns)
            .chain(default)
            .filter_map(|(domain, name, policy)| {
                Some(record(&domain, name, self.policies.get(policy)?))
            })
            .collect()
    }

    /// How many domains and patterns are configured.
    pub fn len(&self) -> usize {
        self.domains.len() + self.patterns.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, domain: &str) -> Option<&Served> {
        let lower;
        let domain = match domain.bytes().any(|b| b.is_ascii_uppercase()) {
            true => {
                lower = domain.to_ascii_lowercase();
                &lower
            }
            false => domain,
        };
        let by_pattern = || parents(domain).find_map(|parent| self.patterns.get(parent));
        let exact = self.domains.get(domain);
        let found = exact.or_else(by_pattern).or(self.default.as_ref())?;
        self.policies.get(*found)
    }
}

/// The domains above this one, the nearest first.
fn parents(domain: &str) -> impl Iterator<Item = &str> {
    domain
        .match_indices('.')
        .filter_map(|(dot, _)| domain.get(dot + 1..))
}

fn record(domain: &str, name: Option<String>, policy: &Served) -> Value {
    json!({
        "domain": domain,
        "name": name,
        "type": "TXT",
        "value": policy.record(),
        "policy": policy.name(),
    })
}
