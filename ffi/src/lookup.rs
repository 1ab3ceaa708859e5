// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lookups, for hosts with an event loop. A host that may block has it easier with
//! `mtasts_resolve`.

use crate::answer::mtasts_answer;
use crate::boundary::{Status, clear_out, entry, free, hand_out, handle, reading, writing};
use crate::config::mtasts_config;
use crate::outcome::mtasts_outcome;
use crate::sized::{self, Sized};
use crate::status::{self, MTASTS_E_FINISHED, MTASTS_E_STALE_REQUEST, MTASTS_E_UNFINISHED};
use crate::text::{Text, name};
use mtasts::{Config, Lookup, PolicyDomain, RequestId, Step, UnixTime, WELL_KNOWN_PATH};
use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::AtomicBool;

/// The lookup wants what the store has of the domain `name`. A host without a store submits an
/// empty answer.
pub const MTASTS_STEP_LOAD: i32 = 1;
/// The lookup wants the TXT records of `name`, CNAMEs followed, past any cache of the host's own.
pub const MTASTS_STEP_QUERY_TXT: i32 = 2;
/// The lookup wants the reply to GET https://`name``path`: TLS 1.2 or later, SNI and a valid
/// certificate for `name`, no redirect followed, no HTTP cache.
pub const MTASTS_STEP_FETCH: i32 = 3;
/// The outcome is there.
pub const MTASTS_STEP_DONE: i32 = 4;

/// The request number of MTASTS_STEP_LOAD.
const LOAD: u32 = 0;

/// The look-up of one domain. One thread at a time.
pub struct mtasts_lookup {
    poison: AtomicBool,
    state: State,
    /// What the step lends to the caller.
    name: Text,
    path: Text,
}

handle!(mtasts_lookup);

// A lookup is one allocation of its own, which its state may fill.
#[allow(clippy::large_enum_variant)]
enum State {
    Unstarted {
        domain: PolicyDomain,
        config: Config,
    },
    Started(Lookup),
}

impl mtasts_lookup {
    fn unstarted(domain: PolicyDomain, config: Config) -> Self {
        let name = Text::new(domain.as_str());
        Self::new(State::Unstarted { domain, config }, name)
    }

    fn started(lookup: Lookup) -> Self {
        let name = Text::new(asked_name(&lookup));
        Self::new(State::Started(lookup), name)
    }

    fn new(state: State, name: Text) -> Self {
        Self {
            poison: AtomicBool::new(false),
            state,
            name,
            path: Text::new(WELL_KNOWN_PATH),
        }
    }

    pub(crate) fn step(&self) -> mtasts_step {
        let mut step = mtasts_step::EMPTY;
        step.name = self.name.as_ptr();
        match &self.state {
            State::Unstarted { .. } => (step.kind, step.request_id) = (MTASTS_STEP_LOAD, LOAD),
            State::Started(lookup) => match lookup.poll() {
                Step::QueryTxt { id, .. } => {
                    (step.kind, step.request_id) = (MTASTS_STEP_QUERY_TXT, id.0);
                }
                Step::Fetch { id, request } => {
                    (step.kind, step.request_id) = (MTASTS_STEP_FETCH, id.0);
                    step.path = self.path.as_ptr();
                    (step.timeout_ms, step.max_body) = (request.timeout_ms, request.max_body);
                }
                Step::Done(_) => (step.kind, step.name) = (MTASTS_STEP_DONE, ptr::null()),
            },
        }
        step
    }

    pub(crate) fn submit(&mut self, request_id: u32, answer: &mtasts_answer, now: u64) -> Status {
        let (id, now) = (RequestId(request_id), UnixTime(now));
        match &mut self.state {
            State::Unstarted { .. } if request_id != LOAD => return Err(MTASTS_E_STALE_REQUEST),
            State::Unstarted { domain, config } => {
                self.state = State::Started(start(domain.clone(), config, answer, now));
            }
            State::Started(lookup) => match lookup.poll() {
                Step::QueryTxt { .. } => lookup.txt(id, now, answer.txt()),
                Step::Fetch { .. } => lookup.https(id, now, answer.https()),
                Step::Done(_) => return Err(MTASTS_E_FINISHED),
            }
            .map_err(status::of)?,
        }
        if let State::Started(lookup) = &self.state {
            self.name = Text::new(asked_name(lookup));
        }
        Ok(())
    }

    /// The outcome, if it is there.
    pub(crate) fn outcome(&self) -> Option<&mtasts::Outcome> {
        match &self.state {
            State::Started(lookup) => match lookup.poll() {
                Step::Done(outcome) => Some(outcome),
                _ => None,
            },
            State::Unstarted { .. } => None,
        }
    }
}

fn start(domain: PolicyDomain, config: &Config, loaded: &mtasts_answer, now: UnixTime) -> Lookup {
    match (loaded.local(), loaded.stored()) {
        (Some(policy), _) => Lookup::local(domain, policy, config),
        (None, Ok(stored)) => Lookup::new(domain, stored.map(Into::into), config, now),
        (None, Err(())) => Lookup::without_store(domain, config, now),
    }
}

fn asked_name(lookup: &Lookup) -> &str {
    match lookup.poll() {
        Step::QueryTxt { name, .. } => name,
        Step::Fetch { request, .. } => request.host,
        Step::Done(_) => "",
    }
}

