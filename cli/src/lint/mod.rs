// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts lint`: are these legal policies (RFC 8461 §3.2) and records, what do they say, and what do
//! senders make of their mistakes?

mod human;
mod json;
mod remark;
mod sarif;
mod subject;

use crate::shown;
use clap::ValueEnum;
use mtasts::Policy;
use remark::{Level, Remark};
use std::path::PathBuf;
use std::process::ExitCode;
use subject::Subject;

/// Check policy files and records
///
/// Says whether each FILE is a legal policy, where it is not, and what in it the RFC does not allow
/// but senders tolerate: why a sender cares, and what to write instead. Exit status: 0 all are valid,
/// 1 one is not, or has warnings with --strict, 2 misuse or a file that cannot be read.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Policies; - for standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["record", "tlsrpt"])]
    files: Vec<PathBuf>,
    /// Also check the text of a TXT record at _mta-sts; may be repeated
    #[arg(long, value_name = "TEXT")]
    record: Vec<String>,
    /// Also check the text of a TXT record at _smtp._tls; may be repeated
    #[arg(long, value_name = "TEXT")]
    tlsrpt: Vec<String>,
    /// Warnings are errors
    #[arg(long)]
    strict: bool,
    /// Print JSON, one object a line for each file and record
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// What to print: with the lines meant, a line a remark, JSON, or SARIF 2.1.0 for code hosts
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Short,
    Json,
    Sarif,
}

const EXAMPLES: &str = "\
Examples:
  mtasts lint .well-known/mta-sts.txt
  mtasts lint --strict policies/*.txt
  mtasts lint --record 'v=STSv1; id=20260101T000000;'

JSON: {\"file\":…,\"valid\":true,\"mode\":…,\"mx\":[…],\"max_age\":…,\"warnings\":[…],\"notes\":[…]}
or {\"file\":…,\"valid\":false,\"error\":…,\"id\":…,\"line\":…,\"column\":…,\"why\":…,
\"requirement\":…,\"rfc\":…,\"instead\":…,\"warnings\":[…]}; a warning or note has these members
too, with message for error. Of a record: \"record\" or \"tlsrpt\" for \"file\", and when it is
valid \"policy_id\" or \"rua\". With --strict nothing that has warnings is valid.";

/// What was looked at, and what there is to say of it.
struct Linted {
    subject: Subject,
    said: Said,
    /// In the order of their places.
    remarks: Vec<Remark>,
}

/// What a text says, if senders can read it.
enum Said {
    Policy(Policy),
    Record(String),
    Tlsrpt(Vec<String>),
    Nothing,
}

impl Linted {
    /// Whether senders can read it; if `strict`, without anything to tolerate.
    fn is_valid(&self, strict: bool) -> bool {
        let is_against = |level| level == Level::Error || strict && level == Level::Warning;
        !self.remarks.iter().any(|remark| is_against(remark.level))
    }
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let mut unread = false;
    let mut linted = Vec::new();
    for subject in subject::all(arguments) {
        match subject {
            Ok(subject) => linted.push(subject.lint()),
            Err(message) => {
                unread = true;
                eprintln!("mtasts: {message}");
            }
        }
    }
    print(arguments, &linted)?;
    let is_good = linted.iter().all(|one| one.is_valid(arguments.strict));
    Ok(ExitCode::from(match (unread, is_good) {
        (true, _) => 2,
        (false, false) => 1,
        (false, true) => 0,
    }))
}

fn print(arguments: &Arguments, linted: &[Linted]) -> Result<(), String> {
    let strict = arguments.strict;
    let lines = |one: &dyn Fn(&Linted) -> String| linted.iter().map(one).collect::<Vec<_>>();
    let format = match arguments.json {
        true => Format::Json,
        false => arguments.format,
    };
    match format {
        _ if linted.is_empty() && format != Format::Sarif => Ok(()),
        Format::Text => crate::print(&lines(&|one| human::text(one, strict)).join("\n")),
        Format::Short => crate::print(&lines(&|one| human::short(one, strict)).concat()),
        Format::Json => crate::print(&shown::json(
            &lines(&|one| json::object(one, strict).to_string()).join("\n"),
        )),
        Format::Sarif => crate::print(&shown::json(&sarif::log(linted, strict).to_string())),
    }
}

/// One line about a policy.
pub fn describe(policy: &Policy) -> String {
    let mx: Vec<_> = policy.mx().map(|pattern| pattern.as_str()).collect();
    let mx = if mx.is_empty() {
        "none".to_owned()
    } else {
        mx.join(" ")
    };
    format!(
        "mode {}, max_age {}, mx {mx}",
        policy.mode(),
        policy.max_age()
    )
}
