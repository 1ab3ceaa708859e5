// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of keys. A scene's TOML and the control channel's words become the same octets here,
//! so that every key means the same in both.

use std::{net::IpAddr, str::FromStr};

use hickory_proto::rr::Name;

use crate::error::Error;

/// The octets that a key is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(pub Vec<u8>);

impl Value {
    /// The value as text.
    pub fn text(&self) -> Result<&str, Error> {
        Ok(std::str::from_utf8(&self.0)?)
    }

    /// The value as a `T`.
    pub fn parse<T: FromStr>(&self) -> Result<T, Error>
    where
        T::Err: std::fmt::Display,
    {
        self.text()?
            .parse()
            .map_err(|error: T::Err| Error::new(error.to_string()))
    }

    /// The value as a `T`, or nothing if it is empty.
    pub fn optional<T: FromStr>(&self) -> Result<Option<T>, Error>
    where
        T::Err: std::fmt::Display,
    {
        if self.0.is_empty() {
            Ok(None)
        } else {
            self.parse().map(Some)
        }
    }

    /// The octets, or nothing if there are none.
    pub fn octets(&self) -> Option<Vec<u8>> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }

    /// The parts between commas.
    pub fn list(&self) -> Result<Vec<&str>, Error> {
        Ok(self
            .text()?
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect())
    }

    /// A list of addresses.
    pub fn addresses(&self) -> Result<Vec<IpAddr>, Error> {
        self.list()?.into_iter().map(address).collect()
    }

    /// The character strings between bars, or nothing if the value is empty.
    pub fn strings(&self) -> Option<Vec<Vec<u8>>> {
        self.octets().map(|octets| {
            octets
                .split(|octet| *octet == b'|')
                .map(Vec::from)
                .collect()
        })
    }

    /// A value out of a scene. Arrays become lists, tables of an MX `host:preference`.
    pub fn from_toml(key: &str, value: &toml::Value) -> Result<Self, Error> {
        let separator = if key == "strings" { "|" } else { "," };
        let text = match value {
            toml::Value::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(scalar).collect();
                items?.join(separator)
            }
            other => scalar(other)?,
        };
        Ok(Self(text.into_bytes()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// An IP address.
pub fn address(text: &str) -> Result<IpAddr, Error> {
    text.parse()
        .map_err(|_| Error::new(format!("`{text}` is not an IP address")))
}

/// A domain name as the lab keeps it: lower-case, no dot at the end, legal in DNS.
pub fn name(text: &str) -> Result<String, Error> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() {
        return Err(Error::new("a name is empty"));
    }
    dns_name(&name)?;
    Ok(name)
}

/// A domain name as hickory keeps it.
pub fn dns_name(text: &str) -> Result<Name, Error> {
    let mut name = Name::from_ascii(text)
        .map_err(|error| Error::new(format!("`{text}` is not a domain name: {error}")))?;
    name.set_fqdn(true);
    Ok(name)
}

fn scalar(value: &toml::Value) -> Result<String, Error> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        toml::Value::Table(table) => mx_entry(table),
        other => Err(Error::new(format!(
            "`{other}` is neither text, a number nor a flag"
        ))),
    }
}

fn mx_entry(table: &toml::Table) -> Result<String, Error> {
    let host = table.get("host").and_then(toml::Value::as_str);
    let host = host.ok_or_else(|| Error::new("an mx table needs `host`"))?;
    match table.get("preference").and_then(toml::Value::as_integer) {
        Some(preference) => Ok(format!("{host}:{preference}")),
        None => Ok(host.to_owned()),
    }
}

/// Splits a line into words: white space separates, double quotes join, and `\n`, `\r`, `\t`,
/// `\xHH`, `\"` and `\\` are octets, in quotes or not.
pub fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut octets = line.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b'\\' => word.get_or_insert_default().push(escape(&mut octets)?),
            _ if octet.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(octet),
        }
    }
    if quoted {
        return Err(Error::new("a quotation mark has no partner"));
    }
    words.extend(word);
    Ok(words)
}

fn escape(octets: &mut impl Iterator<Item = u8>) -> Result<u8, Error> {
    match octets.next() {
        Some(b'n') => Ok(b'\n'),
        Some(b'r') => Ok(b'\r'),
        Some(b't') => Ok(b'\t'),
        Some(b'x') => hexadecimal(octets),
        Some(other) => Ok(other),
        None => Err(Error::new("a backslash ends the line")),
    }
}

fn hexadecimal(octets: &mut impl Iterator<Item = u8>) -> Result<u8, Error> {
    let digits: Vec<u8> = octets.take(2).collect();
    let text = std::str::from_utf8(&digits)?;
    u8::from_str_radix(text, 16).map_err(|_| Error::new("\\x needs two hexadecimal digits"))
}

/// Writes a word as the control channel reads it back, but leaves its escapes alone.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
    if plain {
        return word.to_owned();
    }
    let inner = word
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("\"{inner}\"")
}
