// SPDX-License-Identifier: MIT OR Apache-2.0

//! What of a session is reported (RFC 8460 §4.3, R-RPT-5), and the datagram that says it (R-RPT-4),
//! beside those that libtlsrpt itself has written.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::tlsrpt::{Details, MAX_DATAGRAM, PolicyType, Record};
use mtasts::*;
use std::sync::Arc;

const POLICY: &str = "version: STSv1\r\nmode: testing\r\nmx: mx.example.com\r\n\r\n\
                      mx: *.example.com\r\nmax_age: 86400\r\nx: \"\\é\r\n";
const MX: &str = "mx.example.com";
const RUA: &str = "v=TLSRPTv1; rua=mailto:r@example.com , https://example.com/r; x=y";

/// A domain whose policy is, or cannot be had for a reason.
struct Domain {
    now: u64,
    stored: Option<Arc<Stored>>,
    record: Result<&'static str, TxtFailure>,
    policy: Result<String, FetchFailure>,
    status: u16,
}

impl Host for Domain {
    fn now(&mut self) -> UnixTime {
        UnixTime(self.now)
    }

    fn txt(&mut self, _name: &str) -> Result<TxtAnswer, TxtFailure> {
        let records = vec![self.record?.as_bytes().to_vec()];
        Ok(TxtAnswer { records, ttl: None })
    }

    fn https(&mut self, _fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        Ok(HttpsReply {
            status: self.status,
            content_type: Some("text/plain".into()),
            body: self.policy.clone()?.into_bytes(),
        })
    }

    fn load(&mut self, _domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        Ok(self.stored.clone())
    }
}

impl Domain {
    fn with(policy: &str) -> Self {
        Self {
            now: 1_767_225_600,
            stored: None,
            record: Ok("v=STSv1; id=a"),
            policy: Ok(policy.to_owned()),
            status: 200,
        }
    }

    fn without() -> Self {
        let record = Err(TxtFailure::NoRecords { ttl: None });
        Self {
            record,
            ..Self::with("")
        }
    }

    fn failing(failure: FetchFailure) -> Self {
        Self {
            policy: Err(failure),
            ..Self::with("")
        }
    }

    fn look_up(&mut self) -> Outcome {
        resolve("example.com".parse().unwrap(), &Config::default(), self)
    }
}

fn policy(mode: &str) -> Domain {
    Domain::with(&POLICY.replace("testing", mode))
}

fn session(tls: Tls) -> Session<'static> {
    Session {
        mx_host: MX,
        tls,
        dane: Dane::NotUsed,
        mx_secure: false,
    }
}

const GOOD: Tls = Tls::Established(Certificate::Valid);
const EXPIRED: Tls = Tls::Established(Certificate::Expired);

/// Policy type, success, what failed on the way to the policy, and what in the session.
type Told = (PolicyType, bool, Option<ResultType>, Option<ResultType>);

fn told(domain: &mut Domain, session: &Session<'_>) -> Option<Told> {
    let outcome = domain.look_up();
    let result = outcome.session_result(session)?;
    Some((
        result.policy_type(),
        result.is_success(),
        result.policy_failure(),
        result.failure(),
    ))
}

#[test]
fn r_rpt_5_sessions_under_a_policy_are_told_in_mode_testing_too() {
    for mode in ["enforce", "testing"] {
        let told = |session: &Session<'_>| told(&mut policy(mode), session);
        let sts =
            |failure: Option<ResultType>| Some((PolicyType::Sts, failure.is_none(), None, failure));
        assert_eq!(told(&session(GOOD)), sts(None));
        let no_tls = Some(ResultType::StartTlsNotSupported);
        assert_eq!(told(&session(Tls::NotOffered)), sts(no_tls));
        assert_eq!(
            told(&session(EXPIRED)),
            sts(Some(ResultType::CertificateExpired))
        );
        let unlisted = Session {
            mx_host: "mx.evil.example",
            ..session(Tls::NotTried)
        };
        assert_eq!(told(&unlisted), sts(Some(ResultType::ValidationFailure)));
        assert_eq!(
            told(&session(Tls::NotTried)),
            None,
            "there is no session yet"
        );
    }
}

#[test]
fn r_rpt_5_nothing_is_told_under_mode_none_or_the_operators_own_policy() {
    for tls in [GOOD, EXPIRED, Tls::NotOffered, Tls::Failed] {
        assert_eq!(told(&mut policy("none"), &session(tls)), None);
        let own = Arc::new(Policy::parse(POLICY.as_bytes()).unwrap());
        let outcome = Outcome::local("example.com".parse().unwrap(), own);
        assert!(outcome.session_result(&session(tls)).is_none());
    }
}

