// SPDX-License-Identifier: MIT OR Apache-2.0

//! Counts sessions and makes TLS reports of them (RFC 8460 section 4), for senders that leave that
//! to no collector (R-RPT-3).

use crate::boundary::{clear_out, free, hand_out, handle, writing};
use crate::outcome::mtasts_outcome;
use crate::report::{domain_of, mtasts_report};
use crate::sized::{self, Sized};
use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_DOMAIN};
use crate::text::name;
use crate::tlsrpt::mtasts_tlsrpt_details;
use crate::verdict::mtasts_session;
use mtasts::tlsrpt::report::{Counter, Report, Sender};
use mtasts::{PolicyDomain, UnixTime};
use std::collections::VecDeque;
use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::AtomicBool;

/// Sums up sessions by UTC day and domain. One thread at a time. It is in memory alone: a process
/// that ends takes its reports out before, and adds them again when it has been started anew.
pub struct mtasts_report_counter {
    poison: AtomicBool,
    counter: Counter,
    /// Made, and not yet taken.
    made: VecDeque<(PolicyDomain, Report)>,
}

handle!(mtasts_report_counter);

/// Who reports: strings in UTF-8, none of them NULL. Give it with `size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_report_sender {
    /// `sizeof(mtasts_report_sender)`.
    pub size: usize,
    /// The organisation, for people.
    pub organization_name: *const c_char,
    /// How to reach it, such as a mail address.
    pub contact_info: *const c_char,
    /// The mail server's domain in A-labels, part of each report's id.
    pub submitter: *const c_char,
}

// SAFETY: pointers after the size.
unsafe impl Sized for mtasts_report_sender {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_report_sender {
    const EMPTY: Self = Self {
        size: size_of::<Self>(),
        organization_name: ptr::null(),
        contact_info: ptr::null(),
        submitter: ptr::null(),
    };
}

/// Makes a counter that has counted nothing. `*out` is to be freed by `mtasts_report_counter_free`.
///
/// Returns MTASTS_OK or MTASTS_E_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_counter_new(out: *mut *mut mtasts_report_counter) -> i32 {
    crate::boundary::entry(|| {
        let counter = mtasts_report_counter {
            poison: AtomicBool::new(false),
            counter: Counter::default(),
            made: VecDeque::new(),
        };
        // SAFETY: `out` is the caller's.
        unsafe {
            clear_out(out);
            hand_out(out, counter)
        }
    })
}

/// Frees a counter with all it has counted; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_counter_free(counter: *mut mtasts_report_counter) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(counter) }
}

/// Counts one session at the time `now`, in seconds since 1970 (UTC). Call it once for a session,
/// when no more comes to be known of its TLS, with the same `outcome` and `session` as for the
/// verdict, and for domains with a TLSRPT record alone: no others want reports. `details` may be
/// NULL. Where there is nothing to report, as `mtasts_tlsrpt_datagram` says, nothing is counted.
///
/// Returns MTASTS_OK; MTASTS_E_ARGUMENT for NULL or a member that is none of its values; or
/// MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_counter_session(
    counter: *mut mtasts_report_counter,
    now: u64,
    outcome: *const mtasts_outcome,
    session: *const mtasts_session,
    details: *const mtasts_tlsrpt_details,
) -> i32 {
    // SAFETY: the handles and the structs are the caller's.
    unsafe {
        writing(counter, |counter| {
            let outcome = outcome.as_ref().ok_or(MTASTS_E_ARGUMENT)?;
            let session = sized::read(session, mtasts_session::EMPTY)?;
            let details = match details.is_null() {
                true => mtasts_tlsrpt_details::EMPTY,
                false => sized::read(details, mtasts_tlsrpt_details::EMPTY)?,
            };
            let (session, details) = (session.view()?, details.view()?);
            if let Some(result) = outcome.outcome.session_result(&session) {
                counter.counter.session(UnixTime(now), &result, &details);
            }
            Ok(())
        })
    }
}

/// Adds what `report` has counted to the day that it is about: one that another process has made,
/// or this one before it was started anew. `domain` is the one whose TLSRPT record asks for it.
///
/// Returns MTASTS_OK; MTASTS_E_DOMAIN or MTASTS_E_ADDRESS_LITERAL for `domain`, and MTASTS_E_DOMAIN
/// if a policy's domain is no name, with nothing added; or MTASTS_E_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_counter_add(
    counter: *mut mtasts_report_counter,
    domain: *const c_char,
    report: *const mtasts_report,
) -> i32 {
    // SAFETY: the handles and the string are the caller's.
    unsafe {
        writing(counter, |counter| {
            let report = report.as_ref().ok_or(MTASTS_E_ARGUMENT)?.plain();
            let domain = domain_of(domain)?;
            let day = report.date_range.day().start;
            let is_name = |domain: &str| domain.parse::<PolicyDomain>().is_ok();
            let mut policies = report.policies.iter();
            if !policies.all(|counted| is_name(&counted.policy.policy_domain)) {
                return Err(MTASTS_E_DOMAIN);
            }
            for counted in report.policies {
                let added = counter.counter.add(day, &domain, counted);
                added.map_err(crate::status::of)?;
            }
            Ok(())
        })
    }
}

/// Takes out one report on a day that was over at `now`, in seconds since 1970 (UTC), in the order
/// of days, then domains; `*out` is NULL with MTASTS_OK if there is no more. With UINT64_MAX, today
/// too is over: for a process that ends. `*out` is to be freed by `mtasts_report_free`; the member
/// `domain` of its facts says whose it is, and it is counted no longer. Call it until there is no
/// more, with the same `sender`.
///
/// Returns MTASTS_OK; MTASTS_E_ARGUMENT; MTASTS_E_DOMAIN or MTASTS_E_ADDRESS_LITERAL for
/// `submitter`; or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_report_counter_take(
    counter: *mut mtasts_report_counter,
    now: u64,
    sender: *const mtasts_report_sender,
    out: *mut *mut mtasts_report,
) -> i32 {
    // SAFETY: the handle, the struct and the place are the caller's.
    unsafe {
        clear_out(out);
        writing(counter, |counter| {
            if out.is_null() {
                return Err(MTASTS_E_ARGUMENT);
            }
            let sender = sized::read(sender, mtasts_report_sender::EMPTY)?;
            let text = |text| name(text).map_err(|_| MTASTS_E_ARGUMENT);
            let sender = Sender {
                organization_name: text(sender.organization_name)?,
                contact_info: text(sender.contact_info)?,
                submitter: &domain_of(sender.submitter)?,
            };
            match counter.next(UnixTime(now), &sender) {
                Some((domain, report)) => hand_out(out, mtasts_report::new(report, Some(&domain))),
                None => Ok(()),
            }
        })
    }
}

impl mtasts_report_counter {
    fn next(&mut self, now: UnixTime, sender: &Sender<'_>) -> Option<(PolicyDomain, Report)> {
        if self.made.is_empty() {
            self.made = self.counter.take(now, sender).into();
        }
        self.made.pop_front()
    }
}
