// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of a certificate (R-CERT-1), and what comes first where several things are wrong.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use mtasts::{Certificate, UnixTime};
use mtasts_host::chain::Roots;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls_pki_types::CertificateDer;

const NAME: &str = "mx1.example.com";

/// 2026-01-01.
const NOW: UnixTime = UnixTime(1_767_225_600);

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn params(names: &[&str], years: (i32, i32)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn good() -> CertificateParams {
    params(&[NAME], (2025, 2027))
}

fn ca(name: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = params(&[], years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}

fn root(name: &str) -> Issuer {
    let key = KeyPair::generate().unwrap();
    Issuer::self_signed(ca(name, (2020, 2030)), key).unwrap()
}

fn issue(params: CertificateParams, issuer: &Issuer) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, issuer).unwrap().der().clone()
}

fn self_signed(params: CertificateParams) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

fn trusting(root: &Issuer) -> Roots {
    Roots::new(&[root.der().clone()])
}

#[test]
fn r_cert_1_one_certificate() {
    let (trusted, other) = (root("trusted"), root("other"));
    let roots = trusting(&trusted);
    let client = || {
        let mut params = good();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params
    };
    let own_ca = || {
        let mut params = ca("own", (2025, 2027));
        params.subject_alt_names = good().subject_alt_names;
        params
    };
    let old = || params(&[NAME], (2024, 2025));
    let wrong = || params(&["mx2.example.com", "example.com"], (2025, 2027));
    for (der, expected) in [
        (issue(good(), &trusted), Certificate::Valid),
        (
            issue(params(&["*.example.com"], (2025, 2027)), &trusted),
            Certificate::Valid,
        ),
        (issue(old(), &trusted), Certificate::Expired),
        (
            issue(params(&[NAME], (2027, 2028)), &trusted),
            Certificate::Expired,
        ),
        (issue(wrong(), &trusted), Certificate::HostMismatch),
        (
            issue(params(&["*.com"], (2025, 2027)), &trusted),
            Certificate::HostMismatch,
        ),
        (
            issue(params(&[], (2025, 2027)), &trusted),
            Certificate::HostMismatch,
        ),
        (issue(client(), &trusted), Certificate::Invalid),
        (issue(good(), &other), Certificate::NotTrusted),
        (self_signed(good()), Certificate::NotTrusted),
        (self_signed(own_ca()), Certificate::NotTrusted),
        // Several things at once.
        (self_signed(old()), Certificate::Expired),
        (issue(old(), &other), Certificate::Expired),
        (issue(wrong(), &other), Certificate::NotTrusted),
        (
            CertificateDer::from(b"garbage".to_vec()),
            Certificate::Invalid,
        ),
    ] {
        assert_eq!(roots.verify(&[&der], NAME, NOW), expected);
    }
    assert_eq!(roots.verify(&[], NAME, NOW), Certificate::Invalid);
}

#[test]
fn r_cert_1_names_that_are_none() {
    let trusted = root("trusted");
    let der = issue(good(), &trusted);
    for name in [
        "",
        ".",
        "192.0.2.1",
        "*.example.com",
        "mx1.example.com.example",
        "mx1_.example",
    ] {
        assert_eq!(
            trusting(&trusted).verify(&[&der], name, NOW),
            Certificate::HostMismatch
        );
    }
    assert_eq!(
        trusting(&trusted).verify(&[&der], "MX1.example.com.", NOW),
        Certificate::Valid
    );
}

#[test]
fn r_cert_1_intermediate_certificates() {
    let trusted = root("trusted");
    let key = KeyPair::generate().unwrap();
    let between = Issuer::signed_by(ca("between", (2020, 2030)), key, &trusted).unwrap();
    let (own, roots) = (issue(good(), &between), trusting(&trusted));
    let unrelated = self_signed(good());
    assert_eq!(roots.verify(&[&own], NAME, NOW), Certificate::NotTrusted);
    let chain: [&[u8]; 3] = [&own, &unrelated, between.der()];
    assert_eq!(roots.verify(&chain, NAME, NOW), Certificate::Valid);
    let chain: [&[u8]; 2] = [between.der(), &own]; // the server's own comes first
    assert_ne!(roots.verify(&chain, NAME, NOW), Certificate::Valid);
}

#[test]
fn r_cert_1_an_expired_root_is_expired() {
    let key = KeyPair::generate().unwrap();
    let old = Issuer::self_signed(ca("old", (2020, 2025)), key).unwrap();
    let der = issue(good(), &old);
    assert_eq!(
        trusting(&old).verify(&[&der], NAME, NOW),
        Certificate::Expired
    );
}

/// A root that was renewed, with the same name and key, may be trusted beside its old self.
#[test]
fn r_cert_1_a_renewed_root_counts_wherever_it_stands() {
    let pem = KeyPair::generate().unwrap().serialize_pem();
    let key = || KeyPair::from_pem(&pem).unwrap();
    let old = Issuer::self_signed(ca("root", (2010, 2020)), key()).unwrap();
    let new = Issuer::self_signed(ca("root", (2020, 2030)), key()).unwrap();
    let leaf = issue(good(), &new);
    for roots in [[&old, &new], [&new, &old]] {
        let roots = Roots::new(&roots.map(|root| root.der().clone()));
        assert_eq!(roots.verify(&[&leaf], NAME, NOW), Certificate::Valid);
    }
    assert_eq!(
        trusting(&old).verify(&[&leaf], NAME, NOW),
        Certificate::Expired
    );
}
