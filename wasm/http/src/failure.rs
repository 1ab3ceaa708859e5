// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a runtime's words about an error mean, where it has none of the error codes of WASI for it.
//! Only the reason that is told depends on it: without a reply there is no policy (R-GET-2).

use mtasts::FetchFailure;

/// Words by which Node.js and OpenSSL, rustls and hyper say what is wrong, in lower case.
const WORDS: &[(&[&str], FetchFailure)] = &[
    (&["certificate", "altname", "cert_"], FetchFailure::WebPki),
    (
        &["emfile", "enfile", "too many open files"],
        FetchFailure::Local,
    ),
    (&["getaddrinfo", "dns "], FetchFailure::Dns),
    (
        &["timed out", "timeout", "etimedout"],
        FetchFailure::Timeout,
    ),
    (
        &["parse error", "wrong version number", "corrupt message"],
        FetchFailure::Other,
    ),
];

/// The failure that these words tell of; [`FetchFailure::Connect`] where they are none of those
/// that are known.
pub fn told(words: &str) -> FetchFailure {
    let words = words.to_ascii_lowercase();
    let has_any = |known: &&[&str]| known.iter().any(|word| words.contains(word));
    let known = WORDS.iter().find(|(known, _)| has_any(known));
    known.map_or(FetchFailure::Connect, |(_, failure)| *failure)
}
