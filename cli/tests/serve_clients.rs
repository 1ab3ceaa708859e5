// SPDX-License-Identifier: MIT OR Apache-2.0

//! Clients of `mtasts serve` that do what they should not, and many at once.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{
    Client, PATIENCE, Server, configure, http, netstring, readsocket, reconfigure, text, wait_until,
};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

const SCENE: &str = r#"
[[domain]]
name = "warm.example"
id = "1"
policy = "enforce"

[[domain]]
name = "cold.example"
id = "1"
policy = "enforce"

[[domain]]
name = "stalled.example"
id = "1"
policy = "enforce"
https = "stall-http"

[[bulk]]
count = 300
pattern = "d{}.many.example"
id = "1"
policy = "enforce"
"#;

const WARM: &str = "OK secure match=mx.warm.example servername=hostname";
const COLD: &str = "OK secure match=mx.cold.example servername=hostname";
const MANY: &str = "OK secure match=mx.many.example servername=hostname";
const MALFORMED: &str = r#"mtasts_queries_total{listener="socketmap",result="malformed"}"#;
const ANSWERED: &str = r#"mtasts_queries_total{listener="socketmap",result="policy"}"#;

/// A server to which `warm.example` is known.
fn server(lab: &Lab) -> Server {
    let server = Server::start(lab, "", "");
    assert_eq!(server.ask("postfix warm.example"), WARM);
    server
}

fn client(server: &Server) -> Client {
    Client::connect(&server.socketmap)
}

/// A socketmap listener `DIR/map` with these keys.
fn map(dir: &tempfile::TempDir, keys: &str) -> String {
    let path = dir.path().display();
    format!("[[listen]]\ntype = \"socketmap\"\naddress = \"{path}/map\"\n{keys}\n")
}

#[test]
fn many_requests_in_one_write_are_answered_in_order() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut client = client(&server);
    let domain = |at| match at % 4 {
        0 => ("warm.example".to_owned(), WARM),
        1 => (format!("d{at}.many.example"), MANY),
        2 => ("gone.example".to_owned(), "NOTFOUND "),
        _ => ("[192.0.2.1]".to_owned(), "NOTFOUND "),
    };
    let requests: Vec<_> = (0..100).map(domain).collect();
    let octets = requests
        .iter()
        .flat_map(|(name, _)| netstring(&format!("postfix {name}")));
    client.send(&octets.collect::<Vec<_>>());
    for (name, expected) in requests {
        assert_eq!(client.reply().unwrap(), expected, "{name}");
    }
}

#[test]
fn a_request_split_octet_by_octet_is_one_request() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut client = client(&server);
    for octet in netstring("postfix warm.example").repeat(3) {
        client.send(&[octet]);
    }
    for _ in 0..3 {
        assert_eq!(client.reply().unwrap(), WARM);
    }
}

#[test]
fn what_is_no_netstring_ends_that_connection_only() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut other = client(&server);
    let faults: &[&[u8]] = &[
        b":postfix warm.example,",
        b"020:postfix warm.example,",
        b"20:postfix warm.example;",
        b"20:postfix warm.example\n",
        b"postfix warm.example\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"-1:x,",
        b"+1:x,",
        b" 20:postfix warm.example,",
        b"2 0:postfix warm.example,",
        b"10001:",
        b"99999999999999999999",
        b"18446744073709551617:x,",
        b"\0",
        b"\xff\xff\xff\xff",
        b"\x16\x03\x01\x02\x00\x01",
    ];
    for (count, fault) in faults.iter().enumerate() {
        let mut client = client(&server);
        let good = netstring("postfix warm.example");
        client.send(&[&good, *fault].concat());
        assert_eq!(client.reply().as_deref(), Some(WARM), "{fault:?}");
        assert_eq!(client.reply(), None, "{fault:?}");
        assert_eq!(server.metric(MALFORMED), (count + 1) as f64, "{fault:?}");
        assert_eq!(other.ask("postfix warm.example"), WARM);
    }
}

#[test]
fn a_request_that_is_none_is_refused_and_the_connection_stays() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut client = client(&server);
    for request in [
        &b"0:,"[..],
        b"7:postfix,",
        b"4:\xff \xfe\xff,",
        b"9:postfix \xc3,",
        b"3:\0\0\0,",
    ] {
        client.send(request);
        let reply = client.reply().unwrap();
        assert!(reply.starts_with("PERM "), "{request:?}: {reply}");
        assert_eq!(client.ask("postfix warm.example"), WARM);
    }
    assert_eq!(server.metric(MALFORMED), 5.0);
}

