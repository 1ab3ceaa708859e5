// SPDX-License-Identifier: MIT OR Apache-2.0

//! The reports in a mail (RFC 8460 §5.3, R-RPT-3): its parts of a report's media type, in
//! `multipart/report` or without.

use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};

/// Why nothing is taken from a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is none.
    NoMail,
    /// It has mails within mails, more than anybody forwards: they would exhaust the stack.
    Nested,
}

/// The most mentions of mails within a mail.
const MAX_NESTED: usize = 500;

/// The parts that say they are reports: their octets, whether or not they are in gzip, which they tell
/// themselves.
///
/// # Errors
/// Why there are none.
pub fn reports(octets: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    if !begins_with_header(octets) {
        return Err(Refusal::NoMail);
    }
    if mentions_of_mails(octets) > MAX_NESTED {
        return Err(Refusal::Nested);
    }
    let parser = MessageParser::new().with_mime_headers();
    let message = parser.parse(octets).ok_or(Refusal::NoMail)?;
    let mut found = Vec::new();
    collect(&message.parts, &mut found);
    Ok(found)
}

/// How often a subtype is named of which a mail within this one is: `message/rfc822`,
/// `message/global` or, of its parts, `multipart/digest`. The parser nests as deep as these say.
fn mentions_of_mails(octets: &[u8]) -> usize {
    let is_one = |at: usize| {
        let rest = &octets[at..];
        ["rfc822", "global", "digest"].iter().any(|word| {
            rest.get(..word.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    let firsts = octets.iter().enumerate();
    firsts
        .filter(|(at, b)| matches!(b.to_ascii_lowercase(), b'r' | b'g' | b'd') && is_one(*at))
        .take(MAX_NESTED + 1)
        .count()
}

/// The parser takes anything for a mail.
fn begins_with_header(octets: &[u8]) -> bool {
    let name = octets.iter().take_while(|b| **b != b':');
    let length = name.clone().count();
    (1..octets.len().min(77)).contains(&length) && name.into_iter().all(u8::is_ascii_graphic)
}

/// Also of mails within the mail, which forwarding makes.
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
