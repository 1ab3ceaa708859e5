// SPDX-License-Identifier: MIT OR Apache-2.0

//! Certificate chains of MX hosts (RFC 8461 section 4.2).

use super::boundary::with_host;
use super::engine::*;
use super::open::mtasts_default_host;
use super::status::MTASTS_E_ARGUMENT;
use super::text::{array, name};
use mtasts::Certificate;
use std::ffi::{c_char, c_void};

/// A certificate, DER.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_der {
    /// The octets.
    pub data: *const c_void,
    /// How many.
    pub len: usize,
}

/// Judges the chain that an MX host showed, its own certificate first, for `host_name`: the name
/// in the MX record, never the name of a CNAME's target or of an address. The chain must lead to
/// one of the host's roots, be valid now, and be for servers; only DNS names of the subject
/// alternative name count. Revocation is not checked. No I/O.
///
/// On success `*certificate` is one of MTASTS_CERTIFICATE_*, as `mtasts_session` takes it; no
/// certificate at all is MTASTS_CERTIFICATE_INVALID, and so is any failure.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN if `host_name` is not even UTF-8, or
/// MTASTS_E_INTERNAL. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_default_host_verify(
    host: *const mtasts_default_host,
    chain: *const mtasts_der,
    count: usize,
    host_name: *const c_char,
    certificate: *mut i32,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        let Some(place) = certificate.as_mut() else {
            return MTASTS_E_ARGUMENT;
        };
        *place = MTASTS_CERTIFICATE_INVALID;
        with_host(host, |host| {
            let verdict = host
                .host
                .verify_chain(&octets(chain, count)?, name(host_name)?);
            *place = number(verdict);
            Ok(())
        })
    }
}

/// The caller's chain.
///
/// # Safety
/// `chain` is NULL or points to `count` certificates that nobody writes during `'a`.
pub(super) unsafe fn octets<'a>(
    chain: *const mtasts_der,
    count: usize,
) -> Result<Vec<&'a [u8]>, i32> {
    // SAFETY: as the caller promises.
    let chain = unsafe { array(chain, count) }?;
    let octets = |der: &mtasts_der| match der.data.is_null() {
        true => Err(MTASTS_E_ARGUMENT),
        // SAFETY: as the caller promises.
        false => unsafe { array(der.data.cast(), der.len) },
    };
    chain.iter().map(octets).collect()
}

fn number(certificate: Certificate) -> i32 {
    match certificate {
        Certificate::Valid => MTASTS_CERTIFICATE_VALID,
        Certificate::Expired => MTASTS_CERTIFICATE_EXPIRED,
        Certificate::HostMismatch => MTASTS_CERTIFICATE_HOST_MISMATCH,
        Certificate::Invalid => MTASTS_CERTIFICATE_INVALID,
        Certificate::NotTrusted => MTASTS_CERTIFICATE_NOT_TRUSTED,
    }
}
