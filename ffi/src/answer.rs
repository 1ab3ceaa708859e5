// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a host found out: the answer to a lookup's question.

use crate::boundary::{Status, free, hand_out, handle, writing};
use crate::policy::mtasts_problem;
use crate::status::{MTASTS_E_ARGUMENT, MTASTS_E_TOO_LARGE};
use crate::text::octets;
use mtasts::{FetchFailure, HttpsReply, MAX_BODY, Policy, TxtAnswer, TxtFailure};
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// TXT: the name does not exist or has no TXT records. `mtasts_answer_ttl` may add the
/// negative TTL.
pub const MTASTS_TXT_NO_RECORDS: i32 = 1;
/// TXT: the answer is malformed, or the name cannot be asked for.
pub const MTASTS_TXT_PERMANENT: i32 = 2;
/// TXT: time-out, SERVFAIL, REFUSED, no network.
pub const MTASTS_TXT_TEMPORARY: i32 = 3;
/// HTTPS: the body is larger than `max_body`.
pub const MTASTS_FETCH_BODY_TOO_LARGE: i32 = 4;
/// HTTPS: no connection to any address, or the connection broke.
pub const MTASTS_FETCH_CONNECT: i32 = 5;
/// HTTPS: the policy host has no address, or it could not be looked up.
pub const MTASTS_FETCH_DNS: i32 = 6;
/// HTTPS: anything else.
pub const MTASTS_FETCH_OTHER: i32 = 7;
/// HTTPS: the time limit was over.
pub const MTASTS_FETCH_TIMEOUT: i32 = 8;
/// HTTPS: the policy host's certificate is not valid for it.
pub const MTASTS_FETCH_WEBPKI: i32 = 9;
/// Store: the entry exists, or may exist, and cannot be read for now.
pub const MTASTS_STORE_FAILED: i32 = 10;

/// TXT, HTTPS: this machine lacks something: descriptors, memory. It does not count against the
/// domain, and mail waits.
pub const MTASTS_LOCAL_FAILURE: i32 = 11;

/// The most octets of TXT records in one answer.
const MAX_TXT: usize = 64 * 1024;

/// The most octets of a `Content-Type`: no more is read of a header.
const MAX_CONTENT_TYPE: usize = 64 * 1024;

/// The most octets of a stored entry: a policy, and some lines.
const MAX_STORED: usize = MAX_BODY + 64 * 1024;

/// The answer to one question of a lookup: records, a reply, a stored entry, or why there is
/// none. A callback gets one to fill; an event loop makes one by `mtasts_answer_new`. One thread
/// at a time. An answer that was not filled counts as a temporary failure, as a failed fetch, or
/// (for the store) as no entry.
pub struct mtasts_answer {
    pub(crate) poison: AtomicBool,
    txt: TxtAnswer,
    txt_octets: usize,
    reply: Option<HttpsReply>,
    stored: Option<Vec<u8>>,
    local: Option<Arc<Policy>>,
    failure: i32,
}

handle!(mtasts_answer);

impl mtasts_answer {
    pub(crate) fn empty() -> Self {
        Self {
            poison: AtomicBool::new(false),
            txt: TxtAnswer::default(),
            txt_octets: 0,
            reply: None,
            stored: None,
            local: None,
            failure: 0,
        }
    }

    pub(crate) fn txt(&self) -> Result<&TxtAnswer, TxtFailure> {
        match self.failure {
            0 if !self.txt.records.is_empty() => Ok(&self.txt),
            MTASTS_TXT_NO_RECORDS => Err(TxtFailure::NoRecords { ttl: self.txt.ttl }),
            MTASTS_LOCAL_FAILURE => Err(TxtFailure::Local),
            MTASTS_TXT_PERMANENT => Err(TxtFailure::Permanent),
            _ => Err(TxtFailure::Temporary),
        }
    }

    pub(crate) fn https(&self) -> Result<&HttpsReply, FetchFailure> {
        match (self.failure, &self.reply) {
            (0, Some(reply)) => Ok(reply),
            (MTASTS_FETCH_BODY_TOO_LARGE, _) => Err(FetchFailure::BodyTooLarge),
            (MTASTS_FETCH_CONNECT, _) => Err(FetchFailure::Connect),
            (MTASTS_FETCH_DNS, _) => Err(FetchFailure::Dns),
            (MTASTS_LOCAL_FAILURE, _) => Err(FetchFailure::Local),
            (MTASTS_FETCH_TIMEOUT, _) => Err(FetchFailure::Timeout),
            (MTASTS_FETCH_WEBPKI, _) => Err(FetchFailure::WebPki),
            _ => Err(FetchFailure::Other),
        }
    }

