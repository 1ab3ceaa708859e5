// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a certificate may stand for a name (RFC 8461 §4.2, R-CERT-1, R-GET-1): it chains to a
//! trusted root, every certificate on the way is in time, and a DNS-ID is the name. The same check
//! serves MX hosts and Policy Hosts. Revocation is not checked.
//!
//! The cryptography is the caller's: a list of algorithms that verify signatures.

use crate::certificate::check_name;
use crate::error::ErrorKind;
use crate::time::UnixTime;
use crate::verdict::Certificate;
use alloc::vec::Vec;
use core::time::Duration;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Algorithms that verify signatures, in the order in which they are tried.
pub type Algorithms = [&'static dyn SignatureVerificationAlgorithm];

/// The trusted roots.
#[derive(Debug)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    /// The certificates from which the anchors come, in the same order.
    certificates: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// These certificates, as far as they can be read as X.509 version 3.
    pub fn new(certificates: &[CertificateDer<'_>]) -> Self {
        let both = |der| Some((anchor(der)?, CertificateDer::into_owned(der.clone())));
        let (anchors, certificates) = certificates.iter().filter_map(both).unzip();
        Self {
            anchors,
            certificates,
        }
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Judges `chain`, DER, the host's own certificate first, for `name` at the time `now`.
    /// Of several things that are wrong the chain's comes before the name's.
    pub fn verify(
        &self,
        chain: &[&[u8]],
        name: &str,
        now: UnixTime,
        algorithms: &Algorithms,
    ) -> Certificate {
        let certificates: Vec<_> = chain.iter().map(|der| CertificateDer::from(*der)).collect();
        let Some((own, others)) = certificates.split_first() else {
            return Certificate::Invalid;
        };
        let now = rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(now.0));
        let path = Path {
            roots: self,
            now,
            algorithms,
        };
        match path.verify(own, others) {
            Ok(()) => verify_name(own, name),
            Err(error) => fault(&error),
        }
    }
}

/// What is the same for all certificates of a chain.
struct Path<'a> {
    roots: &'a Roots,
    now: rustls_pki_types::UnixTime,
    algorithms: &'a Algorithms,
}

impl Path<'_> {
    fn verify(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), webpki::Error> {
        EndEntityCert::try_from(own)?.verify_for_usage(
            self.algorithms,
            &self.roots.anchors,
            others,
            self.now,
            KeyUsage::server_auth(),
            None,
            Some(&|path| self.verify_root(path.anchor())),
        )?;
        Ok(())
    }

    /// Refuses a root whose time is over. webpki does not look at the dates of roots; asked about
    /// one as if it were a server's own certificate, it looks at them before anything else.
    fn verify_root(&self, anchor: &TrustAnchor<'_>) -> Result<(), webpki::Error> {
        let both = self.roots.anchors.iter().zip(&self.roots.certificates);
        let mut same = both.filter(|(other, _)| *other == anchor);
        // A root may be there twice, renewed under the same name with the same key.
        let first = same.next().map_or(Ok(()), |(_, der)| self.is_in_time(der));
        first.or_else(
            |error| match same.any(|(_, der)| self.is_in_time(der).is_ok()) {
                true => Ok(()),
                false => Err(error),
            },
        )
    }

    fn is_in_time(&self, root: &CertificateDer<'_>) -> Result<(), webpki::Error> {
        let Ok(root) = EndEntityCert::try_from(root) else {
            return Ok(()); // a root of X.509 version 1
        };
        let usage = KeyUsage::server_auth();
        let judged = root.verify_for_usage(self.algorithms, &[], &[], self.now, usage, None, None);
        match judged.err() {
            Some(error) if fault(&error) == Certificate::Expired => Err(error),
            _ => Ok(()),
        }
    }
}

fn anchor(der: &CertificateDer<'_>) -> Option<TrustAnchor<'static>> {
    Some(anchor_from_trusted_cert(der).ok()?.to_owned())
}

fn verify_name(own: &CertificateDer<'_>, name: &str) -> Certificate {
    match check_name(own, name).map_err(|error| error.kind()) {
        Ok(()) => Certificate::Valid,
        Err(ErrorKind::Certificate) => Certificate::Invalid,
        Err(_) => Certificate::HostMismatch,
    }
}

/// What RFC 8460 §4.3 calls the fault.
fn fault(error: &webpki::Error) -> Certificate {
    use webpki::Error as E;
    match error {
        E::CertExpired { .. } | E::CertNotValidYet { .. } => Certificate::Expired,
        E::UnknownIssuer | E::CertDistrusted | E::InvalidSignatureForPublicKey => {
            Certificate::NotTrusted
        }
        // A server that shows a CA's certificate as its own has made it itself.
        E::CaUsedAsEndEntity => Certificate::NotTrusted,
        _ => Certificate::Invalid,
    }
}
