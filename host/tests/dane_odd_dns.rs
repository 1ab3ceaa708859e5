// SPDX-License-Identifier: MIT OR Apache-2.0

//! DANE (R-APPLY-2) with name servers of other habits than the lab's: one that does not answer
//! when asked whether it validates, one that gives back the bits that it is sent, one that does
//! not follow CNAMEs.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use common::{lines, log};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::{A, CNAME, MX, NS, TLSA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use mtasts::Dane::{LookupFailed, NotUsed, Usable};
use mtasts_host::{DefaultHost, Options};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A server on a thread of its own, which ends with the program. `habit` gives the AD bit of the
/// answer to a query, or says that there is none.
fn server(habit: impl Fn(&Message) -> Option<bool> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let (len, peer) = socket.recv_from(&mut buffer).unwrap();
            let query = Message::from_vec(&buffer[..len]).unwrap();
            if let Some(is_secure) = habit(&query) {
                let answer = answer(&query, is_secure);
                socket.send_to(&answer.to_vec().unwrap(), peer).unwrap();
            }
        }
    });
    address
}

fn answer(query: &Message, is_secure: bool) -> Message {
    let question = &query.queries[0];
    let is_alias = *question.name() == name("alias.example.");
    let data = match question.query_type() {
        _ if is_alias => Some(RData::CNAME(CNAME(name("mx.example.")))),
        RecordType::A => Some(RData::A(A::new(127, 0, 0, 1))),
        RecordType::MX => Some(RData::MX(MX::new(10, name("mx.example.")))),
        RecordType::NS => Some(RData::NS(NS(name("ns.example.")))),
        RecordType::TLSA => {
            let data = vec![7; 32];
            Some(RData::TLSA(TLSA::new(3.into(), 1.into(), 1.into(), data)))
        }
        _ => None,
    };
    let mut message = query.clone().into_response();
    message.metadata.authentic_data = is_secure;
    let record = |data| Record::from_rdata(question.name().clone(), 60, data);
    message.add_answers(data.map(record));
    message
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn host(server: SocketAddr) -> (DefaultHost, Arc<Mutex<Vec<String>>>) {
    let (log, lines) = log();
    let options = Options {
        nameservers: vec![server],
        dns_timeout: Duration::from_millis(600),
        dane: true,
        log,
        ..Options::default()
    };
    (DefaultHost::open(options).unwrap(), lines)
}

#[test]
fn r_apply_2_whether_the_name_server_validates_is_asked_until_it_answers() {
    let answers = Arc::new(AtomicBool::new(false));
    let is_answering = Arc::clone(&answers);
    let (host, log) = host(server(move |query| {
        let is_root = query.queries[0].name().is_root();
        (!is_root || is_answering.load(Relaxed)).then_some(is_root)
    }));
    let dane = || host.blocking().dane("mx.example").status();
    assert_eq!([dane(), dane()], [LookupFailed; 2]);
    answers.store(true, Relaxed);
    assert_eq!(dane(), NotUsed); // insecure, says one who validates
    answers.store(false, Relaxed);
    assert_eq!(dane(), NotUsed);
    let failed = "mx.example: no DANE: the name servers do not answer for now";
    assert_eq!(lines(&log), [failed; 2]);
}

#[test]
fn a_name_server_that_gives_back_the_bits_of_the_query_has_said_nothing() {
    let (host, log) = host(server(|query| Some(query.metadata.authentic_data)));
    assert_eq!(host.blocking().dane("mx.example").status(), NotUsed);
    assert!(!host.blocking().mx_hosts("example").unwrap().is_secure);
    assert_eq!(lines(&log).len(), 1);
}

#[test]
fn queries_ask_for_dnssec_only_where_dane_is_done() {
    let asks = |query: &Message| Some(query.edns.as_ref()?.flags().dnssec_ok);
    let address = server(asks);
    assert!(
        host(address)
            .0
            .blocking()
            .mx_hosts("example")
            .unwrap()
            .is_secure
    );
    let asked = Arc::new(AtomicBool::new(false));
    let has_asked = Arc::clone(&asked);
    let address = server(move |query| {
        has_asked.fetch_or(asks(query).unwrap_or(false), Relaxed);
        Some(true) // whether asked or not
    });
    let options = Options {
        nameservers: vec![address],
        ..Options::default()
    };
    let host = DefaultHost::open(options).unwrap();
    assert!(!host.blocking().mx_hosts("example").unwrap().is_secure);
    assert!(!asked.load(Relaxed));
}

#[test]
fn r_apply_2_a_chain_of_aliases_is_as_secure_as_all_its_links() {
    for (insecure, status, base) in [
        ("alias.example.", NotUsed, None),
        ("mx.example.", Usable, Some("alias.example")),
        ("_25._tcp.mx.example.", Usable, Some("alias.example")),
        ("ns.example.", Usable, Some("mx.example")),
    ] {
        let insecure = name(insecure);
        let (host, _) = host(server(move |query| {
            Some(*query.queries[0].name() != insecure)
        }));
        let dane = host.blocking().dane("alias.example");
        assert_eq!((dane.status(), dane.server_name()), (status, base));
    }
}
