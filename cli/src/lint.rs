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
#[command(after_help = "Example: mtasts lint .well-known/mta-sts.txt")]
pub struct Arguments {
    /// The policy; - for standard input
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let name = arguments.file.display();
    let body = read(&arguments.file).map_err(|error| format!("{name}: {error}"))?;
    let mut warnings = Vec::new();
    let parsed = Policy::parse_with(&body, |warning| {
        warnings.push(warning);
        Ok(())
    });
    if arguments.json {
        println!("{}", as_json(&body, &parsed, &warnings));
    } else {
        print(&name.to_string(), &body, &parsed, &warnings);
    }
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
    match parsed {
        Ok(policy) => json!({
            "valid": true,
            "mode": policy.mode().as_str(),
            "mx": policy.mx().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            "max_age": policy.max_age(),
            "warnings": warnings.iter().map(warning_json).collect::<Vec<_>>(),
        }),
        Err(error) => {
            let Position { line, column } = Position::of(body, error.offset());
            json!({ "valid": false, "error": error.to_string(), "line": line, "column": column })
        }
    }
}

fn warning_json(warning: &Warning) -> Value {
    let Position { line, column } = warning.position;
    json!({ "line": line, "column": column, "message": warning.kind.as_str() })
}

fn print(name: &str, body: &[u8], parsed: &Result<Policy, Error>, warnings: &[Warning]) {
    for Warning {
        kind,
        position: Position { line, column },
        ..
    } in warnings
    {
        println!("{name}:{line}:{column}: warning: {kind}");
    }
    match parsed {
        Ok(policy) => println!("{name}: valid: {}", describe(policy)),
        Err(error) => {
            let Position { line, column } = Position::of(body, error.offset());
            println!("{name}:{line}:{column}: error: {error}");
        }
    }
}

/// One line about a policy.
pub fn describe(policy: &Policy) -> String {
    let mx: Vec<_> = policy.mx().map(|pattern| pattern.as_str()).collect();
    format!(
        "mode {}, max_age {}, mx {}",
        policy.mode(),
        policy.max_age(),
        mx.join(" ")
    )
}
