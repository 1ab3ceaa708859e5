// SPDX-License-Identifier: MIT OR Apache-2.0

//! Offsets become lines and columns as an editor counts them.

use mtasts::{ErrorKind, Policy, Position, Record, WarningKind};

fn at(text: &str, offset: usize) -> (usize, usize) {
    let Position { line, column } = Position::of(text.as_bytes(), offset);
    (line, column)
}

#[test]
fn from_one() {
    assert_eq!(at("", 0), (1, 1));
    assert_eq!(at("abc", 0), (1, 1));
    assert_eq!(at("abc", 2), (1, 3));
}

#[test]
fn a_line_feed_begins_a_line_and_a_carriage_return_none() {
    assert_eq!(at("a\nb", 1), (1, 2));
    assert_eq!(at("a\nb", 2), (2, 1));
    assert_eq!(at("a\r\nb", 3), (2, 1));
    assert_eq!(at("a\rb", 2), (1, 3));
    assert_eq!(at("\n\n\n", 3), (4, 1));
}

#[test]
fn a_character_of_several_octets_is_one_column() {
    let text = "é世🙂x";
    assert_eq!(at(text, text.len() - 1), (1, 4));
    assert_eq!(at(text, 2), (1, 2));
}

#[test]
fn past_the_end_is_the_end() {
    assert_eq!(at("a\nbc", 99), (2, 3));
    assert_eq!(at("a\n", usize::MAX), (2, 1));
}

#[test]
fn an_error_in_a_policy_points_at_its_octet() {
    let body = "version: STSv1\r\nx: é\r\nmode: Enforce\r\n";
    let error = Policy::parse(body.as_bytes()).unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (ErrorKind::Mode, body.find('E').unwrap())
    );
    assert_eq!(at(body, error.offset()), (3, 7));
}

#[test]
fn a_strict_error_points_where_the_warning_does() {
    let body = b"version: STSv1\nmode: none\n\nmax_age: 1\n";
    let error = Policy::parse_strict(body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Strict(WarningKind::BlankLine));
    assert_eq!(error.to_string(), WarningKind::BlankLine.to_string());
    assert_eq!(
        Position::of(body, error.offset()),
        Position { line: 3, column: 1 }
    );
}

#[test]
fn an_error_in_a_record_points_at_its_octet() {
    let offset = |text: &'static [u8]| Record::parse(text).map_err(|error| error.offset());
    assert_eq!(offset(b"v=STSv1; id=a-b"), Err(12));
    assert_eq!(offset(b"v=STSv1; id=a "), Err(13));
    assert_eq!(offset(b"v=STSv1;; id=a"), Err(8));
    assert_eq!(offset(b"v=STSv2; id=a"), Err(0));
}
