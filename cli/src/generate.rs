// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts completions`, and the manual pages: both come from what clap knows of the command, so that
//! they say what `--help` says.

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

/// What clap does not know: files, and other pages. Pages of others in the folder are left alone.
fn complete(folder: &Path, command: &Command, page: &str) -> io::Result<()> {
    let path = folder.join(format!("{page}.1"));
    let text = fs::read_to_string(&path)?;
    let files = if page == "mtasts-serve" { FILES } else { "" };
    let text = text.replace("\n.SH EXTRA\n", "\n.SH EXAMPLE\n") + files;
    fs::write(&path, text + &see_also(page))?;
    let mut shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown.try_for_each(|sub| {
        let page = format!("{page}-{}", sub.get_name());
        complete(folder, sub, &page)
    })
}

const FILES: &str = r#".SH FILES
.TP
.I /etc/mtasts/mtasts.toml
The configuration, mtasts.toml(5).
.TP
.I /var/lib/mtasts
The store of the example configuration: policies, which outlive the server.
.TP
.I /run/mtasts/control
The socket by which
.B mtasts cache refresh
reaches the server.
"#;

fn see_also(page: &str) -> String {
    let others = match page {
        "mtasts" => r"mtasts\-check (1), mtasts\-serve (1), mtasts.toml (5), mtasts (7)",
        "mtasts-serve" => {
            r"mtasts\-cache (1), mtasts\-query (1), mtasts.toml (5), mtasts (7), systemctl (1)"
        }
        _ => r"mtasts (1), mtasts (7)",
    };
    let lines: Vec<_> = others
        .split(", ")
        .map(|other| format!(".BR {other}"))
        .collect();
    format!(".SH \"SEE ALSO\"\n{}\n", lines.join(",\n"))
}

fn command() -> Command {
    crate::Arguments::command()
}
