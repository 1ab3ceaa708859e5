// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names in certificates (RFC 8461 section 4.2).

use crate::boundary::entry;
use crate::status::{self, MTASTS_E_ARGUMENT};
use crate::text::{name, octets};
use std::ffi::{c_char, c_void};

/// Checks that a certificate (X.509 version 3, DER) is valid for `host_name`: the name in the MX
/// record, never the name of a CNAME's target or of an address. Only DNS names of the subject
/// alternative name count, never the common name; a wildcard stands for the whole left-most
/// label, with at least two labels after it. The chain and the dates are not looked at: that is
/// the TLS library's matter, or that of `mtasts_default_host_verify`.
///
/// Returns MTASTS_OK, MTASTS_E_HOST_MISMATCH, MTASTS_E_CERTIFICATE if it cannot be read,
/// MTASTS_E_DOMAIN if `host_name` is no host name, or MTASTS_E_ARGUMENT. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_certificate_check_name(
    der: *const c_void,
    len: usize,
    host_name: *const c_char,
) -> i32 {
    entry(|| {
        if der.is_null() {
            return Err(MTASTS_E_ARGUMENT);
        }
        // SAFETY: pointers are the caller's for this call.
        let (der, host_name) = unsafe { (octets(der, len)?, name(host_name)?) };
        mtasts::certificate::check_name(der, host_name).map_err(status::of)
    })
}
