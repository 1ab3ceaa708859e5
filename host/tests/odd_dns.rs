// SPDX-License-Identifier: MIT OR Apache-2.0

//! Name servers of other habits than the lab's: they follow no CNAMEs, do not recurse, answer
//! something else, or disagree.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{CNAME, NS, SOA, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record};
use mtasts::TxtFailure::{NoRecords, Permanent, Temporary};
use mtasts::{Host, TxtAnswer, TxtFailure};
use mtasts_host::{DefaultHost, Options};
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

/// What a server says of a name.
#[derive(Clone)]
enum Says {
    Alias(String, u32),
    Code(ResponseCode),
    Negative(u32, ResponseCode),
    Nothing,
    Referral,
    SomethingElse,
    Text(&'static str, u32),
}

/// A server on a thread of its own, which ends with the program.
fn server(says: impl Fn(&str) -> Says + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let (len, peer) = socket.recv_from(&mut buffer).unwrap();
            let query = Message::from_vec(&buffer[..len]).unwrap();
            let said = says(&query.queries[0].name().to_ascii());
            if let Some(answer) = answer(&query, said) {
                socket.send_to(&answer.to_vec().unwrap(), peer).unwrap();
            }
        }
    });
    address
}

fn answer(query: &Message, said: Says) -> Option<Message> {
    let mut message = query.clone().into_response();
    let name = query.queries[0].name().clone();
    let record = |name: &str, ttl, data| Record::from_rdata(self::name(name), ttl, data);
    let own = |ttl, data| Record::from_rdata(name.clone(), ttl, data);
    match said {
        Says::Alias(target, ttl) => {
            message.add_answer(own(ttl, RData::CNAME(CNAME(self::name(&target)))));
        }
        Says::Code(code) => message.metadata.response_code = code,
        Says::Negative(ttl, code) => {
            let root = self::name(".");
            let soa = RData::SOA(SOA::new(root.clone(), root, 1, 1, 1, 1, ttl));
            message.add_authority(record("example.", ttl, soa));
            message.metadata.response_code = code;
        }
        Says::Nothing => return None,
        Says::Referral => {
            let ns = RData::NS(NS(self::name("ns.example.")));
            message.add_authority(record("example.", 60, ns));
        }
        Says::SomethingElse => {
            let txt = RData::TXT(TXT::new(vec!["v=STSv1; id=1;".to_owned()]));
            message.add_answer(record("other.example.", 60, txt));
        }
        Says::Text(text, ttl) => {
            message.add_answer(own(ttl, RData::TXT(TXT::new(vec![text.to_owned()]))));
        }
    }
    Some(message)
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn ask(servers: &[SocketAddr]) -> Result<TxtAnswer, TxtFailure> {
    let options = Options {
        nameservers: servers.to_vec(),
        dns_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    let host = DefaultHost::open(options).unwrap();
    host.blocking().txt("0.example")
}

fn ask_one(says: impl Fn(&str) -> Says + Send + 'static) -> Result<TxtAnswer, TxtFailure> {
    ask(&[server(says)])
}

/// `0.example` is an alias of `1.example`, and so on, with falling TTL; `last` says `end`.
fn aliases(last: u32, end: Says) -> impl Fn(&str) -> Says {
    move |name| {
        let n: u32 = name.split('.').next().unwrap().parse().unwrap();
        if n == last {
            end.clone()
        } else {
            Says::Alias(format!("{}.example.", n + 1), 100 - n)
        }
    }
}

#[test]
fn r_txt_1_aliases_are_followed_where_the_server_does_not() {
    let answer = ask_one(aliases(5, Says::Text("found", 200))).unwrap();
    assert_eq!(
        (answer.records, answer.ttl),
        (vec![b"found".to_vec()], Some(96))
    );
}

#[test]
fn an_alias_of_nothing_is_no_record_for_the_least_ttl() {
    for code in [ResponseCode::NXDomain, ResponseCode::NoError] {
        let found = ask_one(aliases(2, Says::Negative(300, code)));
        assert_eq!(found, Err(NoRecords { ttl: Some(99) }));
        let found = ask_one(aliases(2, Says::Negative(30, code)));
        assert_eq!(found, Err(NoRecords { ttl: Some(30) }));
    }
}

#[test]
fn loops_and_long_chains_of_aliases_are_a_permanent_failure() {
    let around = |_: &str| Says::Alias("0.example.".to_owned(), 60);
    assert_eq!(ask_one(around), Err(Permanent));
    let to_and_fro = |name: &str| {
        Says::Alias(
            if name == "0.example." {
                "1.example."
            } else {
                "0.example."
            }
            .to_owned(),
            60,
        )
    };
    assert_eq!(ask_one(to_and_fro), Err(Permanent));
    assert_eq!(ask_one(aliases(99, Says::Text("far", 60))), Err(Permanent));
}

#[test]
fn an_alias_whose_target_fails_is_a_failure() {
    assert_eq!(
        ask_one(aliases(1, Says::Code(ResponseCode::ServFail))),
        Err(Temporary)
    );
}

#[test]
fn absence_without_a_soa_record_is_absence_of_unknown_length() {
    for code in [ResponseCode::NXDomain, ResponseCode::NoError] {
        let says = move |_: &str| Says::Code(code);
        assert_eq!(ask_one(says), Err(NoRecords { ttl: None }));
    }
}

#[test]
fn other_codes_and_referrals_are_no_absence() {
    for code in [
        ResponseCode::ServFail,
        ResponseCode::Refused,
        ResponseCode::NotImp,
        ResponseCode::NotAuth,
        ResponseCode::YXDomain,
        ResponseCode::Unknown(11),
    ] {
        assert_eq!(ask_one(move |_| Says::Code(code)), Err(Temporary), "{code}");
    }
    assert_eq!(ask_one(|_| Says::Referral), Err(Temporary));
    assert_eq!(ask_one(|_| Says::SomethingElse), Err(Permanent));
}

#[test]
fn the_next_server_is_asked() {
    let good = || server(|_| Says::Text("found", 60));
    let refusing = server(|_| Says::Code(ResponseCode::Refused));
    let failing = server(|_| Says::Code(ResponseCode::ServFail));
    let closed: SocketAddr = "127.0.0.1:9".parse().unwrap();
    assert!(ask(&[refusing, failing, closed, good()]).is_ok());
    let silent = server(|_| Says::Nothing);
    assert!(ask(&[silent, good()]).is_ok());
    let absent = server(|_| Says::Negative(7, ResponseCode::NXDomain));
    assert_eq!(
        ask(&[refusing, absent, good()]),
        Err(NoRecords { ttl: Some(7) })
    );
}
