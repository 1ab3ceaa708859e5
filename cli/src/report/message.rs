// SPDX-License-Identifier: MIT OR Apache-2.0

//! The reports in a mail (RFC 8460 §5.3, R-RPT-3): its parts of a report's media type, in
//! `multipart/report` or without.

use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};

/// A part that says it is a report: its octets, whether or not they are in gzip, which they tell
/// themselves. `None` where `octets` are no mail.
pub fn reports(octets: &[u8]) -> Option<Vec<Vec<u8>>> {
    if !begins_with_header(octets) {
        return None;
    }
    let message = MessageParser::new().with_mime_headers().parse(octets)?;
    let mut found = Vec::new();
    collect(&message.parts, &mut found);
    Some(found)
}

/// The parser takes anything for a mail.
fn begins_with_header(octets: &[u8]) -> bool {
    let name = octets.iter().take_while(|b| **b != b':');
    let length = name.clone().count();
    (1..octets.len().min(77)).contains(&length) && name.into_iter().all(u8::is_ascii_graphic)
}

/// Also of mails within the mail, which forwarding makes; the parser ends at three of them.
fn collect(parts: &[MessagePart<'_>], found: &mut Vec<Vec<u8>>) {
    for part in parts {
        match &part.body {
            PartType::Message(message) => collect(&message.parts, found),
            PartType::Multipart(_) => {}
            _ if is_report(part) => found.push(part.contents().to_vec()),
            _ => {}
        }
    }
}

fn is_report(part: &MessagePart<'_>) -> bool {
    let Some(media_type) = part.content_type() else {
        return false;
    };
    let subtype = media_type.subtype().unwrap_or_default();
    let is = |name: &str| subtype.eq_ignore_ascii_case(name);
    media_type.ctype().eq_ignore_ascii_case("application")
        && (is("tlsrpt+json") || is("tlsrpt+gzip"))
}
