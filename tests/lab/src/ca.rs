// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two certification authorities, one of which clients trust, and the servers' certificates,
//! good and bad, made when they are first needed. All keys are ECDSA on P-256.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};

use crate::{error::Error, fault::Certificate};

const DAY: Duration = Duration::from_secs(86_400);

/// What a certificate is made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The name that the client expects.
    pub name: String,
    /// The server's address.
    pub address: IpAddr,
    /// How the certificate differs from a good one.
    pub kind: Certificate,
    /// Whether the server speaks HTTP and says so by ALPN.
    pub http: bool,
}

/// Both authorities.
pub struct Ca {
    trusted: CertifiedIssuer<'static, KeyPair>,
    untrusted: CertifiedIssuer<'static, KeyPair>,
    provider: Arc<CryptoProvider>,
    keys: Mutex<HashMap<String, Arc<KeyPair>>>,
    configs: Mutex<HashMap<Subject, Arc<ServerConfig>>>,
    serial: AtomicU64,
}

impl Ca {
    /// Makes both.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            trusted: authority("mtasts lab CA")?,
            untrusted: authority("mtasts lab untrusted CA")?,
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            keys: Mutex::default(),
            configs: Mutex::default(),
            serial: AtomicU64::new(1),
        })
    }

    /// The certificate that clients trust.
    pub fn trusted_pem(&self) -> String {
        self.trusted.pem()
    }

    /// The certificate that clients do not trust.
    pub fn untrusted_pem(&self) -> String {
        self.untrusted.pem()
    }

    /// The SubjectPublicKeyInfo of a host's certificates.
    pub fn public_key(&self, host: &str) -> Result<Vec<u8>, Error> {
        Ok(self.key(host)?.subject_public_key_info())
    }

    /// The TLS configuration of a server.
    pub fn server(&self, subject: &Subject) -> Result<Arc<ServerConfig>, Error> {
        if let Some(config) = lock(&self.configs).get(subject) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.configure(subject)?);
        lock(&self.configs).insert(subject.clone(), Arc::clone(&config));
        Ok(config)
    }

    fn configure(&self, subject: &Subject) -> Result<ServerConfig, Error> {
        let key = self.key(&subject.name)?;
        let chain = vec![self.certificate(subject, &key)?];
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, private.into())?;
        if subject.http {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(config)
    }

    fn certificate(
        &self,
        subject: &Subject,
        key: &KeyPair,
    ) -> Result<CertificateDer<'static>, Error> {
        let mut params = leaf(subject)?;
        params.serial_number = Some(self.serial.fetch_add(1, Ordering::Relaxed).into());
        let certificate = match subject.kind {
            Certificate::SelfSigned => params.self_signed(key)?,
            Certificate::Untrusted => params.signed_by(key, &self.untrusted)?,
            _ => params.signed_by(key, &self.trusted)?,
        };
        Ok(certificate.der().clone())
    }

    fn key(&self, name: &str) -> Result<Arc<KeyPair>, Error> {
        let mut keys = lock(&self.keys);
        if let Some(key) = keys.get(name) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(KeyPair::generate()?);
        keys.insert(name.to_owned(), Arc::clone(&key));
        Ok(key)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from(1));
    valid(&mut params, SystemTime::now() - 365 * DAY, 3650 * DAY);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn leaf(subject: &Subject) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&subject.name);
    params.subject_alt_names = alternative_names(subject)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = subject.kind != Certificate::SelfSigned;
    let now = SystemTime::now();
    match subject.kind {
        Certificate::Expired => valid(&mut params, now - 30 * DAY, 29 * DAY),
        Certificate::NotYetValid => valid(&mut params, now + DAY, 30 * DAY),
        _ => valid(&mut params, now - DAY, 30 * DAY),
    }
    Ok(params)
}

fn alternative_names(subject: &Subject) -> Result<Vec<SanType>, Error> {
    let name = subject.name.as_str();
    let parent = name.split_once('.').map_or(name, |(_, parent)| parent);
    let dns = match subject.kind {
        Certificate::CnOnly => return Ok(Vec::new()),
        Certificate::IpSan => return Ok(vec![SanType::IpAddress(subject.address)]),
        Certificate::WrongName => "another.invalid".to_owned(),
        Certificate::Wildcard => format!("*.{parent}"),
        _ => name.to_owned(),
    };
    Ok(vec![SanType::DnsName(dns.try_into()?)])
}

fn common_name(name: &str) -> DistinguishedName {
    // RFC 5280 gives a common name 64 characters.
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(
        DnType::CommonName,
        name.chars().take(64).collect::<String>(),
    );
    distinguished_name
}

fn valid(params: &mut CertificateParams, from: SystemTime, length: Duration) {
    params.not_before = from.into();
    params.not_after = (from + length).into();
}