    /// The stored entry; an error if it cannot be read.
    pub(crate) fn stored(&self) -> Result<Option<mtasts::Stored>, ()> {
        match (self.failure, &self.stored) {
            (0, None) => Ok(None),
            (0, Some(octets)) => {
                let text = std::str::from_utf8(octets).map_err(|_| ())?;
                text.parse().map(Some).map_err(|_| ())
            }
            _ => Err(()),
        }
    }

    /// The operator's own policy, if there is one.
    pub(crate) fn local(&self) -> Option<Arc<Policy>> {
        self.local.clone()
    }

    fn reply(&mut self) -> &mut HttpsReply {
        self.reply.get_or_insert_default()
    }

    fn add_record(&mut self, record: &[u8]) -> Status {
        self.txt_octets = self.txt_octets.saturating_add(record.len() + 1);
        if self.txt_octets > MAX_TXT {
            self.failure = MTASTS_TXT_PERMANENT;
            return Err(MTASTS_E_TOO_LARGE);
        }
        self.txt.records.push(record.to_vec());
        Ok(())
    }

    fn add_rdata(&mut self, rdata: &[u8]) -> Status {
        let record = match rdata.len() {
            ..=MAX_TXT => concat_rdata(rdata).ok_or(MTASTS_E_ARGUMENT),
            _ => Err(MTASTS_E_TOO_LARGE),
        };
        match record {
            Ok(record) => self.add_record(&record),
            Err(status) => {
                self.failure = MTASTS_TXT_PERMANENT;
                Err(status)
            }
        }
    }

    fn add_body(&mut self, data: &[u8]) -> Status {
        if self.reply().body.len() + data.len() > MAX_BODY {
            self.failure = MTASTS_FETCH_BODY_TOO_LARGE;
            return Err(MTASTS_E_TOO_LARGE);
        }
        self.reply().body.extend_from_slice(data);
        Ok(())
    }
}

/// Makes an empty answer. Free it by `mtasts_answer_free`.
///
/// Returns MTASTS_OK or MTASTS_E_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_new(out: *mut *mut mtasts_answer) -> i32 {
    // SAFETY: `out` is NULL or the caller's place for the handle.
    crate::boundary::entry(|| unsafe { hand_out(out, mtasts_answer::empty()) })
}

/// Frees an answer made by `mtasts_answer_new`; NULL is allowed. Never call it on the answer that
/// a callback was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_free(answer: *mut mtasts_answer) {
    // SAFETY: the caller gives up the handle.
    unsafe { free(answer) }
}

/// Adds one TXT record of `len` octets, its character-strings already concatenated without
/// spaces. The octets are copied.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT, which makes the answer a temporary failure, or
/// MTASTS_E_TOO_LARGE beyond 64 KiB in all, which makes it a permanent one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_txt_record(
    answer: *mut mtasts_answer,
    text: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        writing(answer, |answer| {
            let text = octets(text, len).inspect_err(|_| answer.failure = MTASTS_TXT_TEMPORARY)?;
            answer.add_record(text)
        })
    }
}

/// Adds one TXT record in the form that DNS messages have (RDATA): character-strings, each after
/// an octet that says its length. This is what `ns_rr_rdata` gives.
///
/// Returns as `mtasts_answer_txt_record`; MTASTS_E_ARGUMENT also for malformed RDATA, which makes
/// the answer a permanent failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_txt_rdata(
    answer: *mut mtasts_answer,
    rdata: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        writing(answer, |answer| {
            let rdata =
                octets(rdata, len).inspect_err(|_| answer.failure = MTASTS_TXT_TEMPORARY)?;
            answer.add_rdata(rdata)
        })
    }
}

fn concat_rdata(mut rdata: &[u8]) -> Option<Vec<u8>> {
    let mut strings = Vec::new();
    while let [len, rest @ ..] = rdata {
        let (string, rest) = rest.split_at_checked(usize::from(*len))?;
        strings.push(string);
        rdata = rest;
    }
    Some(mtasts::record::concat(&strings))
}

/// Sets the TTL in seconds of the TXT records, the least of all records on the way; with
/// MTASTS_TXT_NO_RECORDS the negative TTL. Without it 5 minutes are taken.
///
/// Returns MTASTS_OK or MTASTS_E_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_ttl(answer: *mut mtasts_answer, seconds: u32) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe {
        writing(answer, |answer| {
            answer.txt.ttl = Some(seconds);
            Ok(())
        })
    }
}

