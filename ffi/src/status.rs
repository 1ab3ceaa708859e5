// SPDX-License-Identifier: MIT OR Apache-2.0

//! What functions return.

use mtasts::ErrorKind;

/// Success.
pub const MTASTS_OK: i32 = 0;
/// A parameter is NULL that must not be, or is not one of its legal values.
pub const MTASTS_E_ARGUMENT: i32 = 1;
/// A struct's `size` is smaller than the first version of that struct, or 64 KiB and more, as where it
/// was never set; or the struct is of a later version than the library, and sets what the library does
/// not know.
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
/// The TLS report cannot be read.
pub const MTASTS_E_REPORT: i32 = 15;

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
