// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mail hosts take mail, in TLS and without, and fail as they are told.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
};

use common::{LIMIT, Talk, address, lab};
use mtasts_lab::Lab;

const MX: &str = "mx1.good.example";

fn send<S: Read + Write>(talk: &mut Talk<S>) -> String {
    assert!(
        talk.say("EHLO client.example")
            .starts_with("250-mx1.good.example/")
    );
    assert_eq!(
        talk.say("MAIL FROM:<a@b.example> SIZE=100"),
        "250 2.1.0 sender fine"
    );
    assert_eq!(
        talk.say("RCPT TO:<x@good.example>"),
        "250 2.1.5 recipient fine"
    );
    assert_eq!(talk.say("DATA"), "354 end with a dot");
    talk.say("Subject: hello\r\n\r\n..dot\r\n.")
}

fn greeted(lab: &Lab) -> Talk<TcpStream> {
    let mut talk = Talk::to(lab, MX);
    assert_eq!(talk.hear(), "220 mx1.good.example ESMTP mtasts lab");
    talk
}

#[test]
fn takes_mail_in_tls() {
    let lab = lab();
    let mut plain = greeted(&lab);
    assert!(plain.say("EHLO client.example").contains("250-STARTTLS"));
    let mut talk = plain.secure(&lab, MX).unwrap();
    assert!(!talk.say("EHLO client.example").contains("STARTTLS"));
    assert_eq!(send(&mut talk), "250 2.0.0 taken");
    assert_eq!(talk.say("QUIT"), "221 2.0.0 bye");
    let mail = &lab
        .wait("delivery", 1, LIMIT, "host=mx1.good.example")
        .unwrap()[0];
    assert_eq!(mail["tls"], true);
    assert_eq!(mail["sni"], MX);
    assert_eq!(mail["from"], "a@b.example");
    assert_eq!(mail["rcpts"], serde_json::json!(["x@good.example"]));
    assert_eq!(mail["message"], "Subject: hello\r\n\r\n.dot\r\n");
    assert_eq!(mail["size"], 24);
}

#[test]
fn takes_mail_without_tls_and_says_so() {
    let lab = lab();
    assert_eq!(send(&mut greeted(&lab)), "250 2.0.0 taken");
    assert_eq!(lab.count("delivery", "tls=false").unwrap(), 1);
    assert_eq!(
        lab.count("smtp-connect", "host=mx1.good.example").unwrap(),
        1
    );
}

#[test]
fn starttls_fails_as_told() {
    let lab = lab();
    lab.set(MX, "smtp=no-starttls").unwrap();
    let mut talk = greeted(&lab);
    assert!(!talk.say("EHLO c").contains("STARTTLS"));
    assert!(talk.say("STARTTLS").starts_with("502 "));
    lab.set(MX, "smtp=starttls-refused").unwrap();
    let mut talk = greeted(&lab);
    assert!(talk.say("EHLO c").contains("STARTTLS"));
    assert!(talk.say("STARTTLS").starts_with("454 "));
    lab.set(MX, "smtp=garbage-after-starttls").unwrap();
    assert_eq!(
        greeted(&lab).secure(&lab, MX).err().unwrap().kind(),
        ErrorKind::InvalidData
    );
}

#[test]
fn bad_certificates_do_not_verify() {
    let lab = lab();
    for fault in [
        "wrong-name",
        "expired",
        "not-yet-valid",
        "untrusted",
        "self-signed",
        "cn-only",
        "ip-san",
    ] {
        lab.set(MX, &format!("smtp={fault}")).unwrap();
        let error = greeted(&lab).secure(&lab, MX).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{fault}: {error}");
    }
    lab.wait("tls-failure", 7, LIMIT, "host=mx1.good.example server=smtp")
        .unwrap();
    lab.set(MX, "smtp=wildcard").unwrap();
    assert!(greeted(&lab).secure(&lab, MX).is_ok());
}

#[test]
fn commands_fail_as_told() {
    let lab = lab();
    for (fault, mail, rcpt, data) in [
        ("tempfail-mail", "451", "503", "503"),
        ("tempfail-rcpt", "250", "450", "503"),
        ("reject-rcpt", "250", "550", "503"),
        ("reject-data", "250", "250", "554"),
    ] {
        lab.set(MX, &format!("smtp={fault}")).unwrap();
        let mut talk = greeted(&lab);
        assert!(talk.say("MAIL FROM:<>").starts_with(mail), "{fault}");
        assert!(
            talk.say("RCPT TO:<x@good.example>").starts_with(rcpt),
            "{fault}"
        );
        assert!(talk.say("DATA").starts_with(data), "{fault}");
    }
    assert_eq!(lab.count("delivery", "").unwrap(), 0);
}

#[test]
fn connections_fail_as_told() {
    let lab = lab();
    for (fault, greeting) in [("greeting-554", "554"), ("greeting-421", "421")] {
        lab.set(MX, &format!("smtp={fault}")).unwrap();
        assert_eq!(&Talk::to(&lab, MX).hear()[..3], greeting, "{fault}");
    }
    lab.set(MX, "smtp=closed").unwrap();
    // The reset may come while the client still connects.
    let stream = TcpStream::connect((address(&lab, MX), lab.smtp_port()));
    let error = stream
        .and_then(|mut stream| stream.read(&mut [0]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    lab.set(MX, "smtp=drop-after-data").unwrap();
    assert_eq!(send(&mut greeted(&lab)), "");
    lab.wait("smtp-dropped", 1, LIMIT, "from=a@b.example")
        .unwrap();
}

#[test]
fn commands_may_be_pipelined() {
    let lab = lab();
    let mut talk = greeted(&lab);
    let first = talk.say("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\nDATA");
    assert!(first.ends_with("250 SIZE 52428800"));
    let rest: Vec<_> = (0..3).map(|_| talk.hear()[..3].to_owned()).collect();
    assert_eq!(rest, ["250", "250", "354"]);
}

#[test]
fn what_is_pipelined_after_starttls_is_forgotten() {
    let lab = lab();
    let talk = greeted(&lab);
    let mut stream = talk.0.into_inner();
    stream.write_all(b"STARTTLS\r\nRSET\r\n").unwrap();
    let mut talk = Talk(std::io::BufReader::new(stream));
    assert_eq!(talk.hear(), "220 2.0.0 go ahead");
    let mut secure = Talk(std::io::BufReader::new(
        common::tls(&lab, MX, talk.0.into_inner()).unwrap(),
    ));
    assert_eq!(secure.say("NOOP"), "250 2.0.0 fine");
}

#[test]
fn redirected_mail_arrives_at_the_attacker() {
    let lab = lab();
    lab.set("good.example", "mx=mx.evil.example").unwrap();
    assert!(
        Talk::to(&lab, "mx.evil.example")
            .hear()
            .starts_with("220 mx.evil.example ")
    );
}
