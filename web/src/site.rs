// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a surface answers, and where: policies at their Policy Hosts, the API at the hosts that the
//! configuration names, as not everybody is to ask (R-PUB-1).
//!
//! | key | value |
//! | --- | --- |
//! | `publish` | the policies to serve ([`publish`](crate::publish)) |
//! | `query` | answer `/v1/policy`; what it holds is the surface's own |
//! | `api_hosts` | the hosts at which `/v1/policy` and `/v1/records` are; `*` is any |

use crate::publish::{self, ConfigError, Publisher, Request};
use crate::query;
use crate::reply::Reply;
use crate::settings::Section;
use mtasts::PolicyDomain;
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The keys of a configuration.
const KEYS: &[&str] = &["api_hosts", "publish", "query"];

/// What is answered, and where.
#[derive(Clone, Debug)]
pub struct Site {
    publisher: Option<Publisher>,
    answers_queries: bool,
    /// In lower case.
    api_hosts: Vec<String>,
}

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// The API, and this is the answer.
    Api(Reply<'a>),
    /// Something else: none of our business.
    Other,
    /// A policy that is served here, or the answer that it is not.
    Policy(Reply<'a>),
    /// `/v1/policy`, with this query.
    Query(&'a str),
}

/// Whether a request for this path may be ours: most are not, and need no more than a look.
pub fn is_ours(path: &str) -> bool {
    publish::is_policy_path(path) || path.starts_with("/v1/")
}

/// Reads a configuration in JSON, all or nothing; its key `query` by the function `query`, as what it
/// holds is the surface's own.
///
/// # Errors
/// What is wrong, and where: for a policy its line and column.
pub fn read_configuration<Q>(
    text: &[u8],
    query: impl FnOnce(&Value) -> Result<Q, ConfigError>,
) -> Result<(Site, Option<Q>), ConfigError> {
    let value: Value = serde_json::from_slice(text).map_err(|error| ConfigError::json(&error))?;
    let top = Section::open("the configuration", &value, KEYS)?;
    let query = || top.get("query").map(query).transpose();
    Ok((Site::read(&top)?, query()?))
}

impl Site {
    fn read(top: &Section<'_>) -> Result<Self, ConfigError> {
        let publisher = top.get("publish").map(|value| {
            Publisher::from_json(value).map_err(|error| ConfigError::at("publish", error))
        });
        let site = Self {
            publisher: publisher.transpose()?,
            answers_queries: top.get("query").is_some(),
            api_hosts: top.get("api_hosts").map_or(Ok(Vec::new()), hosts)?,
        };
        match (&site.publisher, site.answers_queries) {
            (None, false) => {
                let what = "\"publish\" or \"query\" is wanted";
                Err(ConfigError::at("the configuration", what))
            }
            (_, true) if site.api_hosts.is_empty() => {
                let what = "\"query\" needs the hosts at which it is asked";
                Err(ConfigError::at("api_hosts", what))
            }
            _ => Ok(site),
        }
    }

    /// Tells what a request is for.
    pub fn route<'a>(&'a self, request: &Request<'a>) -> Route<'a> {
        if publish::is_policy_path(request.path) {
            let publisher = self.publisher.as_ref();
            let answer = publisher.and_then(|publisher| publisher.answer(request));
            return answer.map_or(Route::Other, Route::Policy);
        }
        match self.is_api(request.authority) {
            true => self.api(request),
            false => Route::Other,
        }
    }

    fn api<'a>(&'a self, request: &Request<'a>) -> Route<'a> {
        let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
        let is_get = matches!(request.method, "GET" | "HEAD");
        match (path, &self.publisher, self.answers_queries) {
            (query::PATH, _, true) if is_get => Route::Query(query),
            (publish::RECORDS_PATH, Some(publisher), _) if is_get => {
                Route::Api(publisher.records(query))
            }
            (query::PATH, _, true) | (publish::RECORDS_PATH, Some(_), _) => {
                Route::Api(Reply::only("GET, HEAD"))
            }
            _ => Route::Other,
        }
    }

    fn is_api(&self, authority: &str) -> bool {
        let host = publish::host_of(authority);
        let mut hosts = self.api_hosts.iter();
        hosts.any(|api| api == "*" || api.eq_ignore_ascii_case(host))
    }
}

fn hosts(value: &Value) -> Result<Vec<String>, ConfigError> {
    let wrong = || ConfigError::at("api_hosts", "an array of host names is wanted");
    let hosts = value.as_array().ok_or_else(wrong)?;
    hosts
        .iter()
        .map(|host| self::host(host.as_str().ok_or_else(wrong)?))
        .collect()
}

/// A host that requests can be for, in lower case: another would never be asked.
fn host(name: &str) -> Result<String, ConfigError> {
    let is_name = || name.parse::<PolicyDomain>().is_ok() && !name.ends_with('.');
    let literal = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_v6 = || literal.is_some_and(|name| name.parse::<Ipv6Addr>().is_ok());
    match name == "*" || is_name() || name.parse::<Ipv4Addr>().is_ok() || is_v6() {
        true => Ok(name.to_ascii_lowercase()),
        false => {
            let what = format_args!("{name:?} is no host name; ports do not belong there");
            Err(ConfigError::at("api_hosts", what))
        }
    }
}
