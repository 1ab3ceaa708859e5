// SPDX-License-Identifier: MIT OR Apache-2.0

//! Statuses in words.

use crate::text::static_name;
use std::ffi::{CStr, c_char};

const TEXTS: [&CStr; 16] = [
    c"success",
    c"a parameter is NULL or not one of its legal values",
    c"a struct's size member is not set, or too small",
    c"internal error of libmtasts",
    c"more data than the limit allows",
    c"not a host name in A-labels (see mtasts_domain_to_ascii)",
    c"an address literal has no MTA-STS policy",
    c"the policy breaks the grammar",
    c"there is no legal record",
    c"the answer belongs to no open request",
    c"the lookup has its outcome and takes no more answers",
    c"the lookup has no outcome yet",
    c"the certificate cannot be read",
    c"the certificate is not valid for this host name",
    c"the library is older than the program needs",
    c"the TLS report cannot be read",
];

/// The first status of libmtasts-host, and its texts.
const HOST: i32 = 100;
const HOST_TEXTS: [&CStr; 8] = [
    c"the policy store cannot be opened",
    c"the trusted roots cannot be read",
    c"the resolver's configuration cannot be used",
    c"DNS gives no answer for now",
    c"DNS gives no answer that can be used",
    c"DNS has no such records",
    c"the local policies cannot be used",
    c"the TLSRPT collector does not take the datagram",
];

/// A line about a status, of this library or of libmtasts-host, for a person.
///
/// Returns a static string, never NULL; "unknown status" for numbers that are none.
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_strerror(status: i32) -> *const c_char {
    static_name(|| {
        let (texts, at): (&[&CStr], i32) = match status {
            HOST.. => (&HOST_TEXTS, status - HOST),
            _ => (&TEXTS, status),
        };
        let known = usize::try_from(at).ok().and_then(|at| texts.get(at));
        known.copied().unwrap_or(c"unknown status")
    })
}
