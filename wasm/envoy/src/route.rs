// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a request is for. All but ours go on to Envoy's routes.

use crate::config::Config;
use mtasts_web::publish::{self, Request};
use mtasts_web::{Reply, query};

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// Something else.
    Other,
    /// A policy that is served here.
    Policy(Reply<'a>),
    /// The API, and this is the answer.
    Api(Reply<'a>),
    /// `/v1/policy`, with this query.
    Query(&'a str),
}

/// Tells what a request is for. `path` is looked at first: whoever calls this needs the rest only if
/// [`is_ours`] holds.
pub fn route<'a>(config: &'a Config, request: &Request<'a>) -> Route<'a> {
    if publish::is_policy_path(request.path) {
        let answer = config
            .publish
            .as_ref()
            .and_then(|publisher| publisher.answer(request));
        return answer.map_or(Route::Other, Route::Policy);
    }
    match config.is_api(request.authority) {
        true => api(config, request),
        false => Route::Other,
    }
}

fn api<'a>(config: &'a Config, request: &Request<'a>) -> Route<'a> {
    let (path, query) = request.path.split_once('?').unwrap_or((request.path, ""));
    let is_get = matches!(request.method, "GET" | "HEAD");
    match (path, &config.publish, &config.query) {
        (query::PATH, _, Some(_)) if is_get => Route::Query(query),
        (publish::RECORDS_PATH, Some(publisher), _) if is_get => {
            Route::Api(publisher.records(query))
        }
        (query::PATH, _, Some(_)) | (publish::RECORDS_PATH, Some(_), _) => {
            Route::Api(Reply::only("GET, HEAD"))
        }
        _ => Route::Other,
    }
}

/// Whether a request for this path may be ours.
pub fn is_ours(path: &str) -> bool {
    publish::is_policy_path(path) || path.starts_with("/v1/")
}

impl Config {
    fn is_api(&self, authority: &str) -> bool {
        let is_any = |host: &str| host == "*";
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        let host = match port.bytes().all(|b| b.is_ascii_digit()) {
            true => host,
            false => authority,
        };
        let mut hosts = self.api_hosts.iter();
        hosts.any(|api| is_any(api) || api.eq_ignore_ascii_case(host))
    }
}
