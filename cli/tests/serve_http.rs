// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `mtasts serve` answers over HTTP: metrics, health, policies.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serde_json::{Value, json};
use serve_world::{PATIENCE, Server, configure, connect, free_port, http, reconfigure};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

const SCENE: &str = r#"
[[domain]]
name = "good.example"
id = "20260101"
policy = "enforce"
policy_mx = ["mx.good.example", "*.mx.example"]

[[domain]]
name = "failing.example"
id = "1"
https = "error500"

[[domain]]
name = "slow.example"
id = "1"
policy = "enforce"
https = "stall-http"

[[domain]]
name = "xn--bcher-kva.example"
id = "1"
policy = "enforce"
"#;

/// The head and body of the reply to a request as it is, over a connection of its own.
fn raw(address: &str, request: &str) -> (String, String) {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn a_policy_is_told_in_json_with_what_it_means_for_mx_hosts() {
    let lab = Lab::start(SCENE).unwrap();
    let port = format!("127.0.0.1:{}", free_port());
    let listen = format!("[[listen]]\ntype = \"http\"\naddress = \"{port}\"");
    let server = Server::start(&lab, "", &listen);
    let path = "/v1/policy?domain=GOOD.example&mx=MX.good.example,evil.example&mx=a.mx.example";
    let (status, body) = http(&port, "GET", path);
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(answer["domain"], "good.example");
    assert_eq!(answer["basis"], "fresh");
    assert_eq!(answer["policy"]["id"], "20260101");
    assert_eq!(answer["policy"]["mode"], "enforce");
    assert_eq!(
        answer["policy"]["mx"],
        json!(["mx.good.example", "*.mx.example"])
    );
    let expires = answer["policy"]["expires_at"].as_u64().unwrap();
    assert_eq!(
        expires - answer["policy"]["fetched_at"].as_u64().unwrap(),
        604_800
    );
    let actions: Vec<_> = answer["mx"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mx| &mx["action"])
        .collect();
    assert_eq!(actions, ["deliver", "defer", "deliver"]);
    assert!(server.policy("good.example")["mx"].is_null());
    assert_eq!(
        server.policy("b%C3%BCcher.example")["domain"],
        "xn--bcher-kva.example"
    );
    let failing = server.policy("failing.example");
    assert_eq!(failing["result"], "sts-policy-fetch-error");
    assert!(failing["policy"].is_null());
}

#[test]
fn what_cannot_be_answered_is_an_error_in_json() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    for (method, path, expected) in [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/policy/", 404),
        ("GET", "/metrics/x", 404),
        ("POST", "/v1/policy?domain=good.example", 405),
        ("DELETE", "/metrics", 405),
        ("POST", "/healthz", 405),
        ("POST", "/v1/refresh?domain=good.example", 404),
        ("POST", "/v1/purge?domain=good.example", 404),
        ("GET", "/v1/entries", 404),
        ("GET", "/v1/policy", 400),
        ("GET", "/v1/policy?domain=", 400),
        ("GET", "/v1/policy?domain=no_host.example", 400),
        ("GET", "/v1/policy?domain=[192.0.2.1]", 400),
        ("GET", "/v1/policy?domain=%FF.example", 400),
        ("GET", "/v1/policy?domain=good.example&host=mx", 400),
        (
            "GET",
            "/v1/policy?domain=good.example&domain=evil.example",
            400,
        ),
    ] {
        let (status, body) = http(&server.http, method, path);
        assert_eq!(status, expected, "{method} {path}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(
            !body["error"].as_str().unwrap().is_empty(),
            "{method} {path}"
        );
    }
    assert_eq!(lab.count("dns", "").unwrap(), 0);
    let (head, _) = raw(
        &server.http,
        "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(head.contains("\nallow: get, head"), "{head}");
    assert!(
        raw(&server.http, "nonsense\r\n\r\n")
            .0
            .starts_with("http/1.1 400 ")
    );
}

#[test]
fn head_is_get_without_a_body() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    for path in ["/metrics", "/healthz", "/v1/policy?domain=good.example"] {
        let request =
            |method| format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let (head, body) = raw(&server.http, &request("HEAD"));
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(head.contains("\ncontent-type: ") && head.contains("\ncontent-length: "));
        assert_eq!(body, "");
        assert!(!raw(&server.http, &request("GET")).1.is_empty());
    }
}

#[test]
fn health_says_what_is_amiss() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = Server::start(&lab, "", "");
    server.wait_for_log("store: read");
    server.ask("postfix good.example");
    let (status, body) = server.get("/healthz");
    assert_eq!(status, 200);
    let health: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        health,
        json!({ "status": "ok", "store": "up", "domains": 1 })
    );
}

/// The names in `# TYPE` lines, after a look at every line.
fn families(metrics: &str) -> HashSet<String> {
    let mut families = HashSet::new();
    let mut lines = metrics.lines();
    assert_eq!(lines.next_back(), Some("# EOF"));
    assert!(metrics.ends_with("# EOF\n"));
    for line in lines {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, _) = declared.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned()), "twice: {line}");
        } else if !line.starts_with("# HELP ") && !line.starts_with("# UNIT ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.split('{').next().unwrap();
            let is_of = |family: &String| name.strip_prefix(family.as_str()).is_some();
            assert!(families.iter().any(is_of), "no family: {line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    families
}

#[test]
fn metrics_are_openmetrics() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    server.ask("postfix good.example");
    server.ask("postfix gone.example");
    let (head, text) = raw(
        &server.http,
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"));
    let found = families(&text);
    for name in [
        "build",
        "queries",
        "questions",
        "question_duration_seconds",
        "connections",
        "domains",
        "local_policies",
        "policy_changes",
        "policies_expired",
        "refresh_failures",
        "reload_failures",
        "store_errors",
        "store_up",
        "store_waiting",
    ] {
        assert!(found.contains(&format!("mtasts_{name}")), "{name}: {text}");
    }
    assert!(text.contains("\nmtasts_domains 2\n"), "{text}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.contains(&format!("\nmtasts_build_info{{version=\"{version}\"}} 1\n")));
    assert!(text.contains("\nmtasts_questions_total{question=\"https\",result=\"ok\"} 1\n"));
    assert!(
        text.contains("\nmtasts_questions_total{question=\"txt\",result=\"ok\"} 1\n"),
        "{text}"
    );
}

#[test]
fn a_client_that_ends_its_side_after_the_request_gets_its_answer() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (socketmap, http) = configure(dir.path(), &lab, "", "");
    reconfigure(dir.path(), "[network]", "[network]\nfetch_timeout = \"1s\"");
    let server = Server::spawn(dir, socketmap, http, |command| command);
    let mut stream = UnixStream::connect(&server.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = "GET /v1/policy?domain=slow.example HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("\"domain\":\"slow.example\""));
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let lab = Lab::start(SCENE).unwrap();
    let server = Server::start(&lab, "", "");
    let one = "GET /v1/policy?domain=good.example HTTP/1.1\r\nHost: x\r\n\r\n";
    let two = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut stream = connect(&server.http);
    stream.write_all(format!("{one}{two}").as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let place = |words| reply.find(words).unwrap();
    assert!(place("\"domain\"") < place("\"status\""), "{reply}");
}
