// SPDX-License-Identifier: MIT OR Apache-2.0

//! From counted results to reports: one for each domain and UTC day (RFC 8460 §4.1, R-RPT-3).

use super::date::DateRange;
use super::{AppliedPolicy, FailureDetails, PolicyReport, Report, Summary};
use crate::error::Error;
use crate::name::PolicyDomain;
use crate::time::UnixTime;
use crate::tlsrpt::{Details, SessionResult, datagram};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::{format, vec::Vec};

/// How many kinds of failure are kept apart in one policy of one report. Those past them are
/// counted by their result alone, since what a peer says of itself could differ each time.
pub const MAX_FAILURE_DETAILS: usize = 10_000;

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// `organization-name`: the organisation, for people.
    pub organization_name: &'a str,
    /// `contact-info`: how to reach it, such as a mail address.
    pub contact_info: &'a str,
    /// The mail server's domain, part of each report's `report-id`.
    pub submitter: &'a PolicyDomain,
}

/// Sums up results, by day and by the domain whose TLSRPT record asks for the report.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    counts: BTreeMap<(UnixTime, PolicyDomain), BTreeMap<AppliedPolicy, Counts>>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    summary: Summary,
    /// The count in a key is 0.
    failures: BTreeMap<FailureDetails, u64>,
}

impl Counter {
    /// Counts one session, at its time.
    pub fn session(&mut self, at: UnixTime, result: &SessionResult<'_>, details: &Details<'_>) {
        if let Ok(domain) = result.domain.parse() {
            self.sum(at, &domain, result.counted(details));
        }
    }

    /// Adds what was counted on the day of `at`, such as by another host.
    ///
    /// # Errors
    /// [`crate::ErrorKind::HostName`]: the policy's domain is no name in A-labels.
    pub fn add(
        &mut self,
        at: UnixTime,
        domain: &PolicyDomain,
        mut counted: PolicyReport,
    ) -> Result<(), Error> {
        let of_policy: PolicyDomain = counted.policy.policy_domain.parse()?;
        counted.policy.policy_domain = of_policy.to_string();
        self.sum(at, domain, counted);
        Ok(())
    }

    fn sum(&mut self, at: UnixTime, domain: &PolicyDomain, counted: PolicyReport) {
        let day = DateRange::day_of(at).start;
        let policies = self.counts.entry((day, domain.clone())).or_default();
        let counts = policies.entry(counted.policy).or_default();
        counts.summary.add(counted.summary);
        for details in counted.failure_details {
            counts.fail(details);
        }
    }

    /// The reports on the days that were over at `now`, each with its domain, which are forgotten
    /// here. In the order of days, then domains.
    pub fn take(&mut self, now: UnixTime, sender: &Sender<'_>) -> Vec<(PolicyDomain, Report)> {
        let today = DateRange::day_of(now).start;
        let is_over = |day: UnixTime| day < today;
        let (over, rest): (BTreeMap<_, _>, _) = core::mem::take(&mut self.counts)
            .into_iter()
            .partition(|((day, _), _)| is_over(*day));
        self.counts = rest;
        let reports = over.into_iter().map(|((day, domain), policies)| {
            let report = sender.report(day, &domain, policies);
            (domain, report)
        });
        reports.collect()
    }
}

impl Summary {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: Self) {
        let sum = |a: &mut u64, b| *a = a.saturating_add(b);
        sum(
            &mut self.total_successful_session_count,
            other.total_successful_session_count,
        );
        sum(
            &mut self.total_failure_session_count,
            other.total_failure_session_count,
        );
    }
}

impl Counts {
    fn fail(&mut self, mut details: FailureDetails) {
        let count = core::mem::take(&mut details.failed_session_count);
        let is_full = self.failures.len() >= MAX_FAILURE_DETAILS;
        if is_full && !self.failures.contains_key(&details) {
            details = FailureDetails {
                result_type: details.result_type,
                ..FailureDetails::default()
            };
        }
        let sum = self.failures.entry(details).or_default();
        *sum = sum.saturating_add(count);
    }
}

impl Sender<'_> {
    fn report(
        &self,
        day: UnixTime,
        domain: &PolicyDomain,
        policies: BTreeMap<AppliedPolicy, Counts>,
    ) -> Report {
        let date_range = DateRange::day_of(day);
        Report {
            organization_name: self.organization_name.into(),
            date_range,
            contact_info: self.contact_info.into(),
            report_id: format!("{}_{domain}@{}", date_range.date(), self.submitter),
            policies: policies.into_iter().map(policy_report).collect(),
        }
    }
}

fn policy_report((policy, counts): (AppliedPolicy, Counts)) -> PolicyReport {
    let with_count = |(details, count)| FailureDetails {
        failed_session_count: count,
        ..details
    };
    PolicyReport {
        policy,
        summary: counts.summary,
        failure_details: counts.failures.into_iter().map(with_count).collect(),
    }
}

impl SessionResult<'_> {
    /// The one session as a report would tell it.
    pub fn counted(&self, details: &Details<'_>) -> PolicyReport {
        let domain = self.policy_domain().trim_end_matches('.');
        let texts = |texts: &mut dyn Iterator<Item = &str>| texts.map(String::from).collect();
        let policy = AppliedPolicy {
            policy_type: self.policy_type.as_str().into(),
            policy_string: self
                .policy
                .map(|policy| texts(&mut datagram::lines(policy)))
                .unwrap_or_default(),
            policy_domain: domain.to_ascii_lowercase(),
            mx_host: self
                .policy
                .map(|policy| texts(&mut policy.mx().map(|pattern| pattern.as_str())))
                .unwrap_or_default(),
        };
        let summary = Summary {
            total_successful_session_count: u64::from(self.is_success()),
            total_failure_session_count: u64::from(!self.is_success()),
        };
        PolicyReport {
            policy,
            summary,
            failure_details: self.failures_counted(details),
        }
    }

    /// A failure that is no MX host's, then the session's.
    fn failures_counted(&self, details: &Details<'_>) -> Vec<FailureDetails> {
        let one = |result| FailureDetails {
            failed_session_count: 1,
            sending_mta_ip: details.sending_mta_ip.map(|address| address.to_string()),
            ..FailureDetails::new(result)
        };
        let of_policy = self.policy_failure.map(|(reason, result)| FailureDetails {
            failure_reason_code: Some(reason.to_string()),
            ..one(result)
        });
        let of_session = self.failure.map(|(cause, result)| FailureDetails {
            receiving_mx_hostname: datagram::text(self.mx_host.as_bytes()),
            receiving_mx_helo: datagram::text(details.receiving_mx_helo),
            receiving_ip: details.receiving_ip.map(|address| address.to_string()),
            additional_information: datagram::text(details.additional_information),
            failure_reason_code: datagram::text(details.failure_reason_code)
                .or_else(|| Some(cause.as_str().into())),
            ..one(result)
        });
        of_policy.into_iter().chain(of_session).collect()
    }
}
