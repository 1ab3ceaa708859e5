// SPDX-License-Identifier: MIT OR Apache-2.0

//! The HTTPS reply of a Policy Host, and whether a policy may be taken from it
//! (RFC 8461 §3.2, §3.3).

use crate::error::Error;
use crate::policy::Policy;
use crate::reason::Reason;
use alloc::{string::String, vec::Vec};

/// Where a Policy Host serves its policy (RFC 8461 §3.3).
pub const WELL_KNOWN_PATH: &str = "/.well-known/mta-sts.txt";

/// What a host's HTTPS client got: the reply to the first request, of which no redirect was
/// followed and which no cache answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpsReply {
    /// The status code.
    pub status: u16,
    /// The value of `Content-Type`; several are joined by commas, which refuses them.
    pub content_type: Option<String>,
    /// The whole body, without transfer coding. A host that reads more octets than
    /// [`crate::Fetch::max_body`] stops and answers [`crate::FetchFailure::BodyTooLarge`].
    pub body: Vec<u8>,
}

/// The policy of a reply: only status 200 (R-GET-2) and `text/plain` (R-GET-3) count, and a
/// body of at most `max_body` octets (R-POL-7).
///
/// # Errors
/// The reason, and for [`Reason::PolicyInvalid`] what is wrong with the policy.
pub fn accept(reply: &HttpsReply, max_body: usize) -> Result<Policy, (Reason, Option<Error>)> {
    if reply.status != 200 {
        return Err((Reason::Status(reply.status), None));
    }
    if !reply.content_type.as_deref().is_some_and(is_text_plain) {
        return Err((Reason::MediaType, None));
    }
    if reply.body.len() > max_body {
        return Err((Reason::BodyTooLarge, None));
    }
    Policy::parse(&reply.body).map_err(|error| (Reason::PolicyInvalid, Some(error)))
}

/// `text/plain`, in any case, with or without parameters.
fn is_text_plain(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    // A comma outside quotes joins several headers, and no one can say which of them counts.
    let is_one = !content_type
        .split('"')
        .step_by(2)
        .any(|unquoted| unquoted.contains(','));
    is_one
        && media_type
            .trim_matches([' ', '\t'])
            .eq_ignore_ascii_case("text/plain")
}