#[test]
fn a_request_may_have_ten_thousand_octets() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut client = client(&server);
    let long = format!("postfix {}", "a".repeat(9_992));
    assert_eq!(client.ask(&long), "NOTFOUND ");
    assert_eq!(client.ask(&long.replace("aa", "a.")), "NOTFOUND ");
    client.send(&netstring(&format!("{long}a")));
    assert_eq!(client.reply(), None);
}

#[test]
fn who_ends_its_side_gets_all_answers_and_no_more() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut stream = TcpStream::connect(&server.socketmap).unwrap();
    let requests = [
        netstring("postfix warm.example"),
        netstring("postfix cold.example"),
    ];
    stream.write_all(&requests.concat()).unwrap();
    stream.write_all(b"20:postfix wa").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    let expected = [netstring(WARM), netstring(COLD)].concat();
    assert_eq!(replies.as_bytes(), expected);
}

#[test]
fn clients_that_do_not_read_take_no_memory_and_delay_nobody() {
    const REQUESTS: usize = 100;
    let patterns = (0..2_700).map(|at| format!("mx: h{at}.huge.example\\n"));
    let scene = format!(
        "{SCENE}\n[[domain]]\nname = \"huge.example\"\nid = \"1\"\npolicy_text = \
         \"version: STSv1\\nmode: enforce\\nmax_age: 86400\\n{}\"\n",
        patterns.collect::<String>()
    );
    let lab = Lab::start(scene).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let listen = map(&dir, "postfix = \"3.10\"");
    let server = Server::start_in(dir, &lab, "", &listen);
    let address = server.path("map");
    let huge = Client::connect(text(&address)).ask("postfix huge.example");
    assert!(
        huge.starts_with("OK secure match=h0.huge.example:") && huge.len() > 40_000,
        "{huge}"
    );
    assert_eq!(server.ask("postfix warm.example"), WARM);
    let before = server.kilobytes("RssAnon:");
    let mut slow: Vec<_> = (0..10).map(|_| Client::connect(text(&address))).collect();
    for client in &mut slow {
        client.send(&netstring("postfix huge.example").repeat(REQUESTS));
    }
    // Until nothing goes on any more: as many others are answered, and none of these.
    let mut other = client(&server);
    let mut still = (0.0, 0);
    while still.1 < 50 {
        let answered = server.metric(ANSWERED);
        still = if answered == still.0 {
            (answered, still.1 + 1)
        } else {
            (answered, 0)
        };
        (0..10).for_each(|_| assert_eq!(other.ask("postfix gone.example"), "NOTFOUND "));
        assert!(server.kilobytes("RssAnon:") < before + 16_384);
    }
    assert!(
        still.0 < (REQUESTS * slow.len()) as f64,
        "nobody was held up"
    );
    for client in &mut slow {
        for _ in 0..REQUESTS {
            assert!(client.reply().as_ref() == Some(&huge));
        }
    }
    assert!(server.kilobytes("RssAnon:") < before + 16_384);
}

#[test]
fn r_flow_8_many_clients_that_ask_for_a_domain_make_one_look_up() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    for (number, domain) in [(50, "cold.example"), (500, "d1.many.example")] {
        let mut clients: Vec<_> = (0..number).map(|_| client(&server)).collect();
        for client in &mut clients {
            client.send(&netstring(&format!("postfix {domain}")));
        }
        for client in &mut clients {
            assert!(client.reply().unwrap().starts_with("OK secure match="));
        }
        let txt = format!("type=TXT name=_mta-sts.{domain}");
        assert_eq!(lab.count("dns", &txt).unwrap(), 1, "{domain}");
        let fetch = format!("host=mta-sts.{domain}");
        assert_eq!(lab.count("https", &fetch).unwrap(), 1, "{domain}");
    }
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut client = client(&server);
    let [warm, cold] = ["warm", "cold"].map(|name| netstring(&format!("postfix {name}.example")));
    client.send(&[cold, warm].concat());
    assert_eq!(client.reply().unwrap(), COLD);
    assert_eq!(client.reply().unwrap(), WARM);
}

#[test]
fn a_slow_look_up_delays_no_answer_before_it_and_no_other_client() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    let mut slow = client(&server);
    let [warm, stalled] =
        ["warm", "stalled"].map(|name| netstring(&format!("postfix {name}.example")));
    // The look-up takes longer than this test waits.
    slow.send(&[warm.as_slice(), &warm, &stalled, &warm].concat());
    assert_eq!(slow.reply().unwrap(), WARM);
    assert_eq!(slow.reply().unwrap(), WARM);
    lab.wait("https", 1, PATIENCE, "host=mta-sts.stalled.example")
        .unwrap();
    let mut other = client(&server);
    for at in 0..100 {
        assert_eq!(other.ask("postfix warm.example"), WARM);
        assert_eq!(other.ask(&format!("postfix d{at}.many.example")), MANY);
    }
}

