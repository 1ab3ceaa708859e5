// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts report`: TLSRPT reports (RFC 8460), read for a person, and made of what was counted.
//! What is in a report was written by anybody, and is shown as such.

mod build;
mod counted;
mod html;
mod input;
mod mbox;
mod message;
mod plot;
mod reader;
mod show;
mod table;
mod totals;

use crate::shown::is_obeyed;
use std::process::ExitCode;

/// Read and write TLSRPT reports (RFC 8460)
///
/// Senders of mail report once a day how TLS with your MX hosts went, to the address in your record
/// at _smtp._tls.
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts report show ~/Maildir/.TLSRPT --since 30d")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Show(show::Arguments),
    Build(build::Arguments),
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    match &arguments.command {
        Command::Show(arguments) => show::run(arguments),
        Command::Build(arguments) => build::run(arguments),
    }
}

/// A text of a report as a terminal may show it: in one line, of at most `width` characters, and
/// without what would move the cursor or turn the writing around.
fn printable(text: &str, width: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(width)
        .map(|c| match is_obeyed(c) {
            true => char::REPLACEMENT_CHARACTER,
            false => c,
        })
        .collect();
    if text.chars().nth(width).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}
