// SPDX-License-Identifier: MIT OR Apache-2.0

//! Certificates: names, and chains whose signatures all count as good, so that what a forger cannot
//! reach is tried as well.

use mtasts::certificate::check_name;
use mtasts::chain::Roots;
use mtasts::{Certificate, ErrorKind, UnixTime};
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

const NAMES: [&str; 6] = [
    "mx.example.com",
    "MX.Example.COM.",
    "a.mx.example.com",
    "example.com",
    "192.0.2.1",
    "*.example.com",
];

/// A certificate, after an octet that picks the name.
pub fn name(data: &[u8]) {
    let Some((pick, der)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*pick) % NAMES.len()];
    match check_name(der, name) {
        Ok(()) => {
            assert!(!name.starts_with('*') && !name.ends_with('1'));
            // In any case, with and without a final dot.
            let other = format!("{}.", name.trim_end_matches('.').to_ascii_uppercase());
            assert_eq!(check_name(der, &other), Ok(()));
        }
        Err(error) => assert!(matches!(
            error.kind(),
            ErrorKind::Certificate | ErrorKind::CertificateHostMismatch | ErrorKind::HostName
        )),
    }
}

#[derive(Debug)]
struct Trusting {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Trusting {
    fn verify_signature(&self, _: &[u8], _: &[u8], signed: &[u8]) -> Result<(), InvalidSignature> {
        if signed.is_empty() {
            Err(InvalidSignature)
        } else {
            Ok(())
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 3] = [
    &Trusting {
        key: alg_id::ECDSA_P256,
        signature: alg_id::ECDSA_SHA256,
    },
    &Trusting {
        key: alg_id::RSA_ENCRYPTION,
        signature: alg_id::RSA_PKCS1_SHA256,
    },
    &Trusting {
        key: alg_id::ED25519,
        signature: alg_id::ED25519,
    },
];

/// An octet that picks the name, four that are the time, then certificates, each after its length in
/// two octets: the root first, then the chain, the host's own first.
pub fn chain(data: &[u8]) {
    let Some((head, mut rest)) = data.split_first_chunk::<5>() else {
        return;
    };
    let [pick, time @ ..] = *head;
    let name = NAMES[usize::from(pick) % NAMES.len()];
    let now = UnixTime(u32::from_be_bytes(time).into());
    let mut certificates = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len)).min(after.len());
        let (der, after) = after.split_at(len);
        certificates.push(der);
        rest = after;
    }
    let Some((root, chain)) = certificates.split_first() else {
        return;
    };
    let roots = Roots::new(&[CertificateDer::from(*root)]);
    let judged = roots.verify(chain, name, now, &ALGORITHMS);
    if judged == Certificate::Valid {
        assert!(!roots.is_empty());
        assert_eq!(check_name(chain[0], name), Ok(()));
        let none = Roots::new(&[]).verify(chain, name, now, &ALGORITHMS);
        assert_ne!(none, Certificate::Valid);
        let without = roots.verify(chain, name, now, &[]);
        assert_ne!(without, Certificate::Valid);
    }
    assert_eq!(
        roots.verify(&[], name, now, &ALGORITHMS),
        Certificate::Invalid
    );
}
