// SPDX-License-Identifier: MIT OR Apache-2.0

//! The plugin's configuration, in JSON, read all or nothing. The README says what the keys mean.

use mtasts_web::publish::ConfigError;
use mtasts_web::settings::Section;
use mtasts_web::site::{Site, read_configuration};
use serde_json::Value;
use std::time::Duration;

/// What one plugin does.
#[derive(Clone, Debug)]
pub struct Config {
    /// The policies to serve, and where the API is.
    pub site: Site,
    /// How `/v1/policy` is answered.
    pub query: Option<Query>,
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
        let (site, query) = read_configuration(text, query)?;
        Ok(Self { site, query })
    }
}

fn query(value: &Value) -> Read<Query> {
    let keys = [
        "dns",
        "fetch",
        "max_policies",
        "max_waiting",
        "max_without_policy",
    ];
    let query = Section::open("query", value, &keys)?;
    let at_most = |key: &str, default| query.number(key, default, 1..=1_000_000);
    Ok(Query {
        dns: dns(query.get("dns").unwrap_or(&Value::Null))?,
        fetch: fetching(query.get("fetch").unwrap_or(&Value::Null))?,
        max_waiting: at_most("max_waiting", 1_000)? as usize,
        max_policies: at_most("max_policies", 4_000)? as usize,
        max_without_policy: at_most("max_without_policy", 20_000)? as usize,
    })
}

fn dns(value: &Value) -> Read<Dns> {
    let keys = ["authority", "cluster", "path", "timeout_ms"];
    let dns = Section::open("query.dns", value, &keys)?;
    let cluster = dns.text("cluster", None)?;
    let timeout = dns.number("timeout_ms", 5_000, 1..=60_000)?;
    let path = dns.text("path", Some("/dns-query"))?;
    if !path.starts_with('/') {
        return Err(dns.error("path", "\"/\" is wanted at its start"));
    }
    Ok(Dns {
        cluster: cluster.to_owned(),
        authority: dns.text("authority", Some(cluster))?.to_owned(),
        path: path.to_owned(),
        timeout: Duration::from_millis(timeout.into()),
    })
}

fn fetching(value: &Value) -> Read<Fetching> {
    let fetch = Section::open("query.fetch", value, &["cluster", "port", "timeout_ms"])?;
    Ok(Fetching {
        cluster: fetch.text("cluster", None)?.to_owned(),
        port: fetch.port("port", 443)?,
        timeout_ms: fetch.number("timeout_ms", 60_000, 1..=60_000)?,
    })
}
