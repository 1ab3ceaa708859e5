// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which library this is.

use crate::boundary::{caught, entry};
use crate::status::MTASTS_E_VERSION;
use std::ffi::{CStr, c_char};

/// The version of this header. `MTASTS_PREREQ(major, minor)` tests it.
pub const MTASTS_VERSION_MAJOR: i32 = 0;
/// See MTASTS_VERSION_MAJOR.
pub const MTASTS_VERSION_MINOR: i32 = 1;
/// See MTASTS_VERSION_MAJOR.
pub const MTASTS_VERSION_PATCH: i32 = 0;

/// The version of the ABI that this header describes: the number in the library's file name.
pub const MTASTS_ABI_VERSION: u32 = 0;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// The version of the library that is loaded, such as "0.1.0". Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_version() -> *const c_char {
    caught(|| VERSION.as_ptr()).unwrap_or(c"".as_ptr())
}

/// The version of the ABI of the library that is loaded. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_abi_version() -> u32 {
    caught(|| MTASTS_ABI_VERSION).unwrap_or(u32::MAX)
}

/// Whether the library that is loaded serves a program that was built with this version of the
/// header; call it as `mtasts_version_check(MTASTS_VERSION_MAJOR, MTASTS_VERSION_MINOR,
/// MTASTS_VERSION_PATCH)` before anything else.
///
/// Returns MTASTS_OK, or MTASTS_E_VERSION if the library is older. Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_version_check(major: i32, minor: i32, patch: i32) -> i32 {
    const OWN: (i32, i32, i32) = (
        MTASTS_VERSION_MAJOR,
        MTASTS_VERSION_MINOR,
        MTASTS_VERSION_PATCH,
    );
    entry(|| match major == OWN.0 && (major, minor, patch) <= OWN {
        true => Ok(()),
        false => Err(MTASTS_E_VERSION),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_version_is_that_of_the_package() {
        let own = format!("{MTASTS_VERSION_MAJOR}.{MTASTS_VERSION_MINOR}.{MTASTS_VERSION_PATCH}");
        assert_eq!(own, env!("CARGO_PKG_VERSION"));
    }
}
