// SPDX-License-Identifier: MIT OR Apache-2.0
//! The extra records of a scene, `[[record]]`, written as in a zone file.

use std::net::IpAddr;

use hickory_proto::rr::{
    RData,
    rdata::{A, AAAA, CNAME, MX, NS, PTR, TLSA, TXT},
};

use crate::{error::Error, value};

/// One record.
#[derive(Clone, Debug)]
pub struct Extra {
    /// Its time to live.
    pub ttl: u32,
    /// Whether a validating resolver would set the AD bit.
    pub secure: bool,
    /// What it says.
    pub data: RData,
}

impl Extra {
    const TYPES: &[&str] = &["A", "AAAA", "CNAME", "MX", "NS", "PTR", "TLSA", "TXT"];

    /// A `[[record]]` of a scene, with its name.
    pub fn from_toml(table: &toml::Table, ttl: u32) -> Result<(String, Self), Error> {
        check_keys(table)?;
        let name = match text(table, "name")? {
            "." => String::new(),
            name => value::name(name)?,
        };
        let ttl = match table.get("ttl").and_then(toml::Value::as_integer) {
            Some(ttl) => u32::try_from(ttl).map_err(|_| Error::new("`ttl` is out of range"))?,
            None => ttl,
        };
        let secure = table
            .get("secure")
            .and_then(toml::Value::as_bool)
            .unwrap_or(false);
        let data = data(text(table, "type")?, values(table)?)?;
        Ok((name, Self { ttl, secure, data }))
    }
}

fn check_keys(table: &toml::Table) -> Result<(), Error> {
    let legal = ["name", "type", "value", "ttl", "secure"];
    match table.keys().find(|key| !legal.contains(&key.as_str())) {
        Some(key) => Err(Error::unknown("key of a record", key, &legal)),
        None => Ok(()),
    }
}

fn text<'a>(table: &'a toml::Table, key: &str) -> Result<&'a str, Error> {
    let found = table.get(key).and_then(toml::Value::as_str);
    found.ok_or_else(|| Error::new(format!("a record needs the text `{key}`")))
}

/// The value, or the character strings of a TXT record.
fn values(table: &toml::Table) -> Result<Vec<&str>, Error> {
    match table.get("value") {
        Some(toml::Value::Array(items)) => Ok(items.iter().filter_map(|v| v.as_str()).collect()),
        _ => Ok(vec![text(table, "value")?]),
    }
}

fn data(kind: &str, values: Vec<&str>) -> Result<RData, Error> {
    let value = values.first().copied().unwrap_or_default();
    Ok(match kind {
        "A" | "AAAA" => address(value::address(value)?),
        "CNAME" => RData::CNAME(CNAME(value::dns_name(value)?)),
        "MX" => mx(value)?,
        "NS" => RData::NS(NS(value::dns_name(value)?)),
        "PTR" => RData::PTR(PTR(value::dns_name(value)?)),
        "TLSA" => tlsa(value)?,
        "TXT" => txt(values
            .iter()
            .map(|string| string.as_bytes().to_vec())
            .collect()),
        _ => return Err(Error::unknown("record type", kind, Extra::TYPES)),
    })
}

/// An A or AAAA record.
pub fn address(address: IpAddr) -> RData {
    match address {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    }
}

/// A TXT record of these character strings; those that are too long are split.
pub fn txt(strings: Vec<Vec<u8>>) -> RData {
    let strings: Vec<&[u8]> = strings
        .iter()
        .flat_map(|string| {
            string
                .chunks(255)
                .chain(string.is_empty().then_some(&[][..]))
        })
        .collect();
    RData::TXT(TXT::from_bytes(strings))
}

fn mx(value: &str) -> Result<RData, Error> {
    let wrong = || Error::new(format!("`{value}` is not a preference and a host"));
    let (preference, host) = value.split_once(' ').ok_or_else(wrong)?;
    let preference = preference.parse().map_err(|_| wrong())?;
    Ok(RData::MX(MX::new(
        preference,
        value::dns_name(host.trim())?,
    )))
}

fn tlsa(value: &str) -> Result<RData, Error> {
    let wrong = || {
        Error::new(format!(
            "`{value}` is not usage, selector, matching type and hex"
        ))
    };
    let fields: Vec<&str> = value.split_whitespace().collect();
    let [usage, selector, matching, data] = fields[..] else {
        return Err(wrong());
    };
    let number = |text: &str| text.parse::<u8>().map_err(|_| wrong());
    let data = octets(data).ok_or_else(wrong)?;
    let (usage, selector, matching) = (number(usage)?, number(selector)?, number(matching)?);
    Ok(RData::TLSA(TLSA::new(
        usage.into(),
        selector.into(),
        matching.into(),
        data,
    )))
}

/// Octets written in hexadecimal.
fn octets(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let octet = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len()
        .is_multiple_of(2)
        .then(|| pairs.map(octet).collect())?
}
