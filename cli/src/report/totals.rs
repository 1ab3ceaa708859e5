// SPDX-License-Identifier: MIT OR Apache-2.0

//! What all reports together say: by day and policy, MX host, failure and sender.

use mtasts::UnixTime;
use mtasts::tlsrpt::report::{DateRange, FailureDetails, Report, Summary};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Which reports, and what of them, are counted.
#[derive(Default)]
pub struct Filter {
    /// These policy domains; all if there are none.
    pub domains: Vec<String>,
    /// From this day on.
    pub since: Option<UnixTime>,
}

/// A day's policy: its domain and its type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The first second of the UTC day.
    pub day: UnixTime,
    pub domain: String,
    pub policy_type: String,
}

/// What is alike in failures.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// Empty where the report does not say.
    pub mx_host: String,
    pub result_type: String,
}

#[derive(Default)]
pub struct Counts {
    pub summary: Summary,
    pub failures: BTreeMap<Failure, u64>,
}

/// The sums.
#[derive(Default)]
pub struct Totals {
    filter: Filter,
    pub reports: u64,
    pub duplicates: u64,
    pub other_mails: u64,
    pub policies: BTreeMap<Key, Counts>,
    pub senders: BTreeMap<(String, UnixTime), Summary>,
    /// Hashes of organisation and id.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// The kinds of failures in [`Totals::policies`].
    kinds: usize,
}

/// The characters of a text that are kept: a host name has no more.
const MAX_TEXT: usize = 255;

/// The most policies, and the most kinds of failures, that are told apart. Whoever writes reports must
/// not have our memory; what comes beyond them is summed up as [`OTHERS`].
const MAX_KINDS: usize = 100_000;

/// The name of what is not told apart.
const OTHERS: &str = "(others)";

impl Totals {
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            ..Self::default()
        }
    }

    /// Adds a report, unless the same organisation's with the same id was there before.
    pub fn add(&mut self, report: Report) {
        let day = report.date_range.day().start;
        let is_wanted = self.filter.since.is_none_or(|since| day >= since);
        if !is_wanted {
            return;
        }
        let own = (&report.organization_name, &report.report_id);
        if !self.seen.insert(self.hasher.hash_one(own)) {
            self.duplicates += 1;
            return;
        }
        let organization = cut(report.organization_name);
        let mut has_any = report.policies.is_empty() && self.filter.domains.is_empty();
        for policy in report.policies {
            let mut key = Key {
                day,
                domain: name(policy.policy.policy_domain),
                policy_type: cut(policy.policy.policy_type),
            };
            if !self.filter.domains.is_empty() && !self.filter.domains.contains(&key.domain) {
                continue;
            }
            has_any = true;
            if self.policies.len() >= MAX_KINDS && !self.policies.contains_key(&key) {
                (key.domain, key.policy_type) = (OTHERS.to_owned(), OTHERS.to_owned());
            }
            let of_sender = self.senders.entry((organization.clone(), day)).or_default();
            of_sender.add(policy.summary);
            let counts = self.policies.entry(key).or_default();
            counts.add(policy.summary, policy.failure_details, &mut self.kinds);
        }
        self.reports += u64::from(has_any);
    }

    /// All sessions.
    pub fn summary(&self) -> Summary {
        let mut sum = Summary::default();
        self.policies
            .values()
            .for_each(|counts| sum.add(counts.summary));
        sum
    }

    /// The first and the last day.
    pub fn days(&self) -> Option<(UnixTime, UnixTime)> {
        let first = self.policies.keys().next()?;
        Some((first.day, self.policies.keys().next_back()?.day))
    }

    /// Who reported.
    pub fn organizations(&self) -> usize {
        let names: BTreeSet<_> = self.senders.keys().map(|(name, _)| name).collect();
        names.len()
    }
}

impl Counts {
    fn add(&mut self, summary: Summary, failures: Vec<FailureDetails>, kinds: &mut usize) {
        self.summary.add(summary);
        for failure in failures {
            let mut key = Failure {
                mx_host: name(failure.receiving_mx_hostname.unwrap_or_default()),
                result_type: cut(failure.result_type),
            };
            if !self.failures.contains_key(&key) {
                *kinds = kinds.saturating_add(1);
                if *kinds > MAX_KINDS {
                    (key.mx_host, key.result_type) = (OTHERS.to_owned(), OTHERS.to_owned());
                }
            }
            let sum = self.failures.entry(key).or_default();
            *sum = sum.saturating_add(failure.failed_session_count);
        }
    }
}

fn name(text: String) -> String {
    cut(text).trim_end_matches('.').to_lowercase()
}

/// The beginning of a text.
fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(at);
        text.shrink_to_fit();
    }
    text
}

/// The date of a day.
pub fn date(day: UnixTime) -> String {
    DateRange::day_of(day).date()
}
