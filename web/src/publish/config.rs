// SPDX-License-Identifier: MIT OR Apache-2.0

//! The configuration of what is served, read all or nothing.

use super::{MAX_NAME, PREFIX, Publisher};
use crate::publish::served::Served;
use mtasts::{PolicyDomain, Position};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    /// It is no JSON.
    pub fn json(error: &serde_json::Error) -> Self {
        Self(format!("not JSON: {error}"))
    }

    /// At this place, such as `policies.standard`.
    pub fn at(place: &str, what: impl fmt::Display) -> Self {
        Self(format!("{place}: {what}"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

type Read<T> = Result<T, ConfigError>;

const KEYS: &[&str] = &["default", "domains", "policies", "unlisted"];

pub(super) fn read(value: &Value) -> Read<Publisher> {
    let object = object("the configuration", value)?;
    only("the configuration", object, KEYS)?;
    let named = policies(object.get("policies").unwrap_or(&Value::Null))?;
    let mut publisher = Publisher {
        default: default(object, &named)?,
        passes_unlisted: passes_unlisted(object)?,
        domains: BTreeMap::new(),
        patterns: BTreeMap::new(),
        policies: named,
    };
    if let Some(domains) = object.get("domains") {
        for (name, policy) in self::object("domains", domains)? {
            add(&mut publisher, name, policy)?;
        }
    }
    if publisher.is_empty() && publisher.default.is_none() {
        return Err(ConfigError::at("domains", "there is none, and no default"));
    }
    Ok(publisher)
}

/// The object at `place`.
pub fn object<'a>(place: &str, value: &'a Value) -> Read<&'a Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| ConfigError::at(place, "an object is wanted"))
}

/// Refuses keys that nobody knows.
pub fn only(place: &str, object: &Map<String, Value>, known: &[&str]) -> Read<()> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(ConfigError::at(place, format_args!("unknown key {key:?}"))),
        None => Ok(()),
    }
}

fn policies(value: &Value) -> Read<Vec<Served>> {
    let policies = object("policies", value)?;
    policies
        .iter()
        .map(|(name, text)| policy(name, text))
        .collect()
}

fn policy(name: &str, value: &Value) -> Read<Served> {
    let place = format!("policies.{name}");
    let text = text(value).ok_or_else(|| {
        ConfigError::at(
            &place,
            "a policy's text is wanted, or an array of its lines",
        )
    })?;
    Served::new(name, &text).map_err(|error| {
        let Position { line, column } = Position::of(text.as_bytes(), error.offset());
        let kind = error.kind().as_str();
        ConfigError::at(&place, format_args!("line {line}, column {column}: {kind}"))
    })
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            Some(lines?.join("\n").into())
        }
        _ => None,
    }
}

fn default(object: &Map<String, Value>, policies: &[Served]) -> Read<Option<usize>> {
    let name = object.get("default");
    name.map(|name| index("default", name, policies))
        .transpose()
}

fn passes_unlisted(object: &Map<String, Value>) -> Read<bool> {
    match object.get("unlisted").map(Value::as_str) {
        None | Some(Some("not-found")) => Ok(false),
        Some(Some("pass")) => Ok(true),
        _ => Err(ConfigError::at(
            "unlisted",
            "\"not-found\" or \"pass\" is wanted",
        )),
    }
}

/// The policy that is called `name`.
fn index(place: &str, name: &Value, policies: &[Served]) -> Read<usize> {
    let Some(name) = name.as_str() else {
        return Err(ConfigError::at(place, "the name of a policy is wanted"));
    };
    policies
        .iter()
        .position(|policy| policy.name() == name)
        .ok_or_else(|| ConfigError::at(place, format_args!("there is no policy {name:?}")))
}

fn add(publisher: &mut Publisher, name: &str, policy: &Value) -> Read<()> {
    let place = format!("domains.{name}");
    let policy = index(&place, policy, &publisher.policies)?;
    let (domain, table) = match name.strip_prefix("*.") {
        Some(parent) => (parent, &mut publisher.patterns),
        None => (name, &mut publisher.domains),
    };
    let domain: PolicyDomain = domain.parse().map_err(|_| {
        ConfigError::at(
            &place,
            "a domain in A-labels is wanted, or \"*.\" and a domain",
        )
    })?;
    if domain.as_str().len() + PREFIX.len() > MAX_NAME {
        return Err(ConfigError::at(&place, "too long for a policy host"));
    }
    match table.insert(domain.as_str().to_owned(), policy) {
        Some(_) => Err(ConfigError::at(&place, "is there twice")),
        None => Ok(()),
    }
}
