// SPDX-License-Identifier: MIT OR Apache-2.0

//! SMTP TLS Reporting (RFC 8460): the record that asks for reports, the result types that reports
//! name, what a session came to, the datagram that tells a collector, and the reports.

mod datagram;
#[cfg(feature = "report")]
pub mod report;
mod session;

pub use datagram::MAX_DATAGRAM;
#[cfg(feature = "report")]
pub use report::Report;
pub use session::{Details, PolicyType, SessionResult};

use crate::error::{Error, ErrorKind};
use crate::record::{ext_value, for_each_field, select};
use crate::scan::{Scanner, URI, WSP};
use alloc::vec::Vec;
use core::{fmt, str::FromStr};

/// The TXT record at `_smtp._tls.<policy domain>` (RFC 8460 §3): where reports go (R-RPT-1).
///
/// ```
/// let record = mtasts::tlsrpt::Record::parse(b"v=TLSRPTv1; rua=mailto:r@example.com")?;
/// assert_eq!(record.rua(), ["mailto:r@example.com"]);
/// # Ok::<(), mtasts::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    rua: Vec<&'a str>,
}

impl<'a> Record<'a> {
    /// The one record among all TXT records of the name, each with its strings concatenated.
    ///
    /// # Errors
    /// [`ErrorKind::NoRecord`] or [`ErrorKind::SeveralRecords`], else as [`Record::parse`].
    pub fn select<R: AsRef<[u8]>>(records: &'a [R]) -> Result<Self, Error> {
        Self::parse(select(records, b"v=TLSRPTv1;")?)
    }

    /// Reads one record by the ABNF.
    ///
    /// # Errors
    /// Says what the record lacks, at which octet; [`ErrorKind::RuaMissing`] where it is legal
    /// but names no `mailto:` or `https:` URI.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        let mut rua = Vec::new();
        for_each_field(text, b"v=TLSRPTv1", |name, scanner| match name {
            b"rua" => tlsrpt_rua(scanner, &mut rua),
            _ => ext_value(scanner).map(|_| ()),
        })?;
        if rua.is_empty() {
            return Err(Error::new(ErrorKind::RuaMissing, 0));
        }
        Ok(Self { rua })
    }

    /// The URIs of schemes `mailto` and `https`, in their order.
    pub fn rua(&self) -> &[&'a str] {
        &self.rua
    }
}

impl fmt::Display for Record<'_> {
    /// The record with nothing but [`Record::rua`], in the form that all readers know: without
    /// white space, as the examples of RFC 8460 are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "v=TLSRPTv1;rua=";
        for uri in &self.rua {
            write!(f, "{before}{uri}")?;
            before = ",";
        }
        Ok(())
    }
}

/// `tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)`; keeps those that reports can be sent to.
fn tlsrpt_rua<'a>(scanner: &mut Scanner<'a>, rua: &mut Vec<&'a str>) -> Result<(), Error> {
    loop {
        let refused = Error::new(ErrorKind::Rua, scanner.at());
        let uri = core::str::from_utf8(scanner.take(URI)).ok();
        let uri = uri.filter(|uri| is_uri(uri)).ok_or(refused)?;
        if is_destination(uri) {
            rua.push(uri);
        }
        let mut next = *scanner;
        next.skip(WSP);
        if !next.eat(b",") {
            return Ok(());
        }
        next.skip(WSP);
        *scanner = next;
    }
}

/// Whether `uri` has a scheme and its percent signs are followed by two hexadecimal digits.
fn is_uri(uri: &str) -> bool {
    let encoded = |part: &str| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let scheme = uri.split(':').next().unwrap_or_default();
    scheme.len() < uri.len()
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && uri.split('%').skip(1).all(encoded)
}

/// Whether reports can be sent to `uri`: it is a `mailto:` with an address, or an `https:` with
/// a host. Other schemes are skipped.
fn is_destination(uri: &str) -> bool {
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    if scheme.eq_ignore_ascii_case("mailto") {
        let address = rest.split('?').next().unwrap_or_default();
        address
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
    } else {
        scheme.eq_ignore_ascii_case("https") && has_host(rest)
    }
}

fn has_host(rest: &str) -> bool {
    rest.strip_prefix("//")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']))
}

macro_rules! result_types {
    ($( $(#[$doc:meta])* $name:ident = $word:literal, )*) => {
        /// What a session or a policy look-up came to, by the names of RFC 8460 §4.3.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ResultType { $( $(#[$doc])* $name, )* }

        impl ResultType {
            /// All of them, in the RFC's order.
            pub const ALL: &[Self] = &[$( Self::$name, )*];

            /// The name in a report.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }
        }
    };
}

result_types! {
    /// The MX host offers no STARTTLS.
    StartTlsNotSupported = "starttls-not-supported",
    /// The certificate is for another name.
    CertificateHostMismatch = "certificate-host-mismatch",
    /// The certificate has expired.
    CertificateExpired = "certificate-expired",
    /// The certificate has no trusted issuer.
    CertificateNotTrusted = "certificate-not-trusted",
    /// Any other failure of the session; a reason code says which.
    ValidationFailure = "validation-failure",
    /// No TLSA record is valid.
    TlsaInvalid = "tlsa-invalid",
    /// The resolver gave no valid records.
    DnssecInvalid = "dnssec-invalid",
    /// DANE is required and there is no TLSA record.
    DaneRequired = "dane-required",
    /// The policy could not be fetched.
    StsPolicyFetchError = "sts-policy-fetch-error",
    /// The policy breaks the grammar.
    StsPolicyInvalid = "sts-policy-invalid",
    /// The Policy Host's certificate is not valid.
    StsWebPkiInvalid = "sts-webpki-invalid",
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ResultType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == name)
            .ok_or(())
    }
}
