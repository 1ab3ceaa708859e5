// SPDX-License-Identifier: MIT OR Apache-2.0

//! Outcomes: what a lookup came to.

use crate::boundary::{free, getting, handle, reading};
use crate::policy::mtasts_policy;
use crate::sized::{self, Sized};
use crate::text::{Text, UNKNOWN, c_text, mtasts_str, static_name};
use crate::verdict::{mtasts_session, mtasts_verdict};
use mtasts::{Basis, Outcome, Reason};
use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::AtomicBool;

/// There is no policy: deliver as if the domain had none.
pub const MTASTS_BASIS_NO_POLICY: i32 = 0;
/// The policy comes from the store.
pub const MTASTS_BASIS_CACHED: i32 = 1;
/// The policy was fetched just now.
pub const MTASTS_BASIS_FRESH: i32 = 2;
/// The policy is the sending host's operator's own.
pub const MTASTS_BASIS_LOCAL: i32 = 3;

/// All went well.
pub const MTASTS_REASON_NONE: i32 = 0;
/// The policy is larger than allowed.
pub const MTASTS_REASON_BODY_TOO_LARGE: i32 = 1;
/// No connection to the policy host.
pub const MTASTS_REASON_CONNECT: i32 = 2;
/// The answer to the TXT query was malformed.
pub const MTASTS_REASON_DNS_PERMANENT: i32 = 3;
/// The TXT record could not be looked up for now.
pub const MTASTS_REASON_DNS_TEMPORARY: i32 = 4;
/// Fetched too often in the last five minutes.
pub const MTASTS_REASON_FETCH_LIMIT: i32 = 5;
/// The fetch failed in some other way.
pub const MTASTS_REASON_FETCH_OTHER: i32 = 6;
/// The reply is not text/plain.
pub const MTASTS_REASON_MEDIA_TYPE: i32 = 7;
/// There is no TXT record.
pub const MTASTS_REASON_NO_RECORD: i32 = 8;
/// The policy host has no address.
pub const MTASTS_REASON_POLICY_HOST_DNS: i32 = 9;
/// The policy breaks the grammar.
pub const MTASTS_REASON_POLICY_INVALID: i32 = 10;
/// The TXT record breaks the grammar, which is as good as none.
pub const MTASTS_REASON_RECORD_INVALID: i32 = 11;
/// There is more than one TXT record, which is as good as none.
pub const MTASTS_REASON_SEVERAL_RECORDS: i32 = 12;
/// The reply's status is not 200; `http_status` says which it is.
pub const MTASTS_REASON_STATUS: i32 = 13;
/// The store could not be read, so that a cached policy may exist.
pub const MTASTS_REASON_STORE_FAILED: i32 = 14;
/// The fetch took too long.
pub const MTASTS_REASON_TIMEOUT: i32 = 15;
/// The policy host's certificate is not valid for it.
pub const MTASTS_REASON_WEBPKI: i32 = 16;
/// This machine lacks something that a look-up needs: descriptors, memory.
pub const MTASTS_REASON_LOCAL_FAILURE: i32 = 17;

/// What a lookup came to. Immutable: any number of threads may read it and ask it for verdicts.
pub struct mtasts_outcome {
    poison: AtomicBool,
    pub(crate) outcome: Outcome,
    domain: Text,
    id: Option<Text>,
    policy: Option<mtasts_policy>,
    stored: Text,
    explanation: Text,
}

handle!(mtasts_outcome);

impl mtasts_outcome {
    pub(crate) fn new(outcome: Outcome) -> Self {
        let fetched = outcome.fetched();
        Self {
            poison: AtomicBool::new(false),
            domain: Text::new(outcome.domain().as_str()),
            id: fetched.map(|fetched| Text::new(fetched.id.as_str())),
            policy: policy_of(&outcome),
            stored: Text::new(&outcome.stored().to_text()),
            explanation: Text::new(&outcome.explanation()),
            outcome,
        }
    }
}

fn policy_of(outcome: &Outcome) -> Option<mtasts_policy> {
    let fetched = outcome.fetched().cloned().map(mtasts_policy::of_stored);
    fetched.or_else(|| outcome.local_policy().cloned().map(mtasts_policy::of_local))
}

