// SPDX-License-Identifier: MIT OR Apache-2.0

//! A proxy without a network: calls are noted down and answered by the test, and all threads of a
//! test share one memory, versions and all.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use mtasts::UnixTime;
use mtasts_envoy::call::Response;
use mtasts_envoy::{Config, Counter, Level, Proxy, Worker};
use mtasts_web::Reply;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// What all threads share.
#[derive(Default)]
pub struct Shared {
    pub data: RefCell<BTreeMap<String, (Vec<u8>, u32)>>,
    version: Cell<u32>,
    pub now: Cell<u64>,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Call {
    pub number: u32,
    pub cluster: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Vec<u8>>,
    pub timeout: Duration,
}

/// The proxy as one thread sees it.
#[derive(Default)]
pub struct Mock {
    pub shared: Rc<Shared>,
    pub calls: RefCell<Vec<Call>>,
    pub replies: RefCell<Vec<(u32, Value)>>,
    pub counts: RefCell<BTreeMap<Counter, u32>>,
    pub log: RefCell<Vec<String>>,
    pub is_woken: Cell<bool>,
    /// The proxy takes no calls.
    pub is_full: Cell<bool>,
    /// So many writes fail: another thread was faster.
    pub races: Cell<u32>,
    last_call: Cell<u32>,
    last_random: Cell<u8>,
}

pub const NOW: u64 = 1_767_225_600;

impl Mock {
    pub fn new() -> Self {
        let mock = Self::default();
        mock.shared.now.set(NOW);
        mock
    }

    /// Another thread of the same proxy.
    pub fn another(&self) -> Self {
        Self {
            shared: Rc::clone(&self.shared),
            last_random: Cell::new(self.last_random.get().wrapping_add(100)),
            ..Self::default()
        }
    }

    pub fn pass(&self, seconds: u64) {
        self.shared.now.set(self.shared.now.get() + seconds);
    }

    pub fn count_of(&self, counter: Counter) -> u32 {
        self.counts.borrow().get(&counter).copied().unwrap_or(0)
    }

    /// The one call that was made since the last look.
    pub fn call(&self) -> Call {
        let mut calls = self.calls.take();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.pop().unwrap()
    }

    /// The one reply that was sent since the last look.
    pub fn reply(&self) -> (u32, Value) {
        let mut replies = self.replies.take();
        assert_eq!(replies.len(), 1, "{replies:?}");
        replies.pop().unwrap()
    }
}

impl Proxy for Mock {
    fn now(&self) -> UnixTime {
        UnixTime(self.shared.now.get())
    }

    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Option<u32> {
        if self.is_full.get() {
            return None;
        }
        let number = self.last_call.get() + 1;
        self.last_call.set(number);
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        self.calls.borrow_mut().push(Call {
            number,
            cluster: cluster.to_owned(),
            headers: headers.collect(),
            body: body.map(<[u8]>::to_vec),
            timeout,
        });
        Some(number)
    }

    fn read(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        let data = self.shared.data.borrow();
        data.get(key)
            .map(|(value, version)| (value.clone(), Some(*version)))
    }

    fn write(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        if version.is_some() && self.races.get() > 0 {
            self.races.set(self.races.get() - 1);
            return false;
        }
        let mut data = self.shared.data.borrow_mut();
        let known = data.get(key).map(|(_, version)| *version);
        if version.is_some() && version != known {
            return false;
        }
        self.shared.version.set(self.shared.version.get() + 1);
        data.insert(key.to_owned(), (value.to_vec(), self.shared.version.get()));
        true
    }

    fn respond(&self, request: u32, reply: &Reply<'_>) {
        self.replies.borrow_mut().push((request, body(reply)));
    }

    fn wake(&self) {
        self.is_woken.set(true);
    }

    fn random(&self) -> [u8; 16] {
        self.last_random.set(self.last_random.get().wrapping_add(1));
        [self.last_random.get(); 16]
    }

    fn count(&self, counter: Counter) {
        *self.counts.borrow_mut().entry(counter).or_default() += 1;
    }

    fn log(&self, _: Level, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }
}

pub fn body(reply: &Reply<'_>) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

pub fn config(change: impl FnOnce(&mut Value)) -> Config {
    let mut config = json!({
        "api_hosts": ["*"],
        "query": { "dns": { "cluster": "doh" }, "fetch": { "cluster": "hosts" } },
    });
    change(&mut config);
    Config::parse(config.to_string().as_bytes()).unwrap()
}

pub fn worker(mock: &Mock) -> Worker {
    Worker::new(config(|_| ()).query.as_ref().unwrap(), mock)
}

/// The DNS response to a question for `_mta-sts.<domain>`: one TXT record, or with `None` NXDOMAIN.
pub fn dns(question: &[u8], txt: Option<&str>) -> Response {
    let mut octets = question.to_vec();
    (octets[2], octets[3]) = (0x81, if txt.is_some() { 0x80 } else { 0x83 });
    if let Some(txt) = txt {
        octets[7] = 1;
        octets.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, txt.len() as u8 + 1]);
        octets.push(txt.len() as u8);
        octets.extend(txt.as_bytes());
    }
    Response {
        status: 200,
        content_type: Some("application/dns-message".to_owned()),
        is_upstream: true,
        has_end: true,
        size: octets.len(),
        body: octets,
        age: None,
    }
}

pub const POLICY: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 604800\r\n";

/// A policy host's response.
pub fn policy(text: &str) -> Response {
    Response {
        status: 200,
        content_type: Some("text/plain".to_owned()),
        is_upstream: true,
        has_end: true,
        size: text.len(),
        body: text.as_bytes().to_vec(),
        age: None,
    }
}

/// What Envoy says in an upstream's stead.
pub fn synthetic(status: u16, line: &str) -> Response {
    Response {
        status,
        content_type: Some("text/plain".to_owned()),
        size: line.len(),
        body: line.as_bytes().to_vec(),
        ..Response::default()
    }
}

/// Asks for a domain by request 1, answers DNS and policy host, and gives the answer.
pub fn fetch(mock: &Mock, worker: &mut Worker, domain: &str, id: &str, text: &str) -> Value {
    assert!(worker.ask(mock, 1, &format!("domain={domain}")).is_none());
    worker.tick(mock);
    let call = mock.call();
    let record = format!("v=STSv1; id={id};");
    worker.response(mock, call.number, dns(&call.body.unwrap(), Some(&record)));
    let call = mock.call();
    worker.response(mock, call.number, policy(text));
    let (request, answer) = mock.reply();
    assert_eq!(request, 1);
    answer
}
