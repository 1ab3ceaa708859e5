// SPDX-License-Identifier: MIT OR Apache-2.0

//! What Postfix is told of an outcome beyond the vectors in `tests/vectors/postfix_socketmap.json`:
//! what it costs, that no policy can break a reply, and netstrings.

#![expect(unsafe_code, reason = "an allocator that counts")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::postfix::{self, Found, Level, Style, Version, netstring};
use mtasts::{Config, DomainDane, Lookup, Outcome, Policy, PolicyDomain, StoredPolicy, UnixTime};
use mtasts::{RecordCheck, Step, Stored};
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Counts this thread's allocations.
struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const NOW: UnixTime = UnixTime(1_767_225_600);

const TLSRPT: Style = Style {
    version: Version::V3_10,
    level: Some(Level::May),
};

/// The outcome for a domain whose policy is in the store.
fn cached(text: &str) -> Outcome {
    let domain: PolicyDomain = "example.com".parse().unwrap();
    let id: mtasts::PolicyId = "1".parse().unwrap();
    let mut stored = Stored::unknown(domain.clone());
    stored.record = Some(RecordCheck {
        id: Some(id.clone()),
        until: NOW.plus(3_600),
    });
    stored.policy = Some(Arc::new(StoredPolicy {
        policy: Policy::parse(text.as_bytes()).unwrap(),
        id,
        fetched_at: NOW,
    }));
    let lookup = Lookup::new(domain, Some(Arc::new(stored)), &Config::default(), NOW);
    match lookup.poll() {
        Step::Done(outcome) => outcome.clone(),
        step => panic!("the cached policy was not enough: {step:?}"),
    }
}

fn of_mode(mode: &str) -> Outcome {
    let mx = "mx: mx1.example.com\nmx: *.example.net\n";
    cached(&format!(
        "version: STSv1\nmode: {mode}\n{mx}max_age: 604800\n"
    ))
}

fn value(outcome: &Outcome, style: &Style) -> String {
    let mut out = Vec::new();
    let found = postfix::policy(outcome, DomainDane::None, style, &mut out);
    assert_eq!(found == Found::Policy, !out.is_empty());
    String::from_utf8(out).unwrap()
}

#[test]
fn the_style_is_that_of_most_postfixes_unless_told_otherwise() {
    let style = Style::default();
    assert_eq!((style.version, style.level), (Version::V3_4, None));
    assert!(Version::V3_0 < Version::V3_4 && Version::V3_4 < Version::V3_10);
    for word in ["3.0", "3.4", "3.10"] {
        assert_eq!(word.parse::<Version>().unwrap().as_str(), word);
    }
    for word in ["may", "encrypt"] {
        assert_eq!(word.parse::<Level>().unwrap().as_str(), word);
    }
    assert!("3.1".parse::<Version>().is_err() && "secure".parse::<Level>().is_err());
}

#[test]
fn the_value_goes_behind_what_is_there() {
    let mut out = b"OK ".to_vec();
    let outcome = of_mode("enforce");
    postfix::policy(&outcome, DomainDane::None, &Style::default(), &mut out);
    assert_eq!(
        out,
        b"OK secure match=mx1.example.com:.example.net servername=hostname"
    );
}

#[test]
fn no_value_leaves_what_is_there() {
    let mut out = b"before".to_vec();
    let outcome = of_mode("none");
    let found = postfix::policy(&outcome, DomainDane::None, &TLSRPT, &mut out);
    assert_eq!((found, out.as_slice()), (Found::NotFound, &b"before"[..]));
    let found = postfix::policy(
        &of_mode("enforce"),
        DomainDane::Temporary,
        &TLSRPT,
        &mut out,
    );
    assert_eq!((found, out.as_slice()), (Found::Temporary, &b"before"[..]));
}

#[test]
fn a_buffer_with_room_is_all_the_memory_it_takes() {
    let (enforce, testing) = (of_mode("enforce"), of_mode("testing"));
    let mut out = Vec::with_capacity(1_000);
    let before = CALLS.get();
    for style in [Style::default(), TLSRPT] {
        for outcome in [&enforce, &testing] {
            netstring::frame(&mut out, |out| {
                postfix::policy(outcome, DomainDane::None, &style, out)
            });
            out.clear();
        }
    }
    assert_eq!(
        postfix::next_hop("[mx.example.com]:25"),
        Some("mx.example.com")
    );
    assert!(netstring::parse(b"5:hello,", 10).is_ok());
    assert_eq!(CALLS.get(), before);
}

#[test]
fn a_value_takes_little_time() {
    const TIMES: u32 = 20_000;
    let outcome = of_mode("enforce");
    let mut out = Vec::with_capacity(200);
    let best = (0..20).map(|_| {
        let start = Instant::now();
        for _ in 0..TIMES {
            out.clear();
            let style = black_box(Style::default());
            postfix::policy(black_box(&outcome), DomainDane::None, &style, &mut out);
            black_box(&mut out);
        }
        start.elapsed() / TIMES
    });
    let best = best.min().unwrap();
    eprintln!("a value of two patterns: {best:?}");
    assert!(
        cfg!(debug_assertions) || best.as_nanos() < 1_000,
        "{best:?}"
    );
}

