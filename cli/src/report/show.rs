// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts report show`: what reports say, together.

use super::input;
use super::reader::Found;
use super::totals::{Filter, Totals};
use super::{html, printable, table};
use crate::shown;
use mtasts::UnixTime;
use mtasts::tlsrpt::report::DateRange;
use mtasts_host::to_policy_domain;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Show what TLSRPT reports say, summed up
///
/// A FILE is a report (JSON, or that in gzip), the mail that brought one, an mbox, a maildir, or a
/// folder of these; which of them its content tells. Sessions are summed up by day, policy, MX host
/// and failure. A report that is there twice (same organisation, same id) counts once. What cannot be
/// read is named on standard error, and the rest is shown.
///
/// Exit status: 0 all read; 1 some file, or a report in one, cannot be read; 2 misuse.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Reports, mails, mailboxes or folders; - for standard input
    #[arg(required = true)]
    file: Vec<PathBuf>,
    /// Only policies of this domain; may be repeated
    #[arg(long)]
    domain: Vec<String>,
    /// Only days from DATE on, such as 2026-01-31, or 30d: the last thirty days
    #[arg(long, value_name = "DATE", value_parser = since)]
    since: Option<UnixTime>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Also write a page with plots over time, complete in itself, to FILE
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples: mtasts report show ~/Maildir/.TLSRPT --since 30d
          mtasts report show --html reports.html --domain example.com *.json.gz

JSON: {\"reports\":…, \"duplicates\":…, \"mails_without_report\":…, \"first_date\":…, \"last_date\":…,
\"successful\":…, \"failed\":…, \"policies\":[{\"date\":…, \"policy_domain\":…, \"policy_type\":…,
\"successful\":…, \"failed\":…, \"failures\":[{\"mx_host\":…, \"result_type\":…, \"sessions\":…}]}],
\"senders\":[{\"organization_name\":…, \"date\":…, \"successful\":…, \"failed\":…}],
\"errors\":[{\"file\":…, \"error\":…}]}. Counts are of sessions; null for what is not known.";

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let domains = arguments.domain.iter().map(|name| {
        let domain = to_policy_domain(name).map_err(|error| format!("{name}: {error}"))?;
        Ok(domain.to_string())
    });
    let mut totals = Totals::new(Filter {
        domains: domains.collect::<Result<_, String>>()?,
        since: arguments.since,
    });
    let errors = read(&arguments.file, &mut totals);
    if let Some(file) = &arguments.html {
        let page = html::page(&totals, errors.len());
        fs::write(file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    match arguments.json {
        true => crate::print(&shown::json(&table::as_json(&totals, &errors).to_string())),
        false => crate::print(&table::text(&totals)),
    }?;
    for (name, why) in &errors {
        eprintln!("mtasts: {}: {}", printable(name, 500), printable(why, 500));
    }
    Ok(ExitCode::from(u8::from(!errors.is_empty())))
}

/// Reads it all; the names of what cannot be read, each with the reason.
fn read(files: &[PathBuf], totals: &mut Totals) -> Vec<(String, String)> {
    let (mut errors, mut more) = (Vec::new(), 0_u64);
    input::read(files, |found| match found {
        Found::Report(report) => totals.add(*report),
        Found::OtherMail => totals.other_mails += 1,
        Found::Bad { name, why } if errors.len() < MAX_ERRORS => errors.push((name, why)),
        Found::Bad { .. } => more += 1,
    });
    errors.sort();
    if more > 0 {
        errors.push(("others".to_owned(), format!("{more} more cannot be read")));
    }
    errors
}

/// The most errors that are told one by one.
const MAX_ERRORS: usize = 1_000;

/// A date, or how long ago it is.
fn since(text: &str) -> Result<UnixTime, String> {
    if let Some(day) = DateRange::of_date(text) {
        return Ok(day.start);
    }
    let ago: Duration = humantime::parse_duration(text)
        .map_err(|_| "expected a date such as 2026-01-31, or a time such as 30d".to_owned())?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let then = UnixTime(now.saturating_sub(ago).as_secs());
    Ok(DateRange::day_of(then).start)
}
