// SPDX-License-Identifier: MIT OR Apache-2.0

//! One policy that is served, and its `id` (RFC 8461 §3.1, §3.3).

use crate::reply::Reply;
use mtasts::{Error, Policy};
use siphasher::sip128::SipHasher13;
use std::borrow::Cow;

/// A policy as it is served.
#[derive(Clone, Debug)]
pub struct Served {
    name: String,
    /// Lines end in CRLF.
    body: Box<[u8]>,
    id: String,
    etag: String,
}

/// The `id` of a policy: a hash of the text as it is served, so that the same policy always has
/// the same one, and another another (R-PUB-1). 16 hexadecimal digits.
pub fn id(body: &[u8]) -> String {
    let hash = SipHasher13::new().hash(body);
    format!("{:016x}", hash.h1)
}

impl Served {
    /// Takes a policy that is legal to the letter.
    pub fn new(name: &str, text: &str) -> Result<Self, Error> {
        Policy::parse_strict(text.as_bytes())?;
        let mut body = String::with_capacity(text.len() + 8);
        for line in text.lines() {
            body.push_str(line);
            body.push_str("\r\n");
        }
        Policy::parse_strict(body.as_bytes())?; // the line ends may make it too large
        let id = id(body.as_bytes());
        Ok(Self {
            name: name.to_owned(),
            body: body.into_bytes().into(),
            etag: format!("\"{id}\""),
            id,
        })
    }

    /// What the configuration calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of the TXT record.
    pub fn record(&self) -> String {
        format!("v=STSv1; id={};", self.id)
    }

    /// Serves the policy to a client that has one of `if_none_match` (RFC 9110 §13.1.2).
    pub fn answer(&self, method: &str, if_none_match: Option<&str>) -> Reply<'_> {
        if !matches!(method, "GET" | "HEAD") {
            return text(405, "only GET, HEAD\r\n", Some(("allow", "GET, HEAD")));
        }
        let is_known = if_none_match.is_some_and(|tags| self.is_among(tags));
        let mut headers = vec![
            ("etag", Cow::from(self.etag.as_str())),
            ("mta-sts-id", Cow::from(self.id.as_str())),
        ];
        if is_known {
            return Reply {
                status: 304,
                headers,
                body: Cow::Borrowed(&[]),
            };
        }
        headers.push(("content-type", "text/plain".into()));
        Reply {
            status: 200,
            headers,
            body: Cow::Borrowed(&self.body),
        }
    }

    /// A proxy that compresses what it passes on makes the tag a weak one; that is good enough.
    fn is_among(&self, tags: &str) -> bool {
        tags.split(',')
            .map(|tag| tag.trim_matches([' ', '\t']))
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag)
    }

    /// The domain has no policy here.
    pub fn not_found() -> Reply<'static> {
        text(404, "no policy of this domain is served here\r\n", None)
    }
}

fn text(
    status: u16,
    body: &'static str,
    header: Option<(&'static str, &'static str)>,
) -> Reply<'static> {
    let more = header.map(|(name, value)| (name, value.into()));
    let headers = [("content-type", "text/plain".into())];
    Reply {
        status,
        headers: headers.into_iter().chain(more).collect(),
        body: body.as_bytes().into(),
    }
}
