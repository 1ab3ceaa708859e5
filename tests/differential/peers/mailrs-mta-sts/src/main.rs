// SPDX-License-Identifier: MIT OR Apache-2.0

//! mailrs-mta-sts by the line protocol.

use mailrs_mta_sts::{Policy, PolicyMode, StsRecord, mx_matches};
use std::io::{BufRead, stdin};

fn main() {
    for line in stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        println!("{}", answer(&words).unwrap_or("unsupported".to_owned()));
    }
}

/// None where it takes text alone, or one record.
fn answer(words: &[&str]) -> Option<String> {
    match *words {
        ["record", record] => Some(match StsRecord::parse(&text(record)?) {
            Ok(record) => format!("id {}", hex(record.id.as_bytes())),
            Err(_) => "invalid * 0 0".to_owned(),
        }),
        ["policy", body] => Some(match Policy::parse(&text(body)?) {
            Ok(policy) => facts(&policy),
            Err(_) => "invalid * 0 0".to_owned(),
        }),
        ["match", body, host] => {
            let (body, host) = (text(body)?, text(host)?);
            let policy = Policy::parse(&body).ok();
            let patterns = policy.as_ref().map_or(&[][..], |policy| &policy.mx);
            let listed = patterns.iter().any(|pattern| mx_matches(&host, pattern));
            Some(if listed { "yes" } else { "no" }.to_owned())
        }
        _ => None,
    }
}

fn facts(policy: &Policy) -> String {
    let mode = match policy.mode {
        PolicyMode::Enforce => "enforce",
        PolicyMode::Testing => "testing",
        _ => "none",
    };
    let mx: Vec<String> = policy.mx.iter().map(|mx| hex(mx.as_bytes())).collect();
    let head = format!("valid {mode} {} {}", policy.max_age, mx.len());
    std::iter::once(head)
        .chain(mx)
        .collect::<Vec<_>>()
        .join(" ")
}

fn text(word: &str) -> Option<String> {
    let digits: Vec<u8> = word.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    let pairs = digits.chunks(2);
    String::from_utf8(
        pairs
            .map(|pair| value(pair[0]) << 4 | value(pair[1]))
            .collect(),
    )
    .ok()
}

fn hex(octets: &[u8]) -> String {
    match octets {
        [] => "-".to_owned(),
        _ => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}
