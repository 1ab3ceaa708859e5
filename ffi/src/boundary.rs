// SPDX-License-Identifier: MIT OR Apache-2.0

//! The wall between the host and panics: no unwinding crosses it, and nothing is printed, since
//! descriptor 2 of a mail server may be a socket. A panic is a bug in the library; it poisons
//! the handle that was in use.

use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_INTERNAL, MTASTS_OK};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

/// A C handle: it can be out of order.
pub(crate) trait Handle {
    /// Set by a panic while the handle was in use.
    fn poison(&self) -> &AtomicBool;
}

/// Gives a type its place for the poison.
macro_rules! handle {
    ($type:ty) => {
        impl $crate::boundary::Handle for $type {
            fn poison(&self) -> &std::sync::atomic::AtomicBool {
                &self.poison
            }
        }
    };
}
pub(crate) use handle;

/// Success, or the status that the caller gets.
pub(crate) type Status = Result<(), i32>;

/// Runs `body`; a panic in it gives `None`.
pub(crate) fn caught<T>(body: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(install_hook);
    let depth = INSIDE.get();
    INSIDE.set(depth + 1);
    let result = catch_unwind(AssertUnwindSafe(|| {
        test_panic();
        body()
    }));
    INSIDE.set(depth);
    result.ok()
}

/// An entry without a handle that returns a status.
pub(crate) fn entry(body: impl FnOnce() -> Status) -> i32 {
    caught(body).map_or(MTASTS_E_INTERNAL, code)
}

/// An entry that reads `handle` and returns a status.
///
/// # Safety
/// `handle` is NULL or valid, and nobody writes it meanwhile.
pub(crate) unsafe fn reading<H: Handle>(handle: *const H, body: impl FnOnce(&H) -> Status) -> i32 {
    // SAFETY: as the caller promises.
    match unsafe { handle.as_ref() } {
        None => MTASTS_E_ARGUMENT,
        Some(handle) => guarded(handle.poison(), || body(handle)),
    }
}

/// An entry that writes `handle` and returns a status.
///
/// # Safety
/// `handle` is NULL or valid, and nobody else uses it meanwhile.
pub(crate) unsafe fn writing<H: Handle>(
    handle: *mut H,
    body: impl FnOnce(&mut H) -> Status,
) -> i32 {
    // SAFETY: as the caller promises.
    let Some(handle) = (unsafe { handle.as_mut() }) else {
        return MTASTS_E_ARGUMENT;
    };
    if handle.poison().load(Ordering::Relaxed) {
        return MTASTS_E_INTERNAL;
    }
    match caught(|| body(handle)) {
        Some(status) => code(status),
        None => {
            handle.poison().store(true, Ordering::Relaxed);
            MTASTS_E_INTERNAL
        }
    }
}

/// An entry that reads a value out of `handle`; `otherwise` for NULL and after a panic.
///
/// # Safety
/// As for [`reading`].
pub(crate) unsafe fn getting<H: Handle, T>(
    handle: *const H,
    otherwise: T,
    body: impl FnOnce(&H) -> T,
) -> T {
    // SAFETY: as the caller promises.
    let value = unsafe { handle.as_ref() }.and_then(|handle| {
        let poisoned = handle.poison().load(Ordering::Relaxed);
        if poisoned {
            None
        } else {
            caught(|| body(handle))
        }
    });
    value.unwrap_or(otherwise)
}

/// Frees what [`hand_out`] gave.
///
/// # Safety
/// `handle` is NULL or came from `hand_out`, and is not used again.
pub(crate) unsafe fn free<H>(handle: *mut H) {
    if !handle.is_null() {
        // SAFETY: as the caller promises.
        caught(|| drop(unsafe { Box::from_raw(handle) }));
    }
}

/// Gives `value` to the caller as a handle.
///
/// # Safety
/// `out` is NULL or may be written.
pub(crate) unsafe fn hand_out<H>(out: *mut *mut H, value: H) -> Status {
    // SAFETY: as the caller promises.
    let place = unsafe { out.as_mut() }.ok_or(MTASTS_E_ARGUMENT)?;
    *place = Box::into_raw(Box::new(value));
    Ok(())
}

/// Sets the handle that an entry is to make to NULL, so that a failure leaves no stale pointer.
///
/// # Safety
/// `out` is NULL or may be written.
pub(crate) unsafe fn clear_out<H>(out: *mut *mut H) {
    // SAFETY: as the caller promises.
    if let Some(place) = unsafe { out.as_mut() } {
        *place = std::ptr::null_mut();
    }
}

fn guarded(poison: &AtomicBool, body: impl FnOnce() -> Status) -> i32 {
    if poison.load(Ordering::Relaxed) {
        return MTASTS_E_INTERNAL;
    }
    match caught(body) {
        Some(status) => code(status),
        None => {
            poison.store(true, Ordering::Relaxed);
            MTASTS_E_INTERNAL
        }
    }
}

fn code(status: Status) -> i32 {
    status.err().unwrap_or(MTASTS_OK)
}

/// How much of a panic's message is kept for the host's log.
const MESSAGE: usize = 160;

thread_local! {
    // No destructors, so that the library can be unloaded while threads live.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
    static LAST_PANIC: Cell<([u8; MESSAGE], usize)> = const { Cell::new(([0; MESSAGE], 0)) };
}

/// The message of this thread's last panic, for the host's log.
pub(crate) fn last_panic() -> String {
    let (message, len) = LAST_PANIC.get();
    String::from_utf8_lossy(&message[..len]).into_owned()
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// The hook that was there before: that of a Rust program, in which this crate is a library.
static OUTER: OnceLock<Hook> = OnceLock::new();

fn install_hook() {
    let _ = OUTER.set(take_hook());
    // Captures nothing, so that it costs no allocation that would live for ever.
    set_hook(Box::new(|info| match (INSIDE.get(), OUTER.get()) {
        (0, Some(outer)) => outer(info),
        _ => note(info),
    }));
}

fn note(info: &PanicHookInfo<'_>) {
    let text = info.to_string();
    let mut message = [0; MESSAGE];
    let len = text.len().min(MESSAGE);
    message[..len].copy_from_slice(&text.as_bytes()[..len]);
    LAST_PANIC.set((message, len));
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
