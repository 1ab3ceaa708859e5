// SPDX-License-Identifier: MIT OR Apache-2.0

//! What functions return.

use crate::text::static_name;
use mtasts::ErrorKind;
use std::ffi::{CStr, c_char};

/// Success.
pub const MTASTS_OK: i32 = 0;
/// A parameter is NULL that must not be, or is not one of its legal values.
pub const MTASTS_E_ARGUMENT: i32 = 1;
/// A struct's `size` is smaller than the first version of that struct.
pub const MTASTS_E_SIZE: i32 = 2;
/// A bug in the library was met and contained. The handle in use is out of order: free it.
pub const MTASTS_E_INTERNAL: i32 = 3;
/// More data than the limit allows.
pub const MTASTS_E_TOO_LARGE: i32 = 4;
/// Not a host name in A-labels. Never read this as "no policy".
pub const MTASTS_E_DOMAIN: i32 = 5;
/// The domain is an address literal such as `[192.0.2.1]`, which has no policy: deliver as
/// without MTA-STS.
pub const MTASTS_E_ADDRESS_LITERAL: i32 = 6;
/// The policy breaks the grammar.
pub const MTASTS_E_POLICY: i32 = 7;
/// No record, several, or one that breaks the grammar: all as good as none.
pub const MTASTS_E_RECORD: i32 = 8;
/// The answer belongs to no request that is open; nothing has changed.
pub const MTASTS_E_STALE_REQUEST: i32 = 9;
/// The lookup has its outcome and takes no more answers.
pub const MTASTS_E_FINISHED: i32 = 10;
/// The lookup has no outcome yet.
pub const MTASTS_E_UNFINISHED: i32 = 11;
/// The certificate cannot be read.
pub const MTASTS_E_CERTIFICATE: i32 = 12;
/// The certificate is not valid for the name.
pub const MTASTS_E_HOST_MISMATCH: i32 = 13;
/// The library is older than what the program needs.
pub const MTASTS_E_VERSION: i32 = 14;

const TEXTS: [&CStr; 15] = [
    c"success",
    c"a parameter is NULL or not one of its legal values",
    c"a struct's size member is too small",
    c"internal error of libmtasts",
    c"more data than the limit allows",
    c"not a host name",
    c"an address literal has no MTA-STS policy",
    c"the policy breaks the grammar",
    c"there is no legal record",
    c"the answer belongs to no open request",
    c"the lookup has its outcome and takes no more answers",
    c"the lookup has no outcome yet",
    c"the certificate cannot be read",
    c"the certificate is not valid for this host name",
    c"the library is older than the program needs",
];

/// The first status of libmtasts-host, and its texts.
const HOST: i32 = 100;
const HOST_TEXTS: [&CStr; 6] = [
    c"the policy store cannot be opened",
    c"the trusted roots cannot be read",
    c"the resolver's configuration cannot be used",
    c"DNS gives no answer for now",
    c"DNS gives no answer that can be used",
    c"DNS has no such records",
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

/// The status for an error of the engine.
pub(crate) fn of(error: mtasts::Error) -> i32 {
    match error.kind() {
        ErrorKind::AddressLiteral => MTASTS_E_ADDRESS_LITERAL,
        ErrorKind::HostName => MTASTS_E_DOMAIN,
        ErrorKind::Certificate => MTASTS_E_CERTIFICATE,
        ErrorKind::CertificateHostMismatch => MTASTS_E_HOST_MISMATCH,
        ErrorKind::StaleRequest => MTASTS_E_STALE_REQUEST,
        ErrorKind::Finished => MTASTS_E_FINISHED,
        ErrorKind::NoRecord
        | ErrorKind::SeveralRecords
        | ErrorKind::RecordField
        | ErrorKind::RecordIdMissing
        | ErrorKind::RecordVersion
        | ErrorKind::Id
        | ErrorKind::Rua
        | ErrorKind::RuaMissing => MTASTS_E_RECORD,
        _ => MTASTS_E_POLICY,
    }
}
