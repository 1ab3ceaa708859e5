// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs vector files through surfaces of the engine: the Rust crate in this process, or any program
//! that speaks the line protocol of `PROTOCOL.md`. Prints each failure and, as its last line,
//! `N passed, N failed, N skipped`. Several surfaces are compared, and what they differ in fails.

mod case;
mod certificate;
mod child;
mod compare;
mod flow;
mod https;
mod json;
mod kind;
mod policy;
mod postfix;
mod prose;
mod record;
mod recorder;
mod report;
mod rust;
mod rust_report;
mod surface;
mod words;

use clap::Parser;
use compare::Comparison;
use json::Stop;
use kind::Kind;
use serde_json::Value;
use std::{fmt, fs, path::Path, path::PathBuf, process::ExitCode};
use surface::Surface;

/// Runs vector files through surfaces of libmtasts.
#[derive(Parser)]
#[command(name = "mtasts-conformance")]
struct Arguments {
    /// `rust`, or any name and `=` and the program that is the surface, by the line protocol; may be
    /// repeated.
    #[arg(long, required = true)]
    surface: Vec<String>,
    /// The program, where there is one surface.
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
    let mut surfaces = open(arguments)?;
    if surfaces.len() > 1 {
        let mut comparison = Comparison::new(surfaces);
        each_case(&arguments.files, |file, case| comparison.run(file, case))?;
        return Ok(comparison.report());
    }
    let mut tally = Tally::default();
    each_case(&arguments.files, |file, case| {
        for (_, surface) in &mut surfaces {
            tally.count(file, case, check(file, case, surface.as_mut()));
        }
    })?;
    tally.print();
    Ok(tally.failed)
}

/// A surface and its name.
type Named = (String, Box<dyn Surface>);

fn open(arguments: &Arguments) -> Result<Vec<Named>, String> {
    let named = |surface: &String| -> Result<Named, String> {
        let (name, program) = match surface.split_once('=') {
            Some((name, program)) => (name, Some(Path::new(program))),
            None => (surface.as_str(), arguments.program.as_deref()),
        };
        Ok((name.to_owned(), open_one(name, program)?))
    };
    arguments.surface.iter().map(named).collect()
}

fn open_one(name: &str, program: Option<&Path>) -> Result<Box<dyn Surface>, String> {
    match (program, name) {
        (Some(program), _) => Ok(Box::new(child::Child::start(program)?)),
        (None, "rust") => Ok(Box::new(rust::Rust::default())),
        (None, other) => Err(format!("surface {other} needs a program")),
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Hands out each case with the name of its file.
fn each_case(files: &[PathBuf], mut run: impl FnMut(&str, &Value)) -> Result<(), String> {
    for file in files {
        let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", file.display());
        let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        let cases = value.get("vectors").unwrap_or(&value).as_array();
        let cases = cases.ok_or_else(|| wrong(&"no list of vectors"))?;
        let stem = file.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.unwrap_or_default();
        cases.iter().for_each(|case| run(stem, case));
    }
    Ok(())
}

/// Runs one case through a surface.
fn check(file: &str, case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    kind::of(file, case).map_or_else(unknown, |kind| kind.check(case, surface))
}

fn unknown() -> Result<(), Stop> {
    Err(Stop::Skipped(
        "no runner for this kind of vector".to_owned(),
    ))
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.passed, self.failed, self.skipped)
    }
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

    fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    fn print(&self) {
        println!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        );
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
            Self::Report => report::check(case, surface),
            Self::StsPolicy => policy::check(case, surface),
            Self::StsTxt => record::check(case, surface),
            Self::TlsrptTxt => record::check_tlsrpt(case, surface),
        }
    }
}
