// SPDX-License-Identifier: MIT OR Apache-2.0

//! What came of an HTTP request that Envoy made. Envoy answers in an upstream's stead where there
//! is none: a 502, 503 or 504 with a line of text. So a 200 is always an upstream's own, and counts;
//! what else there is, is told apart only for the reason that is reported (R-GET-2, R-RPT-2).

use mtasts::{FetchFailure, HttpsReply, TxtFailure};
use mtasts_web::doh;

/// The response to a call.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status; 0 where there is no response at all.
    pub status: u16,
    /// The value of `Content-Type`, several joined by commas.
    pub content_type: Option<String>,
    /// The value of `Age`.
    pub age: Option<String>,
    /// Whether Envoy says that an upstream took part: it adds a header to what an upstream sends.
    pub is_upstream: bool,
    /// Whether a header says where the body ends: `Content-Length` or `Transfer-Encoding`.
    pub has_end: bool,
    /// How large the body is.
    pub size: usize,
    /// The body, or as much of it as was read.
    pub body: Vec<u8>,
}

impl Response {
    /// How much of a body of `size` octets is worth reading, if at most `max` are wanted.
    pub const fn worth_reading(size: usize, max: usize) -> usize {
        if size > max { 0 } else { size }
    }

    /// The status and, where Envoy speaks, what it says: for the log.
    pub fn words(&self) -> String {
        let text = match self.is_upstream {
            true => String::new(), // it could be anything
            false => String::from_utf8_lossy(&self.body)
                .chars()
                .take(300)
                .collect(),
        };
        format!("status {} {text}", self.status)
    }

    /// As a policy host's reply.
    ///
    /// # Errors
    /// What failed on the way to the policy host, as far as Envoy tells.
    pub fn into_policy(self, max_body: usize) -> Result<HttpsReply, FetchFailure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if self.status == 200 && self.size > max_body {
            return Err(FetchFailure::BodyTooLarge);
        }
        if self.status == 200 && !self.has_end {
            // R-GET-1: it may have been cut, as Envoy does not tell whether TLS was closed.
            return Err(FetchFailure::Other);
        }
        Ok(HttpsReply {
            status: self.status,
            content_type: self.content_type,
            body: self.body,
        })
    }

    /// As a DNS server's reply.
    ///
    /// # Errors
    /// [`TxtFailure::Local`] where Envoy has not even tried.
    pub fn as_dns(&self) -> Result<doh::Reply<'_>, TxtFailure> {
        if self.failure() == Some(FetchFailure::Local) {
            return Err(TxtFailure::Local);
        }
        Ok(doh::Reply {
            status: self.status,
            content_type: self.content_type.as_deref(),
            age: self.age.as_deref(),
            body: &self.body,
        })
    }

    /// Why there is no upstream's own reply.
    fn failure(&self) -> Option<FetchFailure> {
        match self.status {
            0 => Some(FetchFailure::Connect),
            502..=504 if !self.is_upstream => Some(told(&self.body)),
            _ => None,
        }
    }
}

/// The failure that a line of Envoy's tells of.
fn told(body: &[u8]) -> FetchFailure {
    let text = String::from_utf8_lossy(body);
    let says = |words: &str| text.contains(words);
    if says("CERTIFICATE_VERIFY_FAILED") {
        FetchFailure::WebPki
    } else if says("overflow") {
        FetchFailure::Local
    } else if says("dns_resolution_failure") || says("DNS") || says("no healthy upstream") {
        FetchFailure::Dns
    } else if says("timeout") {
        FetchFailure::Timeout
    } else if says("WRONG_VERSION_NUMBER") || says("protocol error") {
        FetchFailure::Other
    } else {
        FetchFailure::Connect
    }
}
