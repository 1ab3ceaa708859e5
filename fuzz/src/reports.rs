// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLSRPT: reports as anybody may send them, in JSON, gzip, mails and mailboxes; and what our own
//! sessions come to.

use crate::answers::{START, outcomes};
use arbitrary::{Arbitrary, Unstructured};
use mtasts::tlsrpt::report::{Counter, Format, Mail, Report, Sender};
use mtasts::tlsrpt::{Details, MAX_DATAGRAM, Record};
use mtasts::{Certificate, Dane, PolicyDomain, Session, Tls, UnixTime};
use reader::{Found, Reader};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::sync_channel;

// As in `mtasts report show`.
#[path = "../../cli/src/report/mbox.rs"]
mod mbox;
#[path = "../../cli/src/report/message.rs"]
mod message;
#[path = "../../cli/src/report/reader.rs"]
mod reader;

fn submitter() -> PolicyDomain {
    "mta.sender.example".parse().expect("a legal name")
}

/// A report's JSON.
pub fn report(json: &[u8]) {
    let report = match Report::parse(json) {
        Ok(report) => report,
        Err(error) => {
            let lines = json.split(|b| *b == b'\n').count();
            let position = error.position();
            assert!(position.is_none_or(|at| (1..=lines).contains(&at.line) && at.column >= 1));
            assert!(!error.message().is_empty());
            return;
        }
    };
    check(&report);
    mailed(&report);
    summed(report);
}

/// What is written is read as the same.
fn check(report: &Report) {
    let written = report.to_json();
    assert_eq!(Report::parse(written.as_bytes()).as_ref(), Ok(report));
    for policy in &report.policies {
        let _ = policy.policy.known_type();
        for failure in &policy.failure_details {
            let _ = failure.known_result();
        }
    }
}

/// The report by mail, as far as its id lets it, and what `mtasts report show` finds in there.
fn mailed(report: &Report) {
    let (domain, submitter) = (submitter(), submitter());
    let mail = Mail {
        domain: &domain,
        submitter: &submitter,
        from: "a@sender.example",
        to: "b@example.com",
        date: START,
    };
    let json = report.to_json();
    if let Ok(mail) = report.mail(&mail, Format::Json, json.as_bytes()) {
        let found = message::reports(mail.as_bytes());
        assert_eq!(found, Ok(vec![json.into_bytes()]), "{mail}");
    }
}

fn summed(report: Report) {
    let (mut counter, domain) = (Counter::default(), submitter());
    let at = report.date_range.start;
    let mut count = 0_usize;
    for policy in report.policies {
        count += usize::from(counter.add(at, &domain, policy).is_ok());
    }
    let sender = Sender {
        organization_name: &report.organization_name,
        contact_info: &report.contact_info,
        submitter: &domain,
    };
    let taken = counter.take(UnixTime(u64::MAX), &sender);
    assert!(taken.len() <= 1 && taken.is_empty() == (count == 0));
    for (_, report) in &taken {
        check(report);
    }
}

/// A file of any kind, as `mtasts report show` reads it.
pub fn mail(data: &[u8]) {
    // Nothing is found without an octet of its own.
    let (found, taken) = sync_channel(data.len() + 8);
    Reader::new("file".to_owned(), false, &found).read(data);
    drop(found);
    for found in taken {
        match found {
            Found::Report(report) => check(&report),
            Found::OtherMail => {}
            Found::Bad { name, why } => assert!(!name.is_empty() && !why.is_empty()),
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Told {
    record: String,
    mx_host: String,
    tls: u8,
    certificate: u8,
    dane: u8,
    mx_secure: bool,
    address: Option<u32>,
    helo: Vec<u8>,
    code: Vec<u8>,
    more: Vec<u8>,
    policy: Vec<u8>,
}

/// A session, told to the collector and counted for a report of our own.
pub fn datagram(data: &[u8]) {
    if data.len() > MAX_DATAGRAM / 4 {
        return; // a record may be too large for any datagram
    }
    let Ok(told) = Told::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let text = format!("v=TLSRPTv1; rua=mailto:{}", told.record);
    let record = Record::parse(text.as_bytes()).or(Record::parse(b"v=TLSRPTv1;rua=mailto:a@b"));
    let record = record.expect("one of them is legal");
    let session = told.session();
    let details = told.details();
    let mut counter = Counter::default();
    for outcome in outcomes(&told.policy) {
        let Some(result) = outcome.session_result(&session) else {
            continue;
        };
        counter.session(START, &result, &details);
        let datagram = result
            .datagram(&record, &details)
            .expect("the record is short");
        assert!(datagram.len() <= MAX_DATAGRAM);
        let value: serde_json::Value = serde_json::from_slice(&datagram).expect("JSON");
        let policy = &value["policies"][0];
        assert_eq!(policy["f"], u64::from(!result.is_success()));
        let failures = policy["failure-details"].as_array().map_or(0, Vec::len);
        assert_eq!(policy["t"], failures);
    }
    let sender = Sender {
        organization_name: "a",
        contact_info: "b",
        submitter: &submitter(),
    };
    for (_, report) in counter.take(UnixTime(u64::MAX), &sender) {
        check(&report);
    }
}

impl Told {
    fn session(&self) -> Session<'_> {
        let certificates = [
            Certificate::Valid,
            Certificate::Expired,
            Certificate::HostMismatch,
            Certificate::Invalid,
            Certificate::NotTrusted,
        ];
        let certificate = certificates[usize::from(self.certificate) % certificates.len()];
        let tls = [
            Tls::NotTried,
            Tls::NotOffered,
            Tls::Failed,
            Tls::Established(certificate),
        ];
        let dane = [
            Dane::NotUsed,
            Dane::LookupFailed,
            Dane::Unusable,
            Dane::Usable,
            Dane::Passed,
            Dane::Failed,
        ];
        Session {
            mx_host: &self.mx_host,
            tls: tls[usize::from(self.tls) % tls.len()],
            dane: dane[usize::from(self.dane) % dane.len()],
            mx_secure: self.mx_secure,
        }
    }

    fn details(&self) -> Details<'_> {
        let address = self
            .address
            .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        Details {
            sending_mta_ip: address,
            receiving_ip: address,
            receiving_mx_helo: &self.helo,
            failure_reason_code: &self.code,
            additional_information: &self.more,
        }
    }
}
