// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts check` and mail servers that mean harm, or are none.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod check_lab;

use check_lab::json;
use mtasts_lab::Lab;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The mail host is where nothing of the lab listens.
const SCENE: &str = r#"
[[domain]]
name = "hostile.example"
id = "1"
policy = "enforce"
max_age = 1209600
mx = ["mx.hostile.example"]
tlsrpt = "mailto:r@hostile.example"

[[host]]
name = "mx.hostile.example"
addr = ["127.0.99.1"]
"#;

/// Serves one connection by `serve`; gives what that returns.
fn server<T: Send + 'static>(
    lab: &Lab,
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> Receiver<T> {
    let listener = TcpListener::bind(("127.0.99.1", lab.smtp_port())).unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        drop(listener);
        let _ = sender.send(serve(stream));
    });
    receiver
}

/// What is seen of the host.
fn look<T: Send + 'static>(
    lab: &Lab,
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Value, T) {
    let served = server(lab, serve);
    let report = json(lab, &["hostile.example", "--timeout", "1"]);
    let address = report["mx"]["hosts"][0]["addresses"][0].clone();
    (
        address,
        served.recv_timeout(Duration::from_secs(10)).unwrap(),
    )
}

/// Writes `octets` again and again until nobody takes them; how many were taken.
fn flood(mut stream: TcpStream, octets: &[u8]) -> usize {
    let mut taken = 0;
    while stream.write_all(octets).is_ok() {
        taken += octets.len();
    }
    taken
}

/// Says each of `replies`, after the first when a line has come, and reads to the end.
fn talk(mut stream: TcpStream, replies: &[&str]) -> String {
    let mut heard = Vec::new();
    for (count, reply) in replies.iter().enumerate() {
        let mut octet = [0];
        while heard.iter().filter(|&&b| b == b'\n').count() < count {
            if stream.read(&mut octet).unwrap_or(0) == 0 {
                break;
            }
            heard.push(octet[0]);
        }
        let _ = stream.write_all(reply.as_bytes());
    }
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).into_owned()
}

#[test]
fn endless_greetings_have_an_end() {
    let lab = Lab::start(SCENE).unwrap();
    let lines = b"220-more and more\r\n".repeat(1000);
    let (seen, _) = look(&lab, move |stream| flood(stream, &lines));
    assert_eq!(seen["state"], "not-smtp");
    assert_eq!(seen["error"], "a reply of more than 100 lines");
    let (seen, _) = look(&lab, |stream| flood(stream, &[b'2'; 4096]));
    assert_eq!(seen["error"], "a reply line of more than 2048 octets");
}

#[test]
fn a_greeting_octet_by_octet_ends_with_the_time_limit() {
    let lab = Lab::start(SCENE).unwrap();
    let begun = Instant::now();
    let (seen, _) = look(&lab, |mut stream| {
        // The server's pace, not a wait for something to happen.
        while stream.write_all(b"2").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(
        (&seen["state"], &seen["error"]),
        (&"timed-out".into(), &"no greeting within 1 s".into())
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_no_mail_server_and_what_does_not_talk_to_us() {
    let lab = Lab::start(SCENE).unwrap();
    let (seen, _) = look(&lab, |stream| {
        talk(stream, &["HTTP/1.1 400 \u{1b}[31mBad\r\n\r\n"])
    });
    assert_eq!(seen["state"], "not-smtp");
    assert_eq!(seen["error"], r"it says: HTTP/1.1 400 \u{1b}[31mBad");
    let (seen, heard) = look(&lab, |stream| talk(stream, &["554-no\r\n554 service\r\n"]));
    assert_eq!(
        (&seen["state"], &seen["greeting"]),
        (&"rejected".into(), &"no".into())
    );
    assert_eq!(heard, "QUIT\r\n");
    let (seen, _) = look(&lab, drop);
    assert_eq!(seen["state"], "closed");
}

#[test]
fn the_session_is_polite_and_offers_no_mail() {
    let lab = Lab::start(SCENE).unwrap();
    let hello = "250-mx\r\n250-X-STARTTLS\r\n250 SIZE\r\n";
    let (seen, heard) = look(&lab, move |stream| {
        talk(stream, &["220 mx\r\n", hello, "221 bye\r\n"])
    });
    assert_eq!(seen["state"], "starttls-not-offered");
    assert_eq!(seen["result"], "starttls-not-supported");
    assert_eq!(heard, "EHLO sender.example\r\nQUIT\r\n");
}

#[test]
fn nothing_that_was_sent_in_the_clear_is_taken_for_tls() {
    let lab = Lab::start(SCENE).unwrap();
    let replies = [
        "220 mx\r\n",
        "250-mx\r\n250 starttls\r\n",
        "220 go\r\n250 more\r\n",
    ];
    let (seen, _) = look(&lab, move |stream| talk(stream, &replies));
    assert_eq!(seen["state"], "tls-failed");
    assert_eq!(
        seen["error"],
        "it sends more in the clear after its reply to STARTTLS"
    );
    assert_eq!(seen["action"], "defer");
}

#[test]
fn a_server_that_is_silent_after_starttls_has_no_tls() {
    let lab = Lab::start(SCENE).unwrap();
    let replies = ["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"];
    let (seen, _) = look(&lab, move |stream| talk(stream, &replies));
    assert_eq!(seen["state"], "tls-failed");
    assert_eq!(seen["error"], "no TLS session after STARTTLS within 1 s");
}
