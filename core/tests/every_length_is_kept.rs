// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names, ids, patterns and fetches are kept in one way where they are short or few, and in another
//! where they are not: nobody can tell which.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::{Attempt, Attempts, MAX_BODY, Policy, PolicyDomain, PolicyId, UnixTime};
use std::collections::HashSet;

/// A host name of `length` octets, not the same for each `first`.
fn name(length: usize, first: char) -> String {
    let labels = "bcdefghijk.".chars().cycle().skip(1);
    let name: String = std::iter::once(first).chain(labels).take(length).collect();
    match name.strip_suffix('.') {
        Some(rest) => format!("{rest}x"),
        None => name,
    }
}

#[test]
fn domains_from_1_to_253_octets() {
    let mut all = HashSet::new();
    for length in 1..=253 {
        let [a, b] = ['a', 'b'].map(|first| name(length, first));
        let [one, two]: [PolicyDomain; 2] = [&a, &b].map(|name| name.parse().unwrap());
        assert_eq!((one.as_str(), one.to_string()), (a.as_str(), a.clone()));
        assert_eq!(a.to_ascii_uppercase().parse(), Ok(one.clone()));
        assert_eq!(one.record_name(), format!("_mta-sts.{a}"));
        assert_eq!(format!("{one:?}"), format!("PolicyDomain({a:?})"));
        assert!(one != two && one < two);
        assert!(all.insert(one.clone()) && all.insert(two));
        let longer: PolicyDomain = format!("{}x", name(length.min(252), 'a')).parse().unwrap();
        assert!(longer > one || length == 253);
        assert!(!all.insert(one));
    }
    assert!(name(254, 'a').parse::<PolicyDomain>().is_err());
}

#[test]
fn ids_from_1_to_32_octets() {
    let digits = "Z1234567890123456789012345678901z";
    for length in 1..=32 {
        let id: PolicyId = digits[..length].parse().unwrap();
        assert_eq!(id.as_str(), &digits[..length]);
        assert_eq!(id, digits[..length].parse().unwrap());
        assert!(Some(id) != digits[..length - 1].parse().ok());
    }
    assert!(digits.parse::<PolicyId>().is_err());
}

fn policy(patterns: &[String]) -> String {
    let lines: String = patterns.iter().map(|mx| format!("mx: {mx}\r\n")).collect();
    format!("version: STSv1\r\nmode: enforce\r\n{lines}max_age: 604800\r\n")
}

#[test]
fn patterns_from_1_to_255_octets() {
    let names = (1..=253).step_by(3).map(|length| name(length, 'a'));
    let patterns: Vec<String> = names.flat_map(|name| [format!("*.{name}"), name]).collect();
    let policy = Policy::parse(policy(&patterns).as_bytes()).unwrap();
    let read: Vec<&str> = policy.mx().map(|mx| mx.as_str()).collect();
    assert_eq!(read, patterns);
}

#[test]
fn few_patterns_and_many() {
    for count in 1..=300 {
        let patterns: Vec<String> = (0..count).map(|n| format!("mx{n}.example")).collect();
        let policy = Policy::parse(policy(&patterns).as_bytes()).unwrap();
        let read: Vec<&str> = policy.mx().map(|mx| mx.as_str()).collect();
        assert_eq!(read, patterns);
        assert!(patterns.iter().all(|host| policy.matches(host)));
        assert!(!policy.matches(&format!("mx{count}.example")));
    }
}

#[test]
fn patterns_with_capitals_and_without() {
    for capital in 0..=12 {
        let mut patterns: Vec<String> = (0..12).map(|n| format!("mx{n}.example")).collect();
        let lower_case = patterns.clone();
        if let Some(pattern) = patterns.get_mut(capital) {
            pattern.replace_range(2.., "X.Example");
        }
        let text = policy(&patterns).replace("max_age", "Note: \u{e9} THUS\r\nmax_age");
        let policy = Policy::parse(text.as_bytes()).unwrap();
        assert_eq!(policy.text(), text);
        let read: Vec<&str> = policy.mx().map(|mx| mx.as_str()).collect();
        for (at, mx) in read.into_iter().enumerate() {
            let expected = match at == capital {
                true => "mxx.example",
                false => &lower_case[at],
            };
            assert_eq!(mx, expected);
            assert!(policy.matches(mx) && policy.matches(&mx.to_ascii_uppercase()));
        }
    }
}

#[test]
fn a_pattern_at_the_end_of_the_largest_policy() {
    for last in ["MX.example", "mx.example", "z"] {
        let start = "version: STSv1\nmode: enforce\nmax_age: 86400\nmx: b.example\n";
        let fill = MAX_BODY - start.len() - "x: \nmx: ".len() - last.len();
        let text = format!("{start}x: {}\nmx: {last}", "y".repeat(fill));
        assert_eq!(text.len(), MAX_BODY);
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let read: Vec<&str> = policy.mx().map(|mx| mx.as_str()).collect();
        assert_eq!(read, ["b.example", &last.to_ascii_lowercase()]);
        assert!(policy.matches(last) && policy.matches("B.example"));
        assert_eq!(policy.text(), text);
    }
}

#[test]
fn fetches_none_one_and_several() {
    let attempt = |at| Attempt {
        at: UnixTime(at),
        id: "a".parse().unwrap(),
        failed: None,
    };
    for count in 0..8 {
        let vector: Vec<Attempt> = (0..count).map(attempt).collect();
        let attempts = Attempts::from(vector.clone());
        assert_eq!(*attempts, vector[..]);
        assert_eq!(attempts.is_empty(), attempts == Attempts::default());
    }
}
