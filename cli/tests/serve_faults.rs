// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `mtasts serve` answers whatever is wrong with a domain's DNS and policy host: each fault,
//! without a cached policy, with one, and with one that has expired.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_cached;
mod serve_world;

use mtasts_lab::Lab;
use serde_json::Value;
use serve_cached::{OLD, WEEK, cached, keep, no_network};
use serve_world::{Client, Server, network};
use std::sync::Mutex;
use std::thread;

/// What is wrong with a domain, and the reason that is given. Those that take long come first.
const FAULTS: &[(&str, &str)] = &[
    (r#"https = "drip""#, "timeout"),
    (r#"https = "stall-http""#, "timeout"),
    (r#"https = "stall-tls""#, "timeout"),
    (r#"record = "timeout""#, "dns-temporary"),
    (r#"dns = "timeout""#, "dns-temporary"),
    (r#"policydns = "timeout""#, "policy-host-dns"),
    // The record.
    (r#"record = "gone""#, "no-record"),
    (r#"record = "nodata""#, "no-record"),
    (r#"record = "two""#, "several-records"),
    (r#"record = "invalid""#, "record-invalid"),
    (r#"record = "octets""#, "record-invalid"),
    (r#"record = "malformed""#, "dns-permanent"),
    (r#"record = "formerr""#, "dns-permanent"),
    (r#"record = "servfail""#, "dns-temporary"),
    (r#"record = "refused""#, "dns-temporary"),
    (r#"txt = "v=spf1 -all""#, "no-record"),
    (r#"txt = "v=STSv1;""#, "record-invalid"),
    (r#"txt = "v=STSv1; id=a-b;""#, "record-invalid"),
    // All of the domain.
    (r#"dns = "gone""#, "no-record"),
    (r#"dns = "nodata""#, "no-record"),
    (r#"dns = "malformed""#, "dns-permanent"),
    (r#"dns = "servfail""#, "dns-temporary"),
    (r#"dns = "refused""#, "dns-temporary"),
    // The address of the policy host.
    (r#"policydns = "gone""#, "policy-host-dns"),
    (r#"policydns = "nodata""#, "policy-host-dns"),
    (r#"policydns = "malformed""#, "policy-host-dns"),
    (r#"policydns = "servfail""#, "policy-host-dns"),
    (r#"policydns = "refused""#, "policy-host-dns"),
    // The policy host.
    (r#"https = "redirect""#, "status-301"),
    (r#"https = "notfound""#, "status-404"),
    (r#"https = "error500""#, "status-500"),
    (r#"status = 204"#, "status-204"),
    (r#"status = 304"#, "status-304"),
    (r#"https = "html""#, "media-type"),
    (r#"https = "notype""#, "media-type"),
    (r#"https = "oversize""#, "body-too-large"),
    (r#"pad = 65537"#, "body-too-large"),
    (r#"https = "interim""#, "connect"),
    (r#"https = "gzip""#, "policy-invalid"),
    (r#"https = "truncated""#, "connect"),
    (r#"https = "garbage""#, "fetch-other"),
    (r#"https = "reset""#, "connect"),
    (r#"https = "tls-refused""#, "connect"),
    (r#"https = "refused""#, "connect"),
    // Its certificate.
    (r#"https = "wrong-name""#, "webpki"),
    (r#"https = "expired""#, "webpki"),
    (r#"https = "not-yet-valid""#, "webpki"),
    (r#"https = "untrusted""#, "webpki"),
    (r#"https = "self-signed""#, "webpki"),
    (r#"https = "cn-only""#, "webpki"),
    (r#"https = "ip-san""#, "webpki"),
    // The policy.
    (r#"policy_text = "\n""#, "policy-invalid"),
    (
        r#"policy_text = "mode: none\nmax_age: 86400\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv2\nmode: none\nmax_age: 86400\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmax_age: 86400\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmode: off\nmax_age: 86400\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmode: none\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmode: none\nmax_age: -1\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmode: enforce\nmax_age: 86400\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmode: enforce\nmx: *\nmax_age: 86400\n""#,
        "policy-invalid",
    ),
    (
        r#"policy_text = "version: STSv1\nmode: none\nmax_age: 86400\n<html>\n""#,
        "policy-invalid",
    ),
];

/// What is no fault: the new policy is there, and takes the place of the cached one.
const NO_FAULTS: &[&str] = &[
    r#"https = "ok""#,
    r#"https = "chunked""#,
    r#"https = "wildcard""#,
    r#"record = "cname""#,
    r#"pad = 65536"#,
    r#"policyaddr = ["127.0.0.9", "127.0.0.2"]"#,
];

/// What a server answers where the policy of the scene is enforced.
const NEW: &str = "OK secure match=mx.new.example servername=hostname";

/// What the store has when the server starts.
#[derive(Clone, Copy, Debug)]
enum Cached {
    Nothing,
    /// In time, of this mode.
    Policy(&'static str),
    Expired(&'static str),
}

const CACHED: [Cached; 7] = [
    Cached::Nothing,
    Cached::Policy("enforce"),
    Cached::Policy("testing"),
    Cached::Policy("none"),
    Cached::Expired("enforce"),
    Cached::Expired("testing"),
    Cached::Expired("none"),
];

/// One domain.
#[derive(Clone, Debug)]
struct Case {
    domain: String,
    /// A line of the scene.
    fault: &'static str,
    /// `None`: there is none.
    reason: Option<&'static str>,
    cached: Cached,
}

fn cases() -> Vec<Case> {
    let faults = FAULTS.iter().map(|(fault, reason)| (*fault, Some(*reason)));
    let all = faults.chain(NO_FAULTS.iter().map(|fault| (*fault, None)));
    let cases = all.enumerate().flat_map(|(row, (fault, reason))| {
        CACHED.iter().enumerate().map(move |(column, cached)| Case {
            domain: format!("r{row}c{column}.example"),
            fault,
            reason,
            cached: *cached,
        })
    });
    cases.collect()
}

fn lab(cases: &[Case]) -> Lab {
    let mut scene = "[defaults]\nttl = 0\nid = \"new\"\npolicy = \"enforce\"\n\
                     mx = [\"mx.new.example\"]\n"
        .to_owned();
    for Case { domain, fault, .. } in cases {
        scene += &format!("[[domain]]\nname = \"{domain}\"\n{fault}\n");
    }
    Lab::start(scene).unwrap()
}

/// A server with short time limits that begins with what is cached.
fn server(lab: &Lab, cases: &[Case], top: &str) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<_> = cases
        .iter()
        .filter_map(|case| match case.cached {
            Cached::Nothing => None,
            Cached::Policy(mode) => Some(cached(&case.domain, mode, 3_600)),
            Cached::Expired(mode) => Some(cached(&case.domain, mode, 2 * WEEK)),
        })
        .collect();
    keep(&dir.path().join("store"), &entries);
    Server::start_on(dir, &impatient(lab), top, "")
}

fn impatient(lab: &Lab) -> String {
    let limits = "dns_timeout = \"2s\"\nconnect_timeout = \"3s\"\nfetch_timeout = \"4s\"\n";
    network(lab) + limits
}

/// Does `work` with all cases, many at a time.
fn each(cases: &[Case], work: impl Fn(&Case) + Sync) {
    let cases = Mutex::new(cases.iter());
    thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| {
                let next = || cases.lock().unwrap().next();
                while let Some(case) = next() {
                    work(case);
                }
            });
        }
    });
}

/// What `/v1/policy` says: the policy's `id`, the basis and the reason, and whether mail waits.
fn check_policy(server: &Server, case: &Case, waits: bool) {
    let said = server.policy(&case.domain);
    let (id, mode, basis) = match (case.reason, case.cached) {
        (None, _) => (Some("new"), Some("enforce"), "fresh"),
        (Some(_), Cached::Policy(mode)) => (Some("old"), Some(mode), "cached"),
        (Some(_), _) => (None, None, "no-policy"),
    };
    let text = |value: Option<&str>| value.map_or(Value::Null, Value::from);
    let policy = |key: &str| said["policy"].get(key).cloned().unwrap_or_default();
    assert_eq!(said["basis"], basis, "{case:?}: {said}");
    assert_eq!(said["reason"], text(case.reason), "{case:?}: {said}");
    assert_eq!(policy("id"), text(id), "{case:?}: {said}");
    assert_eq!(policy("mode"), text(mode), "{case:?}: {said}");
    assert_eq!(said["try_later"], waits, "{case:?}: {said}");
}

fn check_answer(server: &Server, case: &Case, waits: bool) {
    let expected = match (case.reason, case.cached) {
        (None, _) => NEW,
        (Some(_), Cached::Policy("enforce")) => OLD,
        _ if waits => "TEMP ",
        _ => "NOTFOUND ",
    };
    let answer = Client::connect(&server.socketmap).ask(&format!("postfix {}", case.domain));
    assert_eq!(answer, expected, "{case:?}");
}

fn check(server: &Server, case: &Case, defers: bool) {
    let is_cached = matches!(case.cached, Cached::Policy(_));
    let waits = defers && case.reason == Some("dns-temporary") && !is_cached;
    check_policy(server, case, waits);
    check_answer(server, case, waits);
    check_answer(server, case, waits); // what has been found out changes nothing
}

#[test]
fn r_flow_1_whatever_fails_a_cached_policy_applies_and_r_flow_2_without_one_mail_goes() {
    let cases = cases();
    let lab = lab(&cases);
    let server = server(&lab, &cases, "");
    each(&cases, |case| check(&server, case, false));

    // The next server knows no less, without a network.
    let server = Server::start_on(server.end("TERM"), &no_network(), "", "");
    each(&cases, |case| {
        let is_cached = matches!(case.cached, Cached::Policy(_));
        if is_cached || case.reason.is_none() {
            check_answer(&server, case, false);
        }
    });
}

#[test]
fn r_flow_2_mail_waits_for_the_dns_where_that_is_configured() {
    let cases: Vec<_> = cases()
        .into_iter()
        .filter(|case| case.fault.contains("record = ") || case.fault.contains("dns = "))
        .collect();
    let lab = lab(&cases);
    let server = server(&lab, &cases, "defer_on_dns_failure = true");
    each(&cases, |case| check(&server, case, true));
}

#[test]
fn r_get_6_a_policy_host_with_a_private_address_is_no_policy_host() {
    let case = |cached, domain: &str| Case {
        domain: domain.to_owned(),
        fault: r#"policydns = "private""#,
        reason: Some("connect"),
        cached,
    };
    let cases = [
        case(Cached::Nothing, "nothing.example"),
        case(Cached::Policy("enforce"), "cached.example"),
        case(Cached::Expired("enforce"), "expired.example"),
    ];
    let lab = lab(&cases);
    let dir = server(&lab, &cases, "").end("TERM");
    let strict = impatient(&lab).replace("allow_non_global = true", "allow_non_global = false");
    let server = Server::start_on(dir, &strict, "", "");
    cases.iter().for_each(|case| check(&server, case, false));
    assert_eq!(lab.count("https-connect", "").unwrap(), 0);
}
