// SPDX-License-Identifier: MIT OR Apache-2.0

//! The Policy Host (RFC 8461 §3.3): where it is, and where its web server has its files.

use crate::error::{Error, Field};
use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;
use mtasts::PolicyDomain;

/// Where the Policy Host `mta-sts.<domain>` is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Address {
    /// Not said: the zone's lines have a remark in its place.
    #[default]
    Unknown,
    /// At these addresses.
    Is(Vec<IpAddr>),
    /// It is an alias (CNAME) of this name, without a final dot.
    AliasOf(PolicyDomain),
}

impl Address {
    /// Reads what a person writes: nothing, addresses with spaces or commas between them, or a name.
    ///
    /// # Errors
    /// [`Field::Address`], where it is neither.
    pub fn read(text: &str) -> Result<Self, Error> {
        let is_between = |c: char| c == ',' || c.is_whitespace();
        let words: Vec<_> = text
            .split(is_between)
            .filter(|word| !word.is_empty())
            .collect();
        if words.is_empty() {
            return Ok(Self::Unknown);
        }
        if let Ok(addresses) = words.iter().map(|word| word.parse()).collect() {
            return Ok(Self::Is(addresses));
        }
        match words.as_slice() {
            [name] => name
                .parse()
                .map(Self::AliasOf)
                .map_err(|_| not_an_address()),
            _ => Err(not_an_address()),
        }
    }
}

fn not_an_address() -> Error {
    Error::new(Field::Address, "neither IP addresses nor one host name")
}

/// A Policy Domain and its Policy Host's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    domain: PolicyDomain,
    certificate: String,
    key: String,
    root: String,
}

impl Site {
    /// With the certificate where certbot puts it, `/etc/letsencrypt/live/mta-sts.<domain>/`, and
    /// the folder to serve at `/var/www/mta-sts.<domain>`.
    pub fn of(domain: PolicyDomain) -> Self {
        let host = domain.policy_host();
        Self {
            domain,
            certificate: format!("/etc/letsencrypt/live/{host}/fullchain.pem"),
            key: format!("/etc/letsencrypt/live/{host}/privkey.pem"),
            root: format!("/var/www/{host}"),
        }
    }

    /// The same with a certificate chain and its key elsewhere.
    ///
    /// # Errors
    /// [`Field::Path`]: not an absolute path of letters, digits and `/._-+@~`. Nothing else is safe
    /// in the configuration of four servers.
    pub fn with_certificate(self, certificate: &str, key: &str) -> Result<Self, Error> {
        let (certificate, key) = (path(certificate)?, path(key)?);
        Ok(Self {
            certificate,
            key,
            ..self
        })
    }

    /// The same with another folder to serve.
    ///
    /// # Errors
    /// As [`Site::with_certificate`].
    pub fn with_root(self, root: &str) -> Result<Self, Error> {
        let root = path(root.trim_end_matches('/'))?;
        Ok(Self { root, ..self })
    }

    /// The Policy Domain.
    pub fn domain(&self) -> &PolicyDomain {
        &self.domain
    }

    /// The certificate chain's file, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The certificate's key's file, PEM.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The folder that is served, where there is one; it holds the policy and nothing else.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Where the policy's file is, for a server that reads it.
    pub fn policy_file(&self) -> String {
        format!("{}{}", self.root, mtasts::WELL_KNOWN_PATH)
    }

    /// Where senders fetch the policy.
    pub fn url(&self) -> String {
        format!(
            "https://{}{}",
            self.domain.policy_host(),
            mtasts::WELL_KNOWN_PATH
        )
    }
}

fn path(path: &str) -> Result<String, Error> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@~".contains(&b);
    match path.starts_with('/') && path.bytes().all(is_plain) {
        true => Ok(path.into()),
        false => Err(Error::new(
            Field::Path,
            "expected an absolute path of letters, digits and / . _ - + @ ~",
        )),
    }
}
