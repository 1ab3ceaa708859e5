// SPDX-License-Identifier: MIT OR Apache-2.0

//! Answers, and the look-ups that take them.

use super::memory::{Octets, Struct, Text, read_c};
use super::{World, is_one_of, text};
use arbitrary::{Result, Unstructured};
use mtasts::Stored;
use mtasts_ffi::answer::*;
use mtasts_ffi::config::mtasts_config;
use mtasts_ffi::host::*;
use mtasts_ffi::lookup::*;
use mtasts_ffi::policy::mtasts_problem;
use mtasts_ffi::status::*;
use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::mem::size_of;

const RUN: &[i32] = &[MTASTS_E_ARGUMENT, MTASTS_E_SIZE];
const BEGIN: &[i32] = &[
    MTASTS_E_ARGUMENT,
    MTASTS_E_SIZE,
    MTASTS_E_DOMAIN,
    MTASTS_E_ADDRESS_LITERAL,
];

impl World {
    pub fn answer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=9)? {
            0..=1 => self.answers.make(u, &[MTASTS_E_ARGUMENT], |out| {
                // SAFETY: as the header wants it.
                unsafe { mtasts_answer_new(out) }
            }),
            2 => {
                let answer = self.answers.take(u)?;
                // SAFETY: it is forgotten.
                unsafe { mtasts_answer_free(answer) };
                Ok(())
            }
            _ => {
                let answer = self.answers.pick(u)?;
                fill(answer, u)
            }
        }
    }

    pub fn lookup(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=9)? {
            0..=1 => self.begin(u),
            2 => {
                let lookup = self.lookups.take(u)?;
                // SAFETY: it is forgotten.
                unsafe { mtasts_lookup_free(lookup) };
                Ok(())
            }
            3..=6 => self.submit(u),
            7 => self.take_outcome(u),
            8 => self.run(u),
            _ => self.resolve(u),
        }
    }

    fn begin(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (name, mut config) = (Text::name(u)?, config(u)?);
        self.lookups.make(u, BEGIN, |out| {
            // SAFETY: as the header wants it.
            unsafe { mtasts_lookup_new(name.as_ptr(), config.data(), out) }
        })
    }

    /// Answers what is asked for, or something else.
    fn submit(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (lookup, answer) = (self.lookups.pick(u)?, self.answers.pick(u)?);
        let mut step = Struct::zero::<mtasts_step>(u)?;
        // SAFETY: handles or NULL, and a struct.
        is_one_of(unsafe { mtasts_lookup_poll(lookup, step.data()) }, RUN);
        let step = step.read::<mtasts_step>().filter(|step| step.kind != 0);
        if let Some(step) = step {
            assert_eq!(step.name.is_null(), step.kind == MTASTS_STEP_DONE);
            if !step.name.is_null() {
                assert!(!read_c(step.name).is_empty());
            }
            assert_eq!(step.path.is_null(), step.kind != MTASTS_STEP_FETCH);
        }
        let asked = step.map_or(7, |step| step.request_id);
        let id = if u.ratio(1, 8)? {
            u.arbitrary()?
        } else {
            asked
        };
        let now = time(u)?;
        // SAFETY: handles or NULL.
        let status = unsafe { mtasts_lookup_submit(lookup, id, answer, now) };
        is_one_of(
            status,
            &[MTASTS_E_STALE_REQUEST, MTASTS_E_FINISHED, MTASTS_E_ARGUMENT],
        );
        Ok(())
    }

    fn take_outcome(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let lookup = self.lookups.pick(u)?;
        self.outcomes
            .make(u, &[MTASTS_E_UNFINISHED, MTASTS_E_ARGUMENT], |out| {
                // SAFETY: as the header wants it.
                unsafe { mtasts_lookup_outcome(lookup, out) }
            })
    }

    fn run(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (lookup, script) = (self.lookups.pick(u)?, Callbacks::new(u)?);
        let mut host = script.host(u)?;
        self.outcomes.make(u, RUN, |out| {
            // SAFETY: as the header wants it.
            unsafe { mtasts_lookup_run(lookup, host.data(), out) }
        })
    }

    fn resolve(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (name, mut config, script) = (Text::name(u)?, config(u)?, Callbacks::new(u)?);
        let mut host = script.host(u)?;
        if u.ratio(1, 3)? {
            let outcome = self.outcomes.pick(u)?;
            return self.outcomes.make(u, RUN, |out| {
                // SAFETY: as the header wants it.
                unsafe { mtasts_resolve_again(outcome, config.data(), host.data(), out) }
            });
        }
        self.outcomes.make(u, BEGIN, |out| {
            // SAFETY: as the header wants it.
            unsafe { mtasts_resolve(name.as_ptr(), config.data(), host.data(), out) }
        })
    }
}

