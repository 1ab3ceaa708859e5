// SPDX-License-Identifier: MIT OR Apache-2.0

//! The words by which a program says how a query, a fetch or a session ended.

use crate::problem::Thrown;
use mtasts::postfix::{Level, Version};
use mtasts::{Certificate, Dane, DomainDane, FetchFailure, Tls, TxtFailure};

fn unknown(what: &str, word: &str) -> Thrown {
    Thrown::Misuse(format!("there is no {what} {word}"))
}

pub(crate) fn txt_failure(word: &str, ttl: Option<u32>) -> Result<TxtFailure, Thrown> {
    match word {
        "no-records" => Ok(TxtFailure::NoRecords { ttl }),
        "local" => Ok(TxtFailure::Local),
        "permanent" => Ok(TxtFailure::Permanent),
        "temporary" => Ok(TxtFailure::Temporary),
        _ => Err(unknown("TXT failure", word)),
    }
}

pub(crate) fn fetch_failure(word: &str) -> Result<FetchFailure, Thrown> {
    match word {
        "body-too-large" => Ok(FetchFailure::BodyTooLarge),
        "connect" => Ok(FetchFailure::Connect),
        "dns" => Ok(FetchFailure::Dns),
        "local" => Ok(FetchFailure::Local),
        "other" => Ok(FetchFailure::Other),
        "timeout" => Ok(FetchFailure::Timeout),
        "webpki" => Ok(FetchFailure::WebPki),
        _ => Err(unknown("fetch failure", word)),
    }
}

/// `certificate` counts where TLS is established, and must be there.
pub(crate) fn tls(word: &str, certificate: Option<&str>) -> Result<Tls, Thrown> {
    match word {
        "not-tried" => Ok(Tls::NotTried),
        "not-offered" => Ok(Tls::NotOffered),
        "failed" => Ok(Tls::Failed),
        "established" => certificate
            .ok_or_else(|| unknown("certificate", "undefined"))
            .and_then(self::certificate)
            .map(Tls::Established),
        _ => Err(unknown("state of TLS", word)),
    }
}

fn certificate(word: &str) -> Result<Certificate, Thrown> {
    match word {
        "valid" => Ok(Certificate::Valid),
        "expired" => Ok(Certificate::Expired),
        "host-mismatch" => Ok(Certificate::HostMismatch),
        "invalid" => Ok(Certificate::Invalid),
        "not-trusted" => Ok(Certificate::NotTrusted),
        _ => Err(unknown("certificate", word)),
    }
}

pub(crate) fn dane(word: &str) -> Result<Dane, Thrown> {
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

pub(crate) fn domain_dane(word: &str) -> Result<DomainDane, Thrown> {
    match word {
        "none" => Ok(DomainDane::None),
        "temporary" => Ok(DomainDane::Temporary),
        "usable" => Ok(DomainDane::Usable),
        _ => Err(unknown("state of a domain's DANE", word)),
    }
}

pub(crate) fn version(word: &str) -> Result<Version, Thrown> {
    word.parse().map_err(|()| unknown("Postfix version", word))
}

pub(crate) fn level(word: &str) -> Result<Level, Thrown> {
    word.parse().map_err(|()| unknown("level", word))
}
