// SPDX-License-Identifier: MIT OR Apache-2.0

//! Hosts that block: four callbacks, and the driver that calls them.

use crate::answer::mtasts_answer;
use crate::boundary::{clear_out, entry, hand_out, last_panic, reading, writing};
use crate::config::mtasts_config;
use crate::lookup::{
    MTASTS_STEP_FETCH, MTASTS_STEP_LOAD, MTASTS_STEP_QUERY_TXT, again, mtasts_lookup, mtasts_step,
    new_lookup,
};
use crate::outcome::mtasts_outcome;
use crate::sized::{self, Sized};
use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_INTERNAL, MTASTS_E_UNFINISHED};
use crate::text::Text;
use mtasts::{Basis, Mode, Outcome};
use std::ffi::{c_char, c_void};
use std::ptr;

/// Levels of `log`: those of syslog. Something is broken.
pub const MTASTS_LOG_ERROR: i32 = 3;
/// Something failed that the operator may want to look at.
pub const MTASTS_LOG_WARNING: i32 = 4;
/// Normal, and worth a line.
pub const MTASTS_LOG_INFO: i32 = 6;

/// A request for a policy. Lent for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_fetch {
    /// `sizeof(mtasts_fetch)`.
    pub size: usize,
    /// The policy host: SNI, `Host`, and the name for which the certificate must be valid.
    pub host: *const c_char,
    /// The path.
    pub path: *const c_char,
    /// The time limit of the whole fetch in milliseconds, slow bodies included.
    pub timeout_ms: u32,
    /// The most octets of body to read.
    pub max_body: usize,
}

/// What to remember of a domain. Lent for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_saved {
    /// `sizeof(mtasts_saved)`.
    pub size: usize,
    /// The domain: the key.
    pub domain: *const c_char,
    /// The entry, a NUL-terminated text that a person can read.
    pub text: *const c_char,
    /// Its length.
    pub text_len: usize,
    /// When its policy was fetched, in seconds since 1970 (UTC); 0 without one. An entry that is
    /// there already and has a later time, but not one in the future, is to stay.
    pub fetched_at: u64,
    /// From when on the store may drop it.
    pub useless_after: u64,
}

/// A host that blocks: what `mtasts_lookup_run` needs. Set every member to 0, then `size` and the
/// callbacks. Callbacks run in the calling thread, only while that function runs, and must not
/// use the lookup. No lock is held meanwhile.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_host {
    /// `sizeof(mtasts_host)`.
    pub size: usize,
    /// Given to each callback.
    pub user: *mut c_void,
    /// Fills `into` with the TXT records of `name`. Required.
    pub txt: Option<
        unsafe extern "C" fn(user: *mut c_void, name: *const c_char, into: *mut mtasts_answer),
    >,
    /// Fills `into` with the reply to `request`. Required.
    pub https: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            request: *const mtasts_fetch,
            into: *mut mtasts_answer,
        ),
    >,
    /// Fills `into` with what was last saved of `domain`, by `mtasts_answer_stored`, leaves it
    /// empty if there is nothing, or says MTASTS_STORE_FAILED. NULL: no store.
    pub load: Option<
        unsafe extern "C" fn(user: *mut c_void, domain: *const c_char, into: *mut mtasts_answer),
    >,
    /// Keeps `entry`. NULL: no store.
    pub save: Option<unsafe extern "C" fn(user: *mut c_void, entry: *const mtasts_saved)>,
    /// The wall clock in seconds since 1970 (UTC). Required.
    pub now: Option<unsafe extern "C" fn(user: *mut c_void) -> u64>,
    /// Takes a line for the log; `level` is one of MTASTS_LOG_*. NULL: no log.
    pub log: Option<unsafe extern "C" fn(user: *mut c_void, level: i32, message: *const c_char)>,
}

// SAFETY: pointers after the size.
unsafe impl Sized for mtasts_host {
    const FIRST: usize = size_of::<Self>();
}

/// Runs a lookup to its end by calling the host, saves what is new, and gives the outcome. Blocks
/// as the callbacks do. On success `*out` is to be freed by `mtasts_outcome_free`.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT (also for a host without a required callback),
/// MTASTS_E_SIZE or MTASTS_E_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_lookup_run(
    lookup: *mut mtasts_lookup,
    host: *const mtasts_host,
    out: *mut *mut mtasts_outcome,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        clear_out(out);
        let status = writing(lookup, |lookup| {
            if out.is_null() {
                return Err(MTASTS_E_ARGUMENT);
            }
            hand_out(out, run(lookup, &Callbacks::of(host)?)?)
        });
        report_panic(status, host);
        status
    }
}

/// Looks `domain` up: `mtasts_lookup_new`, `mtasts_lookup_run` and `mtasts_lookup_free` in one.
/// `config` may be NULL. On success `*out` is to be freed by `mtasts_outcome_free`.
///
/// Returns as those do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_resolve(
    domain: *const c_char,
    config: *const mtasts_config,
    host: *const mtasts_host,
    out: *mut *mut mtasts_outcome,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        clear_out(out);
        let status = entry(|| {
            if out.is_null() {
                return Err(MTASTS_E_ARGUMENT);
            }
            let host = Callbacks::of(host)?;
            hand_out(out, run(&mut new_lookup(domain, config)?, &host)?)
        });
        report_panic(status, host);
        status
    }
}

