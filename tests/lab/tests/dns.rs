// SPDX-License-Identifier: MIT OR Apache-2.0
//! The DNS server answers as a recursive resolver would, and fails as it is told.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod common;

use std::{io, time::Duration};

use common::{address, ask, lab, query, tcp, texts, udp, udp_octets, with_edns};
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{RData, RecordType},
};
use mtasts_lab::Lab;

const STS: &str = "_mta-sts.good.example.";

fn code(lab: &Lab, name: &str, kind: RecordType) -> ResponseCode {
    ask(lab, name, kind).metadata.response_code
}

#[test]
fn answers_what_the_scene_says() {
    let lab = lab();
    let txt = ask(&lab, STS, RecordType::TXT);
    assert!(txt.metadata.recursion_available);
    assert_eq!(txt.answers[0].ttl, 300);
    assert_eq!(texts(&txt), ["v=STSv1; id=20260101T000000;"]);
    let mx = texts(&ask(&lab, "good.example.", RecordType::MX));
    assert_eq!(mx, ["10 mx1.good.example.", "50 mx2.good.example."]);
    let policy = texts(&ask(&lab, "mta-sts.good.example.", RecordType::A));
    assert_eq!(policy, ["127.0.0.2"]);
    let report = texts(&ask(&lab, "_smtp._tls.good.example.", RecordType::TXT));
    assert_eq!(report, ["v=TLSRPTv1; rua=mailto:r@good.example"]);
    assert_ne!(
        address(&lab, "mx1.good.example."),
        address(&lab, "mx2.good.example.")
    );
}

#[test]
fn udp_and_tcp_say_the_same() {
    let lab = lab();
    let question = query(STS, RecordType::TXT);
    assert_eq!(udp(&lab, &question).answers, tcp(&lab, &question).answers);
    assert_eq!(lab.count("dns", "transport=udp type=TXT").unwrap(), 1);
    assert_eq!(
        lab.count("dns", "transport=tcp name=_mta-sts.good.example")
            .unwrap(),
        1
    );
}

#[test]
fn what_does_not_exist_comes_with_a_soa_record() {
    let lab = lab();
    for (name, code) in [
        ("nowhere.test.", ResponseCode::NXDomain),
        ("x.good.example.", ResponseCode::NXDomain),
        ("mta-sts.good.example.", ResponseCode::NoError),
        ("example.", ResponseCode::NoError),
    ] {
        let reply = ask(&lab, name, RecordType::AAAA);
        assert_eq!(reply.metadata.response_code, code, "{name}");
        assert!(reply.answers.is_empty());
        let soa = &reply.authorities[0];
        assert_eq!(soa.ttl, 7);
        assert!(matches!(&soa.data, RData::SOA(soa) if soa.minimum == 7));
    }
}

#[test]
fn aliases_come_with_their_target() {
    let lab = lab();
    let reply = ask(&lab, "alias.example.", RecordType::A);
    let types: Vec<_> = reply
        .answers
        .iter()
        .map(|record| record.record_type())
        .collect();
    assert_eq!(types, [RecordType::CNAME, RecordType::A]);
    lab.set(
        "good.example",
        "cnamehost=sts.provider.example record=cname",
    )
    .unwrap();
    let policy = texts(&ask(&lab, "mta-sts.good.example.", RecordType::A));
    assert_eq!(policy, ["sts.provider.example.", "127.0.0.2"]);
    let record = texts(&ask(&lab, STS, RecordType::TXT));
    assert_eq!(
        record,
        [
            "_mta-sts.alias.good.example.",
            "v=STSv1; id=20260101T000000;"
        ]
    );
}

#[test]
fn long_udp_answers_are_truncated() {
    let lab = lab();
    let question = query("big.example.", RecordType::TXT);
    let short = udp(&lab, &question);
    assert!(short.metadata.truncation && short.answers.is_empty());
    assert!(!tcp(&lab, &question).metadata.truncation);
    let long = udp(&lab, &with_edns(question, 1232, false));
    assert_eq!(long.answers.len(), 1);
    assert!(long.edns.is_some());
}

#[test]
fn only_secure_zones_have_the_ad_bit_and_only_if_asked() {
    let lab = lab();
    let question = query("signed.example.", RecordType::MX);
    assert!(!udp(&lab, &question).metadata.authentic_data);
    assert!(
        udp(&lab, &with_edns(question.clone(), 1232, true))
            .metadata
            .authentic_data
    );
    let mut wants_ad = question;
    wants_ad.metadata.authentic_data = true;
    assert!(udp(&lab, &wants_ad).metadata.authentic_data);
    let unsigned = with_edns(query("good.example.", RecordType::MX), 1232, true);
    assert!(!udp(&lab, &unsigned).metadata.authentic_data);
    let tlsa = ask(&lab, "_25._tcp.mx.signed.example.", RecordType::TLSA);
    assert!(matches!(&tlsa.answers[0].data, RData::TLSA(tlsa) if tlsa.cert_data.len() > 60));
}