fn time(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        _ => crate::answers::START.0 + u64::from(u.arbitrary::<u32>()?),
    })
}

pub fn config(u: &mut Unstructured<'_>) -> Result<Struct> {
    if u.ratio(1, 2)? {
        return Struct::zero::<mtasts_config>(u);
    }
    let config = mtasts_config {
        size: size_of::<mtasts_config>(),
        defer_on_dns_failure: u.int_in_range(-1..=2)?,
        divert_percent: u.int_in_range(-1..=101)?,
        fetch_timeout_ms: u.arbitrary()?,
        min_ttl: u.arbitrary()?,
        max_ttl: u.arbitrary()?,
        max_negative_ttl: u.arbitrary()?,
        unknown_ttl: u.arbitrary()?,
        refresh_after: u.arbitrary()?,
        max_body: u.arbitrary()?,
    };
    Struct::new(config, u)
}

/// One of the calls that fill an answer, or NULL.
fn fill(answer: *mut mtasts_answer, u: &mut Unstructured<'_>) -> Result<()> {
    const SIMPLE: &[i32] = &[MTASTS_E_ARGUMENT];
    const LARGE: &[i32] = &[MTASTS_E_ARGUMENT, MTASTS_E_TOO_LARGE];
    let what = u.int_in_range(0..=9)?;
    let octets = text(u)?;
    let octets = Octets::new(octets, u)?;
    let (data, len) = (octets.data(), octets.size());
    let mut problem = Struct::zero::<mtasts_problem>(u)?;
    let number = u.arbitrary::<u16>()?;
    // SAFETY: an answer or NULL, and octets.
    unsafe {
        match what {
            0 => is_one_of(mtasts_answer_txt_record(answer, data, len), LARGE),
            1 => is_one_of(mtasts_answer_txt_rdata(answer, data, len), LARGE),
            2 => is_one_of(mtasts_answer_ttl(answer, u.arbitrary()?), SIMPLE),
            3 => is_one_of(mtasts_answer_http_status(answer, i32::from(number)), SIMPLE),
            4 => is_one_of(mtasts_answer_content_type(answer, data, len), LARGE),
            5 => is_one_of(mtasts_answer_body(answer, data, len), LARGE),
            6 => is_one_of(mtasts_answer_stored(answer, data, len), LARGE),
            7 => is_one_of(
                mtasts_answer_local_policy(answer, data, len, problem.data()),
                &[MTASTS_E_POLICY, MTASTS_E_ARGUMENT, MTASTS_E_SIZE],
            ),
            8 => is_one_of(
                mtasts_answer_fail(answer, i32::from(number % 14) - 1),
                SIMPLE,
            ),
            _ => {
                mtasts_answer_http_status(answer, 200);
                mtasts_answer_content_type(answer, c"text/plain".as_ptr().cast(), 10);
                is_one_of(mtasts_answer_body(answer, data, len), LARGE);
            }
        }
    }
    Ok(())
}

/// What the callbacks do, in their order.
struct Callbacks {
    script: RefCell<Vec<u8>>,
    stored: RefCell<Option<Vec<u8>>>,
    depth: u8,
}

impl Callbacks {
    fn new(u: &mut Unstructured<'_>) -> Result<Self> {
        Ok(Self {
            script: RefCell::new(u.arbitrary()?),
            stored: RefCell::new(None),
            depth: 0,
        })
    }

