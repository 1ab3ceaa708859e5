// SPDX-License-Identifier: MIT OR Apache-2.0

//! What clients of the policy server send: netstrings by Postfix, lines by Exim.

use crate::answers::outcomes;
use mtasts::postfix::netstring::{self, NetstringError};
use mtasts::postfix::{self, Found, Level, MAX_REPLY, Style, Version};
use mtasts::{DomainDane, PolicyDomain};

#[path = "../../cli/src/serve/name.rs"]
mod name;
#[path = "../../cli/src/serve/request.rs"]
mod request;

use name::{Buffer, Name};
use request::Request;

/// As the server has it.
const MAX_REQUEST: usize = 10_000;

/// Netstrings, which come in pieces: whatever is cut off, what is there is read as in the whole.
pub fn socketmap(data: &[u8]) {
    let mut rest = data;
    loop {
        let parsed = netstring::parse(rest, MAX_REQUEST);
        check_pieces(rest, &parsed);
        let Ok(Some((payload, len))) = parsed else {
            return;
        };
        let mut framed = Vec::new();
        netstring::frame(&mut framed, |out| out.extend_from_slice(payload));
        assert_eq!(framed, rest[..len]);
        request_of(payload);
        rest = &rest[len..];
    }
}

type Parsed<'a> = Result<Option<(&'a [u8], usize)>, NetstringError>;

fn check_pieces(input: &[u8], whole: &Parsed<'_>) {
    let seen = match whole {
        Ok(Some((payload, len))) => {
            assert!(payload.len() <= MAX_REQUEST && *len <= input.len());
            *len
        }
        _ => input.len(),
    };
    for end in (0..seen).take(24).chain(seen.saturating_sub(2)..seen) {
        match (netstring::parse(&input[..end], MAX_REQUEST), whole) {
            (Ok(None), _) => {}
            (Err(early), Err(late)) => assert_eq!(early, *late),
            (piece, _) => panic!("{piece:?} of the first {end}, and {whole:?}"),
        }
    }
}

fn request_of(payload: &[u8]) {
    let Some((map, key)) = netstring::request(payload) else {
        return;
    };
    assert!(!map.contains(' '));
    let Some(name) = postfix::next_hop(key) else {
        return;
    };
    assert!(key.contains(name) && !name.is_empty());
    let of_name = domain(Name::of(name));
    let mut buffer = Buffer::new();
    if let (Some(lower), true) = (buffer.lower(name), name.is_ascii()) {
        // What the server looks for first is what it asks for else.
        let by_lower: Option<PolicyDomain> = lower.parse().ok();
        let by_lower = by_lower.filter(|domain| domain.as_str() == lower); // without a second dot
        assert_eq!(by_lower, of_name, "{name:?}");
    }
    replies(payload);
}

fn domain(name: Name) -> Option<PolicyDomain> {
    match name {
        Name::Domain(domain) => Some(domain),
        Name::NoDomain | Name::Unknown => None,
    }
}

/// All that may be answered is one netstring that Postfix takes, of one line.
fn replies(seed: &[u8]) {
    let versions = [Version::V3_0, Version::V3_4, Version::V3_10];
    let levels = [None, Some(Level::May), Some(Level::Encrypt)];
    let danes = [DomainDane::None, DomainDane::Temporary, DomainDane::Usable];
    let pick = seed
        .iter()
        .fold(0_usize, |sum, b| sum * 31 % 65_521 + usize::from(*b));
    let (version, level) = (versions[pick % 3], levels[pick / 3 % 3]);
    let (dane, style) = (danes[pick / 9 % 3], Style { version, level });
    for outcome in outcomes(seed) {
        let mut value = b"x".to_vec();
        let found = postfix::policy(&outcome, dane, &style, &mut value);
        assert_eq!(value.len() > 1, found == Found::Policy);
        assert!(value.len() + 2 <= MAX_REPLY);
        assert!(!value.iter().any(|b| b.is_ascii_control()));
        let waits = dane == DomainDane::Temporary || outcome.is_try_later();
        assert_eq!(waits, found == Found::Temporary);
        if outcome.is_enforced() && !waits {
            let level = if dane == DomainDane::Usable {
                "dane-only"
            } else {
                "secure match="
            };
            assert!(value[1..].starts_with(level.as_bytes()));
        }
    }
}

/// A line of Exim's.
pub fn readsocket(data: &[u8]) {
    for line in data.split_inclusive(|b| *b == b'\n') {
        match Request::of(line) {
            Request::Policy(name) => check_name(name),
            Request::Route(name, again) => {
                assert!(!again || line.ends_with(b"again") || line.contains(&b' '));
                check_name(name);
            }
            Request::Hosts(name, hosts) => {
                check_name(name);
                let is_word = |host: &&str| {
                    !host.is_empty() && !host.contains([' ', '\t', '\n', '\r', ':', ','])
                };
                assert!(hosts.iter().all(is_word), "{hosts:?}"); // they are sent back as A:B
            }
            Request::Unknown => {}
        }
    }
}

fn check_name(name: Name) {
    if let Some(domain) = domain(name) {
        let again: Result<PolicyDomain, _> = domain.as_str().parse();
        assert_eq!(again, Ok(domain));
    }
}
