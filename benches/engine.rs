// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a warm answer of the engine costs at 10^2 to 10^6 domains, asked for in an order that no
//! cache of a processor foresees. Prints lines of a name, a value and a unit.

use mtasts::engine::{Engine, Settings};
use mtasts::{Stored, UnixTime};
use mtasts_benches::{Outcome, domain, entry, mix};
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

const NOW: UnixTime = UnixTime(1_767_225_600);

/// How many are asked for in a round, of which the best counts.
const SAMPLE: u64 = 100_000;
const ROUNDS: usize = 5;

fn main() -> Outcome<()> {
    let mut engine = Engine::new(Settings::default(), *b"0123456789abcdef");
    let mut known = 0;
    for domains in [100, 1_000, 10_000, 100_000, 1_000_000] {
        add(&mut engine, known..domains)?;
        known = domains;
        let names: Vec<String> = (0..SAMPLE).map(|n| domain(mix(n) % domains)).collect();
        let best = (0..ROUNDS).filter_map(|_| ask(&mut engine, &names)).min();
        let best = best.ok_or("the engine does not know all domains")?;
        println!("engine_ask_{domains}\t{}\tns", best / u128::from(SAMPLE));
    }
    Ok(())
}

fn add(engine: &mut Engine, numbers: Range<u64>) -> Outcome<()> {
    for number in numbers {
        engine.insert(Arc::new(stored(number)?), NOW, NOW);
    }
    Ok(())
}

fn stored(number: u64) -> Outcome<Stored> {
    let domain = domain(number);
    let policy = format!(
        "version: STSv1\r\nmode: enforce\r\nmx: mx1.{domain}\r\nmx: mx2.{domain}\r\n\
         mx: *.mail.protection.example\r\nmax_age: 604800\r\n"
    );
    entry(&domain, &policy, "20160831085700Z", NOW)
}

/// The nanoseconds for all of `names`, each of which must have its answer at once.
fn ask(engine: &mut Engine, names: &[String]) -> Option<u128> {
    let begun = Instant::now();
    for name in names {
        black_box(engine.ready(name, NOW)?.policy()?);
    }
    Some(begun.elapsed().as_nanos())
}
