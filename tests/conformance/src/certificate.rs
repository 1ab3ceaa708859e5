// SPDX-License-Identifier: MIT OR Apache-2.0

//! `cert_name`: whether a certificate is for a name (R-CERT-1), by certificates made here. The
//! subject alternative name is put together octet by octet, since the cases hold what no honest
//! authority would write.

use crate::case::expected;
use crate::json::{self, Stop, same};
use crate::surface::Surface;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
};
use serde_json::Value;
use std::net::IpAddr;

/// What a case may say; another key could turn its meaning.
const KEYS: &[&str] = &[
    "id",
    "about",
    "role",
    "reference_name",
    "san_dns",
    "san_ip",
    "subject_cn",
    "rfc",
    "certainty",
    "basis",
    "decided",
    "case",
];

/// Runs a `cert_name` case; the rules are the same for both roles, `mx` and `policy`.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = json::truth(expected(case)?, "match")?;
    if let Err(Stop::Failed(why)) = json::only(case, KEYS) {
        return Err(Stop::Skipped(why));
    }
    let der = make(case)?;
    let got = surface.certificate(&der, json::text(case, "reference_name")?)?;
    same("match", got, wanted)
}

fn make(case: &Value) -> Result<Vec<u8>, Stop> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = json::maybe(case, "subject_cn").and_then(Value::as_str) {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let names = general_names(
        &json::texts(case, "san_dns")?,
        &json::texts(case, "san_ip")?,
    )?;
    if !names.is_empty() {
        let san = tagged(SEQUENCE, &names);
        params.custom_extensions = vec![CustomExtension::from_oid_content(SUBJECT_ALT_NAME, san)];
    }
    signed(&params).map_err(|error| Stop::failed(format!("no certificate: {error}")))
}

fn signed(params: &CertificateParams) -> Result<Vec<u8>, rcgen::Error> {
    let key = KeyPair::generate()?;
    Ok(params.self_signed(&key)?.der().to_vec())
}

const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
const SEQUENCE: u8 = 0x30;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The `GeneralName`s of RFC 5280 §4.2.1.6.
fn general_names(dns: &[String], ip: &[String]) -> Result<Vec<u8>, Stop> {
    let mut names = Vec::new();
    for name in dns {
        names.extend(tagged(DNS_NAME, name.as_bytes()));
    }
    for address in ip {
        names.extend(tagged(IP_ADDRESS, &address_octets(address)?));
    }
    Ok(names)
}

fn address_octets(address: &str) -> Result<Vec<u8>, Stop> {
    match address.parse() {
        Ok(IpAddr::V4(address)) => Ok(address.octets().to_vec()),
        Ok(IpAddr::V6(address)) => Ok(address.octets().to_vec()),
        Err(_) => Err(Stop::skipped(format!("{address:?} is no IP address"))),
    }
}

/// Tag, length and content in DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let octets = length.to_be_bytes();
    let octets = &octets[octets.iter().take_while(|&&octet| octet == 0).count()..];
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(length as u8);
    } else {
        der.push(0x80 | octets.len() as u8);
        der.extend(octets);
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_their_shortest_form() {
        assert_eq!(tagged(4, b"ab"), [4, 2, b'a', b'b']);
        assert_eq!(tagged(4, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(tagged(4, &[0; 0x100])[..4], [4, 0x82, 1, 0]);
        assert_eq!(tagged(4, b""), [4, 0]);
    }
}
