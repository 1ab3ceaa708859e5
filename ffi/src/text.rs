// SPDX-License-Identifier: MIT OR Apache-2.0

//! Strings and octets that cross the boundary.

use crate::boundary::Status;
use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_TOO_LARGE};
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

/// A string that belongs to a handle and lives as long: NUL-terminated, of `len` octets before
/// the NUL. Never free it. `data` is NULL and `len` 0 where there is none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_str {
    /// The octets and a NUL.
    pub data: *const c_char,
    /// Octets before the NUL.
    pub len: usize,
}

impl mtasts_str {
    pub(crate) const NONE: Self = Self {
        data: ptr::null(),
        len: 0,
    };
}

/// Octets of the caller's, borrowed for a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_bytes {
    /// The octets; may be NULL if `len` is 0.
    pub data: *const c_void,
    /// How many.
    pub len: usize,
}

/// A string that a handle keeps for the caller.
pub(crate) struct Text(Box<[u8]>);

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let mut octets = Vec::with_capacity(text.len() + 1);
        octets.extend_from_slice(text.as_bytes());
        octets.push(0);
        Self(octets.into_boxed_slice())
    }

    pub(crate) fn lend(&self) -> mtasts_str {
        mtasts_str {
            data: self.0.as_ptr().cast(),
            len: self.0.len() - 1,
        }
    }

    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.lend().data
    }
}

/// The caller's array; none for a count of 0, wherever it is said to be.
///
/// # Errors
/// MTASTS_E_ARGUMENT: NULL, or a count that no memory has, such as that of a length of -1.
///
/// # Safety
/// `first` is NULL or points to `count` values that nobody writes during `'a`.
unsafe fn array<'a, T>(first: *const T, count: usize) -> Result<&'a [T], i32> {
    const MOST: usize = isize::MAX as usize;
    match (first.is_null(), count) {
        (_, 0) => Ok(&[]),
        (false, 1..) if count <= MOST / size_of::<T>() => {
            // SAFETY: as the caller promises.
            Ok(unsafe { std::slice::from_raw_parts(first, count) })
        }
        _ => Err(MTASTS_E_ARGUMENT),
    }
}

/// The caller's octets.
///
/// # Safety
/// As for [`array`].
pub(crate) unsafe fn octets<'a>(data: *const c_void, len: usize) -> Result<&'a [u8], i32> {
    // SAFETY: as the caller promises.
    unsafe { array(data.cast(), len) }
}

/// The caller's arrays of octets.
///
/// # Safety
/// As for [`array`], for the array and each of its members.
pub(crate) unsafe fn octet_strings<'a>(
    strings: *const mtasts_bytes,
    count: usize,
) -> Result<Vec<&'a [u8]>, i32> {
    // SAFETY: as the caller promises.
    let strings = unsafe { array(strings, count) }?;
    strings
        .iter()
        // SAFETY: as the caller promises of each.
        .map(|string| unsafe { octets(string.data, string.len) })
        .collect()
}

/// The caller's name: a C string. One that is not even UTF-8 is no host name.
///
/// # Safety
/// `name` is NULL or a C string that nobody writes during `'a`.
pub(crate) unsafe fn name<'a>(name: *const c_char) -> Result<&'a str, i32> {
    if name.is_null() {
        return Err(MTASTS_E_ARGUMENT);
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(name) }
        .to_str()
        .map_err(|_| MTASTS_E_DOMAIN)
}

/// The caller's C string, whatever its octets; empty for NULL.
///
/// # Safety
/// As for [`name`].
pub(crate) unsafe fn c_octets<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// Makes the caller's string empty.
///
/// # Safety
/// `buffer` is NULL or `capacity` octets may be written there.
pub(crate) unsafe fn empty(buffer: *mut c_char, capacity: usize) {
    if !buffer.is_null() && capacity > 0 {
        // SAFETY: as the caller promises.
        unsafe { buffer.write(0) };
    }
}

/// Writes `text` and a NUL to the caller's string.
///
/// # Safety
/// As for [`empty`].
pub(crate) unsafe fn copy(text: &[u8], buffer: *mut c_char, capacity: usize) -> Status {
    if buffer.is_null() {
        return Err(MTASTS_E_ARGUMENT);
    }
    if text.len() >= capacity {
        return Err(MTASTS_E_TOO_LARGE);
    }
    // SAFETY: as the caller promises; there is room for the NUL as well.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), buffer, text.len());
        buffer.add(text.len()).write(0);
    }
    Ok(())
}

/// Turns a constant `&str` into a static, NUL-terminated `&CStr`.
macro_rules! c_text {
    ($text:expr) => {{
        const TEXT: &str = $text;
        const OCTETS: [u8; TEXT.len() + 1] = $crate::text::with_nul(TEXT);
        const C_TEXT: &std::ffi::CStr = match std::ffi::CStr::from_bytes_with_nul(&OCTETS) {
            Ok(text) => text,
            Err(_) => c"",
        };
        C_TEXT
    }};
}
pub(crate) use c_text;

pub(crate) const fn with_nul<const N: usize>(text: &str) -> [u8; N] {
    let mut octets = [0; N];
    let mut at = 0;
    while at < text.len() {
        octets[at] = text.as_bytes()[at];
        at += 1;
    }
    octets
}

/// The name of a number that has none.
pub(crate) const UNKNOWN: &CStr = c"unknown";

/// An entry that names a number.
pub(crate) fn static_name(pick: impl FnOnce() -> &'static CStr) -> *const c_char {
    crate::boundary::caught(pick).unwrap_or(UNKNOWN).as_ptr()
}
