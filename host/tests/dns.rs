// SPDX-License-Identifier: MIT OR Apache-2.0

//! DNS (R-TXT-1, R-FLOW-10): answers, their TTL, and three kinds of failure.

mod common;

use common::{DOMAIN, host, lab, txt};
use mtasts::TxtFailure::{NoRecords, Permanent, Temporary};
use mtasts_host::{DnsFailure, Mx};

#[test]
fn r_txt_1_records_and_their_ttl() {
    let lab = lab();
    let host = host(&lab);
    let answer = txt(&host).unwrap();
    assert_eq!(answer.records, [b"v=STSv1; id=20260101T000000;"]);
    assert_eq!(answer.ttl, Some(77));
    lab.set(DOMAIN, "record=two").unwrap(); // nothing is cached
    assert_eq!(txt(&host).unwrap().records.len(), 2);
    lab.set(DOMAIN, "record=cname").unwrap();
    assert_eq!(txt(&host).unwrap().records.len(), 1);
}

#[test]
fn r_txt_1_strings_are_concatenated() {
    let lab = lab();
    lab.set(DOMAIN, "strings=\"v=STSv1; i|d=1;|\"").unwrap();
    assert_eq!(txt(&host(&lab)).unwrap().records, [b"v=STSv1; id=1;"]);
}

#[test]
fn r_txt_1_long_answers_come_by_tcp() {
    let lab = lab();
    let text = format!("v=STSv1; id=1; x={};", "y".repeat(3000));
    lab.set(DOMAIN, &format!("txt=\"{text}\"")).unwrap();
    assert_eq!(txt(&host(&lab)).unwrap().records, [text.as_bytes()]);
    assert!(lab.count("dns", "transport=tcp").unwrap() > 0);
}

#[test]
fn three_kinds_of_failure() {
    let lab = lab();
    let host = host(&lab);
    for (fault, failure) in [
        ("gone", NoRecords { ttl: Some(44) }),
        ("nodata", NoRecords { ttl: Some(44) }),
        ("malformed", Permanent),
        ("formerr", Permanent),
        ("servfail", Temporary),
        ("refused", Temporary),
        ("timeout", Temporary),
    ] {
        lab.set(DOMAIN, &format!("record={fault}")).unwrap();
        assert_eq!(txt(&host), Err(failure), "{fault}");
    }
}

#[test]
fn without_a_name_server_failure_is_temporary() {
    let lab = lab();
    let host = host(&lab);
    drop(lab);
    assert_eq!(txt(&host), Err(Temporary));
}

#[test]
fn mx_hosts_in_order() {
    let lab = lab();
    let host = host(&lab);
    let mx = |preference, host: &str| Mx {
        preference,
        host: host.to_owned(),
    };
    let both = vec![mx(10, "mx2.good.example"), mx(20, "mx1.good.example")];
    assert_eq!(host.blocking().mx(DOMAIN), Ok(both));
    for (fault, answer) in [
        ("null", Ok(Vec::new())),
        ("gone", Err(DnsFailure::NoRecords { ttl: Some(44) })),
        ("malformed", Err(DnsFailure::Permanent)),
        ("servfail", Err(DnsFailure::Temporary)),
    ] {
        lab.set(DOMAIN, &format!("mxdns={fault}")).unwrap();
        assert_eq!(host.blocking().mx(DOMAIN), answer, "{fault}");
    }
}

#[test]
fn addresses_of_a_host_and_of_its_alias() {
    let lab = lab();
    let host = host(&lab);
    let addresses = host.blocking().addresses("mx1.good.example").unwrap();
    assert!(addresses.iter().all(|address| address.is_loopback()));
    assert_eq!(host.blocking().addresses("alias.example"), Ok(addresses));
    lab.set("mx1.good.example", "addr=192.0.2.7,2001:db8::7")
        .unwrap();
    let both = ["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    assert_eq!(
        host.blocking().addresses("mx1.good.example"),
        Ok(both.to_vec())
    );
    let nothing = Err(DnsFailure::NoRecords { ttl: Some(44) });
    assert_eq!(host.blocking().addresses("nobody.good.example"), nothing);
}

#[test]
fn names_that_cannot_be_asked_for() {
    let host = host(&lab());
    let long = "a".repeat(64);
    for name in ["a..example", &long, "ü.example"] {
        assert_eq!(
            host.blocking().mx(name),
            Err(DnsFailure::Permanent),
            "{name}"
        );
    }
}
