// SPDX-License-Identifier: MIT OR Apache-2.0

//! The TXT record at `_mta-sts.<domain>` (RFC 8461 section 3.1), for programs that look at
//! records themselves; a lookup does so on its own.

use crate::boundary::entry;
use crate::policy::mtasts_problem;
use crate::status::MTASTS_E_ARGUMENT;
use crate::text::{mtasts_bytes, octet_strings};
use mtasts::Record;
use std::ffi::c_char;

/// The octets that an id needs: 32 and a NUL.
pub const MTASTS_ID_SIZE: usize = 33;

/// Picks the one legal record among `count` TXT records, each with its strings concatenated, and
/// writes its id and a NUL to `id`, which has room for MTASTS_ID_SIZE octets. `problem` may be
/// NULL; its offset refers to the record that was taken for it, whatever came before.
///
/// Returns MTASTS_OK, MTASTS_E_RECORD, MTASTS_E_ARGUMENT or MTASTS_E_SIZE. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_record_select(
    records: *const mtasts_bytes,
    count: usize,
    id: *mut c_char,
    problem: *mut mtasts_problem,
) -> i32 {
    entry(|| {
        if id.is_null() {
            return Err(MTASTS_E_ARGUMENT);
        }
        // SAFETY: pointers are the caller's for this call; an id has at most 32 octets.
        unsafe {
            let records = octet_strings(records, count)?;
            let record = Record::select(&records)
                .map_err(|error| mtasts_problem::tell_of_record(problem, error))?;
            let octets = record.id().as_bytes();
            std::ptr::copy_nonoverlapping(octets.as_ptr().cast(), id, octets.len());
            id.add(octets.len()).write(0);
        }
        Ok(())
    })
}
