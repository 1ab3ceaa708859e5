// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command `mtasts`: a subcommand a file. Exit status 0: the answer is there and good; 1:
//! it is bad, or cannot be had now; 2: the command was misused.

mod cache;
mod folder;
mod lint;
mod network;
mod query;
mod report;
mod serve;
mod store;

use clap::{Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;

/// MTA-STS (RFC 8461): which policy a mail domain has, and what it means for its mail.
#[derive(Parser)]
#[command(name = "mtasts", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Query(query::Arguments),
    Lint(lint::Arguments),
    Report(report::Arguments),
    Serve(serve::Arguments),
    Cache(cache::Arguments),
}

/// Where the configuration of the server is.
const CONFIG: &str = "/etc/mtasts/mtasts.toml";

/// Prints an answer. Whoever reads may stop reading; that is no failure of ours.
fn print(answer: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", answer.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the answer: {error}"))
        }
        _ => Ok(()),
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Query(arguments) => query::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Cache(arguments) => cache::run(&arguments),
    };
    done.unwrap_or_else(|message| {
        eprintln!("mtasts: {message}");
        ExitCode::from(2)
    })
}
