// SPDX-License-Identifier: MIT OR Apache-2.0

//! The plugin's configuration, in JSON, read all or nothing. The README says what the keys mean.

use mtasts_web::publish::{ConfigError, Publisher, object, only};
use serde_json::{Map, Value};
use std::time::Duration;

/// What one plugin does.
#[derive(Clone, Debug)]
pub struct Config {
    /// The policies to serve.
    pub publish: Option<Publisher>,
    /// How `/v1/policy` is answered.
    pub query: Option<Query>,
    /// The hosts, in lower case and without port, at which the API is; `*` is any.
    pub api_hosts: Vec<String>,
}

/// How policies are looked up.
#[derive(Clone, Debug)]
pub struct Query {
    /// Who is asked for TXT records.
    pub dns: Dns,
    /// How policies are fetched.
    pub fetch: Fetching,
    /// The most queries that wait in one thread.
    pub max_waiting: usize,
    /// The most policies that one thread has in memory.
    pub max_policies: usize,
    /// The most domains without a policy that one thread has in memory.
    pub max_without_policy: usize,
}

/// A DNS server that speaks HTTP (RFC 8484).
#[derive(Clone, Debug)]
pub struct Dns {
    /// Envoy's cluster.
    pub cluster: String,
    /// The name for `Host`.
    pub authority: String,
    /// The path.
    pub path: String,
    /// The time for one question.
    pub timeout: Duration,
}

/// How policies are fetched.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// Envoy's cluster: it connects to the host that `Host` names, and checks its certificate.
    pub cluster: String,
    /// The port of policy hosts.
    pub port: u16,
    /// The time for one fetch, in milliseconds.
    pub timeout_ms: u32,
}

type Read<T> = Result<T, ConfigError>;

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &[u8]) -> Read<Self> {
        let value: Value =
            serde_json::from_slice(text).map_err(|error| ConfigError::json(&error))?;
        let top = object("the configuration", &value)?;
        only("the configuration", top, &["api_hosts", "publish", "query"])?;
        let config = Self {
            publish: top.get("publish").map(publisher).transpose()?,
            query: top.get("query").map(query).transpose()?,
            api_hosts: top.get("api_hosts").map_or(Ok(Vec::new()), hosts)?,
        };
        match (&config.publish, &config.query) {
            (None, None) => Err(ConfigError::at(
                "the configuration",
                "\"publish\" or \"query\" is wanted",
            )),
            (_, Some(_)) if config.api_hosts.is_empty() => Err(ConfigError::at(
                "api_hosts",
                "\"query\" needs the hosts at which it is asked",
            )),
            _ => Ok(config),
        }
    }
}

fn publisher(value: &Value) -> Read<Publisher> {
    Publisher::from_json(value).map_err(|error| ConfigError::at("publish", error))
}

fn hosts(value: &Value) -> Read<Vec<String>> {
    let wrong = || ConfigError::at("api_hosts", "an array of host names is wanted");
    let hosts = value.as_array().ok_or_else(wrong)?;
    hosts
        .iter()
        .map(|host| Ok(host.as_str().ok_or_else(wrong)?.to_ascii_lowercase()))
        .collect()
}

fn query(value: &Value) -> Read<Query> {
    let query = object("query", value)?;
    let keys = [
        "dns",
        "fetch",
        "max_policies",
        "max_waiting",
        "max_without_policy",
    ];
    only("query", query, &keys)?;
    let at_most = |key: &str, default| number("query", query, key, default, 1..=1_000_000);
    Ok(Query {
        dns: dns(query.get("dns").unwrap_or(&Value::Null))?,
        fetch: fetching(query.get("fetch").unwrap_or(&Value::Null))?,
        max_waiting: at_most("max_waiting", 1_000)? as usize,
        max_policies: at_most("max_policies", 20_000)? as usize,
        max_without_policy: at_most("max_without_policy", 20_000)? as usize,
    })
}

fn dns(value: &Value) -> Read<Dns> {
    let place = "query.dns";
    let dns = object(place, value)?;
    only(place, dns, &["authority", "cluster", "path", "timeout_ms"])?;
    let cluster = text(place, dns, "cluster", None)?;
    Ok(Dns {
        authority: text(place, dns, "authority", Some(&cluster))?,
        path: text(place, dns, "path", Some("/dns-query"))?,
        timeout: Duration::from_millis(number(place, dns, "timeout_ms", 5_000, 1..=60_000)?.into()),
        cluster,
    })
}

fn fetching(value: &Value) -> Read<Fetching> {
    let place = "query.fetch";
    let fetch = object(place, value)?;
    only(place, fetch, &["cluster", "port", "timeout_ms"])?;
    let port = number(place, fetch, "port", 443, 1..=65_535)?;
    Ok(Fetching {
        cluster: text(place, fetch, "cluster", None)?,
        port: u16::try_from(port).unwrap_or(443),
        timeout_ms: number(place, fetch, "timeout_ms", 60_000, 1..=60_000)?,
    })
}

fn text(place: &str, of: &Map<String, Value>, key: &str, default: Option<&str>) -> Read<String> {
    let given = of.get(key).map(Value::as_str);
    match given.unwrap_or(default) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(ConfigError::at(
            &format!("{place}.{key}"),
            "a text is wanted",
        )),
    }
}

/// Envoy makes a floating-point number of each that it is given.
fn number(
    place: &str,
    of: &Map<String, Value>,
    key: &str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Read<u32> {
    let Some(given) = of.get(key) else {
        return Ok(default);
    };
    let whole = given.as_f64().filter(|number| number.fract() == 0.0);
    match whole.map(|number| number as u32) {
        Some(number) if range.contains(&number) => Ok(number),
        _ => {
            let (least, most) = (range.start(), range.end());
            let what = format_args!("a whole number from {least} to {most} is wanted");
            Err(ConfigError::at(&format!("{place}.{key}"), what))
        }
    }
}
