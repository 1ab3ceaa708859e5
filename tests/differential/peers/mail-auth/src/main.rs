// SPDX-License-Identifier: MIT OR Apache-2.0

//! mail-auth by the line protocol: it reads records, and leaves policies to others.

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::mta_sts::MtaSts;
use std::io::{BufRead, stdin};

fn main() {
    for line in stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["record", record] => println!("{}", read(&octets(record))),
            _ => println!("unsupported"),
        }
    }
}

fn read(record: &[u8]) -> String {
    match MtaSts::parse(record) {
        Ok(record) => format!("id {}", hex(record.id.as_bytes())),
        Err(_) => "invalid * 0 0".to_owned(),
    }
}

fn octets(word: &str) -> Vec<u8> {
    let digits: Vec<u8> = word.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}

fn hex(octets: &[u8]) -> String {
    match octets {
        [] => "-".to_owned(),
        _ => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}
