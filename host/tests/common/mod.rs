// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the tests with a lab share.

#![allow(dead_code)] // not every test uses everything
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use mtasts::{Fetch, FetchFailure, Host, HttpsReply, TxtAnswer, TxtFailure, WELL_KNOWN_PATH};
use mtasts_host::{DefaultHost, Log, Options};
use mtasts_lab::Lab;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const DOMAIN: &str = "good.example";

/// A lab with one domain that has everything.
pub fn lab() -> Lab {
    Lab::start(
        r#"
        [defaults]
        ttl = 77
        negative_ttl = 44

        [[domain]]
        name = "good.example"
        id = "20260101T000000"
        policy = "enforce"
        mx = ["mx1.good.example:20", "mx2.good.example:10"]

        [[record]]
        name = "alias.example"
        type = "CNAME"
        value = "mx1.good.example"
        ttl = 5
        "#,
    )
    .unwrap()
}

pub fn options(lab: &Lab) -> Options {
    Options {
        nameservers: vec![lab.dns()],
        ca_file: Some(lab.ca_file().to_owned()),
        https_port: lab.https_port(),
        allow_non_global: true,
        dns_timeout: Duration::from_millis(400),
        ..Options::default()
    }
}

pub fn host(lab: &Lab) -> DefaultHost {
    DefaultHost::open(options(lab)).unwrap()
}

/// A host that does DANE, and its log.
pub fn host_with_dane(lab: &Lab) -> (DefaultHost, Arc<Mutex<Vec<String>>>) {
    let (log, lines) = log();
    let options = Options {
        dane: true,
        log,
        ..options(lab)
    };
    (DefaultHost::open(options).unwrap(), lines)
}

/// What was written so far.
pub fn lines(log: &Mutex<Vec<String>>) -> Vec<String> {
    log.lock().unwrap().clone()
}

/// Gets the policy within `timeout_ms`.
pub fn get(host: &DefaultHost, timeout_ms: u32) -> Result<HttpsReply, FetchFailure> {
    let policy_host = format!("mta-sts.{DOMAIN}");
    let max_body = mtasts::MAX_BODY;
    let fetch = Fetch {
        host: &policy_host,
        path: WELL_KNOWN_PATH,
        timeout_ms,
        max_body,
    };
    host.blocking().https(&fetch)
}

pub fn txt(host: &DefaultHost) -> Result<TxtAnswer, TxtFailure> {
    host.blocking().txt(&format!("_mta-sts.{DOMAIN}"))
}

/// A log, and what was written to it.
pub fn log() -> (Log, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    let log = Log::new(move |_, line: &str| written.lock().unwrap().push(line.to_owned()));
    (log, lines)
}
