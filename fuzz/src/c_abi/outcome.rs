// SPDX-License-Identifier: MIT OR Apache-2.0

//! Outcomes: what they say, verdicts, Postfix, datagrams.

use super::answer::config;
use super::memory::{Buffer, Struct, Text, octets, place, read};
use super::policy::use_policy;
use super::words::Records;
use super::{World, is_one_of};
use arbitrary::{Result, Unstructured};
use mtasts::Stored;
use mtasts_ffi::lookup::mtasts_outcome_look_again;
use mtasts_ffi::outcome::*;
use mtasts_ffi::policy::mtasts_problem;
use mtasts_ffi::postfix::*;
use mtasts_ffi::status::*;
use mtasts_ffi::tlsrpt::*;
use mtasts_ffi::verdict::*;
use std::mem::size_of;

const TWO: &[i32] = &[MTASTS_E_ARGUMENT, MTASTS_E_SIZE];

impl World {
    pub fn outcome(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=9)? {
            0 => {
                let outcome = self.outcomes.take(u)?;
                // SAFETY: it is forgotten.
                unsafe { mtasts_outcome_free(outcome) };
                Ok(())
            }
            1 => self.look_again(u),
            2..=3 => self.facts(u),
            4..=5 => self.verdict(u),
            6..=7 => self.postfix(u),
            8 => self.tlsrpt_record(u),
            _ => self.datagram(u),
        }
    }

    fn look_again(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (outcome, mut config) = (self.outcomes.pick(u)?, config(u)?);
        self.lookups.make(u, TWO, |out| {
            // SAFETY: as the header wants it.
            unsafe { mtasts_outcome_look_again(outcome, config.data(), out) }
        })
    }

    fn facts(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let outcome = self.outcomes.pick(u)?;
        let mut facts = Struct::zero::<mtasts_outcome_facts>(u)?;
        // SAFETY: an outcome or NULL, and a struct.
        unsafe {
            is_one_of(mtasts_outcome_get(outcome, facts.data()), TWO);
            let policy = mtasts_outcome_policy(outcome);
            let (domain, stored) = (
                mtasts_outcome_domain(outcome),
                mtasts_outcome_stored(outcome),
            );
            let (domain, stored) = (read(domain), read(stored));
            let _ = (
                read(mtasts_outcome_id(outcome)),
                read(mtasts_outcome_explanation(outcome)),
            );
            if let Some(stored) = &stored {
                let text = std::str::from_utf8(stored).expect("UTF-8");
                let stored: Stored = text.parse().expect("what is stored can be read");
                assert_eq!(Some(stored.domain.as_str().as_bytes()), domain.as_deref());
            }
            assert_eq!(stored.is_none(), outcome.is_null());
            use_policy(policy, u)
        }
    }

    fn verdict(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (outcome, host) = (self.outcomes.pick(u)?, Text::name(u)?);
        let mut session = session(&host, u)?;
        let mut verdict = Struct::new(
            mtasts_verdict {
                size: size_of::<mtasts_verdict>(),
                action: 77,
                result: 77,
                cause: 77,
            },
            u,
        )?;
        // SAFETY: an outcome or NULL, and structs.
        let status = unsafe { mtasts_outcome_verdict(outcome, session.data(), verdict.data()) };
        is_one_of(status, TWO);
        if let Some(verdict) = verdict.read::<mtasts_verdict>() {
            let is_written = verdict.action != 77;
            assert!(is_written || status != MTASTS_OK);
            assert!(!is_written || status == MTASTS_OK || verdict.action == MTASTS_ACTION_DEFER);
        }
        Ok(())
    }

    fn postfix(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let outcome = self.outcomes.pick(u)?;
        let style = mtasts_postfix_style {
            size: size_of::<mtasts_postfix_style>(),
            dane: u.int_in_range(-1..=3)?,
            version: u.int_in_range(-1..=3)?,
            level: u.int_in_range(-1..=3)?,
        };
        let mut style = Struct::new(style, u)?;
        let (mut found, mut length) = (77, 77);
        let (found_at, length_at) = (place(&mut found, u)?, place(&mut length, u)?);
        let mut buffer = Buffer::new(MTASTS_POSTFIX_VALUE_SIZE, u)?;
        let (data, size) = (buffer.data(), buffer.size());
        // SAFETY: an outcome or NULL, a struct, and places.
        let status = unsafe {
            mtasts_postfix_policy(outcome, style.data(), found_at, data, size, length_at)
        };
        is_one_of(
            status,
            &[MTASTS_E_TOO_LARGE, MTASTS_E_ARGUMENT, MTASTS_E_SIZE],
        );
        assert!(found_at.is_null() || status == MTASTS_OK || found == MTASTS_POSTFIX_TEMPORARY);
        if let Some(text) = buffer.text() {
            let has_value = status == MTASTS_OK && found == MTASTS_POSTFIX_POLICY;
            assert_eq!(text.is_empty(), !has_value);
            assert!(!has_value || length_at.is_null() || length == text.count_bytes());
        }
        Ok(())
    }

    fn tlsrpt_record(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        const OTHERS: &[i32] = &[MTASTS_E_RECORD, MTASTS_E_ARGUMENT, MTASTS_E_SIZE];
        if u.ratio(1, 4)? {
            let record = self.records.take(u)?;
            // SAFETY: it is forgotten.
            unsafe { mtasts_tlsrpt_record_free(record) };
            return Ok(());
        }
        let records = Records::new(u)?;
        let mut problem = Struct::zero::<mtasts_problem>(u)?;
        self.records.make(u, OTHERS, |out| {
            let (data, count) = (records.data(), records.count());
            // SAFETY: as the header wants it.
            unsafe { mtasts_tlsrpt_record_select(data, count, out, problem.data()) }
        })?;
        let (record, beyond) = (self.records.pick(u)?, u.arbitrary::<usize>()?);
        // SAFETY: a record or NULL.
        unsafe {
            let count = mtasts_tlsrpt_record_rua_count(record);
            for index in [0, count, beyond] {
                let rua = read(mtasts_tlsrpt_record_rua(record, index));
                assert_eq!(rua.is_some(), index < count);
            }
        }
        Ok(())
    }

    fn datagram(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (outcome, record) = (self.outcomes.pick(u)?, self.records.pick(u)?);
        let (host, told) = (Text::name(u)?, Told::new(u)?);
        let (mut session, mut details) = (session(&host, u)?, told.details(u)?);
        let mut length = 77;
        let length_at = place(&mut length, u)?;
        let mut buffer = Buffer::new(MTASTS_TLSRPT_DATAGRAM_SIZE, u)?;
        let (data, size) = (buffer.data(), buffer.size());
        let (session, details) = (session.data(), details.data());
        // SAFETY: handles or NULL, structs, and places.
        let status = unsafe {
            mtasts_tlsrpt_datagram(outcome, session, record, details, data, size, length_at)
        };
        is_one_of(
            status,
            &[MTASTS_E_TOO_LARGE, MTASTS_E_ARGUMENT, MTASTS_E_SIZE],
        );
        assert!(length_at.is_null() || length <= MTASTS_TLSRPT_DATAGRAM_SIZE);
        Ok(())
    }
}