/// Facts of an outcome. Give it with `size` set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_outcome_facts {
    /// `sizeof(mtasts_outcome_facts)`.
    pub size: usize,
    /// Where the policy comes from, one of MTASTS_BASIS_*.
    pub basis: i32,
    /// Why there is no policy or no newer one, one of MTASTS_REASON_*.
    pub reason: i32,
    /// The reply's status for MTASTS_REASON_STATUS, else 0.
    pub http_status: i32,
    /// What to report of the reason, one of MTASTS_RESULT_*.
    pub result: i32,
    /// 1 if deliveries are to wait, as it is not known whether there is a policy. Else 0. Ask for
    /// the verdict all the same: where DANE decides, the mail need not wait.
    pub try_later: i32,
    /// 1 if what `mtasts_outcome_stored` gives is new and is to be saved, else 0.
    /// `mtasts_lookup_run` has saved it already.
    pub changed: i32,
    /// When the policy was fetched, in seconds since 1970 (UTC); 0 without a policy. For the
    /// store: of the stored policy, whether or not it applies.
    pub fetched_at: u64,
    /// When its lifetime ends; 0 without a policy.
    pub expires_at: u64,
    /// From when on a store may drop the entry.
    pub useless_after: u64,
}

// SAFETY: numbers after the size.
unsafe impl Sized for mtasts_outcome_facts {
    const FIRST: usize = size_of::<Self>();
}

/// Frees an outcome; NULL is allowed. Its policy and its strings go with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_free(outcome: *mut mtasts_outcome) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(outcome) }
}

/// The policy to apply, lent by the outcome; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_policy(
    outcome: *const mtasts_outcome,
) -> *const mtasts_policy {
    let lend =
        |outcome: &mtasts_outcome| outcome.policy.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the handle is the caller's.
    unsafe { getting(outcome, ptr::null(), lend) }
}

/// The policy domain, lower-case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_domain(outcome: *const mtasts_outcome) -> mtasts_str {
    // SAFETY: the handle is the caller's.
    unsafe { getting(outcome, mtasts_str::NONE, |outcome| outcome.domain.lend()) }
}

/// The id of the policy to apply; no string without a policy, and for a local one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_id(outcome: *const mtasts_outcome) -> mtasts_str {
    let lend = |outcome: &mtasts_outcome| outcome.id.as_ref().map_or(mtasts_str::NONE, Text::lend);
    // SAFETY: the handle is the caller's.
    unsafe { getting(outcome, mtasts_str::NONE, lend) }
}

/// One line for a person or a log: without a policy why there is none, with a cached one why there
/// is none that is newer. Empty where all went well; `data` is NULL only for a NULL outcome.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_explanation(outcome: *const mtasts_outcome) -> mtasts_str {
    // SAFETY: the handle is the caller's.
    unsafe {
        getting(outcome, mtasts_str::NONE, |outcome| {
            outcome.explanation.lend()
        })
    }
}

/// What to remember of the domain, for hosts that drive a lookup by polling and keep a store of
/// their own: give it to the next lookup of the domain by `mtasts_answer_stored`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_stored(outcome: *const mtasts_outcome) -> mtasts_str {
    // SAFETY: the handle is the caller's.
    unsafe { getting(outcome, mtasts_str::NONE, |outcome| outcome.stored.lend()) }
}

/// Writes the facts of an outcome to `*facts`, whose `size` is set.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_get(
    outcome: *const mtasts_outcome,
    facts: *mut mtasts_outcome_facts,
) -> i32 {
    // SAFETY: the handle and the struct are the caller's.
    unsafe {
        reading(outcome, |outcome| {
            sized::write(facts, &facts_of(&outcome.outcome))
        })
    }
}

fn facts_of(outcome: &Outcome) -> mtasts_outcome_facts {
    let http_status = match outcome.reason() {
        Some(Reason::Status(status)) => status.into(),
        _ => 0,
    };
    let stored = outcome.stored();
    mtasts_outcome_facts {
        size: size_of::<mtasts_outcome_facts>(),
        basis: basis_number(outcome.basis()),
        reason: outcome.reason().map_or(MTASTS_REASON_NONE, reason_number),
        http_status,
        result: crate::tlsrpt::number(outcome.result_type()),
        try_later: outcome.is_try_later().into(),
        changed: outcome.is_changed().into(),
        fetched_at: stored
            .policy
            .as_ref()
            .map_or(0, |policy| policy.fetched_at.0),
        expires_at: outcome.expires_at().map_or(0, |time| time.0),
        useless_after: stored.useless_after().0,
    }
}

/// Judges a session with one MX host: whether it may carry the mail. Allocates no memory.
///
/// `verdict->size` is set by the caller. Whatever goes wrong, the verdict is MTASTS_ACTION_DEFER
/// if the struct can be written at all.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT for NULL or a member that is none of its values, or
/// MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_outcome_verdict(
    outcome: *const mtasts_outcome,
    session: *const mtasts_session,
    verdict: *mut mtasts_verdict,
) -> i32 {
    const DEFER: mtasts_verdict = mtasts_verdict {
        size: size_of::<mtasts_verdict>(),
        action: 0,
        result: 0,
        cause: 0,
    };
    // SAFETY: the handle and the structs are the caller's.
    let _ = unsafe { sized::write(verdict, &DEFER) };
    // SAFETY: as above.
    unsafe {
        reading(outcome, |outcome| {
            let session = sized::read(session, mtasts_session::EMPTY)?;
            let found = outcome.outcome.verdict(&session.view()?);
            sized::write(verdict, &mtasts_verdict::of(found))
        })
    }
}

