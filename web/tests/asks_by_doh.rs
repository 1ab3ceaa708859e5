// SPDX-License-Identifier: MIT OR Apache-2.0

//! DNS over HTTPS (RFC 8484): the messages are made octet by octet here, as a server sends them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::TxtAnswer;
use mtasts::TxtFailure::{self, NoRecords, Permanent, Temporary};
use mtasts_web::doh::{MAX_BODY, Question, Reply};
use proptest::prelude::*;

const NAME: &str = "_mta-sts.example.com";
const RECORD: &str = "v=STSv1; id=1;";

const CNAME: u16 = 5;
const NS: u16 = 2;
const SOA: u16 = 6;
const TXT: u16 = 16;

fn name(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

fn record(owner: &str, kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut octets = name(owner);
    octets.extend(kind.to_be_bytes());
    octets.extend([0, 1]);
    octets.extend(ttl.to_be_bytes());
    octets.extend((data.len() as u16).to_be_bytes());
    octets.extend(data);
    octets
}

fn txt(owner: &str, ttl: u32, strings: &[&str]) -> Vec<u8> {
    let mut data = Vec::new();
    for string in strings {
        data.push(string.len() as u8);
        data.extend(string.as_bytes());
    }
    record(owner, TXT, ttl, &data)
}

fn cname(owner: &str, ttl: u32, target: &str) -> Vec<u8> {
    record(owner, CNAME, ttl, &name(target))
}

fn soa(ttl: u32, minimum: u32) -> Vec<u8> {
    let mut data = [name("ns.example"), name("root.example")].concat();
    for number in [1, 2, 3, 4, minimum] {
        data.extend(number.to_be_bytes());
    }
    record("example.com", SOA, ttl, &data)
}

/// A response to the question for the TXT records of `asked`.
fn message(asked: &str, flags: u16, answer: &[Vec<u8>], authority: &[Vec<u8>]) -> Vec<u8> {
    let mut octets = vec![0, 0];
    octets.extend(flags.to_be_bytes());
    for count in [1, answer.len(), authority.len(), 0] {
        octets.extend((count as u16).to_be_bytes());
    }
    octets.extend(name(asked));
    octets.extend([0, 16, 0, 1]);
    octets.extend(answer.concat());
    octets.extend(authority.concat());
    octets
}

const GOOD: u16 = 0x8180;

fn reply(body: &[u8]) -> Reply<'_> {
    Reply {
        status: 200,
        content_type: Some("application/dns-message"),
        age: None,
        body,
    }
}

fn answer(flags: u16, records: &[Vec<u8>], authority: &[Vec<u8>]) -> Result<TxtAnswer, TxtFailure> {
    let body = message(NAME, flags, records, authority);
    let mut question = Question::txt(NAME).unwrap();
    question
        .answer(&reply(&body))
        .expect("an answer, not another question")
}

fn found(records: &[&str], ttl: u32) -> Result<TxtAnswer, TxtFailure> {
    let records = records
        .iter()
        .map(|record| record.as_bytes().to_vec())
        .collect();
    Ok(TxtAnswer {
        records,
        ttl: Some(ttl),
    })
}

#[test]
fn a_question_is_one_query_of_id_0_that_wants_recursion() {
    let message = Question::txt(NAME).unwrap().message();
    let mut expected = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    expected.extend(name(NAME));
    expected.extend([0, 16, 0, 1]);
    assert_eq!(message, expected);
    let label = "a".repeat(64);
    for bad in ["a..b", label.as_str(), &["abcdefgh"; 40].join(".")] {
        assert_eq!(Question::txt(bad).err(), Some(Permanent), "{bad}");
    }
}

