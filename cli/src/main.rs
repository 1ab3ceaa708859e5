// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command `mtasts`: a subcommand a file. Exit status 0: the answer is there and good; 1:
//! it is bad, or cannot be had now; 2: the command was misused.

mod lint;
mod network;
mod query;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// MTA-STS (RFC 8461): which policy a mail domain has, and what it means for its mail.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Query(query::Arguments),
    Lint(lint::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Query(arguments) => query::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
    };
    done.unwrap_or_else(|message| {
        eprintln!("mtasts: {message}");
        ExitCode::from(2)
    })
}
