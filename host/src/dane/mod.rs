// SPDX-License-Identifier: MIT OR Apache-2.0

//! DANE for SMTP (RFC 7672), which goes before MTA-STS (RFC 8461 §2, R-APPLY-2). DNSSEC is
//! validated by the name servers, whose AD bit is believed, as Postfix does it; where the user
//! does not vouch for them ([`crate::Options::dane`]) no host has DANE.
//!
//! Where there is a failure instead of an answer (time-out, SERVFAIL, and so everything bogus)
//! the host is left for later, as one who is on the path can have us see failures (§2.1.3).

mod question;
mod records;
mod tlsa;

pub(crate) use question::Validation;
pub use records::DaneRecords;

use crate::dns::{Addresses, DnsFailure, Mx, MxHosts, known};
use crate::{DefaultHost, Level};
use mtasts::{Dane, DomainDane};
use std::time::Instant;
use tokio::time::timeout;

/// The longest that an answer for a domain holds, in seconds.
const LONGEST_TTL: u32 = 3600;

/// A failure is not to be remembered.
const TEMPORARY: (DomainDane, u32) = (DomainDane::Temporary, 0);

impl DefaultHost {
    /// The hosts that take the mail of `domain`, itself without MX records, and whether DNSSEC
    /// secures that (RFC 7672 §2.2.1, R-APPLY-2).
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn mx_hosts(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        match self.dns.mx(domain).await {
            Err(DnsFailure::NoRecords { ttl }) => self.implicit(domain, known(ttl)).await,
            found => found,
        }
    }

    /// What DANE has of `mx_host`, a name from an MX record, or a domain without any
    /// (R-APPLY-2). No longer than the time limit of one DNS question; a failure goes to the log.
    pub async fn dane(&self, mx_host: &str) -> DaneRecords {
        if !self.dns.dane() {
            return DaneRecords::not_used(u32::MAX);
        }
        let found = timeout(self.dns.limit(), self.find(mx_host)).await;
        match found.unwrap_or(Err(DnsFailure::Temporary)) {
            Ok(records) => records,
            Err(DnsFailure::NoRecords { ttl }) => DaneRecords::not_used(known(ttl)),
            Err(failure) => self.failed(mx_host, failure),
        }
    }

    /// What DANE says of `domain` as a whole (R-APPLY-2), and for how many seconds from now that
    /// holds: as long as all answers do that it rests on, an hour at most; 0 for
    /// [`DomainDane::Temporary`]; `u32::MAX` where DANE is not done. No longer than the time
    /// limits of two DNS questions, and of a third without MX records.
    pub async fn dane_of_domain(&self, domain: &str) -> (DomainDane, u32) {
        if !self.dns.dane() {
            return (DomainDane::None, u32::MAX);
        }
        let begun = Instant::now();
        let (dane, ttl) = match self.mx_hosts(domain).await {
            Ok(mx) if mx.is_secure => self.dane_of_hosts(&mx).await,
            Ok(mx) if self.check_validation().await.is_ok() => (DomainDane::None, mx.ttl),
            _ => TEMPORARY,
        };
        (dane, left(ttl, begun))
    }

    async fn implicit(&self, domain: &str, no_mx_ttl: u32) -> Result<MxHosts, DnsFailure> {
        let itself = Mx {
            preference: 0,
            host: domain.to_owned(),
        };
        let (is_secure, ttl) = match self.dns.dane() {
            true => self.has_secure_addresses(domain).await?,
            false => (false, u32::MAX),
        };
        Ok(MxHosts {
            hosts: vec![itself],
            is_implicit: true,
            is_secure,
            ttl: ttl.min(no_mx_ttl),
        })
    }

    /// Whether it has, and how long that counts.
    async fn has_secure_addresses(&self, domain: &str) -> Result<(bool, u32), DnsFailure> {
        match self.dns.addresses(domain).await {
            Ok(addresses) => Ok((addresses.is_secure, addresses.ttl)),
            Err(DnsFailure::NoRecords { ttl }) => Ok((false, known(ttl))),
            Err(failure) => Err(failure),
        }
    }

    async fn dane_of_hosts(&self, mx: &MxHosts) -> (DomainDane, u32) {
        let some = timeout(self.dns.limit(), self.dane_of_some(&mx.hosts)).await;
        let (dane, ttl) = some.unwrap_or(TEMPORARY);
        (dane, ttl.min(mx.ttl))
    }

    /// One host with usable records is enough, whatever the others are: the answer rests on it
    /// alone.
    async fn dane_of_some(&self, hosts: &[Mx]) -> (DomainDane, u32) {
        let mut so_far = (DomainDane::None, u32::MAX);
        for mx in hosts {
            let found = self.dane(&mx.host).await;
            match found.status() {
                Dane::Usable => return (DomainDane::Usable, found.ttl()),
                Dane::LookupFailed => so_far = TEMPORARY,
                _ => so_far.1 = so_far.1.min(found.ttl()),
            }
        }
        so_far
    }

    async fn find(&self, mx_host: &str) -> Result<DaneRecords, DnsFailure> {
        let addresses = self.dns.addresses(mx_host).await?;
        let mut least = addresses.ttl;
        for base in self.bases(mx_host, addresses).await? {
            let (records, ttl) = self.dns.tlsa(&base).await?;
            least = least.min(ttl);
            if !records.is_empty() {
                return Ok(DaneRecords::new(base, mx_host, &records, least));
            }
        }
        Ok(DaneRecords::not_used(least))
    }

    /// The TLSA base domains to try, in this order (RFC 7672 §2.2.2): where the CNAMEs of
    /// `mx_host` lead, if all is secure up to the addresses, then `mx_host`; only that if its
    /// CNAME is secure and something later is not; none if it is not itself secure.
    async fn bases(&self, mx_host: &str, found: Addresses) -> Result<Vec<String>, DnsFailure> {
        let is_alias = !found.name.eq_ignore_ascii_case(without_final_dot(mx_host));
        let itself = || without_final_dot(mx_host).to_owned();
        if found.is_secure && is_alias {
            return Ok(vec![found.name, itself()]);
        }
        if found.is_secure || is_alias && self.dns.has_secure_cname(mx_host).await? {
            return Ok(vec![itself()]);
        }
        self.check_validation().await?;
        Ok(Vec::new())
    }

    /// To be called where an answer is not secure: tells the log, once, if that is because the
    /// name servers do not validate.
    async fn check_validation(&self) -> Result<(), DnsFailure> {
        if self.validation.is_to_be_told(&self.dns).await? {
            self.log.write(
                Level::Warning,
                format_args!("DANE is off: the name servers do not validate (DNSSEC)"),
            );
        }
        Ok(())
    }

    fn failed(&self, mx_host: &str, failure: DnsFailure) -> DaneRecords {
        self.log.write(
            Level::Info,
            format_args!("{mx_host}: no DANE: {}", failure.describe()),
        );
        DaneRecords::lookup_failed()
    }
}

/// What is left of a TTL that began with the question, in seconds.
fn left(ttl: u32, begun: Instant) -> u32 {
    let passed = u32::try_from(begun.elapsed().as_secs()).unwrap_or(u32::MAX);
    ttl.min(LONGEST_TTL).saturating_sub(passed)
}

fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
