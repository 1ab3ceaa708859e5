// SPDX-License-Identifier: MIT OR Apache-2.0

//! The lines for the domain's zone file (RFC 1035 §5).

use crate::site::Address;
use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;
use mtasts::PolicyDomain;

/// What the zone is to have.
#[derive(Clone, Copy, Debug)]
pub struct Zone<'a> {
    /// The Policy Domain.
    pub domain: &'a PolicyDomain,
    /// Where the Policy Host is.
    pub address: &'a Address,
    /// The MTA-STS record's text; `None` leaves it out.
    pub record: Option<&'a str>,
    /// The TLSRPT record's text; `None` leaves it out.
    pub tlsrpt: Option<&'a str>,
    /// The TTL in seconds. A change of policy is seen by all only when the record's is over
    /// (RFC 8461 §8.1); an hour serves most.
    pub ttl: u32,
}

impl Zone<'_> {
    /// The lines, with absolute names, in the order in which they may be added one by one: the
    /// MTA-STS record last.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for (kind, data) in self.policy_host() {
            self.line(&mut lines, &self.domain.policy_host(), kind, &data);
        }
        if *self.address == Address::Unknown {
            let host = self.domain.policy_host();
            lines +=
                &format!("; {host}. needs A and AAAA records, or a CNAME: your web server's\n");
        }
        if let Some(text) = self.tlsrpt {
            let name = format!("_smtp._tls.{}", self.domain);
            self.line(&mut lines, &name, "TXT", &txt_strings(text));
        }
        if let Some(text) = self.record {
            self.line(
                &mut lines,
                &self.domain.record_name(),
                "TXT",
                &txt_strings(text),
            );
        }
        lines
    }

    fn policy_host(&self) -> Vec<(&'static str, String)> {
        match self.address {
            Address::Unknown => Vec::new(),
            Address::Is(addresses) => addresses.iter().map(address).collect(),
            Address::AliasOf(name) => [("CNAME", format!("{name}."))].into(),
        }
    }

    fn line(&self, lines: &mut String, name: &str, kind: &str, data: &str) {
        let ttl = self.ttl;
        *lines += &format!("{name}. {ttl} IN {kind} {data}\n");
    }
}

fn address(address: &IpAddr) -> (&'static str, String) {
    match address {
        IpAddr::V4(address) => ("A", format!("{address}")),
        IpAddr::V6(address) => ("AAAA", format!("{address}")),
    }
}

/// The data of a TXT record in a zone file: quoted strings of at most 255 octets (RFC 1035 §3.3),
/// in which `"`, `\` and all that is not visible ASCII are escaped.
pub fn txt_strings(text: &str) -> String {
    let chunks = text.as_bytes().chunks(255);
    let quoted: Vec<_> = chunks
        .map(|chunk| chunk.iter().map(|&octet| escaped(octet)).collect())
        .map(|text: String| format!("\"{text}\""))
        .collect();
    match quoted.is_empty() {
        true => "\"\"".into(),
        false => quoted.join(" "),
    }
}

fn escaped(octet: u8) -> String {
    match octet {
        b'"' | b'\\' => format!("\\{}", char::from(octet)),
        b' '..=b'~' => char::from(octet).into(),
        _ => format!("\\{octet:03}"),
    }
}
