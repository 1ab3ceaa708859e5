// SPDX-License-Identifier: MIT OR Apache-2.0

//! The addresses of a host.

use super::boundary::{free, getting, making};
use super::open::mtasts_default_host;
use super::status::of_dns;
use super::text::{c_string, name};
use std::ffi::{CString, c_char};
use std::ptr;

/// The addresses of a host, IPv4 first. Immutable; any thread may read it.
pub struct mtasts_address_list {
    texts: Vec<CString>,
}

/// Looks up the addresses of `host_name`, a name in A-labels such as an MX record has, whether
/// global or not. Blocks, for 20 s at most.
///
/// On success `*out` is to be freed by `mtasts_address_list_free`; else it is NULL.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_HOST_E_NO_RECORDS,
/// MTASTS_HOST_E_DNS_TEMPORARY, MTASTS_HOST_E_DNS_PERMANENT or MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_addresses(
    host: *const mtasts_default_host,
    host_name: *const c_char,
    out: *mut *mut mtasts_address_list,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        making(host, out, |host| {
            let found = host
                .host
                .blocking()
                .addresses(name(host_name)?)
                .map_err(of_dns)?;
            let texts = found
                .iter()
                .map(|address| c_string(&address.to_string()))
                .collect();
            Ok(mtasts_address_list { texts })
        })
    }
}

/// How many addresses there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_address_list_count(list: *const mtasts_address_list) -> usize {
    // SAFETY: the handle is the caller's.
    unsafe { getting(list, 0, |list| Some(list.texts.len())) }
}

/// An address, counted from 0, as text: "192.0.2.1" or "2001:db8::1". It belongs to the list and
/// lives as long. NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_address_list_text(
    list: *const mtasts_address_list,
    index: usize,
) -> *const c_char {
    // SAFETY: the handle is the caller's.
    unsafe {
        getting(list, ptr::null(), |list| {
            Some(list.texts.get(index)?.as_ptr())
        })
    }
}

/// Frees a list; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_address_list_free(list: *mut mtasts_address_list) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(list) }
}
