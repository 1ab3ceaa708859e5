// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache`: what is known of domains (RFC 8461 §3.3), for operators: to look at it, to
//! renew it, to have it forgotten.
//!
//! ```text
//! list, show, export ── place ── store, or else the server's memory (control)
//! refresh, purge ── work ── the server (control), or without one the store and the network (here)
//! ```

mod control;
mod entry;
mod here;
mod list;
mod output;
mod place;
mod purge;
mod refresh;
mod show;
mod work;

use mtasts::PolicyDomain;
use mtasts_host::to_policy_domain;
use std::process::ExitCode;
use tokio::runtime::Builder;

/// Look at cached policies, renew them, forget them
///
/// What is known is in the store that the configuration names; without one, in the memory of the
/// server that runs. refresh and purge have that server do it. With --store they work on a store
/// alone, whatever runs.
///
/// Exit status: 0 done, 1 something could not be done or is not known, 2 misuse.
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts cache show example.com")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Refresh(refresh::Arguments),
    Purge(purge::Arguments),
    Export(list::ExportArguments),
}

/// Why a subcommand did not get to its end.
enum Failure {
    /// It was not called as it should be, or what the configuration names is not there.
    Misuse(String),
    /// Something does not answer.
    Cannot(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Cannot(message)
    }
}

/// Whether all was as asked for.
type Done = Result<bool, Failure>;

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    let done = runtime.block_on(async {
        match &arguments.command {
            Command::List(arguments) => list::run(arguments).await,
            Command::Show(arguments) => show::run(arguments).await,
            Command::Refresh(arguments) => refresh::run(arguments).await,
            Command::Purge(arguments) => purge::run(arguments).await,
            Command::Export(arguments) => list::export(arguments).await,
        }
    });
    match done {
        Ok(is_good) => Ok(ExitCode::from(u8::from(!is_good))),
        Err(Failure::Misuse(message)) => Err(message),
        Err(Failure::Cannot(message)) => {
            eprintln!("mtasts: {message}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A domain of the command line.
fn domain(text: &str) -> Result<PolicyDomain, String> {
    to_policy_domain(text).map_err(|error| error.to_string())
}
