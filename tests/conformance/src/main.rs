// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs vector files through one surface of the engine: the Rust crate in this process, or any
//! program that speaks the line protocol of `PROTOCOL.md`. Prints each failure and, as its last
//! line, `N passed, N failed, N skipped`.

mod case;
mod certificate;
mod child;
mod flow;
mod https;
mod json;
mod kind;
mod policy;
mod postfix;
mod prose;
mod record;
mod rust;
mod surface;
mod words;

use clap::Parser;
use json::Stop;
use kind::Kind;
use serde_json::Value;
use std::{fs, path::Path, path::PathBuf, process::ExitCode};
use surface::Surface;

/// Runs vector files through one surface of libmtasts.
#[derive(Parser)]
#[command(name = "mtasts-conformance")]
struct Arguments {
    /// `rust`, or with --program any name.
    #[arg(long)]
    surface: String,
    /// The program that is the surface, by the line protocol.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Vector files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(misuse) => {
            eprintln!("mtasts-conformance: {misuse}");
            ExitCode::from(2)
        }
    }
}

/// Gives the number of failures.
fn run(arguments: &Arguments) -> Result<usize, String> {
    let mut surface = open(arguments)?;
    let mut tally = Tally::default();
    for file in &arguments.files {
        run_file(file, surface.as_mut(), &mut tally)?;
    }
    println!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    Ok(tally.failed)
}

fn open(arguments: &Arguments) -> Result<Box<dyn Surface>, String> {
    match (&arguments.program, arguments.surface.as_str()) {
        (Some(program), _) => Ok(Box::new(child::Child::start(program)?)),
        (None, "rust") => Ok(Box::new(rust::Rust::default())),
        (None, other) => Err(format!("surface {other} needs --program")),
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

fn run_file(file: &Path, surface: &mut dyn Surface, tally: &mut Tally) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let cases = value.get("vectors").unwrap_or(&value).as_array();
    let cases = cases.ok_or_else(|| format!("{}: no list of vectors", file.display()))?;
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    for case in cases {
        let result = kind::of(stem, case).map_or_else(unknown, |kind| kind.check(case, surface));
        tally.count(stem, case, result);
    }
    Ok(())
}

fn unknown() -> Result<(), Stop> {
    Err(Stop::Skipped(
        "no runner for this kind of vector".to_owned(),
    ))
}

impl Tally {
    fn count(&mut self, stem: &str, case: &Value, result: Result<(), Stop>) {
        let id = case.get("id").and_then(Value::as_str).unwrap_or("?");
        match result {
            Ok(()) => self.passed += 1,
            Err(Stop::Failed(why)) => {
                self.failed += 1;
                println!("FAILED {stem} {id}: {why}");
            }
            Err(Stop::Skipped(why)) => {
                self.skipped += 1;
                eprintln!("skipped {stem} {id}: {why}");
            }
        }
    }
}

impl Kind {
    fn check(self, case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
        match self {
            Self::CertName => certificate::check(case, surface),
            Self::Flow => flow::check(case, surface),
            Self::HttpsFetch => https::check(case, surface),
            Self::MxMatch => policy::check_match(case, surface),
            Self::Postfix => postfix::check(case, surface),
            Self::StsPolicy => policy::check(case, surface),
            Self::StsTxt => record::check(case, surface),
            Self::TlsrptTxt => record::check_tlsrpt(case, surface),
        }
    }
}
