// SPDX-License-Identifier: MIT OR Apache-2.0

//! The wall between the caller and panics: no unwinding crosses it, and nothing is printed,
//! since descriptor 2 of a mail server may be a socket. A panic is a bug; its message goes to
//! the log.

use super::open::mtasts_default_host;
use super::status::{MTASTS_E_ARGUMENT, MTASTS_E_INTERNAL, MTASTS_OK};
use crate::Level;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Success, or the status that the caller gets.
pub(super) type Status = Result<(), i32>;

thread_local! {
    // No destructor, so that the library can be unloaded while threads live.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// Runs `body`; a panic in it gives its message.
pub(super) fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(install_hook);
    INSIDE.set(INSIDE.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(|| {
        test_panic();
        body()
    }));
    INSIDE.set(INSIDE.get().saturating_sub(1));
    result.map_err(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default()
    })
}

/// An entry without a handle.
pub(super) fn entry(body: impl FnOnce() -> Status) -> i32 {
    caught(body).map_or(MTASTS_E_INTERNAL, code)
}

/// An entry that uses `host`.
///
/// # Safety
/// `host` is NULL or valid.
pub(super) unsafe fn with_host(
    host: *const mtasts_default_host,
    body: impl FnOnce(&mtasts_default_host) -> Status,
) -> i32 {
    // SAFETY: as the caller promises.
    let Some(host) = (unsafe { host.as_ref() }) else {
        return MTASTS_E_ARGUMENT;
    };
    caught(|| body(host)).map_or_else(|message| report(host, &message), code)
}

/// An entry that uses `host` to make a handle; `*out` is NULL unless there is one.
///
/// # Safety
/// As for [`with_host`] and [`hand_out`].
pub(super) unsafe fn making<H>(
    host: *const mtasts_default_host,
    out: *mut *mut H,
    body: impl FnOnce(&mtasts_default_host) -> Result<H, i32>,
) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        match clear_out(out) {
            Ok(()) => with_host(host, |host| hand_out(out, body(host)?)),
            Err(status) => status,
        }
    }
}

/// Writes a panic's message to the log.
pub(super) fn report(host: &mtasts_default_host, message: &str) -> i32 {
    let log = || {
        host.host
            .log()
            .write(Level::Error, format_args!("internal error: {message}"))
    };
    let _ = caught(log);
    MTASTS_E_INTERNAL
}

/// An entry that reads a value out of a handle; `otherwise` for NULL.
///
/// # Safety
/// `handle` is NULL or valid.
pub(super) unsafe fn getting<H, T>(
    handle: *const H,
    otherwise: T,
    body: impl FnOnce(&H) -> Option<T>,
) -> T {
    // SAFETY: as the caller promises.
    let handle = unsafe { handle.as_ref() };
    handle
        .and_then(|handle| caught(|| body(handle)).ok().flatten())
        .unwrap_or(otherwise)
}

/// Gives `value` to the caller as a handle.
///
/// # Safety
/// `out` is NULL or may be written.
pub(super) unsafe fn hand_out<H>(out: *mut *mut H, value: H) -> Status {
    // SAFETY: as the caller promises.
    let place = unsafe { out.as_mut() }.ok_or(MTASTS_E_ARGUMENT)?;
    *place = Box::into_raw(Box::new(value));
    Ok(())
}

/// Sets the place for a handle to NULL, so that a failure leaves no stale pointer.
///
/// # Safety
/// `out` is NULL or may be written.
pub(super) unsafe fn clear_out<H>(out: *mut *mut H) -> Status {
    // SAFETY: as the caller promises.
    let place = unsafe { out.as_mut() }.ok_or(MTASTS_E_ARGUMENT)?;
    *place = std::ptr::null_mut();
    Ok(())
}

/// Frees what [`hand_out`] gave.
///
/// # Safety
/// `handle` is NULL or came from `hand_out`, and is not used again.
pub(super) unsafe fn free<H>(handle: *mut H) {
    if !handle.is_null() {
        // SAFETY: as the caller promises.
        let _ = caught(|| drop(unsafe { Box::from_raw(handle) }));
    }
}

fn code(status: Status) -> i32 {
    status.err().unwrap_or(MTASTS_OK)
}

fn install_hook() {
    let outer = take_hook();
    set_hook(Box::new(move |info| {
        if INSIDE.get() == 0 {
            outer(info);
        }
    }));
}

#[cfg(feature = "panic-test")]
thread_local! {
    static PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Makes the next entry of this thread panic inside its boundary.
#[cfg(feature = "panic-test")]
pub fn panic_at_next_entry() {
    PANIC.set(true);
}

#[cfg(feature = "panic-test")]
#[allow(clippy::panic)]
fn test_panic() {
    if PANIC.replace(false) {
        panic!("asked for by a test");
    }
}

#[cfg(not(feature = "panic-test"))]
fn test_panic() {}
