// SPDX-License-Identifier: MIT OR Apache-2.0

//! TLS reports, read and counted.

use super::memory::{Buffer, Octets, Struct, Text, octets, read};
use super::outcome::{Told, session};
use super::{World, is_one_of};
use arbitrary::{Result, Unstructured};
use mtasts_ffi::policy::mtasts_problem;
use mtasts_ffi::report::*;
use mtasts_ffi::report_counter::*;
use mtasts_ffi::status::*;
use std::mem::size_of;

const TWO: &[i32] = &[MTASTS_E_ARGUMENT, MTASTS_E_SIZE];
const NAMES: &[i32] = &[
    MTASTS_E_ARGUMENT,
    MTASTS_E_SIZE,
    MTASTS_E_DOMAIN,
    MTASTS_E_ADDRESS_LITERAL,
];

const JSON: &str = r#"{"organization-name": "\u0000 a", "date-range": {"start-datetime":
"2026-01-31T00:00:00Z", "end-datetime": "2026-01-31T23:59:59Z"}, "report-id": "1", "policies":
[{"policy": {"policy-type": "sts", "policy-domain": "example.com", "policy-string": ["a", "b"],
"mx-host": "x"}, "summary": {"total-successful-session-count": 1, "total-failure-session-count": 2},
"failure-details": [{"result-type": "certificate-expired", "failed-session-count": 2}]}]}"#;

impl World {
    pub fn report(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=9)? {
            0..=1 => self.parse_report(u),
            2 => {
                let (report, counter) = (self.reports.take(u)?, self.counters.take(u)?);
                // SAFETY: they are forgotten.
                unsafe {
                    mtasts_report_free(report);
                    mtasts_report_counter_free(counter);
                }
                Ok(())
            }
            3..=4 => self.use_report(u),
            5 => self.file_name(u),
            6 => self.counters.make(u, &[MTASTS_E_ARGUMENT], |out| {
                // SAFETY: as the header wants it.
                unsafe { mtasts_report_counter_new(out) }
            }),
            7 => self.count(u),
            8 => self.add(u),
            _ => self.take(u),
        }
    }

    fn parse_report(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        const OTHERS: &[i32] = &[
            MTASTS_E_REPORT,
            MTASTS_E_TOO_LARGE,
            MTASTS_E_ARGUMENT,
            MTASTS_E_SIZE,
        ];
        let mut json = JSON.as_bytes().to_vec();
        if u.ratio(1, 2)? {
            let at = u.choose_index(json.len())?;
            json.splice(at..at, octets(u)?);
        }
        let json = Octets::new(json, u)?;
        let mut problem = Struct::zero::<mtasts_problem>(u)?;
        self.reports.make(u, OTHERS, |out| {
            // SAFETY: as the header wants it.
            unsafe { mtasts_report_parse(json.data(), json.size(), out, problem.data()) }
        })
    }

    fn use_report(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (report, at) = (self.reports.pick(u)?, u.int_in_range(0..=2_usize)?);
        let index = if u.ratio(1, 8)? { u.arbitrary()? } else { at };
        let mut facts = Struct::zero::<mtasts_report_facts>(u)?;
        let mut policy = Struct::zero::<mtasts_report_policy_facts>(u)?;
        let mut failure = Struct::zero::<mtasts_report_failure_facts>(u)?;
        // SAFETY: a report or NULL, and structs.
        unsafe {
            is_one_of(mtasts_report_get(report, facts.data()), TWO);
            is_one_of(mtasts_report_policy(report, index, policy.data()), TWO);
            is_one_of(
                mtasts_report_failure(report, index, at, failure.data()),
                TWO,
            );
            read(mtasts_report_policy_string(report, at, index));
            read(mtasts_report_mx_host(report, at, index));
            let json = read(mtasts_report_json(report));
            assert_eq!(json.is_none(), report.is_null());
        }
        if let Some(facts) = facts.read::<mtasts_report_facts>() {
            let about = [facts.organization_name, facts.contact_info];
            let _ = (about.map(read), read(facts.report_id), read(facts.domain));
        }
        if let Some(facts) = policy.read::<mtasts_report_policy_facts>() {
            let _ = (read(facts.type_name), read(facts.domain));
        }
        if let Some(facts) = failure.read::<mtasts_report_failure_facts>() {
            let _ = (read(facts.result_type), read(facts.failure_reason_code));
        }
        Ok(())
    }

    fn file_name(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        const OTHERS: &[i32] = &[
            MTASTS_E_DOMAIN,
            MTASTS_E_ADDRESS_LITERAL,
            MTASTS_E_TOO_LARGE,
            MTASTS_E_ARGUMENT,
        ];
        let report = self.reports.pick(u)?;
        let (submitter, domain, unique) = (Text::name(u)?, Text::name(u)?, Text::any(u)?);
        let (submitter, domain, unique) = (submitter.as_ptr(), domain.as_ptr(), unique.as_ptr());
        let format = u.int_in_range(-1..=2)?;
        let mut buffer = Buffer::new(600, u)?;
        let (data, size) = (buffer.data(), buffer.size());
        // SAFETY: a report or NULL, strings, and room.
        let status = unsafe {
            mtasts_report_file_name(report, submitter, domain, unique, format, data, size)
        };
        is_one_of(status, OTHERS);
        if let Some(text) = buffer.text() {
            assert_eq!(text.is_empty(), status != MTASTS_OK);
        }
        Ok(())
    }

    fn count(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (counter, outcome) = (self.counters.pick(u)?, self.outcomes.pick(u)?);
        let (host, told) = (Text::name(u)?, Told::new(u)?);
        let (mut session, mut details) = (session(&host, u)?, told.details(u)?);
        let (now, session, details) = (u.arbitrary()?, session.data(), details.data());
        // SAFETY: handles or NULL, and structs.
        let status =
            unsafe { mtasts_report_counter_session(counter, now, outcome, session, details) };
        is_one_of(status, TWO);
        Ok(())
    }

    fn add(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (counter, report) = (self.counters.pick(u)?, self.reports.pick(u)?);
        let name = Text::name(u)?;
        // SAFETY: handles or NULL, and a string.
        let status = unsafe { mtasts_report_counter_add(counter, name.as_ptr(), report) };
        is_one_of(status, NAMES);
        Ok(())
    }

    fn take(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (counter, now) = (self.counters.pick(u)?, u.arbitrary()?);
        let (name, contact, submitter) = (Text::any(u)?, Text::any(u)?, Text::name(u)?);
        let sender = mtasts_report_sender {
            size: size_of::<mtasts_report_sender>(),
            organization_name: name.as_ptr(),
            contact_info: contact.as_ptr(),
            submitter: submitter.as_ptr(),
        };
        let mut sender = Struct::new(sender, u)?;
        let mut out = std::ptr::dangling_mut();
        // SAFETY: a counter or NULL, a struct, and a place.
        let status = unsafe { mtasts_report_counter_take(counter, now, sender.data(), &mut out) };
        is_one_of(status, NAMES);
        if status != MTASTS_OK {
            assert!(out.is_null());
        } else if !out.is_null() {
            self.reports.0.push(out);
        }
        Ok(())
    }
}