#[test]
fn r_rpt_5_without_a_policy_only_tls_counts() {
    let told = |tls| told(&mut Domain::without(), &session(tls));
    let none = |failure: Option<ResultType>| {
        Some((PolicyType::NoPolicyFound, failure.is_none(), None, failure))
    };
    assert_eq!(told(GOOD), none(None));
    assert_eq!(told(EXPIRED), none(None));
    assert_eq!(
        told(Tls::NotOffered),
        none(Some(ResultType::StartTlsNotSupported))
    );
    assert_eq!(told(Tls::Failed), none(Some(ResultType::ValidationFailure)));
    assert_eq!(told(Tls::NotTried), None);
}

/// A policy that cannot be had is a failure of the policy's; the session may be a success.
#[test]
fn r_rpt_5_a_failed_fetch_is_told_with_the_session() {
    let web_pki = Some(ResultType::StsWebPkiInvalid);
    let mut domain = Domain::failing(FetchFailure::WebPki);
    assert_eq!(
        told(&mut domain, &session(GOOD)),
        Some((PolicyType::Sts, true, web_pki, None))
    );
    let invalid = Some(ResultType::StsPolicyInvalid);
    let no_tls = Some(ResultType::StartTlsNotSupported);
    let got = told(&mut Domain::with("nothing"), &session(Tls::NotOffered));
    assert_eq!(got, Some((PolicyType::Sts, false, invalid, no_tls)));
}

#[test]
fn r_rpt_5_a_cached_policy_that_cannot_be_renewed_is_told() {
    let stored = policy("enforce").look_up().stored().clone();
    let mut domain = Domain {
        stored: Some(stored),
        record: Ok("v=STSv1; id=b"),
        now: 1_767_225_600 + 600,
        ..Domain::failing(FetchFailure::Connect)
    };
    let fetch = Some(ResultType::StsPolicyFetchError);
    assert_eq!(
        told(&mut domain, &session(GOOD)),
        Some((PolicyType::Sts, true, fetch, None))
    );
    let bad = Some(ResultType::CertificateExpired);
    assert_eq!(
        told(&mut domain, &session(EXPIRED)),
        Some((PolicyType::Sts, false, fetch, bad))
    );
}

#[test]
fn mail_that_waits_for_a_policy_tells_nothing() {
    let domain = "example.com".parse().unwrap();
    let mut lookup = Lookup::without_store(domain, &Config::default(), UnixTime(1_767_225_600));
    let Step::QueryTxt { id, .. } = lookup.poll() else {
        panic!("no query");
    };
    let failure = TxtFailure::NoRecords { ttl: None };
    lookup
        .txt(id, UnixTime(1_767_225_600), Err(failure))
        .unwrap();
    let Step::Done(outcome) = lookup.poll() else {
        panic!("not done");
    };
    assert!(outcome.is_try_later());
    assert!(outcome.session_result(&session(Tls::NotOffered)).is_none());
}

#[test]
fn what_dane_decides_is_told_of_the_mx_host() {
    let dane = |dane, tls, mx_secure| Session {
        dane,
        mx_secure,
        ..session(tls)
    };
    for mut domain in [policy("enforce"), policy("none"), Domain::without()] {
        let mut told = |session: &Session<'_>| told(&mut domain, session);
        let tlsa = |failure: Option<ResultType>| {
            Some((PolicyType::Tlsa, failure.is_none(), None, failure))
        };
        assert_eq!(told(&dane(Dane::Passed, EXPIRED, true)), tlsa(None));
        let failed = Some(ResultType::ValidationFailure);
        assert_eq!(told(&dane(Dane::Failed, GOOD, false)), tlsa(failed));
        let bogus = Some(ResultType::DnssecInvalid);
        assert_eq!(
            told(&dane(Dane::LookupFailed, Tls::NotTried, true)),
            tlsa(bogus)
        );
        assert_eq!(told(&dane(Dane::Usable, Tls::NotTried, true)), None);
    }
    let got = told(&mut policy("enforce"), &dane(Dane::Passed, GOOD, false));
    assert_eq!(got, Some((PolicyType::Sts, true, None, None)), "both count");
    let outcome = policy("enforce").look_up();
    let result = outcome
        .session_result(&dane(Dane::Passed, GOOD, true))
        .unwrap();
    assert_eq!(result.policy_domain(), MX);
}

