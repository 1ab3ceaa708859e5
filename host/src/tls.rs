// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLS towards Policy Hosts (RFC 8461 §3.3, R-GET-1): version 1.2 or later, and the
//! certificate judged exactly as that of an MX host is.

use crate::chain::Roots;
use mtasts::{Certificate, UnixTime};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;

/// The configuration for all fetches. Nothing is kept from one connection for the next.
pub(crate) fn client_config(roots: Arc<Roots>) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .dangerous() // as rustls calls every verifier of one's own
        .with_custom_certificate_verifier(Arc::new(Verifier(roots)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// [`Roots::verify`] as rustls asks for it.
#[derive(Debug)]
struct Verifier(Arc<Roots>);

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: rustls_pki_types::UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<&[u8]> = std::iter::once(own)
            .chain(others)
            .map(|der| &**der)
            .collect();
        let ServerName::DnsName(name) = name else {
            return Err(CertificateError::NotValidForName.into());
        };
        let error = match self
            .0
            .verify(&chain, name.as_ref(), UnixTime(now.as_secs()))
        {
            Certificate::Valid => return Ok(ServerCertVerified::assertion()),
            Certificate::Expired => CertificateError::Expired,
            Certificate::HostMismatch => CertificateError::NotValidForName,
            Certificate::Invalid => CertificateError::BadEncoding,
            Certificate::NotTrusted => CertificateError::UnknownIssuer,
        };
        Err(error.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signature, self.0.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signature, self.0.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.algorithms().supported_schemes()
    }
}