/// Sets the status code of the HTTPS reply: that of the first reply, as no redirect may be
/// followed.
///
/// Returns MTASTS_OK, or MTASTS_E_ARGUMENT for what is no status code (100 to 999).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_http_status(answer: *mut mtasts_answer, status: i32) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe {
        writing(answer, |answer| {
            let legal = u16::try_from(status)
                .ok()
                .filter(|status| (100..1000).contains(status));
            answer.reply().status = legal.ok_or(MTASTS_E_ARGUMENT)?;
            Ok(())
        })
    }
}

/// Sets the value of the HTTPS reply's `Content-Type`. Where there are several, join them by
/// commas. Octets that are not UTF-8 are replaced, so that the reply is refused.
///
/// Returns MTASTS_OK, or else MTASTS_E_ARGUMENT, or MTASTS_E_TOO_LARGE beyond 64 KiB: the answer is
/// then MTASTS_FETCH_OTHER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_content_type(
    answer: *mut mtasts_answer,
    text: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        writing(answer, |answer| {
            let text = octets(text, len).inspect_err(|_| answer.failure = MTASTS_FETCH_OTHER)?;
            if text.len() > MAX_CONTENT_TYPE {
                answer.failure = MTASTS_FETCH_OTHER;
                return Err(MTASTS_E_TOO_LARGE);
            }
            answer.reply().content_type = Some(String::from_utf8_lossy(text).into_owned());
            Ok(())
        })
    }
}

/// Adds octets to the HTTPS reply's body, which are copied. Call it as often as data comes.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT: the answer is then MTASTS_FETCH_OTHER, or
/// MTASTS_E_TOO_LARGE beyond 64 KiB in all: it is then MTASTS_FETCH_BODY_TOO_LARGE, and the host may
/// stop reading.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_body(
    answer: *mut mtasts_answer,
    data: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        writing(answer, |answer| {
            let data = octets(data, len).inspect_err(|_| answer.failure = MTASTS_FETCH_OTHER)?;
            answer.add_body(data)
        })
    }
}

/// Sets the stored entry: the octets of the domain's last `mtasts_saved`, which are copied.
///
/// Returns MTASTS_OK, or else MTASTS_E_ARGUMENT, or MTASTS_E_TOO_LARGE beyond 128 KiB, which no entry
/// has: the answer is then MTASTS_STORE_FAILED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_stored(
    answer: *mut mtasts_answer,
    text: *const c_void,
    len: usize,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        writing(answer, |answer| {
            let text = octets(text, len).inspect_err(|_| answer.failure = MTASTS_STORE_FAILED)?;
            if text.len() > MAX_STORED {
                answer.failure = MTASTS_STORE_FAILED;
                return Err(MTASTS_E_TOO_LARGE);
            }
            answer.stored = Some(text.to_vec());
            Ok(())
        })
    }
}

/// Answers MTASTS_STEP_LOAD with a policy that the operator has written for the domain, as a
/// policy file of RFC 8461: to pin one, to exempt the domain (mode "none"), or to demote it to
/// "testing". The octets are copied. It comes before whatever is stored, and nothing is looked
/// up: the outcome has the basis MTASTS_BASIS_LOCAL. `problem` may be NULL.
///
/// Returns MTASTS_OK, MTASTS_E_POLICY, MTASTS_E_ARGUMENT or MTASTS_E_SIZE. After a failure the
/// answer is MTASTS_STORE_FAILED: what the operator wanted is not known, and mail waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_local_policy(
    answer: *mut mtasts_answer,
    text: *const c_void,
    len: usize,
    problem: *mut mtasts_problem,
) -> i32 {
    // SAFETY: the handle and the octets are the caller's for this call.
    unsafe {
        writing(answer, |answer| {
            answer.failure = MTASTS_STORE_FAILED;
            let text = octets(text, len)?;
            let policy =
                Policy::parse(text).map_err(|error| mtasts_problem::tell(problem, text, error))?;
            answer.local = Some(Arc::new(policy));
            answer.failure = 0;
            Ok(())
        })
    }
}

/// Says why there is no answer: one of MTASTS_TXT_*, MTASTS_FETCH_*,
/// MTASTS_STORE_FAILED and MTASTS_LOCAL_FAILURE.
///
/// Returns MTASTS_OK, or MTASTS_E_ARGUMENT for another number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_answer_fail(answer: *mut mtasts_answer, failure: i32) -> i32 {
    // SAFETY: the handle is the caller's.
    unsafe {
        writing(answer, |answer| {
            if !(MTASTS_TXT_NO_RECORDS..=MTASTS_LOCAL_FAILURE).contains(&failure) {
                return Err(MTASTS_E_ARGUMENT);
            }
            answer.failure = failure;
            Ok(())
        })
    }
}
