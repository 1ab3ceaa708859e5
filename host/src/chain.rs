// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a certificate may stand for a name (R-CERT-1, R-GET-1): it chains to a trusted
//! root, every certificate on the way is in time, and a DNS-ID is the name. The same check
//! serves MX hosts and Policy Hosts. Revocation is not checked.

use crate::error::OpenError;
use mtasts::{Certificate, UnixTime};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use std::path::{Path, PathBuf};
use std::time::Duration;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Where systems keep their roots as one file of PEM. Not asked of a library, for those let
/// environment variables decide.
const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older RHEL
    "/etc/ssl/ca-bundle.pem",             // SUSE
    "/etc/ssl/cert.pem",                  // Alpine, OpenBSD, macOS
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD
    "/usr/local/etc/ssl/cert.pem",        // FreeBSD
    "/etc/openssl/certs/ca-certificates.crt", // NetBSD
];

/// The trusted roots.
#[derive(Debug)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    /// The certificates from which the anchors come, in the same order.
    certificates: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Roots {
    /// The certificates of `ca_file`, in PEM, or else the system's. Certificates that cannot
    /// be read as X.509 version 3 are passed over.
    ///
    /// # Errors
    /// [`OpenError::CaFile`] if there is no usable certificate.
    pub fn load(ca_file: Option<&Path>) -> Result<Self, OpenError> {
        let path = ca_file.map_or_else(system_file, Path::to_owned);
        let fail = |reason: String| OpenError::CaFile {
            path: path.clone(),
            reason,
        };
        let certificates = CertificateDer::pem_file_iter(&path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| fail(error.to_string()))?;
        let roots = Self::new(&certificates);
        match roots.anchors.is_empty() {
            true => Err(fail("no usable certificate in it".to_owned())),
            false => Ok(roots),
        }
    }

    /// The usable certificates that [`Roots::load`] would read, still in PEM.
    #[cfg(feature = "redis")]
    pub(crate) fn pem(ca_file: Option<&Path>) -> Result<Vec<u8>, OpenError> {
        const END: &str = "-----END CERTIFICATE-----";
        let path = ca_file.map_or_else(system_file, Path::to_owned);
        Self::load(Some(&path))?;
        let text = std::fs::read(&path).map_err(|error| OpenError::CaFile {
            path,
            reason: error.to_string(),
        })?;
        let text = String::from_utf8_lossy(&text);
        let is_usable = |part: &&str| {
            let der = CertificateDer::from_pem_slice(part.as_bytes());
            der.is_ok_and(|der| anchor(&der).is_some())
        };
        let usable = text.split_inclusive(END).filter(is_usable);
        Ok(usable.collect::<String>().into_bytes())
    }

    /// These certificates, as far as they can be read.
    pub fn new(certificates: &[CertificateDer<'_>]) -> Self {
        let both = |der| Some((anchor(der)?, CertificateDer::into_owned(der.clone())));
        let (anchors, certificates) = certificates.iter().filter_map(both).unzip();
        let provider = rustls::crypto::ring::default_provider();
        Self {
            anchors,
            certificates,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    pub(crate) fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.algorithms
    }

    /// Judges `chain`, DER, the host's own certificate first, for `name` at the time `now`.
    /// Of several things that are wrong the chain's comes before the name's.
    pub fn verify(&self, chain: &[&[u8]], name: &str, now: UnixTime) -> Certificate {
        let certificates: Vec<_> = chain.iter().map(|der| CertificateDer::from(*der)).collect();
        let Some((own, others)) = certificates.split_first() else {
            return Certificate::Invalid;
        };
        match self.verify_chain(own, others, now) {
            Ok(()) => verify_name(own, name),
            Err(error) => fault(&error),
        }
    }

    fn verify_chain(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), webpki::Error> {
        let now = rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(now.0));
        EndEntityCert::try_from(own)?.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            others,
            now,
            KeyUsage::server_auth(),
            None,
            Some(&|path| self.verify_root(path.anchor(), now)),
        )?;
        Ok(())
    }

    /// Refuses a root whose time is over. webpki does not look at the dates of roots; asked about
    /// one as if it were a server's own certificate, it looks at them before anything else.
    fn verify_root(
        &self,
        anchor: &TrustAnchor<'_>,
        now: rustls_pki_types::UnixTime,
    ) -> Result<(), webpki::Error> {
        let both = self.anchors.iter().zip(&self.certificates);
        let mut same = both.filter(|(other, _)| *other == anchor);
        // A root may be there twice, renewed under the same name with the same key.
        let first = same
            .next()
            .map_or(Ok(()), |(_, der)| self.is_in_time(der, now));
        first.or_else(
            |error| match same.any(|(_, der)| self.is_in_time(der, now).is_ok()) {
                true => Ok(()),
                false => Err(error),
            },
        )
    }

    fn is_in_time(
        &self,
        root: &CertificateDer<'_>,
        now: rustls_pki_types::UnixTime,
    ) -> Result<(), webpki::Error> {
        let Ok(root) = EndEntityCert::try_from(root) else {
            return Ok(()); // a root of X.509 version 1
        };
        let usage = KeyUsage::server_auth();
        let judged = root.verify_for_usage(self.algorithms.all, &[], &[], now, usage, None, None);
        match judged.err() {
            Some(error) if fault(&error) == Certificate::Expired => Err(error),
            _ => Ok(()),
        }
    }
}

fn anchor(der: &CertificateDer<'_>) -> Option<TrustAnchor<'static>> {
    Some(anchor_from_trusted_cert(der).ok()?.to_owned())
}

fn system_file() -> PathBuf {
    let mut paths = SYSTEM_ROOTS.iter().map(PathBuf::from);
    let first = SYSTEM_ROOTS.first().map(PathBuf::from).unwrap_or_default();
    paths.find(|path| path.is_file()).unwrap_or(first)
}

fn verify_name(own: &CertificateDer<'_>, name: &str) -> Certificate {
    match mtasts::certificate::check_name(own, name).map_err(|error| error.kind()) {
        Ok(()) => Certificate::Valid,
        Err(mtasts::ErrorKind::Certificate) => Certificate::Invalid,
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
