// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names as people write them.

use super::boundary::entry;
use super::status::of_domain;
use super::text::{name, write};
use crate::to_policy_domain;
use std::ffi::c_char;

/// Room for every domain and its NUL.
pub const MTASTS_DOMAIN_SIZE: usize = 254;

/// Converts `domain` (UTF-8) to what `mtasts_lookup_new` takes: U-labels to A-labels by IDNA
/// (UTS 46, non-transitional), lower case, no final dot. Writes at most `out_len` octets, the NUL
/// included, to `out`; MTASTS_DOMAIN_SIZE always suffices.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN (never to be read as "no policy"),
/// MTASTS_E_ADDRESS_LITERAL, MTASTS_E_TOO_LARGE or MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_domain_to_ascii(
    domain: *const c_char,
    out: *mut c_char,
    out_len: usize,
) -> i32 {
    entry(|| {
        // SAFETY: pointers are the caller's for this call.
        unsafe {
            let domain = to_policy_domain(name(domain)?).map_err(of_domain)?;
            write(domain.as_str(), out, out_len)
        }
    })
}
