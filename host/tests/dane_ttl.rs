// SPDX-License-Identifier: MIT OR Apache-2.0

//! How long what DANE says of a domain holds (R-APPLY-2): as long as each answer it rests on, in
//! a lab in which each of them has a TTL of its own.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{host_with_dane, options};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, Record};
use mtasts_host::{DefaultHost, DomainDane, Options};
use mtasts_lab::Lab;
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

/// The TTL of the MX records is the domain's; those of addresses, TLSA records and aliases are
/// their own, and an absence counts for 70 seconds.
const SCENE: &str = r#"
    [defaults]
    ttl = 1000
    negative_ttl = 70

    [[domain]]
    name = "secure.example"
    secure = true
    ttl = 500
    mx = ["one.secure.example"]

    [[domain]]
    name = "plain.example"
    ttl = 400
    mx = ["one.secure.example"]

    [[record]]
    name = "one.secure.example"
    type = "A"
    value = "127.0.0.1"
    ttl = 600

    [[record]]
    name = "_25._tcp.one.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ttl = 900

    [[record]]
    name = "quick.secure.example"
    type = "A"
    value = "127.0.0.1"
    ttl = 20

    [[record]]
    name = "_25._tcp.quick.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ttl = 900

    [[record]]
    name = "keys.secure.example"
    type = "A"
    value = "127.0.0.1"
    ttl = 600

    [[record]]
    name = "_25._tcp.keys.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ttl = 30

    [[record]]
    name = "unusable.secure.example"
    type = "A"
    value = "127.0.0.1"
    ttl = 600

    [[record]]
    name = "_25._tcp.unusable.secure.example"
    type = "TLSA"
    value = "1 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ttl = 40

    [[record]]
    name = "to-alias.secure.example"
    type = "MX"
    value = "10 alias.secure.example"

    [[record]] # the TLSA records are at its end
    name = "alias.secure.example"
    type = "CNAME"
    value = "one.secure.example"
    ttl = 50

    [[record]]
    name = "to-own.secure.example"
    type = "MX"
    value = "10 own.secure.example"

    [[record]] # there are none at its end
    name = "own.secure.example"
    type = "CNAME"
    value = "bare.secure.example"
    ttl = 450

    [[record]]
    name = "_25._tcp.own.secure.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ttl = 900

    [[record]]
    name = "bare.secure.example"
    type = "A"
    value = "127.0.0.1"
    ttl = 600

    [[record]] # insecure records are as good as none
    name = "_25._tcp.off.secure.example"
    type = "CNAME"
    value = "tlsa.plain.example"
    ttl = 60

    [[record]]
    name = "off.secure.example"
    type = "A"
    value = "127.0.0.1"

    [[record]]
    name = "tlsa.plain.example"
    type = "TLSA"
    value = "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    [[record]]
    name = "slow.plain.example"
    type = "A"
    value = "127.0.0.1"
    ttl = 25
"#;

/// The answer for a domain whose MX hosts these are. A second may pass on a busy machine, but
/// the TTLs are further apart.
fn assert_holds(host: &DefaultHost, domain: &str, dane: DomainDane, ttl: u32) {
    let (found, left) = host.blocking().dane_of_domain(domain);
    assert_eq!(found, dane, "{domain}");
    assert!(
        left <= ttl && left + 4 >= ttl,
        "{domain}: {left}, not {ttl}"
    );
}

fn with_hosts(lab: &Lab, host: &DefaultHost, hosts: &[&str], dane: DomainDane, ttl: u32) {
    let names: Vec<_> = hosts.iter().map(|host| format!("{host}.example")).collect();
    lab.set("secure.example", &format!("mx={}", names.join(",")))
        .unwrap();
    assert_holds(host, "secure.example", dane, ttl);
}

#[test]
fn r_apply_2_an_answer_holds_as_long_as_the_first_of_its_records() {
    let lab = Lab::start(SCENE).unwrap();
    let (host, _) = host_with_dane(&lab);
    use DomainDane::{None, Usable};
    for (hosts, dane, ttl) in [
        (&["one.secure"][..], Usable, 500),                // MX
        (&["quick.secure"], Usable, 20),                   // address
        (&["keys.secure"], Usable, 30),                    // TLSA
        (&["unusable.secure"], None, 40),                  // TLSA that is of no use
        (&["bare.secure"], None, 70),                      // no TLSA
        (&["off.secure"], None, 60),                       // insecure CNAME before TLSA
        (&["slow.plain"], None, 25),                       // insecure address
        (&["unusable.secure", "bare.secure"], None, 40),   // both
        (&["bare.secure", "unusable.secure"], None, 40),   // whichever is first
        (&["unusable.secure", "one.secure"], Usable, 500), // the usable one alone
    ] {
        with_hosts(&lab, &host, hosts, dane, ttl);
    }
    with_hosts(&lab, &host, &["nowhere.secure"], None, 70); // no TLSA, then no address
    lab.set("nowhere.secure.example", "hostdns=gone").unwrap();
    with_hosts(&lab, &host, &["nowhere.secure"], None, 70);
}