#[test]
fn more_clients_than_allowed_wait_and_are_served() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let listen = map(&dir, "max_connections = 2");
    let server = Server::start_in(dir, &lab, "", &listen);
    let address = server.path("map");
    let mut inside: Vec<_> = (0..2).map(|_| Client::connect(text(&address))).collect();
    for client in &mut inside {
        assert_eq!(client.ask("postfix warm.example"), WARM);
    }
    let mut outside: Vec<_> = (0..20).map(|_| Client::connect(text(&address))).collect();
    for client in &mut outside {
        client.send(&netstring("postfix warm.example"));
    }
    assert_eq!(server.ask("postfix warm.example"), WARM); // another listener has its own number
    assert_eq!(server.metric("mtasts_connections"), 3.0);
    assert_eq!(server.metric(ANSWERED), 3.0);
    drop(inside);
    for mut client in outside {
        assert_eq!(client.reply().unwrap(), WARM);
    }
}

#[test]
fn who_is_silent_for_too_long_is_gone_and_nobody_else() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let listen = map(&dir, "idle_timeout = \"2s\"");
    let (socketmap, http) = configure(dir.path(), &lab, "", &listen);
    reconfigure(dir.path(), "[network]", "[network]\nfetch_timeout = \"7s\"");
    let server = Server::spawn(dir, socketmap, http, |command| command);
    let address = server.path("map");
    let mut busy = Client::connect(text(&address));
    busy.send(&netstring("postfix stalled.example"));
    let mut active = Client::connect(text(&address));
    let mut elsewhere = client(&server);
    assert_eq!(elsewhere.ask("postfix warm.example"), WARM);
    let mut partial = Client::connect(text(&address));
    partial.send(b"20:postfix wa");
    let mut silent = Client::connect(text(&address));
    assert_eq!(silent.ask("postfix warm.example"), WARM);
    let begun = Instant::now();
    let ended = std::thread::spawn(move || {
        assert_eq!(silent.reply(), None);
        let after = begun.elapsed();
        assert_eq!(partial.reply(), None);
        after
    });
    while !ended.is_finished() {
        assert_eq!(active.ask("postfix warm.example"), WARM);
    }
    assert!(ended.join().unwrap() >= Duration::from_secs(2));
    assert_eq!(busy.reply().unwrap(), "NOTFOUND "); // the fetch has failed
    assert_eq!(elsewhere.ask("postfix warm.example"), WARM);
}

#[test]
fn connections_that_come_and_go_leave_nothing() {
    let lab = Lab::start(SCENE).unwrap();
    let server = server(&lab);
    assert_eq!(server.metric("mtasts_connections"), 1.0); // the one that asks for it
    let before = server.descriptors();
    for round in 0..20 {
        let mut clients: Vec<_> = (0..50).map(|_| client(&server)).collect();
        for (at, client) in clients.iter_mut().enumerate() {
            match at % 5 {
                0 => {}
                1 => client.send(b"20:postfix wa"),
                2 => client.send(&netstring("postfix warm.example").repeat(100)), // not read
                3 => client.send(&netstring(&format!(
                    "postfix d{}.many.example",
                    round * 10 + at / 5
                ))),
                _ => assert_eq!(client.ask("postfix warm.example"), WARM),
            }
        }
    }
    server.wait_for_metric("mtasts_connections", 1.0);
    wait_until("the descriptors are closed", || {
        server.descriptors() <= before + 1
    });
    assert_eq!(server.ask("postfix warm.example"), WARM);
}

#[test]
fn few_descriptors_are_enough_for_every_listener() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let line = format!(
        "[[listen]]\ntype = \"readsocket\"\naddress = \"{}/line\"\n",
        dir.path().display()
    );
    let (socketmap, http_address) = configure(dir.path(), &lab, "", &line);
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("ulimit -n 64; exec \"$0\" serve --config \"$1\"");
    command
        .arg(env!("CARGO_BIN_EXE_mtasts"))
        .arg(dir.path().join("mtasts.toml"));
    let server = Server::launch(dir, socketmap, http_address, command, " ready");
    let mut clients: Vec<_> = (0..200).map(|_| client(&server)).collect();
    for client in &mut clients {
        client.send(&netstring("postfix warm.example"));
    }
    for mut client in clients {
        assert_eq!(client.reply().unwrap(), WARM);
    }
    let reply = readsocket(text(&server.path("line")), "policy warm.example\n");
    assert!(reply.starts_with("action=deliver tls=verify "), "{reply}");
    assert_eq!(http(&server.http, "GET", "/healthz").0, 200);
}
