// SPDX-License-Identifier: MIT OR Apache-2.0

//! The two TXT records: MTA-STS's (RFC 8461 §3.1) and TLSRPT's (RFC 8460 §3).

use crate::error::{Error, Field};
use alloc::{format, string::String, vec::Vec};
use mtasts::{PolicyDomain, PolicyId, tlsrpt};

/// The record at `_mta-sts.<domain>`.
pub fn record(id: &PolicyId) -> String {
    format!("v=STSv1; id={id};")
}

/// The record at `_smtp._tls.<domain>`. Each of `rua` is a mail address, or a URI of scheme
/// `mailto` or `https`; what such a URI cannot hold of an address is percent-encoded.
///
/// # Errors
/// The address that the engine would not read back.
pub fn tlsrpt_record<S: AsRef<str>>(rua: &[S]) -> Result<String, Error> {
    if rua.is_empty() {
        return Err(Error::new(Field::RuaList, "at least one address is needed"));
    }
    let mut uris: Vec<String> = Vec::with_capacity(rua.len());
    for (index, address) in rua.iter().enumerate() {
        let uri = uri(address.as_ref().trim());
        if !is_read_back(&format!("v=TLSRPTv1; rua={uri}"), &[&uri]) {
            let reason = "not a mail address, nor a URI mailto:... or https://...";
            return Err(Error::new(Field::Rua(index), reason));
        }
        if !uris.contains(&uri) {
            uris.push(uri);
        }
    }
    Ok(format!("v=TLSRPTv1; rua={}", uris.join(",")))
}

fn is_read_back(record: &str, uris: &[&str]) -> bool {
    tlsrpt::Record::parse(record.as_bytes()).is_ok_and(|record| record.rua() == uris)
}

/// The URI that stands for `address`: itself, unless it is a mail address.
fn uri(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return address.into();
    };
    let is_address = !local.is_empty() && local.bytes().all(is_atom);
    match is_address && domain.parse::<PolicyDomain>().is_ok() {
        true => format!(
            "mailto:{}@{domain}",
            local.bytes().map(encoded).collect::<String>()
        ),
        false => address.into(),
    }
}

/// `dot-atom` of RFC 5322 §3.2.3, about: what needs quotes in an address is left to who writes URIs.
fn is_atom(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// An octet of an address's local part in a `mailto` URI (RFC 6068 §2).
fn encoded(octet: u8) -> String {
    match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(octet).into(),
        b'-' | b'.' | b'_' | b'~' | b'+' | b'$' | b'\'' | b'*' => char::from(octet).into(),
        _ => format!("%{octet:02X}"),
    }
}
