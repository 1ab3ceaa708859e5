// SPDX-License-Identifier: MIT OR Apache-2.0

//! The Rust surface's reports: the crate's part, and of mails that of the command `mtasts`, which
//! stands beside this program.

use crate::json::Stop;
use crate::surface::{Answer, Refusal};
use mtasts::tlsrpt::report::{Counter, DateRange, Format, PolicyReport, Report, Sender};
use mtasts::tlsrpt::{PolicyType, ResultType};
use mtasts::{
    Certificate, Config, Dane, Fetch, FetchFailure, Host, HttpsReply, PolicyDomain, Reason,
    Session, Tls, TxtAnswer, TxtFailure, UnixTime, resolve,
};
use std::io::Write;
use std::process::{Command, Stdio};

pub fn report(json: &[u8]) -> Answer<Result<String, Refusal>> {
    Ok(Report::parse(json)
        .map(|report| report.to_json())
        .map_err(|error| Refusal {
            kind: "*".to_owned(),
            line: error.position().map_or(0, |place| place.line as u64),
            column: error.position().map_or(0, |place| place.column as u64),
        }))
}

/// Asks `mtasts report show`.
pub fn mail(mail: &[u8]) -> Answer<bool> {
    let failed = |error: std::io::Error| Stop::failed(format!("mtasts: {error}"));
    let program = std::env::current_exe()
        .map_err(failed)?
        .with_file_name("mtasts");
    if !program.exists() {
        return Err(Stop::skipped(
            "the command mtasts is not built: cargo build -p mtasts-cli",
        ));
    }
    let mut child = Command::new(program)
        .args(["report", "show", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(mail).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    let found: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| Stop::failed(format!("mtasts: {error}")))?;
    Ok(found["reports"] == 1)
}

pub fn fact(what: &str, input: &str) -> Answer<String> {
    let not_understood = || Stop::skipped(format!("{what} {input:?} is not understood"));
    match what {
        "result-type" => Ok(match input.parse::<ResultType>() {
            Ok(_) => "registered".to_owned(),
            Err(()) => "not in RFC 8460".to_owned(),
        }),
        "tls-error" => tls_error(input).ok_or_else(not_understood),
        "sts-error" => sts_error(input).ok_or_else(not_understood),
        "aggregate" | "field" => form(input)?.ok_or_else(not_understood),
        "date-range" => day(input).ok_or_else(not_understood),
        "subject" => subject(input)?.ok_or_else(not_understood),
        "headers" => headers(input)?.ok_or_else(not_understood),
        "media-type" => media_type(input).ok_or_else(not_understood),
        "delivery" => Err(Stop::skipped("reports are delivered by the mail server")),
        _ => Err(Stop::skipped("no runner for this kind of fact")),
    }
}

/// A domain with a policy.
struct Domain;

impl Host for Domain {
    fn now(&mut self) -> UnixTime {
        UnixTime(1_767_225_600)
    }

    fn txt(&mut self, _: &str) -> Result<TxtAnswer, TxtFailure> {
        let records = vec![b"v=STSv1; id=1;".to_vec()];
        Ok(TxtAnswer { records, ttl: None })
    }

    fn https(&mut self, _: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        Ok(HttpsReply {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            body: b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n".to_vec(),
        })
    }
}

/// The result of a session with a host that the policy lists, or does not.
fn result(mx_host: &str, tls: Tls) -> Option<String> {
    let domain = "example.com".parse().ok()?;
    let outcome = resolve(domain, &Config::default(), &mut Domain);
    let session = Session {
        mx_host,
        tls,
        dane: Dane::NotUsed,
        mx_secure: false,
    };
    let verdict = outcome.verdict(&session);
    let result = verdict.result?.to_string();
    let is_named = result != ResultType::ValidationFailure.as_str();
    verdict
        .cause
        .filter(|_| !is_named)
        .map_or(Some(result.clone()), |_| Some(format!("{result} + reason")))
}

fn tls_error(input: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| input.contains(word));
    let (host, tls) = match () {
        () if says(&["not listed", "not in the policy", "MX mismatch"]) => {
            ("mx.example.net", Tls::Established(Certificate::Valid))
        }
        () if says(&["expired"]) => ("mx.example.com", Tls::Established(Certificate::Expired)),
        () if says(&["mismatch", "wrong name"]) => (
            "mx.example.com",
            Tls::Established(Certificate::HostMismatch),
        ),
        () if says(&[
            "self-signed",
            "untrusted",
            "not trusted",
            "unknown CA",
            "unknown issuer",
            "unknown authority",
        ]) =>
        {
            ("mx.example.com", Tls::Established(Certificate::NotTrusted))
        }
        () if says(&["no STARTTLS", "STARTTLS not", "not offer"]) => {
            ("mx.example.com", Tls::NotOffered)
        }
        () if says(&[
            "does not speak TLS",
            "handshake",
            "protocol version",
            "alert",
        ]) =>
        {
            ("mx.example.com", Tls::Failed)
        }
        () => return None,
    };
    result(host, tls)
}

