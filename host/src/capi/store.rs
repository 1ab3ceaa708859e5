// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy store, for those who look after it. Look-ups use it by themselves.

use super::boundary::{free, getting, making, with_host};
use super::open::mtasts_default_host;
use super::status::{MTASTS_E_ARGUMENT, MTASTS_HOST_E_STORE, of_domain};
use super::text::{c_string, name};
use crate::store::Error;
use crate::{Level, to_policy_domain};
use std::ffi::{CString, c_char};
use std::ptr;

/// Names of domains. Immutable; any thread may read it.
pub struct mtasts_domain_list {
    names: Vec<CString>,
}

/// Lists the domains of which the store has an entry: first those with a policy, then those where
/// none was found, each in the order of their names. What others save meanwhile may be among them
/// or not. Without a store the list is empty. A million domains take some 60 MB.
///
/// `load` of `mtasts_default_host_callbacks` gives the entry of a domain.
///
/// On success `*out` is to be freed by `mtasts_domain_list_free`; else it is NULL.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_HOST_E_STORE if the store cannot be read, or
/// MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_store_domains(
    host: *const mtasts_default_host,
    out: *mut *mut mtasts_domain_list,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        making(host, out, |host| {
            let mut names = Vec::new();
            if let Some(store) = host.host.store() {
                let listed = store.for_each(|domain, _| names.push(c_string(domain)));
                listed.map_err(|error| refused(host, &error))?;
            }
            Ok(mtasts_domain_list { names })
        })
    }
}

/// Has the store forget `domain`, a name in A-labels or U-labels: its policy, and that there was
/// none. The next look-up begins from nothing, so that a policy is then only as safe as DNS is. A
/// policy server (`mtasts serve`) that has read the entry goes on with what it has.
///
/// `*removed` is 1 if there was an entry, else 0. Waits for the disk, and for others that save.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_ADDRESS_LITERAL,
/// MTASTS_HOST_E_STORE if the store cannot be written, or MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_store_remove(
    host: *const mtasts_default_host,
    domain: *const c_char,
    removed: *mut i32,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        let Some(removed) = removed.as_mut() else {
            return MTASTS_E_ARGUMENT;
        };
        *removed = 0;
        with_host(host, |host| {
            *removed = remove(host, name(domain)?)?.into();
            Ok(())
        })
    }
}

fn remove(host: &mtasts_default_host, domain: &str) -> Result<bool, i32> {
    let domain = to_policy_domain(domain).map_err(of_domain)?;
    let Some(store) = host.host.store() else {
        return Ok(false);
    };
    let removed = store.remove(domain.as_str());
    removed.map_err(|error| refused(host, &error))
}

fn refused(host: &mtasts_default_host, error: &Error) -> i32 {
    let message = format_args!("policy store: {error}");
    host.host.log().write(Level::Error, message);
    MTASTS_HOST_E_STORE
}

/// How many names there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_domain_list_count(list: *const mtasts_domain_list) -> usize {
    // SAFETY: the handle is the caller's.
    unsafe { getting(list, 0, |list| Some(list.names.len())) }
}

/// A name, counted from 0, in A-labels, lower case. It belongs to the list and lives as long. NULL
/// beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_domain_list_name(
    list: *const mtasts_domain_list,
    index: usize,
) -> *const c_char {
    // SAFETY: the handle is the caller's.
    unsafe {
        getting(list, ptr::null(), |list| {
            Some(list.names.get(index)?.as_ptr())
        })
    }
}

/// Frees a list; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_domain_list_free(list: *mut mtasts_domain_list) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(list) }
}