#[test]
fn r_apply_2_aliases_are_among_the_records() {
    let lab = Lab::start(SCENE).unwrap();
    let (host, _) = host_with_dane(&lab);
    assert_holds(&host, "to-alias.secure.example", DomainDane::Usable, 50);
    assert_holds(&host, "to-own.secure.example", DomainDane::Usable, 70); // none at the end
}

#[test]
fn r_apply_2_mx_records_that_are_not_secure_or_not_there() {
    let lab = Lab::start(SCENE).unwrap();
    let (host, _) = host_with_dane(&lab);
    assert_holds(&host, "plain.example", DomainDane::None, 400);
    lab.set("secure.example", "mxdns=null").unwrap();
    assert_holds(&host, "secure.example", DomainDane::None, 500);
    for domain in ["secure.example", "plain.example"] {
        lab.set(domain, "mxdns=gone").unwrap();
        assert_holds(&host, domain, DomainDane::None, 70);
    }
    assert_holds(&host, "absent.example", DomainDane::None, 70);
    assert_holds(&host, "keys.secure.example", DomainDane::Usable, 30);
    assert_holds(&host, "slow.plain.example", DomainDane::None, 25);
    let mx = host.blocking().mx_hosts("keys.secure.example").unwrap();
    assert_eq!(mx.ttl, 70);
}

#[test]
fn r_apply_2_no_answer_holds_longer_than_an_hour() {
    let lab = Lab::start(
        "[defaults]\nttl = 86400\nsecure = true\n[[domain]]\nname = \"long.example\"\n\
         mx = [\"mx.long.example\"]\n[[host]]\nname = \"mx.long.example\"\ntlsa = \"match\"\n",
    )
    .unwrap();
    let (host, _) = host_with_dane(&lab);
    assert_holds(&host, "long.example", DomainDane::Usable, 3600);
    assert_eq!(host.blocking().mx_hosts("long.example").unwrap().ttl, 86400);
}

#[test]
fn r_apply_2_a_failure_is_not_to_be_remembered() {
    let lab = Lab::start(SCENE).unwrap();
    let (host, _) = host_with_dane(&lab);
    for fault in ["servfail", "timeout", "malformed"] {
        lab.set("secure.example", &format!("mxdns={fault}"))
            .unwrap();
        let answer = host.blocking().dane_of_domain("secure.example");
        assert_eq!(answer, (DomainDane::Temporary, 0), "{fault}");
    }
    lab.set(
        "secure.example",
        "mxdns=ok mx=mx.secure.example,bare.secure.example",
    )
    .unwrap();
    lab.set("mx.secure.example", "hostdns=servfail").unwrap();
    let answer = host.blocking().dane_of_domain("secure.example");
    assert_eq!(answer, (DomainDane::Temporary, 0));
    let mx = host.blocking().dane("mx.secure.example");
    assert_eq!(mx.ttl(), 0);
}

#[test]
fn r_apply_2_the_time_that_the_questions_took_is_gone() {
    let lab = Lab::start(SCENE).unwrap();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let options = Options {
        nameservers: vec![silent.local_addr().unwrap(), lab.dns()],
        dns_timeout: Duration::from_millis(2400), // a quarter for the silent one
        dane: true,
        ..options(&lab)
    };
    let host = DefaultHost::open(options).unwrap();
    let (dane, left) = host.blocking().dane_of_domain("secure.example");
    assert_eq!(dane, DomainDane::Usable);
    assert!((490..500).contains(&left), "{left}"); // three questions, one after the other
}

#[test]
fn r_apply_2_an_absence_without_an_end_counts_for_five_minutes_or_as_long_as_its_alias() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((len, peer)) = socket.recv_from(&mut buffer) {
            let query = Message::from_vec(&buffer[..len]).unwrap();
            let asked = query.queries[0].name().clone();
            let mut answer = query.into_response(); // no records and no SOA record
            if asked.to_string().starts_with("alias.") {
                let target = RData::CNAME(CNAME(Name::from_ascii("end.example.").unwrap()));
                answer.add_answers([Record::from_rdata(asked, 5, target)]);
            }
            answer.metadata.authentic_data = true;
            socket.send_to(&answer.to_vec().unwrap(), peer).unwrap();
        }
    });
    let options = Options {
        nameservers: vec![server],
        dane: true,
        ..Options::default()
    };
    let host = DefaultHost::open(options).unwrap();
    assert_holds(&host, "example", DomainDane::None, 300);
    assert_holds(&host, "alias.example", DomainDane::None, 5);
}
