// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which certificate chains match which TLSA records (RFC 7672 §3, R-APPLY-2).

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::host_with_dane;
use mtasts::Dane::{Failed, Passed};
use mtasts::{Dane, UnixTime};
use mtasts_lab::Lab;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData,
    date_time_ymd,
};
use ring::digest::{SHA256, SHA512, digest};
use rustls_pki_types::CertificateDer;
use std::fmt::Write;

const NAME: &str = "mx.secure.example";
const NEXT_HOP: &str = "secure.example";

/// 2026-01-01.
const NOW: UnixTime = UnixTime(1_767_225_600);

/// A certificate, with what TLSA records speak of.
struct Cert {
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn params(names: &[&str], years: (i32, i32)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

fn ca(name: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = params(&[], years);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn root(name: &str, years: (i32, i32)) -> Issuer {
    Issuer::self_signed(ca(name, years), KeyPair::generate().unwrap()).unwrap()
}

fn of(issuer: &Issuer) -> Cert {
    Cert {
        der: issuer.der().clone(),
        key: issuer.key().subject_public_key_info(),
    }
}

fn issue(params: CertificateParams, issuer: &Issuer) -> Cert {
    let key = KeyPair::generate().unwrap();
    Cert {
        der: params.signed_by(&key, issuer).unwrap().der().clone(),
        key: key.subject_public_key_info(),
    }
}

fn self_signed(params: CertificateParams) -> Cert {
    let key = KeyPair::generate().unwrap();
    Cert {
        der: params.self_signed(&key).unwrap().der().clone(),
        key: key.subject_public_key_info(),
    }
}

/// A TLSA record that speaks of the certificate.
fn tlsa([usage, selector, matching]: [u8; 3], certificate: &Cert) -> String {
    let content = match selector {
        0 => certificate.der.to_vec(),
        _ => certificate.key.clone(),
    };
    let data = match matching {
        1 => digest(&SHA256, &content).as_ref().to_vec(),
        2 => digest(&SHA512, &content).as_ref().to_vec(),
        _ => content,
    };
    let mut text = format!("{usage} {selector} {matching} ");
    for octet in data {
        write!(text, "{octet:02x}").unwrap();
    }
    text
}

fn lab(records: &[String]) -> Lab {
    let mut scene = format!(
        "[[domain]]\nname = \"{NEXT_HOP}\"\nsecure = true\nmx = [\"{NAME}\"]\n\
         [[record]]\nname = \"alias.{NEXT_HOP}\"\ntype = \"CNAME\"\nvalue = \"{NAME}\"\n"
    );
    for record in records {
        let name = format!("_25._tcp.{NAME}");
        write!(
            scene,
            "[[record]]\nname = \"{name}\"\ntype = \"TLSA\"\nvalue = \"{record}\"\n"
        )
        .unwrap();
    }
    Lab::start(scene.as_str()).unwrap()
}

/// What is said of a chain under these records, by the MX host's name and by its alias's.
fn judge(mx_host: &str, records: &[String], chain: &[&Cert], next_hop: Option<&str>) -> Dane {
    let lab = lab(records);
    let (host, _) = host_with_dane(&lab);
    let dane = host.blocking().dane(mx_host);
    assert_eq!(dane.status(), Dane::Usable, "{records:?}");
    let chain: Vec<&[u8]> = chain.iter().map(|certificate| &*certificate.der).collect();
    dane.check(&chain, next_hop, NOW)
}

fn check(records: &[String], chain: &[&Cert]) -> Dane {
    judge(NAME, records, chain, None)
}

const ALL_WAYS: [[u8; 2]; 6] = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]];

#[test]
fn r_apply_2_dane_ee_looks_at_the_own_certificate_and_at_nothing_else() {
    let trusted = root("trusted", (2020, 2030));
    let good = issue(params(&[NAME], (2025, 2027)), &trusted);
    let bad = self_signed(params(&["other.example"], (2020, 2021))); // and expired
    let own_ca = self_signed(ca("own", (2025, 2027)));
    for [selector, matching] in ALL_WAYS {
        let kind = [3, selector, matching];
        for certificate in [&good, &bad, &own_ca] {
            let records = [tlsa(kind, certificate)];
            assert_eq!(check(&records, &[certificate]), Passed, "{kind:?}");
            assert_eq!(check(&records, &[certificate, &own_ca]), Passed, "{kind:?}");
        }
        let others = [tlsa(kind, &bad), tlsa(kind, &of(&trusted))];
        assert_eq!(check(&others, &[&good, &of(&trusted)]), Failed, "{kind:?}");
        assert_eq!(check(&others, &[&good, &bad]), Failed, "{kind:?}");
        assert_eq!(check(&others, &[]), Failed, "{kind:?}");
    }
}

#[test]
fn r_apply_2_dane_ta_wants_a_chain_to_what_the_record_says() {
    let trusted = root("trusted", (2020, 2030));
    let key = KeyPair::generate().unwrap();
    let between = Issuer::signed_by(ca("between", (2020, 2030)), key, &trusted).unwrap();
    let own = issue(params(&[NAME], (2025, 2027)), &between);
    let (top, middle) = (of(&trusted), of(&between));
    let alone = self_signed(params(&[NAME], (2025, 2027)));
    let impostor = of(&root("trusted", (2020, 2030))); // another key
    for [selector, matching] in ALL_WAYS {
        let kind = [2, selector, matching];
        let says = |certificate| [tlsa(kind, certificate)];
        assert_eq!(
            check(&says(&top), &[&own, &middle, &top]),
            Passed,
            "{kind:?}"
        );
        assert_eq!(
            check(&says(&middle), &[&own, &middle, &top]),
            Passed,
            "{kind:?}"
        );
        assert_eq!(check(&says(&middle), &[&own, &middle]), Passed, "{kind:?}");
        assert_eq!(check(&says(&top), &[&own, &top]), Failed, "{kind:?}"); // a gap
        assert_eq!(
            check(&says(&impostor), &[&own, &middle, &impostor]),
            Failed,
            "{kind:?}"
        );
        // No more than the record itself holds is known of what is not in the chain.
        let absent = check(&says(&top), &[&own, &middle]);
        assert_eq!(absent == Passed, (selector, matching) == (0, 0), "{kind:?}");
        // The own certificate is no issuer.
        for own in [&own, &alone] {
            assert_eq!(check(&says(own), &[own, &middle, &top]), Failed, "{kind:?}");
            assert_eq!(check(&says(own), &[own, own]), Failed, "{kind:?}");
        }
    }
}

#[test]
fn r_apply_2_dane_ta_looks_at_names() {
    let trusted = root("trusted", (2020, 2030));
    let top = of(&trusted);
    let records = [tlsa([2, 0, 1], &top)];
    for (name, alone, with_next_hop) in [
        (NAME, Passed, Passed),
        ("*.secure.example", Passed, Passed),
        (NEXT_HOP, Failed, Passed),
        ("alias.secure.example", Failed, Failed),
        ("other.example", Failed, Failed),
    ] {
        let own = issue(params(&[name], (2025, 2027)), &trusted);
        let chain = [&own, &top];
        assert_eq!(judge(NAME, &records, &chain, None), alone, "{name}");
        assert_eq!(
            judge(NAME, &records, &chain, Some(NEXT_HOP)),
            with_next_hop,
            "{name}"
        );
    }
    let alias = "alias.secure.example";
    for name in [NAME, alias] {
        let own = issue(params(&[name], (2025, 2027)), &trusted);
        assert_eq!(
            judge(alias, &records, &[&own, &top], None),
            Passed,
            "{name}"
        );
    }
}

#[test]
fn r_apply_2_dane_ta_looks_at_dates() {
    let trusted = root("trusted", (2020, 2030));
    let old = root("old", (2020, 2025));
    for (issuer, years, expected) in [
        (&trusted, (2025, 2027), Passed),
        (&trusted, (2024, 2025), Failed),
        (&trusted, (2027, 2028), Failed),
        (&old, (2024, 2027), Failed),
    ] {
        let own = issue(params(&[NAME], years), issuer);
        let records = [tlsa([2, 1, 1], &of(issuer))];
        assert_eq!(check(&records, &[&own, &of(issuer)]), expected, "{years:?}");
    }
}

#[test]
fn r_apply_2_one_record_that_matches_is_enough() {
    let trusted = root("trusted", (2020, 2030));
    let (top, other) = (of(&trusted), self_signed(params(&[NAME], (2025, 2027))));
    let own = issue(params(&[NAME], (2025, 2027)), &trusted);
    let chain = [&own, &top];
    let wrong = tlsa([3, 1, 1], &other);
    for right in [[3, 1, 1], [3, 0, 1], [2, 0, 1], [2, 1, 2]] {
        let speaks_of = if right[0] == 3 { &own } else { &top };
        let records = [wrong.clone(), tlsa(right, speaks_of), "1 1 1 00".to_owned()];
        assert_eq!(check(&records, &chain), Passed, "{right:?}");
    }
    assert_eq!(check(&[wrong, tlsa([2, 0, 1], &other)], &chain), Failed);
}

#[test]
fn of_the_digests_of_one_usage_and_selector_only_the_strongest_counts() {
    let [own, other] = [(); 2].map(|()| self_signed(params(&[NAME], (2025, 2027))));
    for (right, wrong, expected) in [
        ([3, 1, 2], [3, 1, 1], Passed),
        ([3, 1, 1], [3, 1, 2], Failed),
        ([3, 1, 1], [3, 0, 2], Passed), // another selector
        ([3, 1, 1], [2, 1, 2], Passed), // another usage
        ([3, 1, 1], [3, 1, 0], Passed), // no digest
        ([3, 1, 0], [3, 1, 2], Passed),
    ] {
        let records = [tlsa(right, &own), tlsa(wrong, &other)];
        assert_eq!(check(&records, &[&own]), expected, "{right:?} {wrong:?}");
    }
}
