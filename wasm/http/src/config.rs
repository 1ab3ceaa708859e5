// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the component is configured with, in JSON, read all or nothing. The README says what the
//! keys mean.

use mtasts_web::publish::ConfigError;
use mtasts_web::settings::Section;
use mtasts_web::site::{Site, read_configuration};
use serde_json::Value;
use std::time::Duration;

/// What is answered.
#[derive(Clone, Debug)]
pub struct Config {
    /// Policies, and where the API is.
    pub site: Site,
    /// How `/v1/policy` is answered.
    pub query: Option<Query>,
}

/// How policies are looked up.
#[derive(Clone, Debug)]
pub struct Query {
    /// Who is asked for TXT records.
    pub dns: Dns,
    /// The port of policy hosts.
    pub port: u16,
    /// What holds for each look-up.
    pub lookup: mtasts::Config,
    /// The most octets of memory for what is known of domains.
    pub memory: usize,
}

/// A DNS server that speaks HTTP (RFC 8484).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// TLS, or clear text, for a server on the same machine.
    pub is_https: bool,
    /// The host, and its port if that is not the usual one.
    pub authority: String,
    /// The path.
    pub path: String,
    /// The time for one question and where its CNAMEs lead.
    pub timeout: Duration,
}

type Read<T> = Result<T, ConfigError>;

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// What is wrong, and where: for a policy its line and column.
    pub fn parse(text: &[u8]) -> Read<Self> {
        let (site, query) = read_configuration(text, query)?;
        Ok(Self { site, query })
    }
}

fn query(value: &Value) -> Read<Query> {
    let query = Section::open("query", value, &["dns", "fetch", "memory_kib"])?;
    let none = Value::Object(serde_json::Map::new());
    let fetch = query.get("fetch").unwrap_or(&none);
    let fetch = Section::open("query.fetch", fetch, &["port", "timeout_ms"])?;
    let mut lookup = mtasts::Config::default();
    lookup.fetch_timeout_ms = fetch.number("timeout_ms", lookup.fetch_timeout_ms, 1..=60_000)?;
    Ok(Query {
        dns: dns(query.get("dns").unwrap_or(&Value::Null))?,
        port: fetch.port("port", 443)?,
        lookup,
        memory: query.number("memory_kib", 8_192, 0..=1_048_576)? as usize * 1_024,
    })
}

fn dns(value: &Value) -> Read<Dns> {
    let dns = Section::open("query.dns", value, &["timeout_ms", "url"])?;
    let timeout = dns.number("timeout_ms", 5_000, 1..=60_000)?;
    let (is_https, authority, path) = url(dns.text("url", None)?)
        .ok_or_else(|| dns.error("url", "such as https://dns.example/dns-query is wanted"))?;
    Ok(Dns {
        is_https,
        authority: authority.to_owned(),
        path: path.to_owned(),
        timeout: Duration::from_millis(timeout.into()),
    })
}

/// Scheme, authority and path.
fn url(text: &str) -> Option<(bool, &str, &str)> {
    let secure = text.strip_prefix("https://").map(|rest| (true, rest));
    let (is_https, rest) =
        secure.or_else(|| text.strip_prefix("http://").map(|rest| (false, rest)))?;
    let (authority, path) = rest.split_at_checked(rest.find('/')?)?;
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let is_path = |b: u8| b.is_ascii_graphic() && !b"#{}\"<>\\^`|".contains(&b);
    let is_good =
        !authority.is_empty() && authority.bytes().all(is_host) && path.bytes().all(is_path);
    is_good.then_some((is_https, authority, path))
}
