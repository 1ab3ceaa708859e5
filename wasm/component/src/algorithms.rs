// SPDX-License-Identifier: MIT OR Apache-2.0

//! The signatures that certificates bear, verified by RustCrypto. It only verifies: no secret is
//! anywhere near, so that how long something takes tells nobody anything.

use ed25519_dalek::Verifier;
use mtasts::chain::Algorithms;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{PublicKey, pkcs1v15, pss};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use sha2::digest::FixedOutputReset;
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Those that libmtasts-host verifies too.
pub(crate) const ALGORITHMS: &Algorithms = &[
    &Algorithm::new(alg_id::ECDSA_P256, alg_id::ECDSA_SHA256, p256::<Sha256>),
    &Algorithm::new(alg_id::ECDSA_P256, alg_id::ECDSA_SHA384, p256::<Sha384>),
    &Algorithm::new(alg_id::ECDSA_P384, alg_id::ECDSA_SHA256, p384::<Sha256>),
    &Algorithm::new(alg_id::ECDSA_P384, alg_id::ECDSA_SHA384, p384::<Sha384>),
    &Algorithm::new(alg_id::ED25519, alg_id::ED25519, ed25519),
    &Algorithm::rsa(alg_id::RSA_PSS_SHA256, rsa_pss::<Sha256>),
    &Algorithm::rsa(alg_id::RSA_PSS_SHA384, rsa_pss::<Sha384>),
    &Algorithm::rsa(alg_id::RSA_PSS_SHA512, rsa_pss::<Sha512>),
    &Algorithm::rsa(alg_id::RSA_PKCS1_SHA256, rsa_pkcs1::<Sha256>),
    &Algorithm::rsa(alg_id::RSA_PKCS1_SHA384, rsa_pkcs1::<Sha384>),
    &Algorithm::rsa(alg_id::RSA_PKCS1_SHA512, rsa_pkcs1::<Sha512>),
];

/// Whether `signature` is that of `message` by the key, `None` for no.
type Verify = fn(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()>;

#[derive(Debug)]
struct Algorithm {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    verify: Verify,
}

impl Algorithm {
    const fn new(key: AlgorithmIdentifier, signature: AlgorithmIdentifier, verify: Verify) -> Self {
        Self {
            key,
            signature,
            verify,
        }
    }

    const fn rsa(signature: AlgorithmIdentifier, verify: Verify) -> Self {
        Self::new(alg_id::RSA_ENCRYPTION, signature, verify)
    }
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        (self.verify)(public_key, message, signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

fn p256<D: Digest>(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(&D::digest(message), &signature).ok()
}

fn p384<D: Digest>(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(&D::digest(message), &signature).ok()
}

fn ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    key.verify(message, &signature).ok()
}

fn rsa_pss<D: Digest + FixedOutputReset>(
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<()> {
    let signature = pss::Signature::try_from(signature).ok()?;
    let key = pss::VerifyingKey::<D>::new(rsa_key(key)?);
    key.verify_prehash(&D::digest(message), &signature).ok()
}

fn rsa_pkcs1<D: Digest + AssociatedOid>(
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<()> {
    let signature = pkcs1v15::Signature::try_from(signature).ok()?;
    let key = pkcs1v15::VerifyingKey::<D>::new(rsa_key(key)?);
    key.verify_prehash(&D::digest(message), &signature).ok()
}

/// A key of 2048 to 8192 bits.
fn rsa_key(der: &[u8]) -> Option<PublicKey> {
    let key = PublicKey::from_pkcs1_der(der).ok()?;
    (key.n().bit_width() >= 2048).then_some(key)
}