/// The word of a basis: "no-policy", "cached", "fresh", "local"; "unknown" for other numbers. Static,
/// thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_basis_name(basis: i32) -> *const c_char {
    static_name(|| match basis {
        MTASTS_BASIS_NO_POLICY => c_text!(Basis::NoPolicy.as_str()),
        MTASTS_BASIS_CACHED => c_text!(Basis::Cached.as_str()),
        MTASTS_BASIS_FRESH => c_text!(Basis::Fresh.as_str()),
        MTASTS_BASIS_LOCAL => c_text!(Basis::Local.as_str()),
        _ => UNKNOWN,
    })
}

/// The word of a reason, such as "webpki"; "none" and "unknown" for 0 and numbers that are none.
/// Static, thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn mtasts_reason_name(reason: i32) -> *const c_char {
    static_name(|| match reason {
        MTASTS_REASON_NONE => c"none",
        MTASTS_REASON_BODY_TOO_LARGE => c_text!(Reason::BodyTooLarge.as_str()),
        MTASTS_REASON_CONNECT => c_text!(Reason::Connect.as_str()),
        MTASTS_REASON_DNS_PERMANENT => c_text!(Reason::DnsPermanent.as_str()),
        MTASTS_REASON_DNS_TEMPORARY => c_text!(Reason::DnsTemporary.as_str()),
        MTASTS_REASON_FETCH_LIMIT => c_text!(Reason::FetchLimit.as_str()),
        MTASTS_REASON_FETCH_OTHER => c_text!(Reason::FetchOther.as_str()),
        MTASTS_REASON_LOCAL_FAILURE => c_text!(Reason::LocalFailure.as_str()),
        MTASTS_REASON_MEDIA_TYPE => c_text!(Reason::MediaType.as_str()),
        MTASTS_REASON_NO_RECORD => c_text!(Reason::NoRecord.as_str()),
        MTASTS_REASON_POLICY_HOST_DNS => c_text!(Reason::PolicyHostDns.as_str()),
        MTASTS_REASON_POLICY_INVALID => c_text!(Reason::PolicyInvalid.as_str()),
        MTASTS_REASON_RECORD_INVALID => c_text!(Reason::RecordInvalid.as_str()),
        MTASTS_REASON_SEVERAL_RECORDS => c_text!(Reason::SeveralRecords.as_str()),
        MTASTS_REASON_STATUS => c_text!(Reason::Status(0).as_str()),
        MTASTS_REASON_STORE_FAILED => c_text!(Reason::StoreFailed.as_str()),
        MTASTS_REASON_TIMEOUT => c_text!(Reason::Timeout.as_str()),
        MTASTS_REASON_WEBPKI => c_text!(Reason::WebPki.as_str()),
        _ => UNKNOWN,
    })
}

fn basis_number(basis: Basis) -> i32 {
    match basis {
        Basis::Cached => MTASTS_BASIS_CACHED,
        Basis::Fresh => MTASTS_BASIS_FRESH,
        Basis::Local => MTASTS_BASIS_LOCAL,
        _ => MTASTS_BASIS_NO_POLICY,
    }
}

fn reason_number(reason: Reason) -> i32 {
    match reason {
        Reason::BodyTooLarge => MTASTS_REASON_BODY_TOO_LARGE,
        Reason::Connect => MTASTS_REASON_CONNECT,
        Reason::DnsPermanent => MTASTS_REASON_DNS_PERMANENT,
        Reason::DnsTemporary => MTASTS_REASON_DNS_TEMPORARY,
        Reason::FetchLimit => MTASTS_REASON_FETCH_LIMIT,
        Reason::LocalFailure => MTASTS_REASON_LOCAL_FAILURE,
        Reason::MediaType => MTASTS_REASON_MEDIA_TYPE,
        Reason::NoRecord => MTASTS_REASON_NO_RECORD,
        Reason::PolicyHostDns => MTASTS_REASON_POLICY_HOST_DNS,
        Reason::PolicyInvalid => MTASTS_REASON_POLICY_INVALID,
        Reason::RecordInvalid => MTASTS_REASON_RECORD_INVALID,
        Reason::SeveralRecords => MTASTS_REASON_SEVERAL_RECORDS,
        Reason::Status(_) => MTASTS_REASON_STATUS,
        Reason::StoreFailed => MTASTS_REASON_STORE_FAILED,
        Reason::Timeout => MTASTS_REASON_TIMEOUT,
        Reason::WebPki => MTASTS_REASON_WEBPKI,
        _ => MTASTS_REASON_FETCH_OTHER,
    }
}
