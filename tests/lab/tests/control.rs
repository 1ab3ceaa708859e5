// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control channel, the program, and scenes with mistakes.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests.

mod common;

use std::{process::Command, time::Duration};

use common::{LIMIT, SCENE, ask, lab, texts};
use hickory_proto::rr::RecordType;
use mtasts_lab::{Lab, Scene};

fn error(lab: &Lab, line: &str) -> String {
    lab.ctl(line).unwrap_err().to_string()
}

#[test]
fn errors_name_what_is_legal() {
    let lab = lab();
    assert!(error(&lab, "set good.example record=blue").contains("servfail"));
    assert!(error(&lab, "set good.example colour=blue").contains("policy_text"));
    assert!(error(&lab, "set mx1.good.example colour=blue").contains("hostdns"));
    assert!(error(&lab, "set mx1.good.example smtp=blue").contains("greeting-554"));
    assert!(error(&lab, "set nobody.example id=1").contains("neither"));
    assert!(error(&lab, "set nobody.example").contains("neither"));
    assert!(error(&lab, "paint").contains("shutdown"));
    assert!(error(&lab, "set good.example \"id=1").contains("quotation mark"));
}

#[test]
fn set_is_all_or_nothing() {
    let lab = lab();
    assert!(lab.set("good.example", "id=changed https=blue").is_err());
    let record = texts(&ask(&lab, "_mta-sts.good.example.", RecordType::TXT));
    assert_eq!(record, ["v=STSv1; id=20260101T000000;"]);
}

#[test]
fn reset_and_add() {
    let lab = lab();
    lab.set("good.example", "id=changed").unwrap();
    lab.ctl("reset good.example").unwrap();
    lab.ctl("add new.example id=1 policy=testing").unwrap();
    let mut ids = ["good", "new"].map(|domain| {
        texts(&ask(
            &lab,
            &format!("_mta-sts.{domain}.example."),
            RecordType::TXT,
        ))
        .remove(0)
    });
    ids.sort();
    assert_eq!(ids, ["v=STSv1; id=1;", "v=STSv1; id=20260101T000000;"]);
    lab.reset().unwrap();
    assert!(texts(&ask(&lab, "_mta-sts.new.example.", RecordType::TXT)).is_empty());
}

#[test]
fn events_are_numbered_counted_and_awaited() {
    let lab = lab();
    let waiting = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| lab.wait("dns", 2, LIMIT, "type=MX").unwrap());
        for kind in [RecordType::MX, RecordType::A, RecordType::MX] {
            ask(&lab, "good.example.", kind);
        }
        waiter.join().unwrap()
    });
    let numbers: Vec<_> = waiting
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(lab.count("dns", "name~good since=1").unwrap(), 2);
    assert_eq!(lab.ctl("events 2").unwrap()[0]["seq"], 3);
    let late = lab
        .wait("dns", 9, Duration::from_millis(10), "")
        .unwrap_err();
    assert_eq!(late.to_string(), "timed out: 3 of 9 events in 10 ms");
    lab.ctl("clear").unwrap();
    assert!(lab.events().unwrap().is_empty());
}

#[test]
fn scenes_with_mistakes_are_refused() {
    for (scene, told) in [
        ("[[domain]]\nid = \"1\"", "name"),
        (
            "[[domain]]\nname = \"a.example\"\ncolour = \"blue\"",
            "a.example: unknown key",
        ),
        ("[[planet]]\nname = \"a\"", "unknown section"),
        (
            "[[record]]\nname = \"a\"\ntype = \"LOC\"\nvalue = \"1\"",
            "TLSA",
        ),
        ("[domain]\nname = \"a\"", "[[domain]]"),
    ] {
        let error = Lab::start(scene).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn the_program_serves_and_ends() {
    let lab = Lab::spawn(Scene::from(SCENE)).unwrap();
    assert!(!texts(&ask(&lab, "good.example.", RecordType::MX)).is_empty());
    let env = std::fs::read_to_string(lab.dir().join("lab.env")).unwrap();
    assert!(env.starts_with(&format!("MTASTS_LAB_DNS={}\n", lab.dns())));
    let ctl = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        let output = command
            .arg("ctl")
            .arg(lab.dir())
            .args(words)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(
        ctl(&["count", "dns", "type=MX"]),
        (Some(0), "1\n".to_owned())
    );
    assert_eq!(ctl(&["set", "good.example", "txt=a \"b\""]).0, Some(0));
    let record = texts(&ask(&lab, "_mta-sts.good.example.", RecordType::TXT));
    assert_eq!(record, ["a \"b\""]);
    assert_eq!(ctl(&["set", "good.example", "https=blue"]).0, Some(1));
    assert_eq!(ctl(&["shutdown"]).0, Some(0));
}

#[test]
fn a_lab_with_two_hundred_domains_is_quick_to_start() {
    let scene = "[[bulk]]\ncount = 200\npattern = \"d{}.load.example\"\nid = \"1\"\n";
    let lab = Lab::start(scene).unwrap();
    let reply = ask(&lab, "_mta-sts.d199.load.example.", RecordType::TXT);
    assert_eq!(texts(&reply), ["v=STSv1; id=1;"]);
    let hosts = lab.ctl("hosts").unwrap();
    assert_eq!(hosts.as_object().unwrap().len(), 1);
}