/// What a lookup needs now. Give it with `size` set. The strings are lent by the lookup until
/// the next answer is submitted to it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_step {
    /// `sizeof(mtasts_step)`.
    pub size: usize,
    /// One of MTASTS_STEP_*.
    pub kind: i32,
    /// Goes back with the answer.
    pub request_id: u32,
    /// The name to load, to query, or to fetch from; NULL when done.
    pub name: *const c_char,
    /// MTASTS_STEP_FETCH: the path; else NULL.
    pub path: *const c_char,
    /// MTASTS_STEP_FETCH: the time limit of the whole fetch in milliseconds.
    pub timeout_ms: u32,
    /// MTASTS_STEP_FETCH: the most octets of body to read.
    pub max_body: usize,
}

// SAFETY: numbers and pointers after the size.
unsafe impl Sized for mtasts_step {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_step {
    const EMPTY: Self = Self {
        size: size_of::<Self>(),
        kind: 0,
        request_id: 0,
        name: ptr::null(),
        path: ptr::null(),
        timeout_ms: 0,
        max_body: 0,
    };
}

/// Begins the look-up of `domain`: the domain of a recipient's address, or a smart host; in
/// A-labels, any case, with or without a final dot. `config` may be NULL. On success `*out` is to
/// be freed by `mtasts_lookup_free`.
///
/// Returns MTASTS_OK; MTASTS_E_ADDRESS_LITERAL for `[...]`, which has no policy; MTASTS_E_DOMAIN
/// for what is no host name; MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_lookup_new(
    domain: *const c_char,
    config: *const mtasts_config,
    out: *mut *mut mtasts_lookup,
) -> i32 {
    entry(|| {
        // SAFETY: pointers are the caller's for this call.
        unsafe {
            clear_out(out);
            hand_out(out, new_lookup(domain, config)?)
        }
    })
}

/// # Safety
/// As for `mtasts_lookup_new`.
pub(crate) unsafe fn new_lookup(
    domain: *const c_char,
    config: *const mtasts_config,
) -> Result<mtasts_lookup, i32> {
    // SAFETY: as the caller promises.
    let (domain, config) = unsafe { (name(domain)?, mtasts_config::take(config)?) };
    Ok(mtasts_lookup::unstarted(
        domain.parse().map_err(status::of)?,
        config,
    ))
}

/// Begins to look again, as a sender must before it gives a message up for good (RFC 8461 section
/// 5.1): the TXT record is queried whatever its TTL, and the policy fetched if the id differs. If
/// what comes of it has the basis MTASTS_BASIS_FRESH there is a new policy to try the MX hosts by.
/// On success `*out` is to be freed by `mtasts_lookup_free`. `config` may be NULL.
/// `mtasts_resolve_again` does it in one call.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_look_again(
    outcome: *const mtasts_outcome,
    config: *const mtasts_config,
    out: *mut *mut mtasts_lookup,
) -> i32 {
    // SAFETY: the handle, the settings and the place are the caller's.
    unsafe {
        clear_out(out);
        reading(outcome, |outcome| hand_out(out, again(outcome, config)?))
    }
}

/// The lookup that looks again after `outcome`.
///
/// # Safety
/// `config` is NULL or valid.
pub(crate) unsafe fn again(
    outcome: &mtasts_outcome,
    config: *const mtasts_config,
) -> Result<mtasts_lookup, i32> {
    // SAFETY: as the caller promises.
    let config = unsafe { mtasts_config::take(config) }?;
    Ok(mtasts_lookup::started(outcome.outcome.look_again(&config)))
}

/// Frees a lookup, in whatever state; NULL is allowed. Outcomes taken from it stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_lookup_free(lookup: *mut mtasts_lookup) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(lookup) }
}

/// Says what the lookup needs now. Changes nothing and may be repeated.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_lookup_poll(
    lookup: *const mtasts_lookup,
    step: *mut mtasts_step,
) -> i32 {
    // SAFETY: the handle and the struct are the caller's.
    unsafe { reading(lookup, |lookup| sized::write(step, &lookup.step())) }
}

/// Gives the answer to what `mtasts_lookup_poll` asked for. `request_id` is the step's, `now` the
/// wall clock in seconds since 1970 (UTC). The answer stays the caller's and may be freed.
///
/// Returns MTASTS_OK; MTASTS_E_STALE_REQUEST or MTASTS_E_FINISHED if nothing asks for this
/// answer (any more), and nothing has changed; MTASTS_E_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_lookup_submit(
    lookup: *mut mtasts_lookup,
    request_id: u32,
    answer: *const mtasts_answer,
    now: u64,
) -> i32 {
    // SAFETY: the handles are the caller's.
    unsafe {
        writing(lookup, |lookup| {
            let answer = answer.as_ref().ok_or(status::MTASTS_E_ARGUMENT)?;
            lookup.submit(request_id, answer, now)
        })
    }
}

/// Gives the outcome of a lookup that is done. `*out` is to be freed by `mtasts_outcome_free`; it
/// does not need the lookup any more.
///
/// Returns MTASTS_OK, MTASTS_E_UNFINISHED or MTASTS_E_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_lookup_outcome(
    lookup: *const mtasts_lookup,
    out: *mut *mut mtasts_outcome,
) -> i32 {
    // SAFETY: the handle and the place are the caller's.
    unsafe {
        clear_out(out);
        reading(lookup, |lookup| {
            let outcome = lookup.outcome().ok_or(MTASTS_E_UNFINISHED)?;
            hand_out(out, mtasts_outcome::new(outcome.clone()))
        })
    }
}
