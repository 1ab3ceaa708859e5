// SPDX-License-Identifier: MIT OR Apache-2.0

//! DANE for MX hosts (RFC 7672), which goes before MTA-STS (RFC 8461 section 2).

use super::boundary::{entry, free, getting, making, with_host};
use super::certificate::{mtasts_der, octets};
use super::engine::*;
use super::open::mtasts_default_host;
use super::status::{MTASTS_E_ARGUMENT, of_domain};
use super::text::{c_string, name};
use crate::{DaneRecords, to_policy_domain, wall_clock};
use mtasts::{Dane, DomainDane};
use std::ffi::{CString, c_char};
use std::ptr;

/// What DANE has of one MX host. Immutable; any thread may read it, and it does not need the host
/// that it came from.
pub struct mtasts_dane {
    records: DaneRecords,
    server_name: Option<CString>,
}

/// Looks up the TLSA records of `mx_host`, the name in the MX record or, without MX records, the
/// domain itself. Blocks, for 20 s at most. A look-up that fails is a status of what is handed
/// out, MTASTS_DANE_LOOKUP_FAILED, and no failure of this call; without the option `dane` nothing
/// is looked up and the status is MTASTS_DANE_NOT_USED.
///
/// On success `*out` is to be freed by `mtasts_dane_free`; else it is NULL.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN if `mx_host` is not even UTF-8, or
/// MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_dane(
    host: *const mtasts_default_host,
    mx_host: *const c_char,
    out: *mut *mut mtasts_dane,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        making(host, out, |host| {
            let records = host.host.blocking().dane(name(mx_host)?);
            let server_name = records.server_name().map(c_string);
            Ok(mtasts_dane {
                records,
                server_name,
            })
        })
    }
}

/// What to say of the host in `mtasts_session` before TLS: MTASTS_DANE_NOT_USED,
/// MTASTS_DANE_LOOKUP_FAILED, MTASTS_DANE_UNUSABLE or MTASTS_DANE_USABLE.
/// MTASTS_DANE_LOOKUP_FAILED for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_dane_status(dane: *const mtasts_dane) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe {
        getting(dane, MTASTS_DANE_LOOKUP_FAILED, |dane| {
            Some(number(dane.records.status()))
        })
    }
}

/// The name to send to the host in TLS (SNI) if the status is MTASTS_DANE_USABLE (RFC 7672 section
/// 8.1). It belongs to `dane` and lives as long. NULL for another status.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_dane_server_name(dane: *const mtasts_dane) -> *const c_char {
    // SAFETY: the handle is the caller's.
    unsafe {
        getting(dane, ptr::null(), |dane| {
            Some(dane.server_name.as_ref()?.as_ptr())
        })
    }
}

/// What to say of the host in `mtasts_session` once TLS stands and it showed `chain`, its own
/// certificate first: if the status is MTASTS_DANE_USABLE, `*status` is MTASTS_DANE_PASSED or
/// MTASTS_DANE_FAILED, and else the status as it was. No I/O.
///
/// `next_hop` is the domain of the mail, in A-labels, if `mtasts_mx_list_is_secure` is 1, and else
/// NULL: with a trust anchor (DANE-TA) a certificate for the domain is as good as one for the MX
/// host, unless somebody else may have chosen that (RFC 7672 section 3.2.2).
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN if `next_hop` is not even UTF-8, or
/// MTASTS_E_INTERNAL; `*status` is MTASTS_DANE_FAILED then. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_dane_check(
    dane: *const mtasts_dane,
    next_hop: *const c_char,
    chain: *const mtasts_der,
    count: usize,
    status: *mut i32,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    let Some(place) = (unsafe { status.as_mut() }) else {
        return MTASTS_E_ARGUMENT;
    };
    *place = MTASTS_DANE_FAILED;
    entry(|| {
        // SAFETY: as above.
        unsafe {
            let dane = dane.as_ref().ok_or(MTASTS_E_ARGUMENT)?;
            let next_hop = match next_hop.is_null() {
                true => None,
                false => Some(name(next_hop)?),
            };
            let chain = octets(chain, count)?;
            *place = number(dane.records.check(&chain, next_hop, wall_clock()));
            Ok(())
        }
    })
}

/// Looks up what DANE says of `domain` as a whole, for `dane` of `mtasts_postfix_style`. `domain` is
/// a name in A-labels or U-labels. Blocks, for 60 s at most. Without the option `dane` nothing is
/// looked up, and the answer is MTASTS_DOMAIN_DANE_NONE.
///
/// On success `*dane` is one of MTASTS_DOMAIN_DANE_*; after a failure it is
/// MTASTS_DOMAIN_DANE_TEMPORARY.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL or
/// MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_dane_of_domain(
    host: *const mtasts_default_host,
    domain: *const c_char,
    dane: *mut i32,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        if let Some(place) = dane.as_mut() {
            *place = MTASTS_DOMAIN_DANE_TEMPORARY;
        }
        with_host(host, |host| {
            let place = dane.as_mut().ok_or(MTASTS_E_ARGUMENT)?;
            let domain = to_policy_domain(name(domain)?).map_err(of_domain)?;
            *place = match host.host.blocking().dane_of_domain(domain.as_str()).0 {
                DomainDane::None => MTASTS_DOMAIN_DANE_NONE,
                DomainDane::Usable => MTASTS_DOMAIN_DANE_USABLE,
                DomainDane::Temporary => MTASTS_DOMAIN_DANE_TEMPORARY,
            };
            Ok(())
        })
    }
}

/// Frees what `mtasts_default_host_dane` gave; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_dane_free(dane: *mut mtasts_dane) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(dane) }
}

fn number(dane: Dane) -> i32 {
    match dane {
        Dane::NotUsed => MTASTS_DANE_NOT_USED,
        Dane::LookupFailed => MTASTS_DANE_LOOKUP_FAILED,
        Dane::Unusable => MTASTS_DANE_UNUSABLE,
        Dane::Usable => MTASTS_DANE_USABLE,
        Dane::Passed => MTASTS_DANE_PASSED,
        Dane::Failed => MTASTS_DANE_FAILED,
    }
}
