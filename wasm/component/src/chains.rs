// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `chains`.

use crate::Component;
use crate::algorithms::ALGORITHMS;
use crate::exports::chains::{CertificateStatus, Error, Guest, GuestRoots, Roots, UnixTime};
use crate::exports::types::ErrorKind;
use crate::words::certificate_status;
use mtasts::chain;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

impl Guest for Component {
    type Roots = RootsHandle;
}

/// A `roots`.
pub(crate) struct RootsHandle(chain::Roots);

impl GuestRoots for RootsHandle {
    fn from_der(certificates: Vec<Vec<u8>>) -> Result<Roots, Error> {
        let certificates: Vec<_> = certificates.into_iter().map(CertificateDer::from).collect();
        roots(&certificates)
    }

    fn from_pem(pem: Vec<u8>) -> Result<Roots, Error> {
        let certificates = CertificateDer::pem_slice_iter(&pem);
        roots(&certificates.filter_map(Result::ok).collect::<Vec<_>>())
    }

    fn verify(&self, chain: Vec<Vec<u8>>, name: String, now: UnixTime) -> CertificateStatus {
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let now = mtasts::UnixTime(now);
        certificate_status(self.0.verify(&chain, &name, now, ALGORITHMS))
    }
}

fn roots(certificates: &[CertificateDer<'_>]) -> Result<Roots, Error> {
    let roots = chain::Roots::new(certificates);
    match roots.is_empty() {
        true => Err(Error {
            kind: ErrorKind::Certificate,
            message: "none of these certificates can be a root".to_owned(),
            offset: 0,
            line: 1,
            column: 1,
        }),
        false => Ok(Roots::new(RootsHandle(roots))),
    }
}
