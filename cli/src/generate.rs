// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts completions`, and the manual pages: both come from what clap knows of the command, so that
//! they say what `--help` says.

use crate::page;
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

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
    let command = command().disable_help_subcommand(true);
    let written = fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command.clone(), folder))
        .and_then(|()| complete(folder, &command, "mtasts"));
    written.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What clap_mangen leaves to be done. Pages of others in the folder are left alone.
fn complete(folder: &Path, command: &Command, page: &str) -> io::Result<()> {
    let path = folder.join(format!("{page}.1"));
    let text = fs::read_to_string(&path)?;
    fs::write(&path, page::finish(&text, command, page))?;
    let mut shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown.try_for_each(|sub| complete(folder, sub, &format!("{page}-{}", sub.get_name())))
}

fn command() -> Command {
    crate::Arguments::command()
}
