// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLSA records (RFC 6698 §2), as far as mail servers use them (RFC 7672 §3.1).

use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use ring::digest::{SHA256, SHA512, digest};
use rustls_pki_types::CertificateDer;
use webpki::{anchor_from_trusted_cert, spki_for_anchor};

/// Whose certificate a record speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// DANE-TA(2): that of an issuer of the host's certificate.
    Issuer,
    /// DANE-EE(3): the host's own.
    Own,
}

/// What of the certificate it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Cert(0): all.
    Whole,
    /// SPKI(1): the public key.
    Key,
}

/// How it does so, the weaker first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Sha256,
    Sha512,
    /// Full(0): as it is.
    Itself,
}

/// A usable TLSA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    usage: Usage,
    part: Part,
    by: By,
    data: Vec<u8>,
}

impl Tlsa {
    /// The record, unless it is unusable (RFC 7672 §2.1.1): PKIX-TA(0) and PKIX-EE(1)
    /// (§3.1.3), numbers that are not known, and data that can match nothing.
    pub fn usable(record: &TLSA) -> Option<Self> {
        let usage = match record.cert_usage {
            CertUsage::DaneTa => Usage::Issuer,
            CertUsage::DaneEe => Usage::Own,
            _ => return None,
        };
        let part = match record.selector {
            Selector::Full => Part::Whole,
            Selector::Spki => Part::Key,
            _ => return None,
        };
        let by = match record.matching {
            Matching::Raw => By::Itself,
            Matching::Sha256 => By::Sha256,
            Matching::Sha512 => By::Sha512,
            _ => return None,
        };
        let data = record.cert_data.clone();
        is_well_formed(part, by, &data).then_some(Self {
            usage,
            part,
            by,
            data,
        })
    }

    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Whether the certificate, DER, is what the record says.
    pub fn matches(&self, certificate: &[u8]) -> bool {
        match self.part {
            Part::Whole => self.says(certificate),
            Part::Key => key(certificate).is_some_and(|key| self.says(&key)),
        }
    }

    /// The certificates that are what the record says: the one that it holds, or else those
    /// among the issuers in the chain; a bare key counts only where its certificate is there.
    /// The host's own certificate issues nothing, not even itself.
    pub fn issuers(&self, chain: &[&[u8]]) -> Vec<Vec<u8>> {
        let Some((own, others)) = chain.split_first() else {
            return Vec::new();
        };
        let candidates = match (self.part, self.by) {
            (Part::Whole, By::Itself) => &[self.data.as_slice()],
            _ => others,
        };
        let is_issuer = |candidate: &&[u8]| candidate != own && self.matches(candidate);
        candidates
            .iter()
            .copied()
            .filter(is_issuer)
            .map(<[u8]>::to_vec)
            .collect()
    }

    fn says(&self, content: &[u8]) -> bool {
        match self.by {
            By::Itself => self.data == content,
            By::Sha256 => self.data == digest(&SHA256, content).as_ref(),
            By::Sha512 => self.data == digest(&SHA512, content).as_ref(),
        }
    }

    /// Whether `other` says the same by a stronger digest, as far as one can tell.
    fn yields_to(&self, other: &Self) -> bool {
        (self.usage, self.part) == (other.usage, other.part)
            && (self.by, other.by) == (By::Sha256, By::Sha512)
    }
}

/// Digest algorithm agility (RFC 7672 §5, RFC 7671 §9): of the digests of one usage and
/// selector only the strongest counts.
pub fn strongest(records: Vec<Tlsa>) -> Vec<Tlsa> {
    let is_weak = |record: &Tlsa| records.iter().any(|other| record.yields_to(other));
    let strong = records.iter().filter(|record| !is_weak(record));
    strong.cloned().collect()
}

fn is_well_formed(part: Part, by: By, data: &[u8]) -> bool {
    match (by, part) {
        (By::Sha256, _) => data.len() == SHA256.output_len(),
        (By::Sha512, _) => data.len() == SHA512.output_len(),
        (By::Itself, Part::Whole) => key(data).is_some(),
        (By::Itself, Part::Key) => !data.is_empty(),
    }
}

/// The certificate's SubjectPublicKeyInfo. It is read as roots are, which is the lenient way: of
/// version 1 too, and whatever its extensions are, for with DANE-EE(3) nothing else matters.
fn key(certificate: &[u8]) -> Option<Vec<u8>> {
    let der = CertificateDer::from(certificate);
    let anchor = anchor_from_trusted_cert(&der).ok()?;
    Some(spki_for_anchor(&anchor).to_vec())
}
