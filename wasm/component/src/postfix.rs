// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `postfix`.

use crate::Component;
use crate::exports::postfix as wit;
use crate::outcome::OutcomeHandle;
use crate::words::small;
use mtasts::DomainDane;
use mtasts::postfix::{self, Found, Level, Style, Version, netstring};

impl wit::Guest for Component {
    fn policy(
        outcome: wit::OutcomeBorrow<'_>,
        dane: wit::DomainDane,
        style: wit::Style,
    ) -> wit::Answer {
        let outcome = &outcome.get::<OutcomeHandle>().0;
        let mut value = Vec::new();
        match postfix::policy(outcome, domain_dane(dane), &self::style(style), &mut value) {
            Found::Policy => {
                String::from_utf8(value).map_or(wit::Answer::Temporary, wit::Answer::Value)
            } // it is made of texts
            Found::NotFound => wit::Answer::NotFound,
            Found::Temporary => wit::Answer::Temporary,
        }
    }

    fn next_hop(key: String) -> Option<String> {
        postfix::next_hop(&key).map(str::to_owned)
    }

    fn read_netstring(
        input: Vec<u8>,
        limit: u32,
    ) -> Result<Option<wit::Netstring>, wit::NetstringError> {
        let whole = |(payload, length): (&[u8], usize)| wit::Netstring {
            payload: payload.to_vec(),
            length: small(length),
        };
        let parsed = netstring::parse(&input, limit as usize);
        parsed
            .map(|found| found.map(whole))
            .map_err(netstring_error)
    }

    fn write_netstring(payload: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() + 12);
        netstring::frame(&mut out, |out| out.extend_from_slice(&payload));
        out
    }
}

fn domain_dane(dane: wit::DomainDane) -> DomainDane {
    match dane {
        wit::DomainDane::None => DomainDane::None,
        wit::DomainDane::Temporary => DomainDane::Temporary,
        wit::DomainDane::Usable => DomainDane::Usable,
    }
}

fn style(style: wit::Style) -> Style {
    let version = match style.version {
        wit::Version::Postfix30 => Version::V3_0,
        wit::Version::Postfix34 => Version::V3_4,
        wit::Version::Postfix310 => Version::V3_10,
    };
    let level = style.level.map(|level| match level {
        wit::Level::May => Level::May,
        wit::Level::Encrypt => Level::Encrypt,
    });
    Style { version, level }
}

fn netstring_error(error: netstring::NetstringError) -> wit::NetstringError {
    use netstring::NetstringError as From;
    use wit::NetstringError as To;
    match error {
        From::EmptyLength => To::EmptyLength,
        From::LeadingZero => To::LeadingZero,
        From::MissingComma => To::MissingComma,
        From::NotADigit => To::NotADigit,
        From::TooLong => To::TooLong,
    }
}
