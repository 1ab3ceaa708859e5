// SPDX-License-Identifier: MIT OR Apache-2.0

//! The blocking driver: what it asks of a host, in which order, and when it saves.

use mtasts::{Action, Basis, Cause, Config, Fetch, FetchFailure, Host, HttpsReply, Outcome};
use mtasts::{Dane, UnixTime, resolve, run};
use mtasts::{PolicyDomain, Reason, Session, StoreFailure, Stored, Tls, TxtAnswer, TxtFailure};
use std::sync::Arc;

const POLICY: &str = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";

/// A host whose answers are given beforehand, and which writes down what it was asked.
struct Scripted {
    now: u64,
    entry: Result<Option<Arc<Stored>>, StoreFailure>,
    txt: Result<TxtAnswer, TxtFailure>,
    https: Result<HttpsReply, FetchFailure>,
    calls: Vec<&'static str>,
}

impl Scripted {
    fn new(id: &str) -> Self {
        let records = vec![format!("v=STSv1; id={id};").into_bytes()];
        let content_type = Some("text/plain".to_owned());
        let reply = HttpsReply {
            status: 200,
            content_type,
            body: POLICY.into(),
        };
        let txt = Ok(TxtAnswer {
            records,
            ttl: Some(60),
        });
        Self {
            now: 1_767_225_600,
            entry: Ok(None),
            txt,
            https: Ok(reply),
            calls: Vec::new(),
        }
    }

    fn resolve(&mut self) -> Outcome {
        self.calls.clear();
        let domain: Result<PolicyDomain, _> = "example.com".parse();
        match domain {
            Ok(domain) => resolve(domain, &Config::default(), self),
            Err(error) => unreachable!("{error}"),
        }
    }
}

impl Host for Scripted {
    fn now(&mut self) -> UnixTime {
        UnixTime(self.now)
    }

    fn txt(&mut self, name: &str) -> Result<TxtAnswer, TxtFailure> {
        assert_eq!(name, "_mta-sts.example.com");
        self.calls.push("txt");
        self.txt.clone()
    }

    fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        assert_eq!(
            (fetch.host, fetch.path),
            ("mta-sts.example.com", "/.well-known/mta-sts.txt")
        );
        self.calls.push("https");
        self.https.clone()
    }

    fn load(&mut self, domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        assert_eq!(domain.as_str(), "example.com");
        self.calls.push("load");
        self.entry.clone()
    }

    fn save(&mut self, stored: &Arc<Stored>) {
        self.calls.push("save");
        self.entry = Ok(Some(Arc::clone(stored)));
    }
}

fn verdict(outcome: &Outcome) -> (Action, Option<Cause>) {
    let tls = Tls::NotOffered;
    let (mx_host, dane) = ("mx.example.com", Dane::NotUsed);
    let verdict = outcome.verdict(&Session {
        mx_host,
        tls,
        dane,
        mx_secure: false,
    });
    (verdict.action, verdict.cause)
}

#[test]
fn for_the_entry_the_record_and_the_policy_and_saves_them() {
    let mut host = Scripted::new("a");
    let outcome = host.resolve();
    assert_eq!(host.calls, ["load", "txt", "https", "save"]);
    assert_eq!(outcome.basis(), Basis::Fresh);
    assert_eq!(
        verdict(&outcome),
        (Action::Defer, Some(Cause::StartTlsNotSupported))
    );
}

#[test]
fn for_the_entry_alone_while_it_counts() {
    let mut host = Scripted::new("a");
    host.resolve();
    host.now += 59;
    let outcome = host.resolve();
    assert_eq!(host.calls, ["load"]); // and saves nothing
    assert_eq!((outcome.basis(), outcome.reason()), (Basis::Cached, None));
}

#[test]
fn and_saves_only_what_is_new() {
    let mut host = Scripted::new("a");
    host.resolve();
    host.now += 60;
    host.txt = Err(TxtFailure::Temporary);
    let outcome = host.resolve();
    assert_eq!(host.calls, ["load", "txt"]);
    assert_eq!(
        (outcome.basis(), outcome.reason()),
        (Basis::Cached, Some(Reason::DnsTemporary))
    );
}

#[test]
fn and_saves_that_there_is_no_record_and_that_a_fetch_failed() {
    let mut host = Scripted::new("a");
    host.txt = Err(TxtFailure::NoRecords { ttl: None });
    assert_eq!(host.resolve().reason(), Some(Reason::NoRecord));
    assert_eq!(host.calls, ["load", "txt", "save"]);
    let mut host = Scripted::new("a");
    host.https = Err(FetchFailure::WebPki);
    assert_eq!(host.resolve().reason(), Some(Reason::WebPki));
    assert_eq!(host.calls, ["load", "txt", "https", "save"]);
}

#[test]
fn and_makes_the_delivery_wait_where_the_store_fails_and_no_policy_is_found() {
    let mut host = Scripted::new("a");
    host.entry = Err(StoreFailure);
    host.txt = Err(TxtFailure::NoRecords { ttl: None });
    let outcome = host.resolve();
    assert!(outcome.is_try_later());
    assert_eq!(outcome.reason(), Some(Reason::StoreFailed));
    assert_eq!(
        verdict(&outcome),
        (Action::Defer, Some(Cause::PolicyUnknown))
    );
    assert_eq!(host.calls, ["load", "txt"]); // what could not be read is not overwritten
    let outcome = run(outcome.look_again(&Config::default()), &mut host);
    assert_eq!(
        verdict(&outcome),
        (Action::Defer, Some(Cause::PolicyUnknown))
    );
}

#[test]
fn and_takes_a_policy_that_is_found_where_the_store_fails() {
    let mut host = Scripted::new("a");
    host.entry = Err(StoreFailure);
    let outcome = host.resolve();
    assert_eq!(
        (outcome.basis(), outcome.is_try_later()),
        (Basis::Fresh, false)
    );
    assert_eq!(host.calls, ["load", "txt", "https", "save"]);
}

#[test]
fn once_more_to_look_again() {
    let mut host = Scripted::new("a");
    let outcome = host.resolve();
    let stored = Arc::clone(outcome.stored());
    host.txt = Scripted::new("b").txt;
    host.calls.clear();
    let outcome = run(outcome.look_again(&Config::default()), &mut host);
    assert_eq!(host.calls, ["txt", "https", "save"]);
    assert_eq!(
        outcome.fetched().map(|fetched| fetched.id.as_str()),
        Some("b")
    );
    assert_ne!(outcome.stored(), &stored);
}

#[test]
fn and_does_not_use_an_entry_of_another_domain() {
    let mut host = Scripted::new("a");
    host.resolve();
    let mut entry = Stored::clone(host.entry.as_ref().unwrap().as_ref().unwrap());
    entry.domain = "example.net".parse().unwrap();
    host.entry = Ok(Some(Arc::new(entry)));
    host.txt = Err(TxtFailure::Temporary);
    assert_eq!(host.resolve().basis(), Basis::NoPolicy);
}