/// Looks again before a message is given up for good: `mtasts_outcome_look_again`,
/// `mtasts_lookup_run` and `mtasts_lookup_free` in one. Where the basis of the new outcome is
/// MTASTS_BASIS_FRESH there is a new policy to try the MX hosts by. `config` may be NULL. On success
/// `*out` is to be freed by `mtasts_outcome_free`, as is `outcome` still.
///
/// Returns as those do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_resolve_again(
    outcome: *const mtasts_outcome,
    config: *const mtasts_config,
    host: *const mtasts_host,
    out: *mut *mut mtasts_outcome,
) -> i32 {
    // SAFETY: pointers are the caller's for this call.
    unsafe {
        clear_out(out);
        let status = reading(outcome, |outcome| {
            if out.is_null() {
                return Err(MTASTS_E_ARGUMENT);
            }
            let host = Callbacks::of(host)?;
            let mut lookup = again(outcome, config)?;
            hand_out(out, run(&mut lookup, &host)?)
        });
        report_panic(status, host);
        status
    }
}

/// The panic's message goes where the operator looks.
unsafe fn report_panic(status: i32, host: *const mtasts_host) {
    if status == MTASTS_E_INTERNAL {
        // SAFETY: as in the callers.
        if let Ok(host) = unsafe { Callbacks::of(host) } {
            host.log(MTASTS_LOG_ERROR, &last_panic());
        }
    }
}

fn run(lookup: &mut mtasts_lookup, host: &Callbacks) -> Result<mtasts_outcome, i32> {
    while lookup.outcome().is_none() {
        let step = lookup.step();
        let mut answer = mtasts_answer::empty();
        host.answer(&step, &mut answer);
        lookup.submit(step.request_id, &answer, host.now())?;
    }
    let outcome = lookup.outcome().ok_or(MTASTS_E_UNFINISHED)?;
    if outcome.is_changed() {
        host.save(outcome);
    }
    host.log_trouble(outcome);
    Ok(mtasts_outcome::new(outcome.clone()))
}

/// A caller's host, its required callbacks in place.
struct Callbacks {
    host: mtasts_host,
    txt: unsafe extern "C" fn(*mut c_void, *const c_char, *mut mtasts_answer),
    https: unsafe extern "C" fn(*mut c_void, *const mtasts_fetch, *mut mtasts_answer),
    now: unsafe extern "C" fn(*mut c_void) -> u64,
}

impl Callbacks {
    const NONE: mtasts_host = mtasts_host {
        size: 0,
        user: ptr::null_mut(),
        txt: None,
        https: None,
        load: None,
        save: None,
        now: None,
        log: None,
    };

    /// # Safety
    /// `host` is NULL or valid.
    unsafe fn of(host: *const mtasts_host) -> Result<Self, i32> {
        // SAFETY: as the caller promises.
        let host = unsafe { sized::read(host, Self::NONE) }?;
        match (host.txt, host.https, host.now) {
            (Some(txt), Some(https), Some(now)) => Ok(Self {
                host,
                txt,
                https,
                now,
            }),
            _ => Err(MTASTS_E_ARGUMENT),
        }
    }

    fn answer(&self, step: &mtasts_step, into: &mut mtasts_answer) {
        let user = self.host.user;
        // SAFETY: the callbacks are C functions of these types; the strings live in the lookup,
        // which nothing changes meanwhile.
        unsafe {
            match step.kind {
                MTASTS_STEP_LOAD => {
                    if let Some(load) = self.host.load {
                        load(user, step.name, into);
                    }
                }
                MTASTS_STEP_QUERY_TXT => (self.txt)(user, step.name, into),
                MTASTS_STEP_FETCH => (self.https)(user, &fetch_of(step), into),
                _ => {}
            }
        }
    }

    fn save(&self, outcome: &Outcome) {
        let Some(save) = self.host.save else { return };
        let stored = outcome.stored();
        let (domain, text) = (
            Text::new(stored.domain.as_str()),
            Text::new(&stored.to_text()),
        );
        let entry = mtasts_saved {
            size: size_of::<mtasts_saved>(),
            domain: domain.as_ptr(),
            text: text.as_ptr(),
            text_len: text.lend().len,
            fetched_at: stored
                .policy
                .as_ref()
                .map_or(0, |policy| policy.fetched_at.0),
            useless_after: stored.useless_after().0,
        };
        // SAFETY: a C function of this type.
        unsafe { save(self.host.user, &entry) }
    }

    fn now(&self) -> u64 {
        // SAFETY: a C function of this type.
        unsafe { (self.now)(self.host.user) }
    }

    /// A policy that applies without being renewed, one that should have been there, and mail
    /// that waits are worth a line (R-FLOW-2, R-RPT-5).
    fn log_trouble(&self, outcome: &Outcome) {
        let what = match outcome.basis() {
            _ if outcome.reason().is_none() => return,
            Basis::NoPolicy if outcome.is_try_later() => "delivery waits",
            Basis::NoPolicy if outcome.result_type().is_some() => "no MTA-STS policy",
            Basis::NoPolicy => return, // the domain publishes none
            _ if is_none(outcome) => return,
            _ => "the cached MTA-STS policy applies",
        };
        let line = format!("{}: {what}: {}", outcome.domain(), outcome.explanation());
        self.log(MTASTS_LOG_WARNING, &line);
    }

    fn log(&self, level: i32, message: &str) {
        if let Some(log) = self.host.log {
            // SAFETY: a C function of this type.
            unsafe { log(self.host.user, level, Text::new(message).as_ptr()) }
        }
    }
}

fn is_none(outcome: &Outcome) -> bool {
    outcome
        .policy()
        .is_some_and(|policy| policy.mode() == Mode::None)
}

fn fetch_of(step: &mtasts_step) -> mtasts_fetch {
    let mtasts_step {
        name: host,
        path,
        timeout_ms,
        max_body,
        ..
    } = *step;
    mtasts_fetch {
        size: size_of::<mtasts_fetch>(),
        host,
        path,
        timeout_ms,
        max_body,
    }
}
