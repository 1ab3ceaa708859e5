// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the store costs at 10^2 to 10^6 domains: look-ups, in a process that goes on and in one
//! that has just begun, and synced saves. Prints lines of a name, a value and a unit.
//!
//! Filling is done by `Store::save`, a synced commit each, in the directory `FILL`, which is to
//! be on tmpfs: a million takes half a minute there. Each size is then copied to `DISK`, and
//! measured there, out of the page cache. The clock is read around each call, which is included.

use mtasts::{Stored, UnixTime};
use mtasts_benches::{Outcome, domain, mix, rank, save};
use mtasts_host::store::Store;
use std::fs::{self, File};
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const NOW: UnixTime = UnixTime(1_767_225_600);

/// How many look-ups are timed, and how often all of them.
const SAMPLE: u64 = 100_000;
const ROUNDS: usize = 3;

const SAVES: u64 = 101;
const PROCESSES: u64 = 51;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["first", directory, domain] => first(directory.as_ref(), domain),
        [fill, disk] | [fill, disk, "--bench"] => curve(fill.as_ref(), disk.as_ref()),
        _ => Err("usage: store FILL DISK".into()),
    }
}

fn curve(fill: &Path, disk: &Path) -> Outcome<()> {
    let mut filled = 0;
    for domains in [100, 1_000, 10_000, 100_000, 1_000_000] {
        add(fill, filled..domains)?;
        filled = domains;
        copy(fill, disk)?;
        measure(disk, domains)?;
    }
    Ok(())
}

fn add(directory: &Path, numbers: Range<u64>) -> Outcome<()> {
    let store = Store::open(directory)?;
    for number in numbers.clone() {
        save(&store, &entry(number, "20160831085700Z")?, NOW)?;
    }
    match store.len()? == numbers.end {
        true => Ok(()),
        false => Err("the store has another number of entries".into()),
    }
}

/// The store's one file; the other, the lock, comes of itself.
fn copy(from: &Path, to: &Path) -> Outcome<()> {
    let file = to.join("data.mdb");
    fs::copy(from.join("data.mdb"), &file)?;
    Ok(File::open(file)?.sync_all()?)
}

fn measure(directory: &Path, domains: u64) -> Outcome<()> {
    let store = Store::open(directory)?;
    for number in 0..domains {
        black_box(store.load(&domain(number))?); // now all of it is mapped
    }
    let there: Vec<String> = (0..SAMPLE).map(|n| domain(mix(n) % domains)).collect();
    let missing: Vec<String> = (0..SAMPLE).map(|n| domain(domains + n)).collect();
    let lookup = rounds(&there, |domain| lookup(&store, domain))?;
    let load = rounds(&there, |domain| Ok(store.load(domain)?.is_some()))?;
    let miss = rounds(&missing, |domain| Ok(store.load(domain)?.is_none()))?;
    print("lookup", domains, lookup.median);
    print("lookup_p99", domains, lookup.p99);
    print("load", domains, load.median);
    print("load_p99", domains, load.p99);
    print("miss", domains, miss.median);
    print("save", domains, saves(&store, domains)?.median);
    let (inside, whole) = processes(directory, domains)?;
    print("first", domains, inside.median);
    print("process", domains, whole.median);
    Ok(())
}

fn print(name: &str, domains: u64, nanoseconds: u64) {
    println!("store_{name}_{domains}\t{nanoseconds}\tns");
}

/// A look-up as the engine sees it: the entry, read.
fn lookup(store: &Store, domain: &str) -> Outcome<bool> {
    let Some(text) = store.load(domain)? else {
        return Ok(false);
    };
    Ok(black_box(text.parse::<Stored>()?).policy.is_some())
}

#[derive(Clone, Copy)]
struct Times {
    median: u64,
    p99: u64,
}

impl Times {
    fn of(mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        Self {
            median: rank(&nanoseconds, 500),
            p99: rank(&nanoseconds, 990),
        }
    }
}

/// Times `call`, which must give true, for each of `domains`; of all rounds the best counts.
fn rounds(domains: &[String], call: impl Fn(&str) -> Outcome<bool>) -> Outcome<Times> {
    let mut best = Times {
        median: u64::MAX,
        p99: u64::MAX,
    };
    for _ in 0..ROUNDS {
        let times: Outcome<Vec<u64>> = domains.iter().map(|domain| time(|| call(domain))).collect();
        let times = Times::of(times?);
        if times.median < best.median {
            best = times;
        }
    }
    Ok(best)
}

fn time(call: impl FnOnce() -> Outcome<bool>) -> Outcome<u64> {
    let start = Instant::now();
    let is_good = call()?;
    let elapsed = start.elapsed().as_nanos() as u64;
    match is_good {
        true => Ok(elapsed),
        false => Err("the store gave another answer than it should".into()),
    }
}

/// New policies for domains that have one.
fn saves(store: &Store, domains: u64) -> Outcome<Times> {
    let save_new = |number| {
        let entry = entry(mix(number) % domains, &format!("new{number}"))?;
        time(|| save(store, &entry, NOW))
    };
    Ok(Times::of((0..SAVES).map(save_new).collect::<Outcome<_>>()?))
}

/// A process per delivery: what it takes to open the store and look one domain up, and what the
/// process takes from its start to its end.
fn processes(directory: &Path, domains: u64) -> Outcome<(Times, Times)> {
    let (mut inside, mut whole) = (Vec::new(), Vec::new());
    for number in 0..PROCESSES {
        let mut command = Command::new(std::env::current_exe()?);
        let domain = domain(mix(number) % domains);
        command.arg("first").arg(directory).arg(domain);
        let start = Instant::now();
        let output = command.output()?;
        whole.push(start.elapsed().as_nanos() as u64);
        inside.push(String::from_utf8(output.stdout)?.trim().parse()?);
    }
    Ok((Times::of(inside), Times::of(whole)))
}

fn first(directory: &Path, domain: &str) -> Outcome<()> {
    let elapsed = time(|| lookup(&Store::open(directory)?, domain))?;
    println!("{elapsed}");
    Ok(())
}

/// The entry of domain `number`: a policy of some 150 octets under `id`.
fn entry(number: u64, id: &str) -> Outcome<Stored> {
    let domain = domain(number);
    let policy = format!(
        "version: STSv1\r\nmode: enforce\r\nmx: mx1.{domain}\r\nmx: mx2.{domain}\r\n\
         mx: *.mail.protection.example\r\nmax_age: 604800\r\n"
    );
    mtasts_benches::entry(&domain, &policy, id, NOW)
}
