// SPDX-License-Identifier: MIT OR Apache-2.0

//! `tlsrpt_report` (R-RPT-2, R-RPT-3): reports that are read and written again, and cases in prose,
//! each a thing (`what`) with its `input`. What cannot be understood is skipped, never guessed.

use crate::case::expected;
use crate::json::{self, Stop, same};
use crate::record::check_error;
use crate::surface::Surface;
use serde_json::Value;

/// Runs a case.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = expected(case)?;
    if json::maybe(case, "report").is_some() {
        return check_report(case, wanted, surface);
    }
    let (what, input) = (json::text(case, "what")?, json::text(case, "input")?);
    let wanted = json::text(wanted, "expected")?;
    match what {
        "mail" => check_mail(input, wanted, surface),
        "result-type" => {
            let is_registered = same_words(&surface.fact(what, input)?, "registered");
            same("registered", is_registered, !wanted.starts_with("not"))
        }
        _ => check_fact(what, input, wanted, surface),
    }
}

fn check_report(case: &Value, wanted: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let got = surface.report(json::text(case, "report")?.as_bytes())?;
    same("valid", got.is_ok(), json::truth(wanted, "valid")?)?;
    match (got, json::maybe(wanted, "canonical")) {
        (Err(refusal), _) => check_error(wanted, &refusal),
        (Ok(_), None) => Ok(()),
        (Ok(written), Some(canonical)) => {
            let written: Value = serde_json::from_str(&written)
                .map_err(|error| Stop::failed(format!("what is written: {error}")))?;
            same("canonical", &written, canonical)
        }
    }
}

const REPORT: &str = r#"{"organization-name":"A","date-range":{"start-datetime":"2026-01-31T00:00:00Z","end-datetime":"2026-01-31T23:59:59Z"},"contact-info":"a@a.example","report-id":"1","policies":[]}"#;

/// The same in gzip.
const GZIP: &str = "H4sIAAAAAAACA3WNsQ7CMAxE/8Vzg5JWIJEJ/oGpiMFKTGWpdarUQ0XVf8d0R7rFd893G5Q6oPAH\
    lYs4wYkgwh0ayKjkKspgxgaLYlX385QPpPXtxfnguvDwPh7q7Ysk/6HaLp6vph72BlIRxaSO5V0M\
    wxueaMVpHsk6Ks3FxjhbEuyey8iJaYH4fO1fWDBqkrEAAAA=";

fn check_mail(input: &str, wanted: &str, surface: &mut dyn Surface) -> Result<(), Stop> {
    let media_type = input
        .split([' ', ';', ','])
        .find(|word| word.starts_with("application/"))
        .ok_or_else(|| Stop::skipped("names no media type"))?;
    let (encoding, body) = match media_type.ends_with("gzip") {
        true => ("base64", GZIP),
        false => ("7bit", REPORT),
    };
    let part = format!(
        "Content-Type: {media_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n"
    );
    let report_type = input.split("report-type=").nth(1);
    let report_type = report_type.and_then(|rest| rest.split([' ', ';', ',']).next());
    let report_type = report_type.unwrap_or("tlsrpt");
    let mail = match input.contains("single") {
        true => format!("Subject: x\r\nMIME-Version: 1.0\r\n{part}"),
        false => format!(
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; \
             report-type={report_type}; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
             A report.\r\n--b\r\n{part}--b--\r\n"
        ),
    };
    let is_found = match wanted {
        "report found" => true,
        "no report" => false,
        _ => return Err(Stop::skipped("expects what is no answer")),
    };
    same("report found", surface.mail(mail.as_bytes())?, is_found)
}

fn check_fact(
    what: &str,
    input: &str,
    wanted: &str,
    surface: &mut dyn Surface,
) -> Result<(), Stop> {
    let got = surface.fact(what, input)?;
    match same_words(&got, wanted) {
        true => Ok(()),
        false => same("fact", got.as_str(), wanted),
    }
}

/// Whether two texts have the same words, whatever stands between them.
fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split([' ', ';', ',']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    words(a) == words(b)
}