#[test]
fn r_txt_1_records_come_with_their_strings_joined_and_the_least_ttl() {
    assert_eq!(
        answer(GOOD, &[txt(NAME, 60, &["v=STS", "v1; id=1;"])], &[]),
        found(&[RECORD], 60)
    );
    let two = [
        txt(NAME, 60, &["one"]),
        txt(NAME, 30, &["", "two"]),
        txt("other.example", 1, &["x"]),
    ];
    assert_eq!(answer(GOOD, &two, &[]), found(&["one", "two"], 30));
    let other_case = [txt("_MTA-STS.Example.COM", 60, &[RECORD])];
    assert_eq!(answer(GOOD, &other_case, &[]), found(&[RECORD], 60));
}

#[test]
fn r_txt_1_cnames_are_followed_in_one_answer_in_any_order() {
    let records = [
        txt("c.example", 60, &[RECORD]),
        cname("b.example", 20, "c.example"),
        cname(NAME, 40, "b.example"),
    ];
    assert_eq!(answer(GOOD, &records, &[]), found(&[RECORD], 20));
}

#[test]
fn r_txt_1_cnames_are_followed_by_more_questions() {
    let mut question = Question::txt(NAME).unwrap();
    let first = message(NAME, GOOD, &[cname(NAME, 40, "b.example")], &[]);
    assert_eq!(question.answer(&reply(&first)), None);
    assert!(
        question
            .message()
            .ends_with(&[&name("b.example")[..], &[0, 16, 0, 1]].concat())
    );
    assert_eq!(
        question.clone().answer(&reply(&first)),
        Some(Err(Permanent))
    );
    let second = message("b.example", GOOD, &[txt("b.example", 60, &[RECORD])], &[]);
    assert_eq!(
        question.clone().answer(&reply(&second)),
        Some(found(&[RECORD], 40))
    );
    let none = message("b.example", GOOD, &[], &[]);
    let ttl = Some(40); // what leads there lasts no longer
    assert_eq!(question.answer(&reply(&none)), Some(Err(NoRecords { ttl })));
}

#[test]
fn cnames_in_a_circle_or_without_end_are_malformed() {
    let circle = [cname(NAME, 1, "b.example"), cname("b.example", 1, NAME)];
    assert_eq!(answer(GOOD, &circle, &[]), Err(Permanent));
    assert_eq!(answer(GOOD, &[cname(NAME, 1, NAME)], &[]), Err(Permanent));
    let mut question = Question::txt(NAME).unwrap();
    let mut asked = NAME.to_owned();
    for number in 0.. {
        let next = format!("n{number}.example");
        let body = message(&asked, GOOD, &[cname(&asked, 60, &next)], &[]);
        if let Some(answer) = question.answer(&reply(&body)) {
            assert_eq!((answer, number), (Err(Permanent), 12));
            break;
        }
        asked = next;
    }
}

#[test]
fn r_flow_10_absence_counts_as_long_as_the_soa_record_says() {
    let nxdomain = GOOD | 3;
    for (flags, authority, ttl) in [
        (nxdomain, vec![soa(60, 300)], Some(60)),
        (nxdomain, vec![soa(600, 300)], Some(300)),
        (nxdomain, vec![], None),
        (GOOD, vec![soa(60, 300)], Some(60)),
        (GOOD, vec![], None),
    ] {
        assert_eq!(answer(flags, &[], &authority), Err(NoRecords { ttl }));
    }
    let alias = [cname(NAME, 10, "gone.example")];
    assert_eq!(
        answer(nxdomain, &alias, &[soa(60, 300)]),
        Err(NoRecords { ttl: Some(10) })
    );
    assert_eq!(
        answer(nxdomain, &alias, &[]),
        Err(NoRecords { ttl: Some(10) })
    );
}

#[test]
fn r_flow_10_a_failure_of_the_server_is_no_absence() {
    for rcode in [2, 4, 5, 6, 9, 15] {
        assert_eq!(answer(GOOD | rcode, &[], &[]), Err(Temporary), "{rcode}");
    }
    assert_eq!(answer(GOOD | 1, &[], &[]), Err(Permanent));
    let truncated = GOOD | 0x0200;
    assert_eq!(
        answer(truncated, &[txt(NAME, 60, &[RECORD])], &[]),
        Err(Temporary)
    );
    let referral = record("com", NS, 60, &name("ns.example"));
    assert_eq!(answer(GOOD, &[], &[referral]), Err(Temporary));
}

