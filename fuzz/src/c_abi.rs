// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C ABI, called in any order, right and wrong: NULL for each pointer, sizes of 0 and of other
//! versions, buffers that are too small, answers to what was not asked, callbacks that call back. What
//! C cannot detect, a handle that was freed or is none, is left out. A status is one of those that the
//! header names; a handle comes out if and only if that is MTASTS_OK. The sanitizer sees to the rest.

mod answer;
pub(crate) mod memory;
mod outcome;
mod policy;
mod report;
mod words;

use arbitrary::{Result, Unstructured};
use memory::octets;
use mtasts_ffi::answer::{mtasts_answer, mtasts_answer_free};
use mtasts_ffi::lookup::{mtasts_lookup, mtasts_lookup_free};
use mtasts_ffi::outcome::{mtasts_outcome, mtasts_outcome_free};
use mtasts_ffi::policy::{mtasts_policy, mtasts_policy_free};
use mtasts_ffi::report::{mtasts_report, mtasts_report_free};
use mtasts_ffi::report_counter::{mtasts_report_counter, mtasts_report_counter_free};
use mtasts_ffi::status::MTASTS_OK;
use mtasts_ffi::tlsrpt::{mtasts_tlsrpt_record, mtasts_tlsrpt_record_free};
use std::ptr;

/// The handles of one type.
struct Handles<T>(Vec<*mut T>);

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Handles<T> {
    /// One of them, or NULL.
    fn pick(&self, u: &mut Unstructured<'_>) -> Result<*mut T> {
        let n = u.arbitrary::<u8>()?;
        let some = self.0.get(usize::from(n) % self.0.len().max(1));
        Ok(some.copied().filter(|_| n < 240).unwrap_or(ptr::null_mut()))
    }

    /// Calls what makes a handle, sometimes with nowhere to put it.
    fn make(
        &mut self,
        u: &mut Unstructured<'_>,
        others: &[i32],
        make: impl FnOnce(*mut *mut T) -> i32,
    ) -> Result<()> {
        let mut out = ptr::dangling_mut();
        let place = if u.ratio(1, 40)? {
            ptr::null_mut()
        } else {
            &raw mut out
        };
        let status = make(place);
        is_one_of(status, others);
        if place.is_null() {
            assert_ne!(status, MTASTS_OK);
        } else if status == MTASTS_OK {
            self.0.push(out);
        } else {
            assert!(out.is_null());
        }
        Ok(())
    }

    /// Takes one of them away, to be freed.
    fn take(&mut self, u: &mut Unstructured<'_>) -> Result<*mut T> {
        let handle = self.pick(u)?;
        self.0.retain(|other| *other != handle);
        Ok(handle)
    }

    fn free(&mut self, free: unsafe extern "C" fn(*mut T)) {
        for handle in self.0.drain(..) {
            // SAFETY: it was made by the library, and is forgotten here.
            unsafe { free(handle) }
        }
    }
}

#[derive(Default)]
struct World {
    answers: Handles<mtasts_answer>,
    lookups: Handles<mtasts_lookup>,
    outcomes: Handles<mtasts_outcome>,
    policies: Handles<mtasts_policy>,
    reports: Handles<mtasts_report>,
    counters: Handles<mtasts_report_counter>,
    records: Handles<mtasts_tlsrpt_record>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.answers.free(mtasts_answer_free);
        self.lookups.free(mtasts_lookup_free);
        self.outcomes.free(mtasts_outcome_free);
        self.policies.free(mtasts_policy_free);
        self.reports.free(mtasts_report_free);
        self.counters.free(mtasts_report_counter_free);
        self.records.free(mtasts_tlsrpt_record_free);
    }
}

/// A sequence of calls.
pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let mut world = World::default();
    for _ in 0..300 {
        if u.is_empty() || world.call(&mut u).is_err() {
            return;
        }
    }
}

impl World {
    fn call(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=9)? {
            0..=2 => self.answer(u),
            3..=4 => self.lookup(u),
            5..=6 => self.outcome(u),
            7 => self.policy(u),
            8 => self.report(u),
            _ => words::call(u),
        }
    }
}

/// Holds a status against those that the header names beside MTASTS_OK.
fn is_one_of(status: i32, others: &[i32]) {
    assert!(
        status == MTASTS_OK || others.contains(&status),
        "{status} is none of {others:?}"
    );
}

/// What a text may be, as far as the grammars go.
fn text(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    Ok(match u.int_in_range(0..=5)? {
        0 => crate::answers::Served::body(u.arbitrary()?),
        1 => b"v=STSv1; id=a;".to_vec(),
        2 => format!("v=STSv1; id={};", u.arbitrary::<u8>()?).into_bytes(),
        3 => b"v=TLSRPTv1; rua=mailto:r@example.com,https://example.com/r".to_vec(),
        _ => octets(u)?,
    })
}
