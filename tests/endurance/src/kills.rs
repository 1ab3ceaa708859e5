// SPDX-License-Identifier: MIT OR Apache-2.0

//! SIGKILL in the middle of writes: after each the store opens, holds each policy whole, and has
//! every one that was acknowledged. Several writers at a time, as several mail processes are.

use crate::Outcome;
use crate::random::Random;
use mtasts::{Attempts, Policy, PolicyId, Stored, StoredPolicy, UnixTime};
use mtasts_host::store::{Entry, Store};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Options {
    /// How many
    #[arg(long, default_value_t = 1_000)]
    kills: u64,
    /// When each comes
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The writers at a time; each has domains of its own.
const WRITERS: u64 = 3;

/// The domains of one writer.
const DOMAINS: u64 = 40;

/// When version 0 was fetched; the later ones a second later each.
const BEGINNING: u64 = 1_767_225_600;

/// After all fetches, and before the policies end.
const NOW: u64 = BEGINNING + 10_000_000;

fn domain(writer: u64, version: u64) -> String {
    format!("d{}.w{writer}.example", version * 7 % DOMAINS)
}

/// The entry of a version: from a hundred octets to 60 kB, so that some take many pages.
fn entry(domain: &str, version: u64) -> Outcome<Stored> {
    let size = match version % 5 {
        0 => 60_000,
        1 => 5_000,
        _ => 100,
    };
    let pad = "x".repeat(size);
    let text = format!(
        "version: STSv1\nmode: enforce\nmx: mx{version}.example\nmax_age: 31557600\npad: {pad}\n"
    );
    let policy = StoredPolicy {
        policy: Policy::parse(text.as_bytes())?,
        id: format!("v{version}").parse::<PolicyId>()?,
        fetched_at: UnixTime(BEGINNING + version),
    };
    Ok(Stored {
        policy: Some(Arc::new(policy)),
        record: None,
        attempts: Attempts::default(),
        ..Stored::unknown(domain.parse()?)
    })
}

/// Saves version after version, from `first` on; says of each that it is begun and that it is
/// saved. `folder`: the store and the number of the writer.
pub fn write(folder: &Path, first: u64) -> Outcome<()> {
    let store = Store::open(folder)?;
    let writer = first % WRITERS;
    let mut out = std::io::stdout().lock();
    for version in (first..).step_by(WRITERS as usize) {
        let name = domain(writer, version);
        let stored = entry(&name, version)?;
        writeln!(out, "begun {version}")?;
        out.flush()?;
        if !store.save(&Entry::new(&stored, &stored.to_text()), NOW)? {
            return Err(format!("{name}: there is a later one than {version}").into());
        }
        writeln!(out, "saved {version}")?;
        out.flush()?;
    }
    Ok(())
}

/// What the writers have said.
#[derive(Default)]
struct Told {
    /// By domain: the last version that was saved.
    saved: HashMap<String, u64>,
    /// By domain: the last version that was begun.
    begun: HashMap<String, u64>,
    next: [u64; WRITERS as usize],
    versions: u64,
}

pub fn run(options: &Options) -> Outcome<()> {
    println!("kills: {}, seed {}", options.kills, options.seed);
    let (folder, begun) = (tempfile::tempdir()?, Instant::now());
    let mut random = Random::new(options.seed);
    let mut told = Told {
        next: std::array::from_fn(|writer| writer as u64),
        ..Told::default()
    };
    let mut kills = 0;
    while kills < options.kills {
        let writers: Vec<_> = told
            .next
            .iter()
            .map(|first| start(folder.path(), *first))
            .collect();
        for writer in writers {
            let (mut child, output) = writer?;
            sleep(Duration::from_micros(random.draw() % 30_000));
            child.kill()?; // in the middle of whatever it does
            child.wait()?;
            hear(output, kills % WRITERS, &mut told)?;
            kills += 1;
        }
        check(folder.path(), &told)?;
    }
    println!(
        "{kills} writers killed, {} saves acknowledged, {} policies; the store opened each time \
         and had them all, whole ({:.0} s)",
        told.versions,
        told.saved.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn start(folder: &Path, first: u64) -> Outcome<(Child, BufReader<ChildStdout>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("write").arg(folder).arg(first.to_string());
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    Ok((child, BufReader::new(output)))
}

/// All that a writer has said before it was killed.
fn hear(output: BufReader<ChildStdout>, writer: u64, told: &mut Told) -> Outcome<()> {
    for line in output.lines() {
        let line = line?;
        let (word, version) = line.split_once(' ').ok_or("half a line")?;
        let version: u64 = version.parse()?;
        let name = domain(writer, version);
        match word {
            "begun" => told.begun.insert(name, version),
            _ => {
                told.versions += 1;
                told.saved.insert(name, version)
            }
        };
        // The next one begins after it: it may have been saved.
        told.next[writer as usize] = version + WRITERS;
    }
    Ok(())
}

/// The store opens; each policy in it is one that was begun, whole, and not older than the last that
/// was saved.
fn check(folder: &Path, told: &Told) -> Outcome<()> {
    let store = Store::open(folder)?;
    let mut found = HashMap::new();
    let mut odd = Vec::new();
    store.for_each(|domain, text| match text {
        Ok(text) => drop(found.insert(domain.to_owned(), text.to_owned())),
        Err(error) => odd.push(error.to_string()),
    })?;
    if let Some(error) = odd.first() {
        return Err(error.clone().into());
    }
    for (name, text) in &found {
        let stored: Stored = text.parse().map_err(|error| format!("{name}: {error}"))?;
        let fetched = stored
            .policy
            .as_ref()
            .map_or(0, |policy| policy.fetched_at.0);
        let version = fetched.checked_sub(BEGINNING).ok_or("without a policy")?;
        let (least, most) = (told.saved.get(name), told.begun.get(name));
        if Some(&version) < least
            || Some(&version) > most
            || entry(name, version)?.to_text() != *text
        {
            return Err(
                format!("{name}: {version}, not {least:?} to {most:?}, or not whole").into(),
            );
        }
    }
    let missing = told.saved.keys().find(|name| !found.contains_key(*name));
    match missing {
        Some(name) => Err(format!("{name} was saved and is not there").into()),
        None => Ok(()),
    }
}
