// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLS sessions in which any certificate is accepted and then judged (RFC 8461 §4.2, R-CERT-1), so
//! that it can be told what is wrong with it. Nothing that is secret goes through them.

use super::facts::{CertificateFacts, Session, State, shown};
use mtasts_host::DefaultHost;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

const DAY: i64 = 86_400;

/// Makes sessions and judges certificates.
pub struct Inspector {
    smtp: Arc<ClientConfig>,
    https: Arc<ClientConfig>,
}

impl Inspector {
    /// # Errors
    /// The cryptography has no TLS 1.2 or later.
    pub fn new() -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let smtp = config(&provider)?;
        let mut https = smtp.clone();
        https.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            smtp: Arc::new(smtp),
            https: Arc::new(https),
        })
    }

    /// TLS with a mail server, after STARTTLS.
    pub async fn smtp(&self, name: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        connect(&self.smtp, name, stream).await
    }

    /// TLS with a policy host.
    pub async fn https(&self, name: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        connect(&self.https, name, stream).await
    }
}

fn config(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous() // what the host shows is judged afterwards
        .with_custom_certificate_verifier(Arc::new(Lenient(algorithms)))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

async fn connect(
    config: &Arc<ClientConfig>,
    name: &str,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
}

/// Accepts every certificate whose key has signed the handshake.
#[derive(Debug)]
struct Lenient(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        _own: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// Notes what the handshake showed, judged for `name`.
pub fn note(session: &mut Session, connection: &ClientConnection, host: &DefaultHost, name: &str) {
    let shown = connection.peer_certificates().unwrap_or_default();
    let chain: Vec<Vec<u8>> = shown.iter().map(|der| der.to_vec()).collect();
    session.state = State::Tls;
    session.tls_version = connection.protocol_version().map(version);
    session.certificate = Some(judge(&chain, host, name));
    session.chain = Arc::new(chain);
}

const fn version(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => "TLS",
    }
}

fn judge(chain: &[Vec<u8>], host: &DefaultHost, name: &str) -> CertificateFacts {
    let borrowed: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let mut facts = CertificateFacts {
        verdict: host.verify_chain(&borrowed, name),
        names: Vec::new(),
        issuer: String::new(),
        not_before: String::new(),
        not_after: String::new(),
        days_left: 0,
        is_early: false,
        chain_length: chain.len(),
    };
    let own = chain.first().map(Vec::as_slice).unwrap_or_default();
    if let Ok((_, own)) = X509Certificate::from_der(own) {
        let now = i64::try_from(host.now().0).unwrap_or(i64::MAX);
        let (from, to) = (
            own.validity.not_before.timestamp(),
            own.validity.not_after.timestamp(),
        );
        facts.names = names(&own);
        facts.issuer = self::shown(own.issuer().to_string().as_bytes());
        (facts.not_before, facts.not_after) = (date(from), date(to));
        facts.days_left = (to - now).div_euclid(DAY);
        facts.is_early = now < from;
    }
    facts
}

/// The most names of a certificate that are kept.
const MAX_NAMES: usize = 100;

/// The DNS names, as the certificate has them.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let dns = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(self::shown(name.as_bytes())),
            _ => None,
        });
    dns.take(MAX_NAMES).collect()
}

fn date(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(LAST));
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

/// 9999-12-31T23:59:59Z, the last that a certificate can say.
const LAST: u64 = 253_402_300_799;

/// What went wrong in a handshake, for a person.
pub fn explain(error: &io::Error) -> String {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidMessage(_)) => "what it sends is no TLS".to_owned(),
        Some(Error::AlertReceived(alert)) => format!("it refuses TLS: alert {alert:?}"),
        Some(Error::PeerIncompatible(why)) => format!("no TLS 1.2 or later in common: {why:?}"),
        Some(Error::InvalidCertificate(why)) => format!("its certificate cannot be used: {why}"),
        Some(other) => shown(other.to_string().as_bytes()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it closes the connection in the handshake".to_owned()
        }
        None => shown(error.to_string().as_bytes()),
    }
}
