// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts lint`: is this a legal policy (RFC 8461 §3.2), and what does it say?

use mtasts::{Error, MAX_BODY, Policy, Position, Warning};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

/// Check a policy file
///
/// Says whether FILE is a legal policy, where it is not, and what in it the RFC does not allow
/// but senders tolerate. Exit status: 0 valid, 1 invalid, 2 misuse.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The policy; - for standard input
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Example: mtasts lint .well-known/mta-sts.txt

JSON: {\"valid\":true,\"mode\":…,\"mx\":[…],\"max_age\":…,\"warnings\":[…]} or
{\"valid\":false,\"error\":…,\"line\":…,\"column\":…,\"warnings\":[…]}; a warning has line, column
and message.";

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let name = arguments.file.display();
    let body = read(&arguments.file).map_err(|error| format!("{name}: {error}"))?;
    let mut warnings = Vec::new();
    let parsed = Policy::parse_with(&body, |warning| {
        warnings.push(warning);
        Ok(())
    });
    crate::print(&match arguments.json {
        true => as_json(&body, &parsed, &warnings).to_string(),
        false => as_text(&name.to_string(), &body, &parsed, &warnings),
    })?;
    Ok(ExitCode::from(u8::from(parsed.is_err())))
}

/// The file, as far as it matters: one octet more than a policy may have shows that it is too
/// large.
fn read(file: &PathBuf) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let limit = MAX_BODY as u64 + 1;
    if file.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut body)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut body)?;
    }
    Ok(body)
}

fn as_json(body: &[u8], parsed: &Result<Policy, Error>, warnings: &[Warning]) -> Value {
    let warnings: Vec<_> = warnings.iter().map(warning_json).collect();
    match parsed {
        Ok(policy) => json!({
            "valid": true,
            "mode": policy.mode().as_str(),
            "mx": policy.mx().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            "max_age": policy.max_age(),
            "warnings": warnings,
        }),
        Err(error) => {
            let Position { line, column } = Position::of(body, error.offset());
            let error = error.to_string();
            json!({ "valid": false, "error": error, "line": line, "column": column,
                    "warnings": warnings })
        }
    }
}

fn warning_json(warning: &Warning) -> Value {
    let Position { line, column } = warning.position;
    json!({ "line": line, "column": column, "message": warning.kind.as_str() })
}

fn as_text(
    name: &str,
    body: &[u8],
    parsed: &Result<Policy, Error>,
    warnings: &[Warning],
) -> String {
    let mut text = String::new();
    for warning in warnings {
        let Position { line, column } = warning.position;
        text += &format!("{name}:{line}:{column}: warning: {}\n", warning.kind);
    }
    text + &match parsed {
        Ok(policy) => format!("{name}: valid: {}", describe(policy)),
        Err(error) => {
            let Position { line, column } = Position::of(body, error.offset());
            format!("{name}:{line}:{column}: error: {error}")
        }
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
