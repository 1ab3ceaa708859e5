// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts report build`: from counted results to the reports, as files or as mail (R-RPT-3).

use super::counted;
use flate2::Compression;
use flate2::write::GzEncoder;
use mtasts::tlsrpt::Report;
use mtasts::tlsrpt::report::{Counter, DateRange, Format, Mail, Sender};
use mtasts::{PolicyDomain, UnixTime};
use mtasts_host::to_policy_domain;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Make TLSRPT reports of counted results
///
/// Reads lines of FILE, each so many sessions that came to the same, sums them up, and writes a
/// report for each day and domain: a file with the name that RFC 8460 §5.1 gives it, or a mail with
/// the headers of §5.3. Prints the names of the files.
///
/// Exit status: 0 written; 2 FILE is wrong (then nothing is written), or misuse.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Counted results: JSON, one object a line, or CSV with a line of names; - for standard input
    file: PathBuf,
    /// The organisation that reports
    #[arg(long, value_name = "NAME")]
    organization: String,
    /// How to reach it: a mail address
    #[arg(long, value_name = "ADDRESS")]
    contact: String,
    /// The domain of the mail server that reports
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    submitter: PolicyDomain,
    /// The day of lines without a date; yesterday in UTC
    #[arg(long, value_name = "DATE", value_parser = day)]
    date: Option<DateRange>,
    /// Where the files go; - for standard output, if there is one report
    #[arg(long, short, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
    /// Do not compress the report
    #[arg(long)]
    no_gzip: bool,
    /// Letters and digits that tell files of the same name apart
    #[arg(long, value_name = "ID")]
    unique: Option<String>,
    /// Write a mail to ADDRESS, which a rua of the domain's TLSRPT record names, for `sendmail -t`
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// The mail's sender; without it that of --contact
    #[arg(long, value_name = "ADDRESS", requires = "to")]
    from: Option<String>,
}

const EXAMPLES: &str = "\
Example: mtasts report build counted.jsonl --organization Sender --contact tlsrpt@sender.example \\
             --submitter mta.sender.example -o - --to tlsrpt@example.com | sendmail -t

A line of JSON, or the names and cells of CSV:
{\"policy_domain\":\"example.com\", \"policy_type\":\"sts\", \"result\":\"success\", \"count\":20}
  policy_domain  the domain of the policy, for tlsa the MX host
  policy_type    sts, tlsa or no-policy-found
  result         success, or a result type of RFC 8460 §4.3, such as certificate-expired
  count          of sessions; 1
  date           of the sessions, in UTC; that of --date
  domain         whose TLSRPT record asks for the report; the policy's
  policy_string, mx_host: the policy's lines and MX patterns, as a list or as lines of a text
  receiving_mx_hostname, receiving_mx_helo, receiving_ip, sending_mta_ip, failure_reason_code,
  additional_information: of a failure, as in RFC 8460 §4.4
The mail server signs the mail by DKIM, and must send it whatever the domain's policy says (§5.3).";

fn domain(name: &str) -> Result<PolicyDomain, String> {
    to_policy_domain(name).map_err(|error| error.to_string())
}

fn day(date: &str) -> Result<DateRange, String> {
    DateRange::of_date(date).ok_or_else(|| "expected a date such as 2026-01-31".to_owned())
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let now = now();
    let yesterday = || DateRange::day_of(UnixTime(now.0.saturating_sub(86_400)));
    let day = arguments.date.unwrap_or_else(yesterday);
    let mut counter = Counter::default();
    let name = arguments.file.display();
    count(&arguments.file, day, &mut counter).map_err(|error| format!("{name}: {error}"))?;
    let sender = Sender {
        organization_name: &arguments.organization,
        contact_info: &arguments.contact,
        submitter: &arguments.submitter,
    };
    let reports = counter.take(UnixTime(u64::MAX), &sender);
    if reports.is_empty() {
        return Err(format!("{name}: there is nothing counted in it"));
    }
    let files = reports
        .iter()
        .map(|(about, report)| file(arguments, about, report, now));
    write(
        &arguments.output,
        &files.collect::<Result<Vec<_>, String>>()?,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.unwrap_or_default().as_secs())
}

fn count(file: &Path, day: DateRange, counter: &mut Counter) -> Result<(), String> {
    if file.as_os_str() == "-" {
        return counted::read(io::stdin().lock(), day, counter);
    }
    let file = File::open(file).map_err(|error| error.to_string())?;
    counted::read(BufReader::new(file), day, counter)
}

/// A file's name and content.
type Written = (String, Vec<u8>);

fn file(
    arguments: &Arguments,
    about: &PolicyDomain,
    report: &Report,
    now: UnixTime,
) -> Result<Written, String> {
    let (format, body) = match arguments.no_gzip {
        true => (Format::Json, report.to_json().into_bytes()),
        false => (Format::Gzip, gzip(&report.to_json())?),
    };
    let submitter = &arguments.submitter;
    let name = report.file_name(submitter, about, arguments.unique.as_deref(), format);
    let name = name.map_err(|error| error.to_string())?;
    let Some(to) = &arguments.to else {
        return Ok((name, body));
    };
    let mail = Mail {
        domain: about,
        submitter,
        from: arguments.from.as_ref().unwrap_or(&arguments.contact),
        to,
        date: now,
    };
    let mail = report
        .mail(&mail, format, &body)
        .map_err(|error| error.to_string())?;
    Ok((format!("{name}.eml"), mail.into_bytes()))
}

fn gzip(json: &str) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder
        .write_all(json.as_bytes())
        .and_then(|()| encoder.finish());
    written.map_err(|error| error.to_string())
}

fn write(output: &Path, files: &[Written]) -> Result<(), String> {
    if output.as_os_str() == "-" {
        return match files {
            [(_, content)] => {
                let mut out = io::stdout().lock();
                let written = out.write_all(content).and_then(|()| out.flush());
                written.map_err(|error| format!("standard output: {error}"))
            }
            _ => Err(format!(
                "{} reports cannot go to standard output: name a folder",
                files.len()
            )),
        };
    }
    for (name, content) in files {
        let path = output.join(name);
        fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        crate::print(&path.display().to_string())?;
    }
    Ok(())
}
