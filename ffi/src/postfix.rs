// SPDX-License-Identifier: MIT OR Apache-2.0

//! What Postfix reads of an outcome: the value for its table smtp_tls_policy_maps.

use crate::boundary::{entry, reading};
use crate::outcome::mtasts_outcome;
use crate::sized::{self, Sized};
use crate::status::{MTASTS_E_ADDRESS_LITERAL, MTASTS_E_ARGUMENT};
use crate::text::{copy, empty, name};
use mtasts::DomainDane;
use mtasts::postfix::{self, Found, Level, Style, Version};
use std::ffi::c_char;

/// It could not be found out: the mail waits.
pub const MTASTS_DOMAIN_DANE_TEMPORARY: i32 = 0;
/// The sender does no DANE, or the MX records are not DNSSEC-secure, or no MX host has usable TLSA
/// records.
pub const MTASTS_DOMAIN_DANE_NONE: i32 = 1;
/// The MX records are DNSSEC-secure, and some MX host has usable TLSA records.
pub const MTASTS_DOMAIN_DANE_USABLE: i32 = 2;

/// Postfix 3.0 to 3.3; what it reads, every later one reads.
pub const MTASTS_POSTFIX_3_0: i32 = 0;
/// Postfix 3.4 to 3.9, which know `servername`.
pub const MTASTS_POSTFIX_3_4: i32 = 1;
/// Postfix 3.10 and later, which take what TLSRPT says of the policy.
pub const MTASTS_POSTFIX_3_10: i32 = 2;

/// Nothing is told of policies that are not enforced.
pub const MTASTS_POSTFIX_LEVEL_NONE: i32 = 0;
/// The smtp_tls_security_level `may`.
pub const MTASTS_POSTFIX_LEVEL_MAY: i32 = 1;
/// The smtp_tls_security_level `encrypt`.
pub const MTASTS_POSTFIX_LEVEL_ENCRYPT: i32 = 2;

/// It is not known for now what applies: the mail waits. `TEMP ` in the socketmap protocol.
pub const MTASTS_POSTFIX_TEMPORARY: i32 = 0;
/// There is a value. `OK ` and the value in the socketmap protocol.
pub const MTASTS_POSTFIX_POLICY: i32 = 1;
/// There is none: Postfix goes by its own settings. `NOTFOUND ` in the socketmap protocol.
pub const MTASTS_POSTFIX_NOT_FOUND: i32 = 2;

/// The octets that any value and its NUL fit in. With `OK ` before it, that is the longest reply
/// that Postfix takes.
pub const MTASTS_POSTFIX_VALUE_SIZE: usize = 99_998;

const _: () =
    assert!(MTASTS_POSTFIX_VALUE_SIZE == postfix::MAX_REPLY - Found::Policy.as_str().len() + 1);

/// What the value depends on beside the outcome. Give it with `size` set; members that are 0 are
/// the safe choice, of which `dane` makes all mail wait.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_postfix_style {
    /// `sizeof(mtasts_postfix_style)`.
    pub size: usize,
    /// What DANE says of the domain as a whole, one of MTASTS_DOMAIN_DANE_*.
    pub dane: i32,
    /// Which Postfix reads the value, one of MTASTS_POSTFIX_3_*. An older one refuses the policy.
    pub version: i32,
    /// From 3.10 on: the security level of that Postfix for a domain without a policy, so that it
    /// reports against policies that are not enforced; one of MTASTS_POSTFIX_LEVEL_*. At these
    /// levels it reports an untrusted certificate, and a policy that could not be had, only if its
    /// smtp_tls_loglevel has `untrusted`; without it, it reports success.
    pub level: i32,
}

// SAFETY: numbers after the size.
unsafe impl Sized for mtasts_postfix_style {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_postfix_style {
    const EMPTY: Self = Self {
        size: size_of::<Self>(),
        dane: 0,
        version: 0,
        level: 0,
    };

