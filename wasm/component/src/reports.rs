// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `reports` (R-RPT-2, R-RPT-3).

use crate::Component;
use crate::exports::reports::{
    AddressedReport, Error, FailureDetails, Format, Guest, GuestCounter, OutcomeBorrow,
    PolicyReport, PolicyType, Report, ReportedResult, Sender, Session, SessionDetails, UnixTime,
};
use crate::exports::types::ErrorKind;
use crate::lookup::policy_domain;
use crate::outcome::{OutcomeHandle, session_of};
use crate::words::{known_result, result_type, small};
use mtasts::tlsrpt::{self, report};
use std::cell::RefCell;
use std::net::IpAddr;

impl Guest for Component {
    type Counter = CounterHandle;

    fn parse(json: Vec<u8>) -> Result<Report, Error> {
        let report = report::Report::parse(&json);
        report.map(of_engine).map_err(|error| refusal(&error))
    }

    fn to_json(report: Report) -> String {
        to_engine(report).to_json()
    }

    fn file_name(
        report: Report,
        submitter: String,
        domain: String,
        unique: Option<String>,
        format: Format,
    ) -> Result<String, Error> {
        let format = match format {
            Format::Json => report::Format::Json,
            Format::Gzip => report::Format::Gzip,
        };
        let (submitter, domain) = (policy_domain(&submitter)?, policy_domain(&domain)?);
        let name = to_engine(report).file_name(&submitter, &domain, unique.as_deref(), format);
        name.map_err(|error| refusal(&error))
    }
}

/// A `counter`.
#[derive(Default)]
pub(crate) struct CounterHandle(RefCell<report::Counter>);

impl GuestCounter for CounterHandle {
    fn new() -> Self {
        Self::default()
    }

    fn count(
        &self,
        now: UnixTime,
        outcome: OutcomeBorrow<'_>,
        session: Session,
        details: Option<SessionDetails>,
    ) -> Result<(), Error> {
        let outcome = &outcome.get::<OutcomeHandle>().0;
        let details = details.as_ref().map(details_of).transpose()?;
        if let Some(result) = outcome.session_result(&session_of(&session)) {
            let mut counter = self.0.borrow_mut();
            counter.session(mtasts::UnixTime(now), &result, &details.unwrap_or_default());
        }
        Ok(())
    }

    fn add(&self, domain: String, report: Report) -> Result<(), Error> {
        let (domain, report) = (policy_domain(&domain)?, to_engine(report));
        for counted in &report.policies {
            policy_domain(&counted.policy.policy_domain)?;
        }
        let day = report.date_range.day().start;
        for counted in report.policies {
            let added = self.0.borrow_mut().add(day, &domain, counted);
            added.map_err(crate::words::error)?;
        }
        Ok(())
    }

    fn take(&self, now: UnixTime, sender: Sender) -> Result<Vec<AddressedReport>, Error> {
        let sender = report::Sender {
            organization_name: &sender.organization_name,
            contact_info: &sender.contact_info,
            submitter: &policy_domain(&sender.submitter)?,
        };
        let taken = self.0.borrow_mut().take(mtasts::UnixTime(now), &sender);
        let addressed =
            |(domain, report): (mtasts::PolicyDomain, report::Report)| AddressedReport {
                domain: domain.as_str().to_owned(),
                report: of_engine(report),
            };
        Ok(taken.into_iter().map(addressed).collect())
    }
}

fn details_of(details: &SessionDetails) -> Result<tlsrpt::Details<'_>, Error> {
    let address = |text: &Option<String>| text.as_deref().map(address).transpose();
    Ok(tlsrpt::Details {
        sending_mta_ip: address(&details.sending_mta_ip)?,
        receiving_ip: address(&details.receiving_ip)?,
        receiving_mx_helo: &details.receiving_mx_helo,
        failure_reason_code: details.failure_reason_code.as_bytes(),
        additional_information: details.additional_information.as_bytes(),
    })
}

fn address(text: &str) -> Result<IpAddr, Error> {
    text.parse().map_err(|_| whole("not an IP address"))
}

