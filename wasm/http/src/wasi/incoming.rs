// SPDX-License-Identifier: MIT OR Apache-2.0

//! Requests that come in, and responses that go out.

use mtasts_web::{Reply, publish};
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// The most octets that a stream takes at once (`blocking-write-and-flush`).
const CHUNK: usize = 4_096;

/// A request, as far as it matters here.
pub struct Request {
    method: String,
    authority: String,
    path: String,
    if_none_match: Option<String>,
}

impl Request {
    pub fn read(request: &IncomingRequest) -> Self {
        let headers = request.headers();
        Self {
            method: method(request.method()),
            authority: request
                .authority()
                .or_else(|| field(&headers, "host"))
                .unwrap_or_default(),
            path: request.path_with_query().unwrap_or_default(),
            if_none_match: field(&headers, "if-none-match"),
        }
    }

    pub fn parts(&self) -> publish::Request<'_> {
        publish::Request {
            method: &self.method,
            authority: &self.authority,
            path: &self.path,
            if_none_match: self.if_none_match.as_deref(),
        }
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

fn method(method: Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Other(name) => name,
        _ => "another".to_owned(), // none of them is allowed anywhere
    }
}

/// All values of a header field, joined by commas.
pub fn field(fields: &Fields, name: &str) -> Option<String> {
    let values = fields.get(name);
    let texts: Vec<_> = values
        .iter()
        .map(|value| String::from_utf8_lossy(value))
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Sends a reply. Where that fails the client is gone, which is no news.
pub fn respond(out: ResponseOutparam, reply: &Reply<'_>, is_head: bool) {
    let response = OutgoingResponse::new(fields(reply));
    let _ = response.set_status_code(reply.status);
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(out, Ok(response));
    if !is_head {
        let _ = write(&body, &reply.body);
    }
    // To a HEAD request `Content-Length` says more than there is, which is refused here and harms
    // nobody: the response's head is on its way, and nobody waits for a body.
    let _ = OutgoingBody::finish(body, None);
}

fn fields(reply: &Reply<'_>) -> Fields {
    let fields = Fields::new();
    for (name, value) in &reply.headers {
        let _ = fields.append(name, value.as_bytes());
    }
    if reply.status != 304 {
        let length = reply.body.len().to_string();
        let _ = fields.append("content-length", length.as_bytes());
    }
    fields
}

fn write(body: &OutgoingBody, octets: &[u8]) -> Result<(), ()> {
    let stream = body.write()?;
    octets
        .chunks(CHUNK)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk).map_err(|_| ()))
}
