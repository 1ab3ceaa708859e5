// SPDX-License-Identifier: MIT OR Apache-2.0

//! Endurance (`make endurance`): `mtasts serve` under mixed load while the lab's faults come and go,
//! each answer held against what the world permits; and a store whose writers are killed in the
//! middle of what they do. README.md says what is checked. Exit status 1: something was wrong.

mod client;
mod kills;
mod load;
mod measure;
mod model;
mod random;
mod server;
mod weather;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// What went wrong, in words.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Whether mtasts serve and its store last")]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Load, faults, SIGKILL and a restart
    Load(load::Options),
    /// SIGKILLs in the middle of writes
    Kills(kills::Options),
    /// Write to a store until killed
    #[command(hide = true)]
    Write { folder: PathBuf, first: u64 },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().part {
        Part::Load(options) => load::run(&options),
        Part::Kills(options) => kills::run(&options),
        Part::Write { folder, first } => kills::write(&folder, first),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("endurance: {error}");
            ExitCode::FAILURE
        }
    }
}
