// SPDX-License-Identifier: MIT OR Apache-2.0

//! An HTTP response that a surface sends as it is.

use serde_json::{Value, json};
use std::borrow::Cow;

/// An HTTP response. The surface adds `Content-Length` and, to a HEAD request, leaves the body
/// out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// Header fields, their names in lower case.
    pub headers: Vec<(&'static str, Cow<'a, str>)>,
    /// The body.
    pub body: Cow<'a, [u8]>,
}

impl Reply<'static> {
    /// A value and a line feed; not to be cached.
    pub fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            headers: vec![
                ("content-type", "application/json".into()),
                ("cache-control", "no-store".into()),
            ],
            body: format!("{value}\n").into_bytes().into(),
        }
    }

    /// `{"error": why}`.
    pub fn problem(status: u16, why: &str) -> Self {
        Self::json(status, &json!({ "error": why }))
    }

    /// The path is there, but only for these methods (RFC 9110 §15.5.6).
    pub fn only(methods: &'static str) -> Self {
        let mut reply = Self::problem(405, &format!("only {methods}"));
        reply.headers.push(("allow", methods.into()));
        reply
    }
}
