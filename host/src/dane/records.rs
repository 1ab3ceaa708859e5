// SPDX-License-Identifier: MIT OR Apache-2.0

//! What DANE has of one MX host, and the check of the chain that it shows (RFC 7672 §3,
//! R-APPLY-2).

use super::tlsa::{Tlsa, Usage, strongest};
use super::without_final_dot;
use crate::chain::Roots;
use hickory_resolver::proto::rr::rdata::TLSA;
use mtasts::{Certificate, Dane, UnixTime};
use rustls_pki_types::CertificateDer;

/// The TLSA records of an MX host, or why there are none.
#[derive(Clone, Debug)]
pub struct DaneRecords {
    status: Dane,
    /// The TLSA base domain, and the MX host if its CNAMEs lead there.
    names: Vec<String>,
    /// The usable records.
    records: Vec<Tlsa>,
    ttl: u32,
}

impl DaneRecords {
    /// The records of the TLSA base domain `base`, to which `mx_host` leads, at least one; they
    /// hold for `ttl` seconds.
    pub(crate) fn new(base: String, mx_host: &str, found: &[TLSA], ttl: u32) -> Self {
        let records = strongest(found.iter().filter_map(Tlsa::usable).collect());
        let mx_host = without_final_dot(mx_host).to_owned();
        let mut names = vec![base, mx_host];
        names.dedup();
        Self {
            status: match records.is_empty() {
                true => Dane::Unusable,
                false => Dane::Usable,
            },
            names,
            records,
            ttl,
        }
    }

    pub(crate) fn not_used(ttl: u32) -> Self {
        Self::none(Dane::NotUsed, ttl)
    }

    pub(crate) fn lookup_failed() -> Self {
        Self::none(Dane::LookupFailed, 0)
    }

    fn none(status: Dane, ttl: u32) -> Self {
        Self {
            status,
            names: Vec::new(),
            records: Vec::new(),
            ttl,
        }
    }

    /// How long this holds: the least TTL of the answers that it rests on, in seconds. 0 for
    /// [`Dane::LookupFailed`]; `u32::MAX` where nothing was asked.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// What to say of the host before TLS: [`Dane::NotUsed`], [`Dane::LookupFailed`],
    /// [`Dane::Unusable`] or [`Dane::Usable`].
    pub fn status(&self) -> Dane {
        self.status
    }

    /// The name for the SNI extension, the TLSA base domain, which a host with usable records
    /// must be given (RFC 7672 §8.1).
    pub fn server_name(&self) -> Option<&str> {
        match self.status {
            Dane::Usable => self.names.first().map(String::as_str),
            _ => None,
        }
    }

    /// What to say of the host after it showed `chain`, DER, its own certificate first:
    /// [`Dane::Passed`] or [`Dane::Failed`] if there are usable records, and else the status.
    ///
    /// `next_hop` is the Policy Domain if its MX records are secure
    /// ([`crate::MxHosts::is_secure`]), and `None` if not: a certificate for the domain instead
    /// of the MX host is as good for DANE-TA, but not on an attacker's MX host (RFC 7672 §3.2.2).
    /// No I/O.
    pub fn check(&self, chain: &[&[u8]], next_hop: Option<&str>, now: UnixTime) -> Dane {
        if self.status != Dane::Usable {
            return self.status;
        }
        match self.is_own(chain) || self.is_issued(chain, next_hop, now) {
            true => Dane::Passed,
            false => Dane::Failed,
        }
    }

    /// DANE-EE(3), RFC 7672 §3.1.1: the host's own certificate or key is what the record says.
    /// Neither names nor dates count.
    fn is_own(&self, chain: &[&[u8]]) -> bool {
        let own = chain.first();
        own.is_some_and(|own| self.of(Usage::Own).any(|record| record.matches(own)))
    }

    /// DANE-TA(2), RFC 7672 §3.1.2: the chain leads to what the record says, all of it is in
    /// time, and the host's own certificate is for one of the names.
    fn is_issued(&self, chain: &[&[u8]], next_hop: Option<&str>, now: UnixTime) -> bool {
        let anchors: Vec<_> = self
            .of(Usage::Issuer)
            .flat_map(|record| record.issuers(chain))
            .map(CertificateDer::from)
            .collect();
        let roots = Roots::new(&anchors);
        let mut names = self.names.iter().map(String::as_str).chain(next_hop);
        names.any(|name| roots.verify(chain, name, now) == Certificate::Valid)
    }

    fn of(&self, usage: Usage) -> impl Iterator<Item = &Tlsa> {
        self.records
            .iter()
            .filter(move |record| record.usage() == usage)
    }
}