    fn view(&self) -> Result<(DomainDane, Style), i32> {
        let dane = match self.dane {
            MTASTS_DOMAIN_DANE_TEMPORARY => DomainDane::Temporary,
            MTASTS_DOMAIN_DANE_NONE => DomainDane::None,
            MTASTS_DOMAIN_DANE_USABLE => DomainDane::Usable,
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        let version = match self.version {
            MTASTS_POSTFIX_3_0 => Version::V3_0,
            MTASTS_POSTFIX_3_4 => Version::V3_4,
            MTASTS_POSTFIX_3_10 => Version::V3_10,
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        let level = match self.level {
            MTASTS_POSTFIX_LEVEL_NONE => None,
            MTASTS_POSTFIX_LEVEL_MAY => Some(Level::May),
            MTASTS_POSTFIX_LEVEL_ENCRYPT => Some(Level::Encrypt),
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        Ok((dane, Style { version, level }))
    }
}

/// Finds what Postfix's table smtp_tls_policy_maps has for the domain of `outcome`: sets `*found`
/// to one of MTASTS_POSTFIX_TEMPORARY, _POLICY and _NOT_FOUND, and for _POLICY writes the value
/// and a NUL to `buffer`, which has room for `capacity` octets; MTASTS_POSTFIX_VALUE_SIZE always
/// suffice. `*length`, unless `length` is NULL, becomes the number of octets before the NUL.
///
/// Whatever goes wrong, `*found` is MTASTS_POSTFIX_TEMPORARY and the string in `buffer` empty, as
/// far as they can be written.
///
/// Returns MTASTS_OK; MTASTS_E_TOO_LARGE if `buffer` is too small, and `*length` says what it
/// needs without the NUL; MTASTS_E_ARGUMENT for NULL or a member that is none of its values; or
/// MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_postfix_policy(
    outcome: *const mtasts_outcome,
    style: *const mtasts_postfix_style,
    found: *mut i32,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> i32 {
    // SAFETY: the handle, the struct and the places are the caller's.
    unsafe {
        clear(found, buffer, capacity, length);
        reading(outcome, |outcome| {
            let place = found.as_mut().ok_or(MTASTS_E_ARGUMENT)?;
            let (dane, style) = sized::read(style, mtasts_postfix_style::EMPTY)?.view()?;
            let mut value = Vec::new();
            let answer = postfix::policy(&outcome.outcome, dane, &style, &mut value);
            if let Some(length) = length.as_mut() {
                *length = value.len();
            }
            copy(&value, buffer, capacity)?;
            *place = number(answer);
            Ok(())
        })
    }
}

/// The domain that a key of smtp_tls_policy_maps names, to give to a lookup: `example.com`,
/// `[example.com]`, `example.com:25`, `[example.com]:submission`. It and a NUL go to `domain`,
/// which has room for `capacity` octets; it is not longer than the key. Its case and its U-labels
/// stay as they are.
///
/// Returns MTASTS_OK; MTASTS_E_ADDRESS_LITERAL if the key names nothing that a policy can be for,
/// but an address, a parent domain (`.example.com`) or the path of a socket: answer that nothing
/// was found; MTASTS_E_DOMAIN, MTASTS_E_TOO_LARGE or MTASTS_E_ARGUMENT. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_postfix_next_hop(
    key: *const c_char,
    domain: *mut c_char,
    capacity: usize,
) -> i32 {
    entry(|| {
        // SAFETY: the strings are the caller's for this call.
        unsafe {
            empty(domain, capacity);
            let domain_of_key = postfix::next_hop(name(key)?).ok_or(MTASTS_E_ADDRESS_LITERAL)?;
            copy(domain_of_key.as_bytes(), domain, capacity)
        }
    })
}

fn number(found: Found) -> i32 {
    match found {
        Found::Temporary => MTASTS_POSTFIX_TEMPORARY,
        Found::Policy => MTASTS_POSTFIX_POLICY,
        Found::NotFound => MTASTS_POSTFIX_NOT_FOUND,
    }
}

/// # Safety
/// The pointers are NULL or may be written.
unsafe fn clear(found: *mut i32, buffer: *mut c_char, capacity: usize, length: *mut usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if let Some(found) = found.as_mut() {
            *found = MTASTS_POSTFIX_TEMPORARY;
        }
        if let Some(length) = length.as_mut() {
            *length = 0;
        }
        empty(buffer, capacity);
    }
}