/// The largest policy, of as many patterns as fit or of `few` patterns again and again.
fn largest(few: Option<usize>) -> Outcome {
    let mut text = "version: STSv1\nmode: enforce\nmax_age: 604800\n".to_owned();
    for number in 0.. {
        let line = format!("mx:m{}\n", few.map_or(number, |few| number % few));
        if text.len() + line.len() > mtasts::MAX_BODY {
            break;
        }
        text += &line;
    }
    cached(&text)
}

#[test]
fn the_largest_policy_still_fits_a_reply() {
    for outcome in [largest(None), largest(Some(100))] {
        for style in [Style::default(), TLSRPT] {
            let value = value(&outcome, &style);
            assert!("OK ".len() + value.len() <= postfix::MAX_REPLY);
            let names = value.split("servername=").next().unwrap().trim_end();
            let names: Vec<_> = names.split_once('=').unwrap().1.split(':').collect();
            assert!(
                outcome
                    .policy()
                    .unwrap()
                    .mx()
                    .all(|mx| names.contains(&mx.as_str()))
            );
        }
    }
}

#[test]
fn patterns_stand_once_however_many_there_are() {
    for few in [1, 2, 63, 64, 65, 1_000] {
        let value = value(&largest(Some(few)), &Style::default());
        assert_eq!(value.matches(':').count() + 1, few);
    }
}

#[test]
fn what_tlsrpt_is_to_know_goes_before_the_policy_does() {
    let lines = |count: usize| {
        let lines: String = (0..count)
            .map(|n| format!("mx:m{n}.b.c\nx:{n}\n"))
            .collect();
        let text = format!("version: STSv1\nmode: enforce\nmax_age: 604800\n{lines}");
        let value = value(&cached(&text), &TLSRPT);
        assert!("OK ".len() + value.len() <= postfix::MAX_REPLY);
        ["policy_string", "mx_host_pattern"].map(|name| value.matches(name).count())
    };
    assert_eq!(lines(900), [1_803, 900]);
    assert_eq!(lines(2_000), [0, 2_000]);
    assert_eq!(lines(3_000), [0, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// As Postfix 3.10 takes a value apart: at white space and commas outside of braces.
    #[test]
    fn no_policy_breaks_a_reply(lines in prop::collection::vec("[a-z]{1,3}:[ -~é\u{a0}\t]{1,12}", 0..6)) {
        let text = format!("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9\n{}\n", lines.join("\n"));
        prop_assume!(Policy::parse(text.as_bytes()).is_ok());
        let value = value(&cached(&text), &TLSRPT);
        for (name, text) in attributes(&value)? {
            prop_assert!(
                ["match", "servername", "policy_type", "policy_domain", "mx_host_pattern",
                 "policy_string"].contains(&name.as_str()),
                "{name} = {text} in {value}"
            );
        }
    }

    #[test]
    fn netstrings_come_back(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1_100), 1..4)) {
        let mut stream = Vec::new();
        for payload in &payloads {
            netstring::frame(&mut stream, |out| out.extend_from_slice(payload));
        }
        let mut rest = stream.as_slice();
        for payload in &payloads {
            let (got, used) = netstring::parse(rest, 1_100).unwrap().unwrap();
            prop_assert_eq!(got, payload.as_slice());
            for cut in 0..used {
                prop_assert_eq!(netstring::parse(&rest[..cut], 1_100), Ok(None));
            }
            rest = &rest[used..];
        }
    }

    #[test]
    fn arbitrary_octets_are_no_panic(input in prop::collection::vec(any::<u8>(), 0..40), key in ".{0,20}", limit in any::<usize>()) {
        let _ = netstring::parse(&input, limit);
        let _ = netstring::request(&input);
        if let Some(name) = postfix::next_hop(&key) {
            prop_assert!(key.contains(name) && !name.is_empty());
        }
    }
}

/// The value's attributes after its level.
fn attributes(value: &str) -> Result<Vec<(String, String)>, TestCaseError> {
    let (mut tokens, mut depth) = (vec![String::new()], 0);
    for c in value.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, ' ' | ',' | '\t' | '\r' | '\n') {
            tokens.push(String::new());
        } else if let Some(token) = tokens.last_mut() {
            token.push(c);
        }
    }
    let pair = |token: &String| {
        let bare = match token.strip_prefix('{') {
            Some(inner) => inner.strip_suffix('}').unwrap_or("no end").trim_ascii(),
            None => token,
        };
        let (name, value) = bare.split_once('=')?;
        Some((name.trim_end().to_owned(), value.trim_start().to_owned()))
    };
    let pairs: Option<Vec<_>> = tokens[1..].iter().map(pair).collect();
    pairs.ok_or_else(|| TestCaseError::fail(format!("no attribute in {value:?}")))
}

#[test]
fn a_request_is_split_at_its_first_space() {
    let request = netstring::request;
    assert_eq!(
        request(b"postfix example.com"),
        Some(("postfix", "example.com"))
    );
    assert_eq!(request(b"map a b"), Some(("map", "a b")));
    assert_eq!(request(b"map "), Some(("map", "")));
    assert_eq!(request(b"map \xff"), None);
    assert_eq!(request(b"map"), None);
}

#[test]
fn a_length_over_the_limit_is_refused_before_its_end() {
    use netstring::NetstringError::TooLong;
    assert_eq!(netstring::parse(b"10001", 10_000), Err(TooLong));
    assert_eq!(netstring::parse(b"10000", 10_000), Ok(None));
    assert_eq!(netstring::parse(&[b'9'; 64], usize::MAX - 1), Err(TooLong));
}