#[test]
fn the_record_fails_as_told() {
    let lab = lab();
    for (fault, expected) in [
        ("gone", ResponseCode::NXDomain),
        ("nodata", ResponseCode::NoError),
        ("formerr", ResponseCode::FormErr),
        ("servfail", ResponseCode::ServFail),
        ("refused", ResponseCode::Refused),
    ] {
        lab.set("good.example", &format!("record={fault}")).unwrap();
        let reply = ask(&lab, STS, RecordType::TXT);
        assert_eq!(reply.metadata.response_code, expected, "{fault}");
        assert!(reply.answers.is_empty());
    }
    lab.set("good.example", "record=two").unwrap();
    assert_eq!(ask(&lab, STS, RecordType::TXT).answers.len(), 2);
    lab.set("good.example", "record=invalid").unwrap();
    assert_eq!(
        texts(&ask(&lab, STS, RecordType::TXT)),
        ["v=STSv1; id=not legal!;"]
    );
    lab.reset().unwrap();
    assert_eq!(
        texts(&ask(&lab, STS, RecordType::TXT)),
        ["v=STSv1; id=20260101T000000;"]
    );
}

#[test]
fn the_record_can_be_anything() {
    let lab = lab();
    lab.set("good.example", "id=NEW ttl=1").unwrap();
    let reply = ask(&lab, STS, RecordType::TXT);
    assert_eq!(
        (texts(&reply)[0].as_str(), reply.answers[0].ttl),
        ("v=STSv1; id=NEW;", 1)
    );
    lab.set("good.example", r#"strings="v=STSv1; id=|abc;""#)
        .unwrap();
    assert_eq!(
        texts(&ask(&lab, STS, RecordType::TXT)),
        ["v=STSv1; id=|abc;"]
    );
    lab.set("good.example", r#"strings= txt="a\xff\"b""#)
        .unwrap();
    assert_eq!(texts(&ask(&lab, STS, RecordType::TXT)), ["a\u{fffd}\"b"]);
}

#[test]
fn malformed_answers_have_the_right_id_and_cannot_be_decoded() {
    let lab = lab();
    lab.set("good.example", "record=malformed").unwrap();
    let octets = udp_octets(&lab, &query(STS, RecordType::TXT), common::LIMIT).unwrap();
    assert_eq!(octets[..2], 4711_u16.to_be_bytes());
    assert!(Message::from_vec(&octets).is_err());
}

#[test]
fn silence_is_silence() {
    let lab = lab();
    lab.set("good.example", "record=timeout").unwrap();
    let limit = Duration::from_millis(50);
    let error = udp_octets(&lab, &query(STS, RecordType::TXT), limit).unwrap_err();
    assert!(matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    ));
    assert_eq!(lab.count("dns", "").unwrap(), 1);
}

#[test]
fn mail_hosts_change_as_told() {
    let lab = lab();
    lab.set("good.example", "mx=mx.evil.example,mx1.good.example:99")
        .unwrap();
    let mx = texts(&ask(&lab, "good.example.", RecordType::MX));
    assert_eq!(mx, ["10 mx.evil.example.", "99 mx1.good.example."]);
    assert!(address(&lab, "mx.evil.example.").is_loopback());
    lab.set("good.example", "mxdns=null").unwrap();
    assert_eq!(texts(&ask(&lab, "good.example.", RecordType::MX)), ["0 ."]);
    lab.set("good.example", "mxdns=gone").unwrap();
    assert!(
        ask(&lab, "good.example.", RecordType::MX)
            .answers
            .is_empty()
    );
    assert!(address(&lab, "good.example.").is_loopback());
    lab.set("good.example", "mxdns=servfail").unwrap();
    assert_eq!(
        code(&lab, "good.example.", RecordType::MX),
        ResponseCode::ServFail
    );
    lab.set("mx1.good.example", "hostdns=gone").unwrap();
    assert_eq!(
        code(&lab, "mx1.good.example.", RecordType::A),
        ResponseCode::NXDomain
    );
}

#[test]
fn policy_hosts_change_as_told() {
    let lab = lab();
    let name = "mta-sts.good.example.";
    lab.set("good.example", "policyaddr=127.0.0.9,127.0.0.2,::1")
        .unwrap();
    assert_eq!(
        texts(&ask(&lab, name, RecordType::A)),
        ["127.0.0.9", "127.0.0.2"]
    );
    assert_eq!(texts(&ask(&lab, name, RecordType::AAAA)), ["::1"]);
    lab.set("good.example", "policydns=private").unwrap();
    assert_eq!(texts(&ask(&lab, name, RecordType::A)), ["10.0.0.1"]);
    lab.set("good.example", "policydns=gone").unwrap();
    assert_eq!(code(&lab, name, RecordType::A), ResponseCode::NXDomain);
}
