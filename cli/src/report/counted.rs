// SPDX-License-Identifier: MIT OR Apache-2.0

//! Counted results as files have them: JSON, one object a line, or CSV with a line of names.

use mtasts::tlsrpt::report::{Counter, DateRange, FailureDetails, PolicyReport};
use mtasts::tlsrpt::{PolicyType, ResultType};
use mtasts_host::to_policy_domain;
use serde::Deserialize;
use std::io::{BufRead, Read};

/// So many sessions that came to the same. Texts that are empty count as not there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    date: Option<String>,
    domain: Option<String>,
    policy_domain: String,
    policy_type: String,
    #[serde(default)]
    policy_string: Lines,
    #[serde(default)]
    mx_host: Lines,
    result: String,
    count: Option<u64>,
    receiving_mx_hostname: Option<String>,
    receiving_mx_helo: Option<String>,
    receiving_ip: Option<String>,
    sending_mta_ip: Option<String>,
    failure_reason_code: Option<String>,
    additional_information: Option<String>,
}

/// A list, or a text of lines, as a cell of CSV is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lines {
    Many(Vec<String>),
    One(Option<String>),
}

impl Default for Lines {
    fn default() -> Self {
        Self::One(None)
    }
}

impl Lines {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::Many(lines) => lines,
            Self::One(text) => {
                let text = text.unwrap_or_default();
                let lines = text.lines().map(|line| line.trim().to_owned());
                lines.filter(|line| !line.is_empty()).collect()
            }
        }
    }
}

/// Counts all that `from` has; `day` is that of what says none. An error names the line.
pub fn read(mut from: impl BufRead, day: DateRange, counter: &mut Counter) -> Result<(), String> {
    let begin = from.fill_buf().map_err(|error| error.to_string())?;
    let text = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin);
    match text.trim_ascii_start().first() {
        Some(b'{') => read_json(from, day, counter),
        _ => read_csv(from, day, counter),
    }
}

fn read_json(from: impl BufRead, day: DateRange, counter: &mut Counter) -> Result<(), String> {
    for (number, line) in from.lines().enumerate() {
        let at = |error: &dyn std::fmt::Display| format!("line {}: {error}", number + 1);
        let line = line.map_err(|error| at(&error))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            let counted: Counted = serde_json::from_str(line).map_err(|error| at(&error))?;
            counted.count_in(day, counter).map_err(|error| at(&error))?;
        }
    }
    Ok(())
}

fn read_csv(from: impl Read, day: DateRange, counter: &mut Counter) -> Result<(), String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(from);
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| error.to_string())?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let at = |error: &dyn std::fmt::Display| format!("line {line}: {error}");
        let counted: Counted = record
            .deserialize(Some(&headers))
            .map_err(|error| at(&error))?;
        counted.count_in(day, counter).map_err(|error| at(&error))?;
    }
    Ok(())
}

impl Counted {
    fn count_in(self, day: DateRange, counter: &mut Counter) -> Result<(), String> {
        let day = match filled(self.date) {
            None => day,
            Some(date) => DateRange::of_date(&date)
                .ok_or_else(|| format!("date: {date}: expected a date such as 2026-01-31"))?,
        };
        let domain =
            |name: &str| to_policy_domain(name).map_err(|error| format!("{name}: {error}"));
        let policy_domain = domain(&self.policy_domain)?;
        let about = match filled(self.domain) {
            None => policy_domain.clone(),
            Some(name) => domain(&name)?,
        };
        let mut counted = PolicyReport::new(policy_type(&self.policy_type)?, &policy_domain);
        counted.policy.policy_string = self.policy_string.into_vec();
        counted.policy.mx_host = self.mx_host.into_vec();
        let count = self.count.unwrap_or(1);
        match self.result.as_str() {
            "success" => counted.summary.total_successful_session_count = count,
            result => counted.fail(
                count,
                FailureDetails {
                    sending_mta_ip: filled(self.sending_mta_ip),
                    receiving_mx_hostname: filled(self.receiving_mx_hostname),
                    receiving_mx_helo: filled(self.receiving_mx_helo),
                    receiving_ip: filled(self.receiving_ip),
                    additional_information: filled(self.additional_information),
                    failure_reason_code: filled(self.failure_reason_code),
                    ..FailureDetails::new(result_type(result)?)
                },
            ),
        }
        counter
            .add(day.start, &about, counted)
            .map_err(|error| error.to_string())
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn policy_type(name: &str) -> Result<PolicyType, String> {
    let mut all = PolicyType::ALL.iter().copied();
    all.find(|known| known.as_str() == name)
        .ok_or_else(|| format!("policy_type: {name}: expected sts, tlsa or no-policy-found"))
}

fn result_type(name: &str) -> Result<ResultType, String> {
    name.parse()
        .map_err(|()| format!("result: {name}: expected success or a result type of RFC 8460 §4.3"))
}
