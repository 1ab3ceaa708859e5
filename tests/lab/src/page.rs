// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a policy host answers: the policy (RFC 8461 §3.2), or what the domain's `https` makes
//! of it.

use crate::{
    domain::Domain,
    fault::{HttpsFault, Mode},
    scene::LURE,
};

/// Where the policy is (RFC 8461 §3.3).
pub const PATH: &str = "/.well-known/mta-sts.txt";

/// More than the 64 KiB that RFC 8461 §3.3 advises clients to take.
const OVERSIZE: usize = 70_000;

/// An HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The Content-Type.
    pub media_type: Option<String>,
    /// Further header fields.
    pub fields: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the body goes in chunks.
    pub chunked: bool,
    /// How many octets Content-Length adds to the body's.
    pub missing: usize,
}

impl Page {
    /// A short answer in plain text.
    pub fn plain(status: u16, text: &str) -> Self {
        let media_type = Some("text/plain".to_owned());
        Self {
            status,
            media_type,
            body: text.into(),
            ..Self::default()
        }
    }

    /// What a domain's policy host answers.
    pub fn of(domain: &Domain, https_port: u16) -> Self {
        let mut page = Self::faulty(domain, https_port);
        if let Some(status) = domain.status {
            page.status = status;
        }
        if let Some(media_type) = &domain.media_type {
            page.media_type = Some(media_type.clone());
        }
        page
    }

    fn faulty(domain: &Domain, https_port: u16) -> Self {
        let Some(body) = body(domain) else {
            return Self::plain(404, "no policy here\r\n");
        };
        let media_type = Some("text/plain; charset=utf-8".to_owned());
        let page = Self {
            status: 200,
            media_type,
            body,
            ..Self::default()
        };
        match domain.https {
            HttpsFault::Redirect => redirect(domain, https_port),
            HttpsFault::Notfound => Self::plain(404, "not found\r\n"),
            HttpsFault::Error500 => Self::plain(500, "out of order\r\n"),
            HttpsFault::Html => html(),
            HttpsFault::Notype => Self {
                media_type: None,
                ..page
            },
            HttpsFault::Oversize => Self {
                body: padded(page.body, OVERSIZE),
                ..page
            },
            HttpsFault::Chunked => Self {
                chunked: true,
                ..page
            },
            HttpsFault::Gzip => gzip(page),
            HttpsFault::Truncated => Self {
                missing: 100,
                ..page
            },
            _ => page,
        }
    }

    /// The octets on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        if let Some(media_type) = &self.media_type {
            head += &format!("Content-Type: {media_type}\r\n");
        }
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        if self.chunked {
            head += "Transfer-Encoding: chunked\r\n";
        } else {
            head += &format!("Content-Length: {}\r\n", self.body.len() + self.missing);
        }
        head += "Connection: close\r\n\r\n";
        let body = if self.chunked {
            chunks(&self.body)
        } else {
            self.body.clone()
        };
        [head.into_bytes(), body].concat()
    }
}

/// The body that the domain's keys make, if they make one.
fn body(domain: &Domain) -> Option<Vec<u8>> {
    let given = domain
        .body
        .as_ref()
        .or(domain.policy_text.as_ref())
        .cloned();
    let body = given.or_else(|| Some(policy(domain, domain.policy?).into_bytes()))?;
    Some(match domain.pad {
        Some(length) => padded(body, length),
        None => body,
    })
}

fn policy(domain: &Domain, mode: Mode) -> String {
    let mut text = format!("version: STSv1\r\nmode: {}\r\n", mode.word());
    let hosts = domain.mx.iter().map(|mx| &mx.host);
    let patterns: Vec<_> = match &domain.policy_mx {
        Some(patterns) => patterns.iter().collect(),
        None => hosts.collect(),
    };
    for pattern in patterns {
        text += &format!("mx: {pattern}\r\n");
    }
    text + &format!("max_age: {}\r\n", domain.max_age)
}

/// The body with an extension field that brings it to `length` octets, if that is possible.
fn padded(mut body: Vec<u8>, length: usize) -> Vec<u8> {
    const FIELD: &[u8] = b"x-pad: ";
    const END: &[u8] = b"\r\n";
    if let Some(rest) = length.checked_sub(body.len() + FIELD.len() + END.len() + 1) {
        body.extend_from_slice(FIELD);
        body.resize(body.len() + rest + 1, b'x');
        body.extend_from_slice(END);
    }
    body
}

fn redirect(domain: &Domain, https_port: u16) -> Page {
    let lure = || format!("https://mta-sts.{LURE}:{https_port}{PATH}");
    let location = domain.location.clone().unwrap_or_else(lure);
    let fields = vec![("Location", location)];
    Page {
        fields,
        ..Page::plain(301, "moved\r\n")
    }
}

fn html() -> Page {
    let body = "<!DOCTYPE html>\n<title>Welcome</title>\n<p>Your new web server is ready.\n";
    let media_type = Some("text/html; charset=utf-8".to_owned());
    Page {
        status: 200,
        media_type,
        body: body.into(),
        ..Page::default()
    }
}

fn chunks(body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for chunk in body.chunks(20) {
        octets.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        octets.extend(chunk);
        octets.extend(b"\r\n");
    }
    octets.extend(b"0\r\n\r\n");
    octets
}

fn gzip(page: Page) -> Page {
    let fields = vec![("Content-Encoding", "gzip".to_owned())];
    Page {
        body: gzip_stored(&page.body),
        fields,
        ..page
    }
}

/// RFC 1952 around the one stored block that RFC 1951 allows; at most 65535 octets.
fn gzip_stored(data: &[u8]) -> Vec<u8> {
    let data = &data[..data.len().min(65_535)];
    let length = data.len() as u16;
    let mut octets = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    octets.extend(length.to_le_bytes());
    octets.extend((!length).to_le_bytes());
    octets.extend(data);
    octets.extend(crc32(data).to_le_bytes());
    octets.extend(u32::from(length).to_le_bytes());
    octets
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        _ => "Status",
    }
}
