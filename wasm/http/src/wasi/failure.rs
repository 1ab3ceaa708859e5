// SPDX-License-Identifier: MIT OR Apache-2.0

//! WASI's error codes as failures of a fetch (R-RPT-2). What the runtime forbids or lacks is not
//! the domain's failure.

use crate::failure::told;
use mtasts::FetchFailure;
use wasip2::http::types::ErrorCode;

pub fn failure(code: &ErrorCode) -> FetchFailure {
    use ErrorCode::*;
    match code {
        ConfigurationError | ConnectionLimitReached | HttpRequestDenied | LoopDetected => {
            FetchFailure::Local
        }
        ConnectionReadTimeout
        | ConnectionTimeout
        | ConnectionWriteTimeout
        | HttpResponseTimeout => FetchFailure::Timeout,
        ConnectionRefused
        | ConnectionTerminated
        | DestinationIpProhibited
        | DestinationIpUnroutable
        | DestinationUnavailable
        | HttpProtocolError // of a connection that breaks, for jco and wasmtime
        | HttpResponseIncomplete
        | TlsAlertReceived(_) => FetchFailure::Connect,
        DestinationNotFound | DnsError(_) | DnsTimeout => FetchFailure::Dns,
        HttpResponseBodySize(_) => FetchFailure::BodyTooLarge,
        InternalError(words) => told(words.as_deref().unwrap_or_default()),
        // Wasmtime has no other code for a certificate that is not valid.
        TlsCertificateError | TlsProtocolError => FetchFailure::WebPki,
        _ => FetchFailure::Other,
    }
}
