// SPDX-License-Identifier: MIT OR Apache-2.0

//! What all reports together say: by day and policy, MX host, failure and sender.

use mtasts::UnixTime;
use mtasts::tlsrpt::report::{DateRange, FailureDetails, Report, Summary};
use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    seen: HashSet<(String, String)>,
}

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
        let organization = report.organization_name;
        if !is_wanted {
            return;
        }
        if !self.seen.insert((organization.clone(), report.report_id)) {
            self.duplicates += 1;
            return;
        }
        let mut has_any = report.policies.is_empty() && self.filter.domains.is_empty();
        for policy in report.policies {
            let key = Key {
                day,
                domain: policy
                    .policy
                    .policy_domain
                    .trim_end_matches('.')
                    .to_lowercase(),
                policy_type: policy.policy.policy_type,
            };
            if !self.filter.domains.is_empty() && !self.filter.domains.contains(&key.domain) {
                continue;
            }
            has_any = true;
            let of_sender = self.senders.entry((organization.clone(), day)).or_default();
            of_sender.add(policy.summary);
            self.policies
                .entry(key)
                .or_default()
                .add(policy.summary, policy.failure_details);
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
    fn add(&mut self, summary: Summary, failures: Vec<FailureDetails>) {
        self.summary.add(summary);
        for failure in failures {
            let key = Failure {
                mx_host: host(failure.receiving_mx_hostname),
                result_type: failure.result_type,
            };
            let sum = self.failures.entry(key).or_default();
            *sum = sum.saturating_add(failure.failed_session_count);
        }
    }
}

fn host(name: Option<String>) -> String {
    let name = name.unwrap_or_default();
    name.trim_end_matches('.').to_lowercase()
}

/// The date of a day.
pub fn date(day: UnixTime) -> String {
    DateRange::day_of(day).date()
}
