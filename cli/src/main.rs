// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command `mtasts`: a subcommand a file. Exit status 0: the answer is there and good; 1:
//! it is bad, or cannot be had now; 2: the command was misused. `check` has those of Nagios.

mod cache;
mod certificate;
mod check;
mod folder;
mod generate;
mod grammar;
mod lint;
mod network;
mod page;
mod publish;
mod query;
mod report;
mod serve;
mod shown;
mod store;

use clap::{Parser, Subcommand};
use std::io::{self, Write};
use std::process::ExitCode;

/// MTA-STS (RFC 8461): what a mail domain publishes, and what senders make of it
#[derive(Parser)]
#[command(name = "mtasts", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples, and more in each subcommand's help (mtasts help check):
  mtasts check example.com      what do senders see, and what is wrong?
  mtasts publish example.com    what to publish next, in safe steps
  mtasts serve                  policies for Postfix and Exim";

// In the order in which one comes to need them: a domain's owner, then who sends.
#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Publish(Box<publish::Arguments>),
    Lint(lint::Arguments),
    Report(report::Arguments),
    Query(query::Arguments),
    Serve(serve::Arguments),
    Cache(cache::Arguments),
    Certificate(certificate::Arguments),
    Completions(generate::Completions),
    #[command(hide = true)]
    Manual(generate::Manual),
}

/// Where the configuration of the server is.
const CONFIG: &str = "/etc/mtasts/mtasts.toml";

/// Prints an answer, with its colours as far as standard output has any. Whoever reads may stop
/// reading; that is no failure of ours.
fn print(answer: &str) -> Result<(), String> {
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{}", answer.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the answer: {error}"))
        }
        _ => Ok(()),
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let done = match arguments.command {
        Command::Query(arguments) => query::run(&arguments),
        Command::Check(arguments) => Ok(check::run(&arguments)),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Certificate(arguments) => certificate::run(&arguments),
        Command::Completions(arguments) => generate::completions(&arguments),
        Command::Manual(arguments) => generate::manual(&arguments),
    };
    done.unwrap_or_else(|message| {
        eprintln!("mtasts: {message}");
        ExitCode::from(2)
    })
}

/// Prints the help that was asked for, or what is wrong with the arguments.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_check = std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "check");
    let _ = error.print(); // there is nobody left to tell
    ExitCode::from(match (error.use_stderr(), is_check) {
        (false, _) => 0,
        (true, false) => 2,
        (true, true) => check::UNKNOWN,
    })
}
