// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is counted, second by second, and how it is shown.

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Questions of mail that are not answered from memory.
    Look,
    Txt,
    Fetch,
    /// Those of them that go to the large provider.
    Provider,
    /// Fetches that have no turn at the provider and are put off.
    PutOff,
    Load,
    Save,
    Lease,
}

const KINDS: usize = 8;

#[derive(Debug, Default)]
pub struct Counts {
    /// By second.
    seconds: Vec<[u32; KINDS]>,
    /// By minute: policies that are due, questions that are open, fetches at the provider.
    pub due: Vec<u32>,
    pub open: Vec<u32>,
    pub at_provider: Vec<u32>,
    /// How long mail waited, in milliseconds, by powers of the fourth root of two.
    waits: Vec<u64>,
    pub longest_wait: u64,
    pub expired: u64,
    pub failed: u64,
    /// Answers without a policy for domains that have one.
    pub unprotected: u64,
    /// Answers without the unexpired policy that was known: there must be none.
    pub wrong: u64,
}

impl Counts {
    pub fn add(&mut self, second: u64, what: What) {
        let second = second as usize;
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, [0; KINDS]);
        }
        self.seconds[second][what as usize] += 1;
    }

    pub fn wait(&mut self, milliseconds: u64) {
        let place = ((milliseconds.max(1) as f64).log2() * 4.0) as usize;
        if self.waits.len() <= place {
            self.waits.resize(place + 1, 0);
        }
        self.waits[place] += 1;
        self.longest_wait = self.longest_wait.max(milliseconds);
    }

    /// How long all but so many of a thousand waited, rounded up.
    pub fn waited(&self, permille: u64) -> f64 {
        let all: u64 = self.waits.iter().sum();
        let mut seen = 0;
        for (place, count) in self.waits.iter().enumerate() {
            seen += count;
            if seen * 1_000 >= all * permille {
                return 2_f64.powf((place + 1) as f64 / 4.0) / 1_000.0;
            }
        }
        0.0
    }

    pub fn total(&self, what: What, seconds: std::ops::Range<u64>) -> u64 {
        self.slice(what, seconds).map(u64::from).sum()
    }

    fn slice(&self, what: What, seconds: std::ops::Range<u64>) -> impl Iterator<Item = u32> {
        let end = (seconds.end as usize).min(self.seconds.len());
        let begin = (seconds.start as usize).min(end);
        self.seconds[begin..end]
            .iter()
            .map(move |counts| counts[what as usize])
    }

    /// A second's mean, the 99th of a hundred, and the most.
    pub fn rates(&self, what: What, seconds: std::ops::Range<u64>) -> (f64, u32, u32) {
        let length = (seconds.end - seconds.start) as f64;
        let mut values: Vec<u32> = self.slice(what, seconds).collect();
        values.sort_unstable();
        let sum: u64 = values.iter().copied().map(u64::from).sum();
        let rank = |permille: usize| values.get(values.len().saturating_sub(1) * permille / 1_000);
        let rank = |permille| rank(permille).copied().unwrap_or_default();
        (sum as f64 / length, rank(990), rank(1_000))
    }

    pub fn show(&self, title: &str, kinds: &[(&str, What)], seconds: std::ops::Range<u64>) {
        println!(
            "  {title:34} {:>9} {:>9} {:>9}",
            "mean /s", "p99 /s", "peak /s"
        );
        for (name, what) in kinds {
            let (mean, p99, peak) = self.rates(*what, seconds.clone());
            println!("    {name:32} {mean:9.2} {p99:9} {peak:9}");
        }
    }

    /// The mean by the three hours of a day, from that day on.
    pub fn show_day(&self, name: &str, what: What, first: u64, end: u64) {
        let by_part = (0..8_u64).map(|part| {
            let days = (first..end).map(|day| {
                let begin = day * 86_400 + part * 10_800;
                self.total(what, begin..begin + 10_800) as f64
            });
            days.sum::<f64>() / ((end - first).max(1) * 10_800) as f64
        });
        let shown: Vec<String> = by_part.map(|mean| format!("{mean:7.2}")).collect();
        println!("    {name:14} {}", shown.join(" "));
    }

    pub fn show_waits(&self) {
        println!(
            "  mail that asked the network waited: {:.2} s half, {:.2} s 99 %, {:.2} s 99.9 %, {:.1} s all",
            self.waited(500),
            self.waited(990),
            self.waited(999),
            self.longest_wait as f64 / 1_000.0
        );
    }

    pub fn show_queues(&self, minutes: std::ops::Range<usize>) {
        let most = |values: &[u32]| {
            let end = minutes.end.min(values.len());
            let values = values.get(minutes.start.min(end)..end).unwrap_or_default();
            let sum: u64 = values.iter().copied().map(u64::from).sum();
            let mean = sum as f64 / values.len().max(1) as f64;
            (mean, values.iter().max().copied().unwrap_or_default())
        };
        let lines = [
            ("policies due without a turn", most(&self.due)),
            ("questions open", most(&self.open)),
            ("fetches at the provider", most(&self.at_provider)),
        ];
        println!("  {:34} {:>9} {:>19}", "by the minute", "mean", "most");
        for (name, (mean, most)) in lines {
            println!("    {name:32} {mean:9.2} {most:19}");
        }
    }
}
