// SPDX-License-Identifier: MIT OR Apache-2.0

//! Strings that cross the boundary.

use super::boundary::Status;
use super::status::{MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN, MTASTS_E_TOO_LARGE};
use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The caller's string; none for NULL.
///
/// # Safety
/// `text` is NULL or a C string that nobody writes during `'a`.
pub(super) unsafe fn optional<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: as the caller promises.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

/// The caller's array; none for a count of 0, wherever it is said to be.
///
/// # Errors
/// MTASTS_E_ARGUMENT: NULL, or a count that no memory has, such as that of a length of -1.
///
/// # Safety
/// `first` is NULL or points to `count` values that nobody writes during `'a`.
pub(super) unsafe fn array<'a, T>(first: *const T, count: usize) -> Result<&'a [T], i32> {
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

/// The caller's name. One that is not even UTF-8 is no host name.
///
/// # Safety
/// As for [`optional`].
pub(super) unsafe fn name<'a>(name: *const c_char) -> Result<&'a str, i32> {
    // SAFETY: as the caller promises.
    let name = unsafe { optional(name) }.ok_or(MTASTS_E_ARGUMENT)?;
    name.to_str().map_err(|_| MTASTS_E_DOMAIN)
}

/// The caller's path; none for NULL.
///
/// # Safety
/// As for [`optional`].
pub(super) unsafe fn path(path: *const c_char) -> Option<PathBuf> {
    // SAFETY: as the caller promises.
    let path = unsafe { optional(path) }?;
    Some(OsStr::from_bytes(path.to_bytes()).into())
}

/// `text` as a C string; up to a NUL, if it holds one.
pub(super) fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// Writes `text` and a NUL to the `len` octets at `out`.
///
/// # Safety
/// `out` is NULL or points to `len` writable octets.
pub(super) unsafe fn write(text: &str, out: *mut c_char, len: usize) -> Status {
    if out.is_null() {
        return Err(MTASTS_E_ARGUMENT);
    }
    if text.len() >= len {
        return Err(MTASTS_E_TOO_LARGE);
    }
    // SAFETY: as the caller promises, and the text with its NUL fits.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr().cast(), out, text.len());
        out.add(text.len()).write(0);
    }
    Ok(())
}

/// As [`write`], and cuts off what does not fit.
///
/// # Safety
/// As for [`write`].
pub(super) unsafe fn write_truncated(text: &str, out: *mut c_char, len: usize) {
    let text = c_string(text);
    let text = text.to_str().unwrap_or_default();
    let mut end = text.len().min(len.saturating_sub(1));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // SAFETY: as the caller promises. Where there is no place, nothing is written.
    let _ = unsafe { write(text.get(..end).unwrap_or_default(), out, len) };
}