fn datagram(domain: &mut Domain, session: &Session<'_>, details: &Details<'_>) -> String {
    let outcome = domain.look_up();
    let record = Record::parse(RUA.as_bytes()).unwrap();
    let datagram = outcome
        .session_result(session)
        .unwrap()
        .datagram(&record, details);
    String::from_utf8(datagram.unwrap()).unwrap()
}

/// `data/libtlsrpt.txt` is what libtlsrpt 0.5.0rc1 sends; `data/libtlsrpt.c` asked for it.
#[test]
fn r_rpt_4_datagrams_are_libtlsrpts() {
    let nothing = Details::default();
    let all = Details {
        sending_mta_ip: Some("2001:db8::1".parse().unwrap()),
        receiving_ip: Some("192.0.2.25".parse().unwrap()),
        receiving_mx_helo: b"mx\"\\/\x08\t\n\x0c\r\x01\x1f\x7f \xC3\xA9",
        failure_reason_code: b"certificate has expired",
        additional_information: b"https://example.net/?a",
    };
    let no_reason = Details {
        failure_reason_code: b"",
        ..all
    };
    let mut not_found = Domain {
        status: 404,
        ..policy("testing")
    };
    let mut untrusted = Domain::failing(FetchFailure::WebPki);
    let dane = Session {
        dane: Dane::Failed,
        mx_secure: true,
        ..session(GOOD)
    };
    let got = [
        datagram(&mut policy("testing"), &session(GOOD), &all),
        datagram(&mut policy("testing"), &session(Tls::NotOffered), &nothing),
        datagram(&mut policy("testing"), &session(EXPIRED), &all),
        datagram(&mut not_found, &session(GOOD), &nothing),
        datagram(&mut untrusted, &session(Tls::Failed), &no_reason),
        datagram(&mut policy("testing"), &dane, &nothing),
        datagram(&mut Domain::without(), &session(GOOD), &all),
    ];
    let wanted: Vec<_> = include_str!("data/libtlsrpt.txt").lines().collect();
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(wanted) {
        assert_eq!(got.replacen("\"dpv\": \"1\",", "", 1), wanted);
    }
}

/// tlsrpt-collectd ends at what is not UTF-8, and whoever answers EHLO chooses the octets.
#[test]
fn octets_that_are_no_text_are_replaced() {
    let details = Details {
        receiving_mx_helo: b"a\xFF\xC3b\0\xED\xA0\x80c",
        ..Details::default()
    };
    let got = datagram(&mut policy("testing"), &session(EXPIRED), &details);
    let replaced = "\"h\": \"a\u{fffd}\u{fffd}b\\u0000\u{fffd}\u{fffd}\u{fffd}c\"";
    assert!(got.contains(replaced), "{got}");
}

#[test]
fn long_texts_are_cut_off() {
    let helo = "é".repeat(20_000);
    let details = Details {
        receiving_mx_helo: helo.as_bytes(),
        failure_reason_code: &[0xFF; 20_000],
        ..Details::default()
    };
    let got = datagram(&mut policy("testing"), &session(EXPIRED), &details);
    assert!(got.contains(&format!("\"{}\"", "é".repeat(500))), "{got}");
    assert!(got.len() < 5_000);
}

#[test]
fn a_large_policy_loses_its_lines_then_its_patterns() {
    let details = Details {
        receiving_mx_helo: &[b'h'; 500],
        ..Details::default()
    };
    let size = |filler: &str, count: usize| {
        let text = format!("{POLICY}{}", filler.repeat(count));
        let got = datagram(&mut Domain::with(&text), &session(EXPIRED), &details);
        assert!(got.len() <= MAX_DATAGRAM);
        (got.contains("policy-string"), got.contains("mx-host"))
    };
    assert_eq!(size("mx: a.example.com\n", 1_000), (true, true));
    assert_eq!(size("mx: a.example.com\n", 2_000), (false, true));
    assert_eq!(
        size("y: \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\n", 4_000),
        (false, true)
    );
    let long = format!("mx: {0}.{0}.{0}.{0}\n", "a".repeat(62));
    assert_eq!(size(&long, 255), (false, false));
}

#[test]
fn a_record_beyond_all_bounds_makes_no_datagram() {
    let text = format!(
        "v=TLSRPTv1; rua=mailto:{}@example.com",
        "a".repeat(MAX_DATAGRAM)
    );
    let record = Record::parse(text.as_bytes()).unwrap();
    let outcome = policy("testing").look_up();
    let result = outcome.session_result(&session(GOOD)).unwrap();
    assert!(result.datagram(&record, &Details::default()).is_none());
}