fn refusal(error: &report::ReportError) -> Error {
    let place = error.position();
    Error {
        line: place.map_or(0, |place| small(place.line)),
        column: place.map_or(0, |place| small(place.column)),
        ..whole(error.message())
    }
}

/// An error that is at no place.
fn whole(message: &str) -> Error {
    Error {
        kind: ErrorKind::Report,
        message: message.to_owned(),
        offset: 0,
        line: 0,
        column: 0,
    }
}

fn of_engine(report: report::Report) -> Report {
    Report {
        organization_name: report.organization_name,
        start: report.date_range.start.0,
        end: report.date_range.end.0,
        contact_info: report.contact_info,
        report_id: report.report_id,
        policies: report.policies.into_iter().map(policy_of_engine).collect(),
    }
}

fn policy_of_engine(counted: report::PolicyReport) -> PolicyReport {
    let known = counted.policy.known_type();
    let failures = counted.failure_details.into_iter();
    PolicyReport {
        policy_type: match known {
            Some(tlsrpt::PolicyType::NoPolicyFound) => PolicyType::NoPolicyFound,
            Some(tlsrpt::PolicyType::Sts) => PolicyType::Sts,
            Some(tlsrpt::PolicyType::Tlsa) => PolicyType::Tlsa,
            None => PolicyType::Other(counted.policy.policy_type),
        },
        policy_string: counted.policy.policy_string,
        policy_domain: counted.policy.policy_domain,
        mx_host: counted.policy.mx_host,
        total_successful_session_count: counted.summary.total_successful_session_count,
        total_failure_session_count: counted.summary.total_failure_session_count,
        failure_details: failures.map(failure_of_engine).collect(),
    }
}

fn failure_of_engine(details: report::FailureDetails) -> FailureDetails {
    FailureDetails {
        result: match details.known_result() {
            Some(known) => ReportedResult::Known(result_type(known)),
            None => ReportedResult::Other(details.result_type),
        },
        sending_mta_ip: details.sending_mta_ip,
        receiving_mx_hostname: details.receiving_mx_hostname,
        receiving_mx_helo: details.receiving_mx_helo,
        receiving_ip: details.receiving_ip,
        failed_session_count: details.failed_session_count,
        additional_information: details.additional_information,
        failure_reason_code: details.failure_reason_code,
    }
}

fn to_engine(report: Report) -> report::Report {
    report::Report {
        organization_name: report.organization_name,
        date_range: report::DateRange {
            start: mtasts::UnixTime(report.start),
            end: mtasts::UnixTime(report.end),
        },
        contact_info: report.contact_info,
        report_id: report.report_id,
        policies: report.policies.into_iter().map(policy_to_engine).collect(),
    }
}

fn policy_to_engine(counted: PolicyReport) -> report::PolicyReport {
    let failures = counted.failure_details.into_iter();
    report::PolicyReport {
        policy: report::AppliedPolicy {
            policy_type: match counted.policy_type {
                PolicyType::NoPolicyFound => tlsrpt::PolicyType::NoPolicyFound.as_str().to_owned(),
                PolicyType::Sts => tlsrpt::PolicyType::Sts.as_str().to_owned(),
                PolicyType::Tlsa => tlsrpt::PolicyType::Tlsa.as_str().to_owned(),
                PolicyType::Other(text) => text,
            },
            policy_string: counted.policy_string,
            policy_domain: counted.policy_domain,
            mx_host: counted.mx_host,
        },
        summary: report::Summary {
            total_successful_session_count: counted.total_successful_session_count,
            total_failure_session_count: counted.total_failure_session_count,
        },
        failure_details: failures.map(failure_to_engine).collect(),
    }
}

fn failure_to_engine(details: FailureDetails) -> report::FailureDetails {
    report::FailureDetails {
        result_type: match details.result {
            ReportedResult::Known(known) => known_result(known).as_str().to_owned(),
            ReportedResult::Other(text) => text,
        },
        sending_mta_ip: details.sending_mta_ip,
        receiving_mx_hostname: details.receiving_mx_hostname,
        receiving_mx_helo: details.receiving_mx_helo,
        receiving_ip: details.receiving_ip,
        failed_session_count: details.failed_session_count,
        additional_information: details.additional_information,
        failure_reason_code: details.failure_reason_code,
    }
}
