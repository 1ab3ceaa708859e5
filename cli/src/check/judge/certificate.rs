// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with a certificate, of an MX host or the Policy Host (R-CERT-1, R-GET-1).

use super::SOON;
use crate::check::facts::CertificateFacts;
use crate::check::finding::{Finding, Kind, Severity};
use mtasts::Certificate;

/// What is wrong with a certificate, in words.
pub fn describe(certificate: &CertificateFacts, name: &str) -> String {
    let CertificateFacts {
        not_before,
        not_after,
        issuer,
        ..
    } = certificate;
    match certificate.verdict {
        Certificate::Valid => "its certificate is valid".to_owned(),
        Certificate::Expired if certificate.is_early => {
            format!("its certificate is not valid before {not_before}")
        }
        Certificate::Expired if certificate.days_left >= 0 => {
            format!("a certificate above its own has expired; issued by {issuer}")
        }
        Certificate::Expired => format!("its certificate expired on {not_after}"),
        Certificate::HostMismatch if certificate.names.is_empty() => {
            format!("its certificate has no DNS name (subjectAltName), and is not for {name}")
        }
        Certificate::HostMismatch => {
            let names: Vec<_> = certificate
                .names
                .iter()
                .take(5)
                .map(String::as_str)
                .collect();
            format!(
                "its certificate is for {}, not for {name}",
                names.join(", ")
            )
        }
        Certificate::NotTrusted => {
            let length = match certificate.chain_length {
                1 => "one certificate, without an intermediate".to_owned(),
                length => format!("{length} certificates"),
            };
            format!(
                "its certificate leads to no trusted root: issued by {issuer}; it shows {length}"
            )
        }
        Certificate::Invalid => "its certificate cannot be used".to_owned(),
    }
}

/// A certificate that ends soon.
pub fn ends(
    certificate: &CertificateFacts,
    kind: Kind,
    subject: &str,
    severity: Severity,
) -> Option<Finding> {
    let (days, date) = (certificate.days_left, &certificate.not_after);
    let is_soon = (0..SOON).contains(&days);
    let message = || format!("the certificate ends in {days} days, on {date}");
    is_soon.then(|| Finding::new(kind, severity, subject, message()))
}

/// The certificate to have instead of one that is bad.
pub fn better(verdict: Certificate, name: &str) -> Option<String> {
    match verdict {
        Certificate::Valid => None,
        Certificate::Expired => Some("a renewed certificate".to_owned()),
        Certificate::HostMismatch => Some(format!("a certificate with the DNS name {name}")),
        Certificate::NotTrusted | Certificate::Invalid => {
            Some("a certificate of a public authority, with its intermediates".to_owned())
        }
    }
}