fn sts_error(input: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| input.contains(word));
    let reasons: &[Reason] = match () {
        () if says(&["certificate", "webpki", "PKI"]) => &[Reason::WebPki],
        () if says(&["syntax", "invalid", "malformed"]) => &[Reason::PolicyInvalid],
        () if says(&["DNS", "connect", "HTTP", "timeout", "time-out"]) => &[
            Reason::PolicyHostDns,
            Reason::Connect,
            Reason::Status(404),
            Reason::Timeout,
        ],
        () => return None,
    };
    let mut results = reasons.iter().map(|reason| reason.result_type());
    let first = results.next()??;
    results
        .all(|other| other == Some(first))
        .then(|| first.to_string())
}

fn domain(name: &str) -> Answer<PolicyDomain> {
    name.parse()
        .map_err(|error| Stop::failed(format!("{name}: {error}")))
}

/// A report with one policy of a domain.
fn example(about: &str) -> Answer<Report> {
    let about = domain(about)?;
    let mut counted = PolicyReport::new(PolicyType::Sts, &about);
    counted.policy.mx_host = vec!["mx.example.com".to_owned()];
    let mut counter = Counter::default();
    let added = counter.add(UnixTime(0), &about, counted);
    added.map_err(|error| Stop::failed(error.to_string()))?;
    let sender = Sender {
        organization_name: "A",
        contact_info: "a@a.example",
        submitter: &domain("a.example")?,
    };
    let mut reports = counter.take(UnixTime(u64::MAX), &sender);
    let (_, report) = reports
        .pop()
        .ok_or_else(|| Stop::failed("there is no report"))?;
    Ok(report)
}

/// What is written for a part of a report, in the words of the vectors.
fn form(input: &str) -> Answer<Option<String>> {
    let json = example("xn--bcher-kva.example")?.to_json();
    let is = |form: &str, words: &str| json.contains(form).then(|| words.to_owned());
    Ok(match () {
        () if input.contains("\"policies\"") => is("\"policies\":[{", "MUST be an array"),
        () if input == "mx-host" => is("\"mx-host\":[\"mx.example.com\"]", "JSON array of strings"),
        () if input.contains("IDN") => {
            let refused = example("bücher.example").is_err(); // a host converts it, or none does
            is("\"xn--bcher-kva.example\"", "A-label").filter(|_| refused)
        }
        () => None,
    })
}

/// The range of the `UTC day DATE`.
fn day(input: &str) -> Option<String> {
    let range = DateRange::of_date(input.strip_prefix("UTC day ")?)?;
    let report = Report {
        date_range: range,
        ..example("a.example").ok()?
    };
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).ok()?;
    let time = |name: &str| json["date-range"][name].as_str().map(str::to_owned);
    Some(format!(
        "{} .. {}",
        time("start-datetime")?,
        time("end-datetime")?
    ))
}

/// The word behind another.
fn behind<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut words = text.split([' ', ',', ';']).filter(|word| !word.is_empty());
    words.find(|found| *found == word)?;
    words.next()
}

/// Of `domain D submitter S id I`.
fn subject(input: &str) -> Answer<Option<String>> {
    let parts = ["domain", "submitter", "id"].map(|word| behind(input, word));
    let [Some(about), Some(submitter), Some(id)] = parts else {
        return Ok(None);
    };
    let mut report = example(about)?;
    report.report_id = id.to_owned();
    let subject = report.subject(&domain(about)?, &domain(submitter)?);
    subject
        .map(Some)
        .map_err(|error| Stop::failed(error.to_string()))
}

/// The headers `TLS-Report-…` of a `report for D by S`.
fn headers(input: &str) -> Answer<Option<String>> {
    let (Some(about), Some(submitter)) = (behind(input, "for"), behind(input, "by")) else {
        return Ok(None);
    };
    let mail = mtasts::tlsrpt::report::Mail {
        domain: &domain(about)?,
        submitter: &domain(submitter)?,
        from: "a@a.example",
        to: "b@b.example",
        date: UnixTime(0),
    };
    let report = example(about)?;
    let text = report.mail(&mail, Format::Json, report.to_json().as_bytes());
    let text = text.map_err(|error| Stop::failed(error.to_string()))?;
    let headers = text
        .split("\r\n")
        .filter(|line| line.starts_with("TLS-Report-"));
    Ok(Some(headers.collect::<Vec<_>>().join(" ; ")))
}

fn media_type(input: &str) -> Option<String> {
    let format = match input {
        "gzip" => Format::Gzip,
        "plain" | "json" => Format::Json,
        _ => return None,
    };
    Some(format.media_type().to_owned())
}
