// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is written is read back by the engine as it was meant, or is refused at its field (R-PUB-1).

#![allow(clippy::unwrap_used)] // a test that cannot go on, fails

use mtasts_publish::*;
use proptest::prelude::*;

fn draft(mode: Mode, max_age: u32, mx: &[&str]) -> Draft {
    let mx = mx.iter().map(|&mx| mx.to_owned()).collect();
    Draft { mode, max_age, mx }
}

fn refused(mx: &str) -> Error {
    draft(Mode::Enforce, 1, &["a.example", mx])
        .write()
        .unwrap_err()
}

#[test]
fn a_policy_has_the_rfcs_order_and_ends_each_line_in_crlf() {
    let written = draft(
        Mode::Enforce,
        604_800,
        &["MX.Example.com.", "*.example.net", "mx.example.com"],
    );
    assert_eq!(
        written.write().unwrap().text(),
        "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmx: *.example.net\r\n\
         max_age: 604800\r\n"
    );
    let none = draft(Mode::None, 86_400, &[]).write().unwrap();
    assert_eq!(
        none.text(),
        "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n"
    );
}

#[test]
fn what_no_policy_can_have_is_refused_at_its_field() {
    for (mx, reason) in [
        ("", "missing"),
        ("192.0.2.1", "IP address"),
        ("[192.0.2.1]", "IP address"),
        ("2001:db8::1", "IP address"),
        ("a.example b.example", "one host name"),
        ("a.example,b.example", "one host name"),
        ("mail_1.example", "underscore"),
        ("bücher.example", "A-labels"),
        ("*", "host name"),
        ("*.", "host name"),
        ("a.*.example", "host name"),
        ("-a.example", "host name"),
        ("a.example\r\nmode: none", "host name"),
        ("a.example\nmx: b.example", "host name"),
        ("a.example..", "host name"),
    ] {
        let error = refused(mx);
        assert_eq!(error.field(), Field::Mx(1), "{mx}");
        assert!(error.reason().contains(reason), "{mx}: {error}");
    }
    let error = draft(Mode::Testing, 1, &[]).write().unwrap_err();
    assert_eq!(error.field(), Field::MxList);
    let error = draft(Mode::Testing, 31_557_601, &["a.example"])
        .write()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "max_age: at most 31557600 seconds, about a year"
    );
    assert_eq!(
        refused("1.2.3.4").to_string(),
        "mx 2: an IP address is no host name"
    );
}

#[test]
fn what_is_legal_and_rarely_meant_is_told() {
    let advice = |mode, max_age, mx: &[&str]| draft(mode, max_age, mx).write().unwrap().advice();
    assert_eq!(
        advice(Mode::Enforce, 3600, &["a.example"]),
        [Advice::ShortMaxAge]
    );
    assert_eq!(
        advice(Mode::Enforce, 86_400, &["a.example"]),
        [Advice::LongerMaxAge]
    );
    assert_eq!(advice(Mode::Testing, 86_400, &["a.example"]), []);
    assert_eq!(advice(Mode::Enforce, 604_800, &["*.a.example"]), []);
    assert_eq!(
        advice(Mode::Enforce, 604_800, &["*.example"]),
        [Advice::WideWildcard]
    );
    assert_eq!(advice(Mode::None, 604_801, &[]), [Advice::LongForNone]);
    assert_eq!(advice(Mode::None, 0, &[]), []);
}

#[test]
fn an_id_by_time_is_the_rfcs_form_and_is_read_back() {
    for (time, id) in [
        (0, "19700101000000Z"),
        (951_782_400, "20000229000000Z"),
        (951_868_800, "20000301000000Z"),
        (1_472_633_820, "20160831085700Z"),
        (4_107_542_399, "21000228235959Z"),
        (4_107_542_400, "21000301000000Z"),
        (253_402_300_799, "99991231235959Z"),
        (253_402_300_800, "253402300800"),
        (u64::MAX, "18446744073709551615"),
    ] {
        assert_eq!(id_at(UnixTime(time)).as_str(), id);
    }
}

#[test]
fn an_id_changes_with_the_policy_and_only_then() {
    let one = draft(Mode::Testing, 1, &["a.example"]).write().unwrap();
    let other = draft(Mode::Enforce, 1, &["a.example"]).write().unwrap();
    let now = UnixTime(1_767_225_600);
    let next = |id: &str, policy: &Written| {
        let present: PolicyId = id.parse().unwrap();
        next_id(Some((&present, one.policy())), policy, now).to_string()
    };
    assert_eq!(next_id(None, &one, now).as_str(), "20260101000000Z");
    assert_eq!(next("anything", &one), "anything");
    assert_eq!(next("anything", &other), "20260101000000Z");
    // Two changes in a second, over the end of a day; a clock that was set back.
    assert_eq!(next("20260101000000Z", &other), "20260101000001Z");
    assert_eq!(next("20280228235959Z", &other), "20280229000000Z");
    assert_eq!(next("99991231235959Z", &other), "253402300800");
    // Others' forms say nothing of time.
    assert_eq!(next("20290101000000", &other), "20260101000000Z");
    assert_eq!(next("20291399000000Z", &other), "20260101000000Z");
    assert_eq!(next("00000000000000Z", &other), "20260101000000Z");

    assert_eq!(id_of(one.text()), id_of(one.text()));
    assert_ne!(id_of(one.text()), id_of(other.text()));
    assert_eq!(id_of(one.text()).as_str().len(), 32);
}

