// SPDX-License-Identifier: MIT OR Apache-2.0

//! The hosts that take a domain's mail.

use super::boundary::{free, getting, making};
use super::open::mtasts_default_host;
use super::status::{of_dns, of_domain};
use super::text::{c_string, name};
use crate::{MxHosts, to_policy_domain};
use std::ffi::{CString, c_char};
use std::ptr;

/// The MX hosts of a domain, the most preferred first. Immutable; any thread may read it.
pub struct mtasts_mx_list {
    hosts: Vec<(u16, CString)>,
    is_implicit: bool,
    is_secure: bool,
}

impl mtasts_mx_list {
    fn new(found: &MxHosts) -> Self {
        let hosts = found.hosts.iter();
        Self {
            hosts: hosts
                .map(|mx| (mx.preference, c_string(&mx.host)))
                .collect(),
            is_implicit: found.is_implicit,
            is_secure: found.is_secure,
        }
    }
}

/// Looks up the MX records of `domain`, a name in A-labels or U-labels. Blocks, for 20 s at
/// most; with the option `dane`, and without MX records, for twice that. A domain without MX
/// records is its own host: one entry, of which `mtasts_mx_list_is_implicit` tells. A null MX
/// gives an empty list: the domain takes no mail.
///
/// On success `*out` is to be freed by `mtasts_mx_list_free`; else it is NULL.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL,
/// MTASTS_HOST_E_DNS_TEMPORARY, MTASTS_HOST_E_DNS_PERMANENT or MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_mx(
    host: *const mtasts_default_host,
    domain: *const c_char,
    out: *mut *mut mtasts_mx_list,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        making(host, out, |host| {
            let domain = to_policy_domain(name(domain)?).map_err(of_domain)?;
            let found = host.host.blocking().mx_hosts(domain.as_str());
            Ok(mtasts_mx_list::new(&found.map_err(of_dns)?))
        })
    }
}

/// How many hosts there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_mx_list_count(list: *const mtasts_mx_list) -> usize {
    // SAFETY: the handle is the caller's.
    unsafe { getting(list, 0, |list| Some(list.hosts.len())) }
}

/// The name of a host, counted from 0, as the MX record has it but without the final dot. It
/// belongs to the list and lives as long. NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_mx_list_host(
    list: *const mtasts_mx_list,
    index: usize,
) -> *const c_char {
    // SAFETY: the handle is the caller's.
    unsafe {
        getting(list, ptr::null(), |list| {
            Some(list.hosts.get(index)?.1.as_ptr())
        })
    }
}

/// The preference of a host, counted from 0; the lowest goes first. 0 beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_mx_list_preference(
    list: *const mtasts_mx_list,
    index: usize,
) -> u16 {
    // SAFETY: the handle is the caller's.
    unsafe { getting(list, 0, |list| Some(list.hosts.get(index)?.0)) }
}

/// 1 if the domain has no MX records and is its own host (RFC 5321 section 5.1), else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_mx_list_is_implicit(list: *const mtasts_mx_list) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe { getting(list, 0, |list| Some(list.is_implicit.into())) }
}

/// 1 if the MX records (or, without any, the domain's address records) are DNSSEC-secure, for
/// `mx_secure` of `mtasts_session`; else 0. Always 0 without the option `dane`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_mx_list_is_secure(list: *const mtasts_mx_list) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe { getting(list, 0, |list| Some(list.is_secure.into())) }
}

/// Frees a list; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_mx_list_free(list: *mut mtasts_mx_list) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(list) }
}
