// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reports of TLS failures (TLSRPT, RFC 8460): who wants them, and the way to the collector.

use super::boundary::{clear_out, with_host};
use super::engine::{mtasts_bytes, mtasts_tlsrpt_record, mtasts_tlsrpt_record_select};
use super::open::mtasts_default_host;
use super::status::{
    MTASTS_HOST_E_DNS_PERMANENT, MTASTS_HOST_E_DNS_TEMPORARY, MTASTS_HOST_E_NO_RECORDS,
    MTASTS_HOST_E_TLSRPT, MTASTS_OK, of_domain,
};
use super::text::{array, name};
use crate::to_policy_domain;
use mtasts::TxtFailure;
use std::ffi::{c_char, c_void};
use std::ptr;

/// Looks up the TLSRPT record of `domain`, a name in A-labels or U-labels, at `_smtp._tls.<domain>`.
/// Blocks, for 20 s at most, and keeps nothing: ask once for a delivery, whatever the number of its
/// sessions. A domain without a record wants no reports, and without an answer there is no report;
/// neither is a reason for the mail to wait.
///
/// On success `*out` is to be freed by `mtasts_tlsrpt_record_free`; else it is NULL.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL, MTASTS_E_RECORD if
/// there is no legal record, MTASTS_HOST_E_NO_RECORDS, MTASTS_HOST_E_DNS_TEMPORARY,
/// MTASTS_HOST_E_DNS_PERMANENT or MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_tlsrpt_record(
    host: *const mtasts_default_host,
    domain: *const c_char,
    out: *mut *mut mtasts_tlsrpt_record,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        if let Err(status) = clear_out(out) {
            return status;
        }
        with_host(host, |host| {
            let domain = to_policy_domain(name(domain)?).map_err(of_domain)?;
            let answer = host.host.blocking().tlsrpt_records(&domain);
            let records = answer.map_err(of_txt)?.records;
            let bytes = |record: &Vec<u8>| mtasts_bytes {
                data: record.as_ptr().cast(),
                len: record.len(),
            };
            let records: Vec<_> = records.iter().map(bytes).collect();
            match mtasts_tlsrpt_record_select(records.as_ptr(), records.len(), out, ptr::null_mut())
            {
                MTASTS_OK => Ok(()),
                status => Err(status),
            }
        })
    }
}

/// Sends what `mtasts_tlsrpt_datagram` wrote to the collector at the option `tlsrpt_socket`; nothing
/// if `len` is 0 or the host has no such option. It waits for nobody: where the collector is not
/// there or has not kept up, the datagram is lost, and the log says so. Whatever it returns, deliver
/// on.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_HOST_E_TLSRPT if the collector does not have the
/// datagram, or MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_tlsrpt_send(
    host: *const mtasts_default_host,
    datagram: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        with_host(host, |host| match array(datagram.cast(), len)? {
            [] => Ok(()),
            datagram => host
                .host
                .tlsrpt_send(datagram)
                .map_err(|_| MTASTS_HOST_E_TLSRPT),
        })
    }
}

fn of_txt(failure: TxtFailure) -> i32 {
    match failure {
        TxtFailure::NoRecords { .. } => MTASTS_HOST_E_NO_RECORDS,
        TxtFailure::Permanent => MTASTS_HOST_E_DNS_PERMANENT,
        TxtFailure::Local | TxtFailure::Temporary => MTASTS_HOST_E_DNS_TEMPORARY,
    }
}