    fn host(&self, u: &mut Unstructured<'_>) -> Result<Struct> {
        let lacks = u.int_in_range(0..=60)?;
        let host = mtasts_host {
            size: size_of::<mtasts_host>(),
            user: (&raw const *self).cast_mut().cast(),
            txt: (lacks != 0).then_some(txt as _),
            https: (lacks != 1).then_some(https as _),
            load: (lacks != 2).then_some(load as _),
            save: (lacks != 3).then_some(save as _),
            now: (lacks != 4).then_some(now as _),
            log: (lacks != 5).then_some(log as _),
        };
        Struct::new(host, u)
    }

    /// Runs `act` with what is left of the script.
    fn with<T: Default>(&self, act: impl FnOnce(&mut Unstructured<'_>) -> Result<T>) -> T {
        let script = self.script.take();
        let mut u = Unstructured::new(&script);
        let done = act(&mut u).unwrap_or_default();
        let rest = u.take_rest().to_vec();
        self.script.replace(rest);
        done
    }

    /// Fills an answer by some calls, and sometimes looks something else up meanwhile.
    fn answer(&self, into: *mut mtasts_answer) {
        self.with(|u| {
            for _ in 0..u.int_in_range(0..=3)? {
                fill(into, u)?;
            }
            if self.depth < 2 && u.ratio(1, 8)? {
                let inner = Callbacks {
                    depth: self.depth + 1,
                    ..Callbacks::new(u)?
                };
                let mut host = inner.host(u)?;
                let mut world = World::default();
                let name = Text::name(u)?;
                world.outcomes.make(u, BEGIN, |out| {
                    // SAFETY: as the header wants it.
                    unsafe { mtasts_resolve(name.as_ptr(), std::ptr::null(), host.data(), out) }
                })?;
            }
            Ok(())
        });
    }
}

/// # Safety
/// `user` is what [`Callbacks::host`] has given.
unsafe fn callbacks<'a>(user: *mut c_void) -> &'a Callbacks {
    // SAFETY: as the caller promises.
    unsafe { &*user.cast::<Callbacks>() }
}

unsafe extern "C" fn txt(user: *mut c_void, name: *const c_char, into: *mut mtasts_answer) {
    assert!(read_c(name).starts_with("_mta-sts."));
    // SAFETY: the library gives `user` back.
    unsafe { callbacks(user) }.answer(into);
}

unsafe extern "C" fn https(
    user: *mut c_void,
    fetch: *const mtasts_fetch,
    into: *mut mtasts_answer,
) {
    // SAFETY: the library lends the request.
    let fetch = unsafe { *fetch };
    assert!(read_c(fetch.host).starts_with("mta-sts.") && fetch.max_body <= 65_536);
    assert_eq!(read_c(fetch.path), mtasts::WELL_KNOWN_PATH);
    // SAFETY: the library gives `user` back.
    unsafe { callbacks(user) }.answer(into);
}

unsafe extern "C" fn load(user: *mut c_void, domain: *const c_char, into: *mut mtasts_answer) {
    assert!(!read_c(domain).is_empty());
    // SAFETY: the library gives `user` back.
    let callbacks = unsafe { callbacks(user) };
    match &*callbacks.stored.borrow() {
        // SAFETY: octets of ours.
        Some(text) => unsafe {
            mtasts_answer_stored(into, text.as_ptr().cast(), text.len());
        },
        None => callbacks.answer(into),
    }
}

unsafe extern "C" fn save(user: *mut c_void, saved: *const mtasts_saved) {
    // SAFETY: the library lends the entry.
    let saved = unsafe { *saved };
    let text = read_c(saved.text);
    assert_eq!(text.len(), saved.text_len);
    let stored: Stored = text.parse().expect("what is saved can be read");
    assert_eq!(stored.domain.as_str(), read_c(saved.domain));
    assert_eq!(stored.useless_after().0, saved.useless_after);
    // SAFETY: the library gives `user` back.
    unsafe { callbacks(user) }
        .stored
        .replace(Some(text.into_bytes()));
}

unsafe extern "C" fn now(user: *mut c_void) -> u64 {
    // SAFETY: the library gives `user` back.
    unsafe { callbacks(user) }.with(time)
}

unsafe extern "C" fn log(_: *mut c_void, level: i32, message: *const c_char) {
    assert!(level == MTASTS_LOG_WARNING && !read_c(message).is_empty());
}