#[test]
fn records_are_read_back() {
    let text = record(&id_at(UnixTime(1_472_633_820)));
    assert_eq!(text, "v=STSv1; id=20160831085700Z;");
    assert_eq!(
        mtasts::Record::parse(text.as_bytes()).unwrap().id(),
        "20160831085700Z"
    );

    let text = tlsrpt_record(&["tls@example.com", " https://r.example/v1?a=b "]).unwrap();
    assert_eq!(
        text,
        "v=TLSRPTv1; rua=mailto:tls@example.com,https://r.example/v1?a=b"
    );
    let text = tlsrpt_record(&["MAILTO:a@b.example?subject=x"]).unwrap();
    assert_eq!(text, "v=TLSRPTv1; rua=MAILTO:a@b.example?subject=x");
    let text = tlsrpt_record(&["a!b?c%d/e@example.com", "x@y.example", "x@y.example"]).unwrap();
    assert_eq!(
        text,
        "v=TLSRPTv1; rua=mailto:a%21b%3Fc%25d%2Fe@example.com,mailto:x@y.example"
    );
}

#[test]
fn an_address_that_reports_cannot_be_sent_to_is_refused() {
    assert_eq!(
        tlsrpt_record::<&str>(&[]).unwrap_err().field(),
        Field::RuaList
    );
    for rua in [
        "",
        "nobody",
        "@example.com",
        "mailto:",
        "http://a.example",
        "https://",
        "ftp:a@b",
        "a b@c.example",
        "a@b@c.example",
        "a@b_c",
        "https://a.example/;v=1",
        "mailto:a@b,c@d",
        "mailto:a@b; rua=x",
    ] {
        let error = tlsrpt_record(&["a@b.example", rua]).unwrap_err();
        assert_eq!(error.field(), Field::Rua(1), "{rua}");
    }
}

proptest! {
    /// R-PUB-1: whatever is asked for, what is written is that or nothing.
    #[test]
    fn written_policies_parse_back_the_same(
        mode in prop::sample::select(vec![Mode::Enforce, Mode::Testing, Mode::None]),
        max_age: u32,
        mx in prop::collection::vec("[a-zA-Z0-9*.\\-_\\[\\]: \r\n\t,;\"$é]{0,12}(\\.example)?", 0..12),
    ) {
        let draft = Draft { mode, max_age, mx };
        let Ok(written) = draft.write() else { return Ok(()) };
        let mut warnings = 0;
        let policy = Policy::parse_with(written.text().as_bytes(), |_| { warnings += 1; Ok(()) });
        let policy = policy.unwrap();
        prop_assert_eq!(warnings, 0);
        prop_assert_eq!((policy.mode(), policy.max_age()), (mode, max_age));
        for mx in &draft.mx {
            prop_assert!(policy.mx().any(|read| mx.eq_ignore_ascii_case(read.as_str())
                || mx.strip_suffix('.').is_some_and(|mx| mx.eq_ignore_ascii_case(read.as_str()))));
        }
        prop_assert!(policy.mx().len() <= draft.mx.len());
        prop_assert_eq!(written.text().matches("\r\n").count(), written.text().matches('\n').count());
    }

    #[test]
    fn tlsrpt_records_are_read_back(rua in prop::collection::vec("[ -~é]{0,20}(@[a-z.]{0,5})?", 0..4)) {
        if let Ok(text) = tlsrpt_record(&rua) {
            let record = mtasts::tlsrpt::Record::parse(text.as_bytes()).unwrap();
            prop_assert!(!record.rua().is_empty() && record.rua().len() <= rua.len());
        }
    }

    #[test]
    fn ids_by_time_follow_each_other(time in 0..300_000_000_000u64) {
        let present = id_at(UnixTime(time));
        let one = draft(Mode::None, 1, &[]).write().unwrap();
        let other = draft(Mode::None, 2, &[]).write().unwrap();
        let next = next_id(Some((&present, one.policy())), &other, UnixTime(0));
        let expected = if time > 253_402_300_799 { id_at(UnixTime(0)) } else { id_at(UnixTime(time + 1)) };
        prop_assert_eq!(next, expected);
    }
}
