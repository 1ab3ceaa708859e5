// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts completions`, and the manual pages: both come from what clap knows of the command, so that
//! they say what `--help` says.

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print completions for a shell
#[derive(clap::Args)]
#[command(
    after_help = "Example: mtasts completions bash > ~/.local/share/bash-completion/completions/mtasts"
)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Write the manual pages
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts manual build/man")]
pub struct Manual {
    /// Folder to write to; it is made where it is not there
    folder: PathBuf,
}

/// Runs the subcommand.
pub fn completions(arguments: &Completions) -> Result<ExitCode, String> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "mtasts", &mut text);
    crate::print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the subcommand. The same command gives the same octets.
pub fn manual(arguments: &Manual) -> Result<ExitCode, String> {
    let folder = &arguments.folder;
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command().disable_help_subcommand(true), folder));
    written.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn command() -> Command {
    crate::Arguments::command()
}