#[test]
fn only_a_dns_message_of_status_200_is_an_answer() {
    let body = message(NAME, GOOD, &[txt(NAME, 60, &[RECORD])], &[]);
    let ask = |reply: Reply<'_>| Question::txt(NAME).unwrap().answer(&reply).unwrap();
    for status in [0, 199, 201, 204, 301, 304, 400, 404, 429, 500, 502, 503] {
        let reply = Reply {
            status,
            ..reply(&body)
        };
        assert_eq!(ask(reply), Err(Temporary), "{status}");
    }
    for content_type in [
        None,
        Some(""),
        Some("text/html"),
        Some("application/dns-json"),
    ] {
        let reply = Reply {
            content_type,
            ..reply(&body)
        };
        assert_eq!(ask(reply), Err(Temporary), "{content_type:?}");
    }
    let content_type = Some("Application/DNS-Message; x=y");
    assert!(
        ask(Reply {
            content_type,
            ..reply(&body)
        })
        .is_ok()
    );
    assert_eq!(ask(reply(&vec![0; MAX_BODY + 1])), Err(Permanent));
}

#[test]
fn what_a_cache_has_kept_for_a_while_does_not_last_as_long() {
    let body = message(NAME, GOOD, &[txt(NAME, 60, &[RECORD])], &[]);
    for (age, ttl) in [
        ("20", 40),
        ("60", 0),
        ("1000", 0),
        ("", 60),
        ("-1", 60),
        ("x", 60),
    ] {
        let reply = Reply {
            age: Some(age),
            ..reply(&body)
        };
        let answer = Question::txt(NAME).unwrap().answer(&reply);
        assert_eq!(answer, Some(found(&[RECORD], ttl)), "{age}");
    }
}

#[test]
fn what_is_no_answer_to_the_question_is_malformed() {
    let good = message(NAME, GOOD, &[txt(NAME, 60, &[RECORD])], &[]);
    let ask = |body: &[u8]| Question::txt(NAME).unwrap().answer(&reply(body)).unwrap();
    assert_eq!(ask(&good), found(&[RECORD], 60));
    for length in 0..good.len() {
        assert_eq!(ask(&good[..length]), Err(Permanent), "{length}");
    }
    let query = message(NAME, 0x0100, &[txt(NAME, 60, &[RECORD])], &[]);
    let of_another = message(
        "_mta-sts.example.net",
        GOOD,
        &[txt(NAME, 60, &[RECORD])],
        &[],
    );
    let mut two_questions = good.clone();
    two_questions[5] = 2;
    let mut other_type = good.clone();
    let kind = 12 + name(NAME).len();
    other_type[kind + 1] = 1;
    for body in [query, of_another, two_questions, other_type] {
        assert_eq!(ask(&body), Err(Permanent));
    }
    let stranger = [txt("other.example", 60, &[RECORD])];
    assert_eq!(answer(GOOD, &stranger, &[]), Err(Permanent));
    let broken = record(NAME, TXT, 60, &[9, b'x']);
    assert_eq!(answer(GOOD, &[broken], &[]), Err(Permanent));
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Question::txt(NAME).unwrap().answer(&reply(&octets));
    }

    #[test]
    fn a_damaged_answer_never_panics(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let records = [cname(NAME, 9, "b.example"), txt("b.example", 60, &[RECORD, "x"])];
        let mut octets = message(NAME, GOOD, &records, &[soa(60, 300)]);
        for (at, octet) in damage {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        let mut question = Question::txt(NAME).unwrap();
        if question.answer(&reply(&octets)).is_none() {
            let _ = question.message();
        }
    }
}
