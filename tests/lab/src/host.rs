// SPDX-License-Identifier: MIT OR Apache-2.0
//! A mail host of the scene: its addresses, its TLSA records and what is wrong with it.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    error::Error,
    fault::{NameFault, SmtpFault, Tlsa},
    value::Value,
};

/// A mail host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Where its sink listens.
    pub listen: Ipv4Addr,
    /// The addresses in DNS, instead of the sink's.
    pub addr: Vec<IpAddr>,
    /// The fault of its name.
    pub hostdns: NameFault,
    /// Whether a validating resolver would set the AD bit.
    pub hostsecure: bool,
    /// Its TLSA records.
    pub tlsa: Tlsa,
    /// The fault of its sink.
    pub smtp: SmtpFault,
}

impl Host {
    /// The keys that [`Host::set`] knows.
    pub const KEYS: &[&str] = &["smtp", "addr", "hostdns", "hostsecure", "tlsa"];

    /// A host without faults.
    pub fn new(name: String, listen: Ipv4Addr) -> Self {
        Self {
            name,
            listen,
            addr: Vec::new(),
            hostdns: NameFault::Ok,
            hostsecure: false,
            tlsa: Tlsa::None,
            smtp: SmtpFault::Ok,
        }
    }

    /// Sets one key.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), Error> {
        match key {
            "smtp" => self.smtp = value.parse()?,
            "addr" => self.addr = value.addresses()?,
            "hostdns" => self.hostdns = value.parse()?,
            "hostsecure" => self.hostsecure = value.parse()?,
            "tlsa" => self.tlsa = value.parse()?,
            _ => return Err(Error::unknown("key of a host", key, Self::KEYS)),
        }
        Ok(())
    }

    /// The addresses in DNS.
    pub fn addresses(&self) -> Vec<IpAddr> {
        if self.hostdns == NameFault::Private {
            vec![IpAddr::from([10, 0, 0, 1])]
        } else if self.addr.is_empty() {
            vec![IpAddr::V4(self.listen)]
        } else {
            self.addr.clone()
        }
    }
}
