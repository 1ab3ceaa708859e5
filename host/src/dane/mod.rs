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

use crate::dns::{Addresses, DnsFailure, Mx, MxHosts};
use crate::{DefaultHost, Level};
use mtasts::{Dane, DomainDane};
use tokio::time::timeout;

impl DefaultHost {
    /// The hosts that take the mail of `domain`, itself without MX records, and whether DNSSEC
    /// secures that (RFC 7672 §2.2.1, R-APPLY-2).
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn mx_hosts(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        match self.dns.mx(domain).await {
            Ok((hosts, is_secure)) => Ok(MxHosts {
                hosts,
                is_implicit: false,
                is_secure,
            }),
            Err(DnsFailure::NoRecords { .. }) => self.implicit(domain).await,
            Err(failure) => Err(failure),
        }
    }

    /// What DANE has of `mx_host`, a name from an MX record, or a domain without any
    /// (R-APPLY-2). No longer than the time limit of one DNS question; a failure goes to the log.
    pub async fn dane(&self, mx_host: &str) -> DaneRecords {
        if !self.dns.dane() {
            return DaneRecords::not_used();
        }
        let found = timeout(self.dns.limit(), self.find(mx_host)).await;
        match found.unwrap_or(Err(DnsFailure::Temporary)) {
            Ok(records) => records,
            Err(DnsFailure::NoRecords { .. }) => DaneRecords::not_used(),
            Err(failure) => self.failed(mx_host, failure),
        }
    }

    /// What DANE says of `domain` as a whole (R-APPLY-2). No longer than the time limits of two
    /// DNS questions.
    pub async fn dane_of_domain(&self, domain: &str) -> DomainDane {
        if !self.dns.dane() {
            return DomainDane::None;
        }
        match self.mx_hosts(domain).await {
            Ok(mx) if mx.is_secure => {
                let some = timeout(self.dns.limit(), self.dane_of_some(&mx.hosts));
                some.await.unwrap_or(DomainDane::Temporary)
            }
            Ok(_) if self.check_validation().await.is_ok() => DomainDane::None,
            _ => DomainDane::Temporary,
        }
    }

    async fn implicit(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        let itself = Mx {
            preference: 0,
            host: domain.to_owned(),
        };
        Ok(MxHosts {
            hosts: vec![itself],
            is_implicit: true,
            is_secure: self.dns.dane() && self.has_secure_addresses(domain).await?,
        })
    }

    async fn has_secure_addresses(&self, domain: &str) -> Result<bool, DnsFailure> {
        match self.dns.addresses(domain).await {
            Ok(addresses) => Ok(addresses.is_secure),
            Err(DnsFailure::NoRecords { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// One host with usable records is enough, whatever the others are.
    async fn dane_of_some(&self, hosts: &[Mx]) -> DomainDane {
        let mut so_far = DomainDane::None;
        for mx in hosts {
            match self.dane(&mx.host).await.status() {
                Dane::Usable => return DomainDane::Usable,
                Dane::LookupFailed => so_far = DomainDane::Temporary,
                _ => {}
            }
        }
        so_far
    }

    async fn find(&self, mx_host: &str) -> Result<DaneRecords, DnsFailure> {
        let addresses = self.dns.addresses(mx_host).await?;
        for base in self.bases(mx_host, addresses).await? {
            let records = self.dns.tlsa(&base).await?;
            if !records.is_empty() {
                return Ok(DaneRecords::new(base, mx_host, &records));
            }
        }
        Ok(DaneRecords::not_used())
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

fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