pub fn session(host: &Text, u: &mut Unstructured<'_>) -> Result<Struct> {
    let session = mtasts_session {
        size: size_of::<mtasts_session>(),
        mx_host: host.as_ptr(),
        tls: u.int_in_range(-1..=4)?,
        certificate: u.int_in_range(-1..=6)?,
        dane: u.int_in_range(-1..=6)?,
        mx_secure: u.int_in_range(-1..=2)?,
    };
    Struct::new(session, u)
}

/// What is told of a session.
pub struct Told {
    address: Text,
    texts: [Text; 3],
}

impl Told {
    pub fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        let address = match u.int_in_range(0..=3)? {
            0 => octets(u)?,
            1 => b"2001:db8::1".to_vec(),
            _ => b"192.0.2.1".to_vec(),
        };
        Ok(Self {
            address: Text::new(address, u)?,
            texts: [Text::any(u)?, Text::any(u)?, Text::any(u)?],
        })
    }

    pub fn details(&self, u: &mut Unstructured<'_>) -> Result<Struct> {
        let details = mtasts_tlsrpt_details {
            size: size_of::<mtasts_tlsrpt_details>(),
            sending_mta_ip: self.address.as_ptr(),
            receiving_ip: self.address.as_ptr(),
            receiving_mx_helo: self.texts[0].as_ptr(),
            failure_reason_code: self.texts[1].as_ptr(),
            additional_information: self.texts[2].as_ptr(),
        };
        Struct::new(details, u)
    }
}
