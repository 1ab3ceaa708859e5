// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLSRPT reports read and written (R-RPT-3): in the forms that senders have, hostile ones, and
//! those that are made of counted sessions.

#![cfg(feature = "report")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::tlsrpt::report::{
    Counter, DateRange, FailureDetails, Format, MAX_FAILURE_DETAILS, MAX_REPORT, Mail,
    PolicyReport, Report, Sender,
};
use mtasts::tlsrpt::{Details, PolicyType};
use mtasts::*;
use proptest::prelude::*;

const GOOGLE: &str = include_str!("reports/google.json");
const MICROSOFT: &str = include_str!("reports/microsoft.json");
const APPENDIX_B: &str = include_str!("reports/appendix_b.json");

fn parse(json: &str) -> Report {
    Report::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn refused(json: &str) -> String {
    match Report::parse(json.as_bytes()) {
        Ok(report) => panic!("{json} is read as {report:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn r_rpt_3_reports_in_the_forms_that_senders_have() {
    let google = parse(GOOGLE);
    let policy = &google.policies[0];
    assert_eq!(policy.policy.known_type(), Some(PolicyType::Sts));
    assert_eq!(policy.policy.mx_host.len(), 2);
    let failure = &policy.failure_details[0];
    assert_eq!(failure.known_result(), Some(ResultType::CertificateExpired));
    assert_eq!(failure.failed_session_count, 3);
    assert_eq!(
        google.to_json().parse::<serde_json::Value>().unwrap(),
        GOOGLE.parse::<serde_json::Value>().unwrap()
    );

    let microsoft = parse(MICROSOFT);
    assert_eq!(microsoft.policies[1].policy.mx_host, [""; 0]);
    assert!(
        microsoft
            .policies
            .iter()
            .all(|policy| policy.failure_details.is_empty())
    );
    assert_eq!(
        microsoft.policies[0].summary.total_successful_session_count,
        41
    );

    let example = parse(APPENDIX_B);
    assert_eq!(
        example.policies[0].policy.mx_host,
        ["*.mail.company-y.example"]
    );
    assert!(
        example
            .to_json()
            .contains(r#""mx-host":["*.mail.company-y.example"]"#)
    );
    for report in [google, microsoft, example] {
        assert_eq!(parse(&report.to_json()), report);
        assert_eq!(report.date_range, report.date_range.day());
    }
}

#[test]
fn r_rpt_2_types_that_nobody_knows_are_kept() {
    let report = parse(&GOOGLE.replace("certificate-expired", "policy-not-published"));
    let failure = &report.policies[0].failure_details[0];
    assert_eq!(
        (failure.known_result(), failure.result_type.as_str()),
        (None, "policy-not-published")
    );
    let report = parse(&GOOGLE.replace(r#""sts""#, r#""x""#));
    assert_eq!(report.policies[0].policy.known_type(), None);
    assert!(report.to_json().contains(r#""policy-type":"x""#));
}

#[test]
fn r_rpt_3_what_is_tolerated() {
    let unknown = GOOGLE.replace(
        r#"{"organization-name""#,
        r#"{"x":[[{"a":1e999}]],"organization-name""#,
    );
    assert_eq!(parse(&unknown), parse(GOOGLE));
    assert_eq!(parse(&format!("\u{feff}{GOOGLE}\r\n")), parse(GOOGLE));
    let sparse = r#"{"report-id":"1","policies":[],"contact-info":null,
        "date-range":{"start-datetime":"2026-01-31 00:00:00","end-datetime":"2026-01-31T24:00:00+0000"}}"#;
    assert_eq!(parse(sparse).date_range.day(), parse(GOOGLE).date_range);
}

#[test]
fn r_rpt_3_what_breaks_the_schema_is_refused_with_its_place() {
    assert_eq!(
        refused(&MICROSOFT.replace(": 41,", ": \"41\",")),
        "line 22, column 46: invalid type: string \"41\", expected u64"
    );
    let broken = [
        ("153", "-1", "integer `-1`"),
        ("153", "1.5", "floating point `1.5`"),
        ("153", "18446744073709551616", "expected u64"),
        ("153", "NaN", "expected value"),
        ("153", "[153]", "sequence"),
        (
            r#""report-id":"#,
            r#""report-id":"1","report-id":"#,
            "duplicate field `report-id`",
        ),
        (r#""report-id":"#, r#""id":"#, "missing field `report-id`"),
        (
            r#""policies":["#,
            r#""policies":{"0":"#,
            "invalid type: map",
        ),
        (
            r#"2026-01-31T00:00:00Z","end"#,
            r#"2026-02-30T00:00:00Z","end"#,
            "date and time",
        ),
        (
            r#"2026-01-31T00:00:00Z","end"#,
            r#"yesterday","end"#,
            "\"yesterday\"",
        ),
        (r#"2026-01-31T23"#, "2026-01-30T23", "ends before it begins"),
        (
            r#"["mx1.example.com","*.b"#,
            r#"[1,"*.b"#,
            "expected a string",
        ),
        (
            r#"["mx1.example.com","*.b"#,
            r#"[["x"],"*.b"#,
            "expected a string",
        ),
        (
            r#"mx1.example.com","failed"#,
            "\\ud800\",\"failed",
            "hex escape",
        ),
        (r#"}]}]}"#, r#"}]}]} x"#, "trailing characters"),
        (r#"}]}]}"#, r#"}]}]"#, "EOF"),
    ];
    for (from, to, message) in broken {
        assert!(GOOGLE.contains(from), "{from}");
        let error = refused(&GOOGLE.trim_end().replacen(from, to, 1));
        assert!(error.contains(message), "{to}: {error}");
        assert!(
            error.starts_with("line 1, column ") || to.starts_with("2026-01-30"),
            "{error}"
        );
    }
    assert!(Report::parse(b"{\"report-id\":\"\xff\"}").is_err());
    assert!(refused("").contains("EOF"));
}

#[test]
fn hostile_reports_are_refused_in_bounded_memory() {
    let deep = |open: &str| open.repeat(1_000_000);
    assert!(refused(&deep("[")).contains("expected an object"));
    assert!(refused(&deep("{\"policies\":[")).contains("EOF"));
    assert!(!refused(&format!("{{\"x\":{}", deep("["))).is_empty());
    let huge = " ".repeat(MAX_REPORT + 1);
    assert_eq!(refused(&huge), "the report is larger than 32 MiB");
    let quoted = refused(&GOOGLE.replace("153", &format!("\"{}\"", "x".repeat(100_000))));
    assert!(quoted.len() < 300, "{quoted}");
    let shown = refused(&GOOGLE.replace("2026-01-31T00:00:00Z\",", "\\u001b[2J\\u0000\","));
    assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
}

fn domain(name: &str) -> PolicyDomain {
    name.parse().unwrap()
}

/// A host whose network always gives the same answers.
struct Fixed(UnixTime);

impl Host for Fixed {
    fn now(&mut self) -> UnixTime {
        self.0
    }

    fn txt(&mut self, _: &str) -> Result<TxtAnswer, TxtFailure> {
        let records = vec![b"v=STSv1; id=1;".to_vec()];
        Ok(TxtAnswer { records, ttl: None })
    }

    fn https(&mut self, _: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        let policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r\n";
        Ok(HttpsReply {
            status: 200,
            content_type: Some("text/plain".into()),
            body: policy.into(),
        })
    }
}

/// Counts what a session of the host came to.
fn count(counter: &mut Counter, at: u64, tls: Tls, details: &Details<'_>) {
    let mut host = Fixed(UnixTime(at));
    let outcome = resolve(domain("example.com"), &Config::default(), &mut host);
    let session = Session {
        mx_host: "mx.example.com",
        tls,
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    let result = outcome.session_result(&session).unwrap();
    counter.session(UnixTime(at), &result, details);
}

const DAY: u64 = 1_769_817_600; // 2026-01-31
const VALID: Tls = Tls::Established(Certificate::Valid);

fn reports(counter: &mut Counter, now: u64) -> Vec<(PolicyDomain, Report)> {
    let sender = Sender {
        organization_name: "Sender",
        contact_info: "tlsrpt@sender.example",
        submitter: &domain("mta.sender.example"),
    };
    counter.take(UnixTime(now), &sender)
}

#[test]
fn r_rpt_3_sessions_are_summed_up_by_day() {
    let mut counter = Counter::default();
    let details = Details {
        receiving_mx_helo: b"mx\xff",
        ..Details::default()
    };
    count(&mut counter, DAY, VALID, &details);
    count(&mut counter, DAY + 86_399, Tls::NotOffered, &details);
    count(&mut counter, DAY + 5, Tls::NotOffered, &details);
    count(&mut counter, DAY + 86_400, VALID, &details);
    assert_eq!(reports(&mut counter, DAY + 86_399), []);
    let first = reports(&mut counter, DAY + 86_400);
    let [(to, report)] = first.as_slice() else {
        panic!("{first:?}")
    };
    assert_eq!(to.as_str(), "example.com");
    let expected = r#"{"organization-name":"Sender","date-range":{"start-datetime":"2026-01-31T00:00:00Z","end-datetime":"2026-01-31T23:59:59Z"},"contact-info":"tlsrpt@sender.example","report-id":"2026-01-31_example.com@mta.sender.example","policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: enforce","mx: mx.example.com","max_age: 86400"],"policy-domain":"example.com","mx-host":["mx.example.com"]},"summary":{"total-successful-session-count":1,"total-failure-session-count":2},"failure-details":[{"result-type":"starttls-not-supported","receiving-mx-hostname":"mx.example.com","receiving-mx-helo":"mx�","failed-session-count":2,"failure-reason-code":"starttls-not-supported"}]}]}"#;
    assert_eq!(report.to_json(), expected);
    let second = reports(&mut counter, DAY + 200_000);
    assert_eq!(
        second[0].1.date_range,
        DateRange::day_of(UnixTime(DAY + 86_400))
    );
    assert_eq!(reports(&mut counter, u64::MAX), []);
}

#[test]
fn failures_that_all_differ_take_bounded_memory() {
    let mut counter = Counter::default();
    for n in 0..MAX_FAILURE_DETAILS + 500 {
        let helo = n.to_string();
        let details = Details {
            receiving_mx_helo: helo.as_bytes(),
            ..Details::default()
        };
        let mut counted = PolicyReport::new(PolicyType::Sts, &domain("example.com"));
        counted.fail(
            1,
            FailureDetails {
                receiving_mx_helo: Some(String::from_utf8_lossy(details.receiving_mx_helo).into()),
                ..FailureDetails::new(ResultType::CertificateExpired)
            },
        );
        counter
            .add(UnixTime(DAY), &domain("example.com"), counted)
            .unwrap();
    }
    let policy = &reports(&mut counter, u64::MAX)[0].1.policies[0];
    assert_eq!(policy.failure_details.len(), MAX_FAILURE_DETAILS + 1);
    let sum: u64 = policy
        .failure_details
        .iter()
        .map(|failure| failure.failed_session_count)
        .sum();
    assert_eq!(sum, policy.summary.total_failure_session_count);
}

#[test]
fn r_rpt_3_policy_domains_are_a_labels() {
    let mut counted = PolicyReport::new(PolicyType::Sts, &domain("xn--bcher-kva.example"));
    let mut counter = Counter::default();
    counter
        .add(UnixTime(DAY), &domain("a.example"), counted.clone())
        .unwrap();
    counted.policy.policy_domain = "bücher.example".into();
    let refused = counter
        .add(UnixTime(DAY), &domain("a.example"), counted)
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::HostName);
}

#[test]
fn r_rpt_3_names_media_types_and_mail() {
    let mut report = parse(GOOGLE);
    report.report_id = "735ff.e317+bf22029@mailexample.net".into();
    let (submitter, about) = (domain("mail.sender.example.com"), domain("example.net"));
    let name = |unique, format| report.file_name(&submitter, &about, unique, format);
    assert_eq!(
        name(Some("001"), Format::Gzip).unwrap(),
        "mail.sender.example.com!example.net!1769817600!1769903999!001.json.gz"
    );
    assert_eq!(
        name(None, Format::Json).unwrap(),
        "mail.sender.example.com!example.net!1769817600!1769903999.json"
    );
    assert!(name(Some("../x"), Format::Json).is_err());
    assert_eq!(
        report.subject(&about, &submitter).unwrap(),
        "Report Domain: example.net Submitter: mail.sender.example.com \
         Report-ID: <735ff.e317+bf22029@mailexample.net>"
    );
    let mail = Mail {
        domain: &about,
        submitter: &submitter,
        from: "tlsrpt@mail.sender.example.com",
        to: "r@example.net",
        date: UnixTime(DAY + 90_061),
    };
    let text = report.mail(&mail, Format::Gzip, b"\x1f\x8b??").unwrap();
    for line in [
        "Date: Sun, 01 Feb 2026 01:01:01 +0000",
        "Subject: Report Domain: example.net",
        "TLS-Report-Domain: example.net",
        "TLS-Report-Submitter: mail.sender.example.com",
        "Content-Type: multipart/report; report-type=tlsrpt;",
        "Content-Type: application/tlsrpt+gzip",
        "H4s/Pw==",
    ] {
        assert!(
            text.split("\r\n").any(|found| found == line),
            "{line}\n{text}"
        );
    }
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    for to in [
        "a@b.example\r\nBcc: c@d.example",
        "nobody",
        "@b.example",
        "a@",
        "a@b@c",
    ] {
        assert!(
            report
                .mail(&Mail { to, ..mail }, Format::Json, b"{}")
                .is_err(),
            "{to}"
        );
    }
    report.report_id = "x>\r\nBcc: c@d.example".into();
    assert!(report.mail(&mail, Format::Json, b"{}").is_err());
}

proptest! {
    #[test]
    fn no_octets_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Report::parse(&octets);
    }

    #[test]
    fn no_broken_report_panics(at in 0..GOOGLE.len(), octet: u8) {
        let mut octets = GOOGLE.as_bytes().to_vec();
        octets[at] = octet;
        let _ = Report::parse(&octets);
        let _ = Report::parse(&octets[..at]);
    }

    #[test]
    fn r_rpt_3_any_report_round_trips(
        texts in prop::collection::vec(any::<String>(), 8),
        (start, length) in (0..200_000_000_000_u64, 0..1_000_000_u64),
        good: u64,
        bad: u64,
    ) {
        let mut report = parse(GOOGLE);
        report.organization_name = texts[0].clone();
        report.report_id = texts[1].clone();
        report.date_range = DateRange { start: UnixTime(start), end: UnixTime(start + length) };
        let policy = &mut report.policies[0];
        policy.policy.policy_type = texts[2].clone();
        policy.policy.policy_string = texts[3..].to_vec();
        policy.summary.total_successful_session_count = good;
        policy.failure_details[0].failed_session_count = bad;
        policy.failure_details[0].failure_reason_code = Some(texts[7].clone());
        prop_assert_eq!(parse(&report.to_json()), report);
    }
}
