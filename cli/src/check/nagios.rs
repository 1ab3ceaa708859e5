// SPDX-License-Identifier: MIT OR Apache-2.0

//! What Nagios, Icinga and their like read: a line with performance data, then the findings a line
//! each. `|` begins performance data there, so that no text may have it.

use super::finding::Severity;
use super::judge::{Report, Status};
use super::text;

/// The output for one domain or for many.
pub fn output(reports: &[Report]) -> String {
    let (headline, data) = match reports {
        [one] => (text::headline(one), of_one(one)),
        many => (text::total(many), of_many(many)),
    };
    let lines = reports
        .iter()
        .flat_map(|report| lines(report, reports.len() > 1));
    let lines: String = lines.map(|line| format!("\n{}", plain(&line))).collect();
    format!("{} | {data}{lines}", plain(&headline))
}

/// Days with the thresholds for warning and critical, and the MX hosts.
fn of_one(report: &Report) -> String {
    let (good, all) = (text::good_hosts(&report.facts), report.facts.mx.hosts.len());
    let mx = format!("mx_good={good};;;0;{all}");
    match text::days_left(&report.facts) {
        Some(days) => format!("days={days};14:;0: {mx}"),
        None => mx,
    }
}

fn of_many(reports: &[Report]) -> String {
    let count = |status| {
        reports
            .iter()
            .filter(|report| report.status == status)
            .count()
    };
    format!(
        "ok={} warning={} critical={} unknown={}",
        count(Status::Ok),
        count(Status::Warning),
        count(Status::Critical),
        count(Status::Unknown)
    )
}

fn lines(report: &Report, is_one_of_many: bool) -> impl Iterator<Item = String> {
    let findings = report.findings.iter();
    let findings = findings.filter(move |one| !is_one_of_many || one.severity > Severity::Notice);
    findings.map(|finding| {
        let message = finding.message.replace('\n', " ");
        let word = finding.severity.as_str();
        format!("{word}: {} {}: {message}", finding.id, finding.subject)
    })
}

fn plain(text: &str) -> String {
    text.replace('|', "/")
}
