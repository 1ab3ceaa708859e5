// SPDX-License-Identifier: MIT OR Apache-2.0
//! A domain of the scene: what its DNS says, what its policy host serves, and what is wrong
//! with either. [`Domain::set`] is the list of all keys.

use std::{fs, net::IpAddr};

use crate::{
    error::Error,
    fault::{HttpsFault, Mode, MxFault, NameFault, RecordFault},
    value::{self, Value},
};

/// The address that never has a listener.
pub const DEAD: [u8; 4] = [127, 0, 0, 9];

/// One MX record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mx {
    /// The preference; lower goes first.
    pub preference: u16,
    /// The host.
    pub host: String,
}

/// A domain.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// The fault of all its names.
    pub dns: NameFault,
    /// The time to live of all its records.
    pub ttl: u32,
    /// Whether a validating resolver would set the AD bit.
    pub secure: bool,
    /// The fault of the TXT record.
    pub record: RecordFault,
    /// The `id` of the TXT record.
    pub id: Option<String>,
    /// The TXT record's text, instead of one made of the `id`.
    pub txt: Option<Vec<u8>>,
    /// The TXT record's character strings, instead of its text.
    pub strings: Option<Vec<Vec<u8>>>,
    /// The `rua` of the TLSRPT record.
    pub tlsrpt: Option<String>,
    /// The fault of the MX records.
    pub mxdns: MxFault,
    /// The MX records.
    pub mx: Vec<Mx>,
    /// The fault of the policy host's name.
    pub policydns: NameFault,
    /// The policy host's addresses.
    pub policyaddr: Vec<IpAddr>,
    /// The name that the policy host is an alias of.
    pub cnamehost: Option<String>,
    /// The fault of the policy host.
    pub https: HttpsFault,
    /// The HTTP status, instead of the usual one.
    pub status: Option<u16>,
    /// The Content-Type, instead of `text/plain`.
    pub media_type: Option<String>,
    /// Where `https=redirect` goes.
    pub location: Option<String>,
    /// The body, whatever the policy is.
    pub body: Option<Vec<u8>>,
    /// The policy's text, instead of a generated one.
    pub policy_text: Option<Vec<u8>>,
    /// The generated policy's mode; no policy without one.
    pub policy: Option<Mode>,
    /// The generated policy's `max_age`.
    pub max_age: u64,
    /// The generated policy's `mx` lines, instead of the MX records' hosts.
    pub policy_mx: Option<Vec<String>>,
    /// The length to which the body is filled up.
    pub pad: Option<usize>,
}

impl Domain {
    /// The keys that [`Domain::set`] knows.
    pub const KEYS: &[&str] = &[
        "dns",
        "ttl",
        "secure",
        "record",
        "id",
        "txt",
        "strings",
        "tlsrpt",
        "mxdns",
        "mx",
        "policydns",
        "policyaddr",
        "cnamehost",
        "https",
        "status",
        "type",
        "location",
        "body",
        "policy_text",
        "policy",
        "max_age",
        "policy_mx",
        "pad",
    ];

    /// A domain without policy, whose mail host is `mx.<name>`.
    pub fn new(name: &str) -> Result<Self, Error> {
        let name = value::name(name)?;
        Ok(Self {
            mx: vec![Mx {
                preference: 10,
                host: format!("mx.{name}"),
            }],
            name,
            dns: NameFault::Ok,
            ttl: 60,
            secure: false,
            record: RecordFault::Ok,
            id: None,
            txt: None,
            strings: None,
            tlsrpt: None,
            mxdns: MxFault::Ok,
            policydns: NameFault::Ok,
            policyaddr: vec![IpAddr::from([127, 0, 0, 2])],
            cnamehost: None,
            https: HttpsFault::Ok,
            status: None,
            media_type: None,
            location: None,
            body: None,
            policy_text: None,
            policy: None,
            max_age: 604_800,
            policy_mx: None,
            pad: None,
        })
    }

