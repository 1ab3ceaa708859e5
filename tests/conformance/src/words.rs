// SPDX-License-Identifier: MIT OR Apache-2.0

//! The words of the vectors and the protocol for the crate's enumerations.

use crate::json::Stop;
use mtasts::{Certificate, Dane, DomainDane, FetchFailure, Tls, TxtFailure};
use std::fmt::Debug;

/// `MxNotAscii` → `mx-not-ascii`: the words for errors and warnings are their names.
pub fn kebab(name: impl Debug) -> String {
    let mut word = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

fn unknown(what: &str, word: &str) -> Stop {
    Stop::failed(format!("there is no {what} {word:?}"))
}

pub fn txt_failure(word: &str, ttl: Option<u32>) -> Result<TxtFailure, Stop> {
    match word {
        "no-records" => Ok(TxtFailure::NoRecords { ttl }),
        "local" => Ok(TxtFailure::Local),
        "permanent" => Ok(TxtFailure::Permanent),
        "temporary" => Ok(TxtFailure::Temporary),
        _ => Err(unknown("TXT failure", word)),
    }
}

pub fn fetch_failure(word: &str) -> Result<FetchFailure, Stop> {
    match word {
        "body-too-large" => Ok(FetchFailure::BodyTooLarge),
        "connect" => Ok(FetchFailure::Connect),
        "dns" => Ok(FetchFailure::Dns),
        "other" => Ok(FetchFailure::Other),
        "timeout" => Ok(FetchFailure::Timeout),
        "local" => Ok(FetchFailure::Local),
        "webpki" => Ok(FetchFailure::WebPki),
        _ => Err(unknown("fetch failure", word)),
    }
}

pub fn tls(word: &str, certificate: &str) -> Result<Tls, Stop> {
    match word {
        "not-tried" => Ok(Tls::NotTried),
        "not-offered" => Ok(Tls::NotOffered),
        "failed" => Ok(Tls::Failed),
        "established" => Ok(Tls::Established(self::certificate(certificate)?)),
        _ => Err(unknown("state of TLS", word)),
    }
}

fn certificate(word: &str) -> Result<Certificate, Stop> {
    match word {
        "valid" => Ok(Certificate::Valid),
        "expired" => Ok(Certificate::Expired),
        "host-mismatch" => Ok(Certificate::HostMismatch),
        "invalid" => Ok(Certificate::Invalid),
        "not-trusted" => Ok(Certificate::NotTrusted),
        _ => Err(unknown("state of a certificate", word)),
    }
}

pub fn dane(word: &str) -> Result<Dane, Stop> {
    match word {
        "not-used" => Ok(Dane::NotUsed),
        "lookup-failed" => Ok(Dane::LookupFailed),
        "unusable" => Ok(Dane::Unusable),
        "usable" => Ok(Dane::Usable),
        "passed" => Ok(Dane::Passed),
        "failed" => Ok(Dane::Failed),
        _ => Err(unknown("state of DANE", word)),
    }
}

pub fn domain_dane(word: &str) -> Result<DomainDane, Stop> {
    match word {
        "none" => Ok(DomainDane::None),
        "temporary" => Ok(DomainDane::Temporary),
        "usable" => Ok(DomainDane::Usable),
        _ => Err(unknown("state of a domain's DANE", word)),
    }
}
