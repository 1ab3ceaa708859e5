// SPDX-License-Identifier: MIT OR Apache-2.0

//! What functions return. The numbers below 100 are those of libmtasts.

use crate::{DnsFailure, OpenError};
use mtasts::{Error, ErrorKind};

pub(super) const MTASTS_OK: i32 = 0;
pub(super) const MTASTS_E_ARGUMENT: i32 = 1;
pub(super) const MTASTS_E_SIZE: i32 = 2;
pub(super) const MTASTS_E_INTERNAL: i32 = 3;
pub(super) const MTASTS_E_TOO_LARGE: i32 = 4;
pub(super) const MTASTS_E_DOMAIN: i32 = 5;
pub(super) const MTASTS_E_ADDRESS_LITERAL: i32 = 6;

/// The policy store cannot be opened, read or written.
pub const MTASTS_HOST_E_STORE: i32 = 100;
/// The trusted roots cannot be read, or there are none.
pub const MTASTS_HOST_E_CA_FILE: i32 = 101;
/// The resolver's configuration cannot be read, or a name server is no address.
pub const MTASTS_HOST_E_RESOLVER: i32 = 102;
/// DNS: time-out, SERVFAIL, REFUSED, no network. Another try may do better.
pub const MTASTS_HOST_E_DNS_TEMPORARY: i32 = 103;
/// DNS: the answer is malformed or a loop of CNAMEs, or the name cannot be asked for.
pub const MTASTS_HOST_E_DNS_PERMANENT: i32 = 104;
/// DNS: the name does not exist or has no such records.
pub const MTASTS_HOST_E_NO_RECORDS: i32 = 105;

/// A local policy is not legal, or their folder cannot be read.
pub const MTASTS_HOST_E_LOCAL_POLICIES: i32 = 106;
/// The TLSRPT collector does not take the datagram: it is not there, or has not kept up.
pub const MTASTS_HOST_E_TLSRPT: i32 = 107;

pub(super) fn of_domain(error: Error) -> i32 {
    match error.kind() {
        ErrorKind::AddressLiteral => MTASTS_E_ADDRESS_LITERAL,
        _ => MTASTS_E_DOMAIN,
    }
}

pub(super) fn of_dns(failure: DnsFailure) -> i32 {
    match failure {
        DnsFailure::NoRecords { .. } => MTASTS_HOST_E_NO_RECORDS,
        DnsFailure::Permanent => MTASTS_HOST_E_DNS_PERMANENT,
        DnsFailure::Temporary => MTASTS_HOST_E_DNS_TEMPORARY,
    }
}

pub(super) fn of_open(error: &OpenError) -> i32 {
    match error {
        OpenError::CaFile { .. } => MTASTS_HOST_E_CA_FILE,
        OpenError::LocalPolicies(_) => MTASTS_HOST_E_LOCAL_POLICIES,
        OpenError::Resolver(_) => MTASTS_HOST_E_RESOLVER,
        OpenError::Store(_) => MTASTS_HOST_E_STORE,
    }
}