    /// Sets one key.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), Error> {
        match key {
            "dns" => self.dns = value.parse()?,
            "ttl" => self.ttl = value.parse()?,
            "secure" => self.secure = value.parse()?,
            "record" => self.record = value.parse()?,
            "id" => self.id = value.optional()?,
            "txt" => self.txt = value.octets(),
            "strings" => self.strings = value.strings(),
            "tlsrpt" => self.tlsrpt = value.optional()?,
            "mxdns" => self.mxdns = value.parse()?,
            "mx" => self.mx = mx_list(value)?,
            "policydns" => self.policydns = value.parse()?,
            "policyaddr" => self.policyaddr = value.addresses()?,
            "cnamehost" => self.cnamehost = value.optional()?.map(alias).transpose()?,
            "https" => self.https = value.parse()?,
            "status" => self.status = value.optional()?,
            "type" => self.media_type = value.optional()?,
            "location" => self.location = value.optional()?,
            "body" => self.body = body(value)?,
            "policy_text" => self.policy_text = value.octets(),
            "policy" => self.policy = value.optional()?,
            "max_age" => self.max_age = value.parse()?,
            "policy_mx" => self.policy_mx = policy_mx(value)?,
            "pad" => self.pad = value.optional()?,
            _ => return Err(Error::unknown("key of a domain", key, Self::KEYS)),
        }
        Ok(())
    }

    /// The TXT records at `_mta-sts.<domain>`, each as its character strings.
    pub fn sts_records(&self) -> Vec<Vec<Vec<u8>>> {
        match self.record {
            RecordFault::Invalid => vec![strings(b"v=STSv1; id=not legal!;")],
            RecordFault::Octets => vec![strings(b"v=STSv1; id=1\xff\xfe\x00;")],
            RecordFault::Two => vec![self.sts_record(), vec![b"v=STSv1; id=second;".to_vec()]],
            _ => vec![self.sts_record()],
        }
        .into_iter()
        .filter(|record| !record.is_empty())
        .collect()
    }

    fn sts_record(&self) -> Vec<Vec<u8>> {
        match (&self.strings, &self.txt, &self.id) {
            (Some(list), _, _) => list.clone(),
            (None, Some(text), _) => strings(text),
            (None, None, Some(id)) => strings(format!("v=STSv1; id={id};").as_bytes()),
            (None, None, None) => Vec::new(),
        }
    }

    /// The addresses of the policy host.
    pub fn policy_addresses(&self) -> Vec<IpAddr> {
        if self.policydns == NameFault::Private {
            vec![IpAddr::from([10, 0, 0, 1])]
        } else if self.https == HttpsFault::Refused {
            vec![IpAddr::from(DEAD)]
        } else {
            self.policyaddr.clone()
        }
    }

    /// The mail hosts that this domain needs.
    pub fn mail_hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<_> = self.mx.iter().map(|mx| mx.host.as_str()).collect();
        if self.mxdns == MxFault::Gone {
            hosts.push(&self.name);
        }
        hosts
    }
}

/// A text as character strings of at most 255 octets.
pub fn strings(text: &[u8]) -> Vec<Vec<u8>> {
    text.chunks(255).map(Vec::from).collect()
}

fn alias(text: String) -> Result<String, Error> {
    value::name(&text)
}

fn mx_list(value: &Value) -> Result<Vec<Mx>, Error> {
    let entries = value.list()?;
    entries
        .into_iter()
        .zip(1..)
        .map(|(entry, place)| mx_entry(entry, place * 10))
        .collect()
}

fn mx_entry(entry: &str, preference: u16) -> Result<Mx, Error> {
    let (host, preference) = match entry.split_once(':') {
        Some((host, number)) => (host, number.parse().map_err(|_| bad_preference(number))?),
        None => (entry, preference),
    };
    Ok(Mx {
        preference,
        host: value::name(host)?,
    })
}

fn bad_preference(number: &str) -> Error {
    Error::new(format!("`{number}` is not an MX preference"))
}

fn body(value: &Value) -> Result<Option<Vec<u8>>, Error> {
    match value.0.strip_prefix(b"@") {
        Some(path) => Ok(Some(fs::read(std::str::from_utf8(path)?)?)),
        None => Ok(value.octets()),
    }
}

fn policy_mx(value: &Value) -> Result<Option<Vec<String>>, Error> {
    let list: Vec<String> = value.list()?.into_iter().map(str::to_owned).collect();
    Ok((!list.is_empty()).then_some(list))
}
