// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a certificate is for a name (RFC 8461 §4.2, RFC 6125, RFC 9525): by DNS-ID alone,
//! never by the subject's common name or an address. Chains and dates are the host's matter.

use crate::error::{Error, ErrorKind};
use crate::name::{is_host_name, without_final_dot};
use rustls_pki_types::{CertificateDer, DnsName, ServerName};
use webpki::EndEntityCert;

/// Checks that the certificate `der` (X.509 version 3, DER) is valid for `name`: the name in the
/// MX record, or the Policy Host (R-CERT-1, R-GET-1). A wildcard stands for the whole left-most
/// label, with at least two labels after it.
///
/// # Errors
/// [`ErrorKind::CertificateHostMismatch`]; [`ErrorKind::Certificate`] if it cannot be read;
/// [`ErrorKind::HostName`] if `name` is none.
pub fn check_name(der: &[u8], name: &str) -> Result<(), Error> {
    let host = without_final_dot(name);
    let dns_name = DnsName::try_from(host)
        .ok()
        .filter(|_| is_host_name(host.as_bytes()));
    let dns_name = dns_name.ok_or(Error::new(ErrorKind::HostName, 0))?;
    let der = CertificateDer::from(der);
    let certificate =
        EndEntityCert::try_from(&der).map_err(|_| Error::new(ErrorKind::Certificate, 0))?;
    certificate
        .verify_is_valid_for_subject_name(&ServerName::DnsName(dns_name))
        .map_err(|_| Error::new(ErrorKind::CertificateHostMismatch, 0))
}
