// SPDX-License-Identifier: MIT OR Apache-2.0

//! What DANE asks of the DNS beside addresses (RFC 7672 §2.2): TLSA records, whether a CNAME
//! is secure, and whether the name servers validate at all.

use crate::dns::{Dns, DnsFailure, absolute, cname, known};
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::sync::atomic::{AtomicBool, Ordering};

/// Where the TLSA records of a TLSA base domain are, for port 25 (RFC 7672 §2.2.3).
const PREFIX: &str = "_25._tcp.";

/// The longest name, without the final dot (RFC 1035 §2.3.4).
const LONGEST: usize = 253;

impl Dns {
    /// The secure TLSA records of `base`, and how long they, or their absence, count. Insecure
    /// ones are as good as none (RFC 7672 §2.1.1).
    pub async fn tlsa(&self, base: &str) -> Result<(Vec<TLSA>, u32), DnsFailure> {
        let name = format!("{PREFIX}{base}");
        if name.len() > LONGEST {
            return Ok((Vec::new(), u32::MAX));
        }
        match self.question(&name, RecordType::TLSA).await {
            Ok(found) if found.is_secure => {
                let records = found.records.into_iter().filter_map(tlsa);
                Ok((records.collect(), found.ttl))
            }
            Ok(insecure) => Ok((Vec::new(), insecure.ttl)),
            Err(DnsFailure::NoRecords { ttl }) => Ok((Vec::new(), known(ttl))),
            Err(failure) => Err(failure),
        }
    }

    /// Whether `name` has a CNAME record, and it is secure, wherever it may lead.
    pub async fn has_secure_cname(&self, name: &str) -> Result<bool, DnsFailure> {
        let name = absolute(name)?;
        let response = self.question_at(&name, RecordType::CNAME).await?;
        Ok(self.is_secure(&response) && cname(&response.answers, &name).is_some())
    }

    /// Whether the name servers validate: the root is signed for certain. Any other answer than
    /// a secure one says that they do not, but no answer says nothing.
    async fn validates(&self) -> Result<bool, DnsFailure> {
        match self.question_at(&Name::root(), RecordType::NS).await {
            Ok(response) => Ok(self.is_secure(&response)),
            Err(DnsFailure::NoRecords { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

fn tlsa(data: RData) -> Option<TLSA> {
    match data {
        RData::TLSA(tlsa) => Some(tlsa),
        _ => None,
    }
}

/// What is known of whether the name servers validate.
#[derive(Debug, Default)]
pub(crate) struct Validation {
    is_known: AtomicBool,
}

impl Validation {
    /// Whether the name servers do not validate and that has not been told.
    ///
    /// # Errors
    /// It could not be found out, which the next call tries again.
    pub async fn is_to_be_told(&self, dns: &Dns) -> Result<bool, DnsFailure> {
        if dns.has_validated() || self.is_known.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let validates = dns.validates().await?;
        Ok(!self.is_known.swap(true, Ordering::Relaxed) && !validates)
    }
}
