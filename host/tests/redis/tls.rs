// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLS: the certificate is checked, for the host in the URL.

use super::servers::{Server, next_address};
use super::{load, now, try_save};
use mtasts_host::redis::RedisStore;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use std::path::PathBuf;
use tempfile::TempDir;

/// A certification authority.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Ca {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate and its key.
    pub fn certificate(&self, name: SanType) -> String {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![name];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        certificate.pem() + &key.serialize_pem()
    }
}

fn start(ca: &Ca, name: Option<&str>) -> Server {
    let address = next_address();
    let name = match name {
        Some(name) => SanType::DnsName(name.try_into().unwrap()),
        None => SanType::IpAddress(address.into()),
    };
    Server::start_tls(address, &ca.certificate(name), &ca.pem(), &[])
}

fn open(server: &Server, ca: &Ca) -> RedisStore {
    let url = format!("rediss://{}", server.address);
    RedisStore::open(&url, Some(&ca.file())).unwrap()
}

async fn refused(store: &RedisStore) -> String {
    let error = try_save(store, "example.com", "text", 0).await.unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn a_server_with_the_right_certificate_is_taken() {
    let ca = Ca::new();
    let server = start(&ca, None);
    let store = open(&server, &ca);
    assert!(
        try_save(&store, "example.com", "text", now())
            .await
            .unwrap()
    );
    assert_eq!(load(&store, "example.com").await.unwrap(), "text");
    assert_eq!(super::all(&store).await.len(), 1);
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let server = start(&ca, None);
    let error = refused(&open(&server, &other)).await;
    assert!(error.contains("certificate"), "{error}");
    let url = format!("rediss://{}", server.address);
    let of_the_system = RedisStore::open(&url, None);
    if let Ok(store) = of_the_system {
        refused(&store).await;
    }
    assert_eq!(server.size(), 0);
}

#[tokio::test]
async fn a_server_with_another_name_is_refused() {
    let ca = Ca::new();
    let server = start(&ca, Some("other.example"));
    let error = refused(&open(&server, &ca)).await;
    assert!(error.contains("not valid for name"), "{error}");
    assert_eq!(server.size(), 0);
}

#[tokio::test]
async fn a_server_without_tls_is_refused() {
    let server = Server::start(&[]);
    refused(&open(&server, &Ca::new())).await;
    assert_eq!(server.size(), 0);
}

#[tokio::test]
async fn a_file_without_certificates_is_an_error_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let url = "rediss://me:secret@a.example";
    for content in [None, Some("nothing")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let error = RedisStore::open(url, Some(&file)).unwrap_err().to_string();
        assert!(error.contains("ca.pem"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_url_is_said_at_once() {
    let error = RedisStore::open("redis://me:secret@a.example/x", None).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("the URL of the store: the database"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}
