// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory and descriptors of a process over time, and the rule by which they do not grow.

use crate::Outcome;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

/// One look at a process.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Memory that is of no file, in kB.
    pub memory: u64,
    pub descriptors: usize,
}

/// How much more the last quarter may take than the second one: memory in kB, beside a hundredth of
/// it, as what an allocator keeps is not the same from one moment to the next; and descriptors, of
/// which there are as many as questions are open. A short run is all warm-up.
fn slack(duration: Duration) -> (u64, usize) {
    match duration < Duration::from_secs(600) {
        true => (8_192, 64),
        // Less than 60 octets for each answer of the second half, at 80 a second.
        false => (4_096, 2),
    }
}

pub fn sample(pid: u32) -> Outcome<Sample> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(Sample {
        memory: number.ok_or("no RssAnon")?.parse()?,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
    })
}

/// Looks at `pid` again and again until `is_over`.
pub fn watch(pid: u32, every: Duration, is_over: &AtomicBool) -> Outcome<Vec<Sample>> {
    let mut samples = Vec::new();
    while !is_over.load(Relaxed) {
        samples.push(sample(pid)?);
        sleep(every);
    }
    Ok(samples)
}

/// A figure of each of the four quarters.
fn quarters<T>(samples: &[Sample], figure: impl Fn(&[Sample]) -> T) -> Vec<T> {
    let quarter = samples.len().div_ceil(4).max(1);
    samples.chunks(quarter).map(figure).collect()
}

fn median_memory(samples: &[Sample]) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(|sample| sample.memory).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn fewest_descriptors(samples: &[Sample]) -> usize {
    let values = samples.iter().map(|sample| sample.descriptors);
    values.min().unwrap_or_default()
}

/// The first quarter is the warm-up. From the second to the fourth neither the median of memory nor
/// the least number of descriptors grows by more than what is said above.
pub fn check(samples: &[Sample], duration: Duration) -> Outcome<()> {
    let memory = quarters(samples, median_memory);
    let descriptors = quarters(samples, fewest_descriptors);
    println!("memory (RssAnon), kB, medians of the quarters: {memory:?}");
    println!("descriptors, least of the quarters: {descriptors:?}");
    let ([_, early, _, late], [_, few, _, many]) = (&memory[..], &descriptors[..]) else {
        return Err("too few samples".into());
    };
    let (more_memory, more_descriptors) = slack(duration);
    if *late > early + early / 100 + more_memory {
        return Err(format!("memory grows: {early} kB, then {late} kB").into());
    }
    if *many > few + more_descriptors {
        return Err(format!("descriptors grow: {few}, then {many}").into());
    }
    Ok(())
}
