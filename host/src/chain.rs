// SPDX-License-Identifier: MIT OR Apache-2.0

//! The trusted roots of this machine, and the cryptography for checks of certificate chains
//! ([`mtasts::chain`]).

use crate::error::OpenError;
use mtasts::{Certificate, UnixTime, chain};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

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
    roots: chain::Roots,
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
        match roots.roots.is_empty() {
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
            der.is_ok_and(|der| !chain::Roots::new(&[der]).is_empty())
        };
        let usable = text.split_inclusive(END).filter(is_usable);
        Ok(usable.collect::<String>().into_bytes())
    }

    /// These certificates, as far as they can be read.
    pub fn new(certificates: &[CertificateDer<'_>]) -> Self {
        let provider = rustls::crypto::ring::default_provider();
        Self {
            roots: chain::Roots::new(certificates),
            algorithms: provider.signature_verification_algorithms,
        }
    }

    pub(crate) fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.algorithms
    }

    /// Judges `chain`, DER, the host's own certificate first, for `name` at the time `now`
    /// ([`chain::Roots::verify`]).
    pub fn verify(&self, chain: &[&[u8]], name: &str, now: UnixTime) -> Certificate {
        self.roots.verify(chain, name, now, self.algorithms.all)
    }
}

fn system_file() -> PathBuf {
    let mut paths = SYSTEM_ROOTS.iter().map(PathBuf::from);
    let first = SYSTEM_ROOTS.first().map(PathBuf::from).unwrap_or_default();
    paths.find(|path| path.is_file()).unwrap_or(first)
}
