// SPDX-License-Identifier: MIT OR Apache-2.0

//! The callbacks that libmtasts calls: each asks the host and fills the answer.

use super::boundary::{caught, report};
use super::engine::*;
use super::open::mtasts_default_host;
use super::text::name;
use crate::DefaultHost;
use crate::store::Entry;
use mtasts::{Fetch, FetchFailure, Host, HttpsReply, Policy, TxtAnswer, TxtFailure};
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

/// The callbacks for `user`, a [`mtasts_default_host`].
pub(super) fn table(user: *mut c_void, has_log: bool) -> mtasts_host {
    mtasts_host {
        size: size_of::<mtasts_host>(),
        user,
        txt: Some(txt),
        https: Some(https),
        load: Some(load),
        save: Some(save),
        now: Some(now),
        log: has_log.then_some(log),
    }
}

unsafe extern "C" fn txt(user: *mut c_void, query: *const c_char, into: *mut mtasts_answer) {
    // SAFETY: libmtasts gives `user` back and passes a C string.
    let answer = unsafe {
        answered(user, |host| {
            Some(host.host.blocking().txt(name(query).ok()?))
        })
    };
    let into = Into(into);
    match answer.unwrap_or(Err(TxtFailure::Temporary)) {
        Ok(answer) => into.txt(&answer),
        Err(TxtFailure::NoRecords { ttl }) => {
            into.fail(MTASTS_TXT_NO_RECORDS);
            into.ttl(ttl);
        }
        Err(TxtFailure::Local) => into.fail(MTASTS_LOCAL_FAILURE),
        Err(TxtFailure::Permanent) => into.fail(MTASTS_TXT_PERMANENT),
        Err(TxtFailure::Temporary) => into.fail(MTASTS_TXT_TEMPORARY),
    }
}

unsafe extern "C" fn https(
    user: *mut c_void,
    request: *const mtasts_fetch,
    into: *mut mtasts_answer,
) {
    // SAFETY: libmtasts gives `user` back and passes a request of its version, which has at
    // least these members.
    let answer = unsafe {
        answered(user, |host| {
            let request = request.as_ref()?;
            let (timeout_ms, max_body) = (request.timeout_ms, request.max_body);
            let (policy_host, path) = (name(request.host).ok()?, name(request.path).ok()?);
            let fetch = Fetch {
                host: policy_host,
                path,
                timeout_ms,
                max_body,
            };
            Some(host.host.blocking().https(&fetch))
        })
    };
    let into = Into(into);
    match answer.unwrap_or(Err(FetchFailure::Other)) {
        Ok(reply) => into.reply(&reply),
        Err(failure) => into.fail(fetch_failure(failure)),
    }
}

unsafe extern "C" fn load(user: *mut c_void, domain: *const c_char, into: *mut mtasts_answer) {
    // SAFETY: libmtasts gives `user` back and passes a C string.
    let answer = unsafe { answered(user, |host| known(&host.host, name(domain).ok()?)) };
    let into = Into(into);
    match answer {
        Some(Known::Nothing) => {}
        Some(Known::Local(policy)) => into.local(policy.text()),
        Some(Known::Stored(text)) => into.stored(&text),
        None => into.fail(MTASTS_STORE_FAILED),
    }
}

/// What there is of a domain before anything is looked up.
enum Known {
    Nothing,
    Local(Arc<Policy>),
    Stored(String),
}

/// None if the store cannot be read.
fn known(host: &DefaultHost, domain: &str) -> Option<Known> {
    if let Some(policy) = host.local_named(domain) {
        return Some(Known::Local(policy));
    }
    let text = host.load_text(domain).ok()?;
    Some(text.map_or(Known::Nothing, Known::Stored))
}

unsafe extern "C" fn save(user: *mut c_void, saved: *const mtasts_saved) {
    // SAFETY: libmtasts gives `user` back and passes an entry of its version, which has at
    // least these members.
    unsafe {
        answered(user, |host| {
            let saved = saved.as_ref()?;
            host.host.save_entry(&Entry {
                domain: name(saved.domain).ok()?,
                text: name(saved.text).ok()?,
                fetched_at: saved.fetched_at,
                useless_after: saved.useless_after,
            });
            Some(())
        });
    }
}

unsafe extern "C" fn now(user: *mut c_void) -> u64 {
    // SAFETY: libmtasts gives `user` back.
    unsafe { answered(user, |host| Some(host.host.now().0)) }.unwrap_or_default()
}

unsafe extern "C" fn log(user: *mut c_void, level: i32, message: *const c_char) {
    // SAFETY: libmtasts gives `user` back and passes a C string.
    unsafe {
        answered(user, |host| {
            host.log.call(level, message);
            Some(())
        });
    }
}

/// Runs `ask` with the host; a panic in it goes to the log and gives nothing.
///
/// # Safety
/// `user` is a [`mtasts_default_host`].
unsafe fn answered<T>(
    user: *mut c_void,
    ask: impl FnOnce(&mtasts_default_host) -> Option<T>,
) -> Option<T> {
    // SAFETY: as the caller promises.
    let host = unsafe { user.cast::<mtasts_default_host>().as_ref() }?;
    match caught(|| ask(host)) {
        Ok(answer) => answer,
        Err(message) => {
            report(host, &message);
            None
        }
    }
}

fn fetch_failure(failure: FetchFailure) -> i32 {
    match failure {
        FetchFailure::BodyTooLarge => MTASTS_FETCH_BODY_TOO_LARGE,
        FetchFailure::Connect => MTASTS_FETCH_CONNECT,
        FetchFailure::Dns => MTASTS_FETCH_DNS,
        FetchFailure::Local => MTASTS_LOCAL_FAILURE,
        FetchFailure::Other => MTASTS_FETCH_OTHER,
        FetchFailure::Timeout => MTASTS_FETCH_TIMEOUT,
        FetchFailure::WebPki => MTASTS_FETCH_WEBPKI,
    }
}

/// The answer that libmtasts wants filled, during its callback. What does not fit into it, the
/// answer itself remembers as a failure.
struct Into(*mut mtasts_answer);

impl Into {
    fn txt(&self, answer: &TxtAnswer) {
        for record in &answer.records {
            // SAFETY: the answer is libmtasts's for this callback, the octets are ours.
            unsafe { mtasts_answer_txt_record(self.0, record.as_ptr().cast(), record.len()) };
        }
        self.ttl(answer.ttl);
    }

    fn ttl(&self, ttl: Option<u32>) {
        if let Some(ttl) = ttl {
            // SAFETY: as in `txt`.
            unsafe { mtasts_answer_ttl(self.0, ttl) };
        }
    }

    fn reply(&self, reply: &HttpsReply) {
        let content_type = reply.content_type.as_deref();
        // SAFETY: as in `txt`.
        unsafe {
            mtasts_answer_http_status(self.0, reply.status.into());
            if let Some(text) = content_type {
                mtasts_answer_content_type(self.0, text.as_ptr().cast(), text.len());
            }
            mtasts_answer_body(self.0, reply.body.as_ptr().cast(), reply.body.len());
        }
    }

    fn stored(&self, text: &str) {
        // SAFETY: as in `txt`.
        unsafe { mtasts_answer_stored(self.0, text.as_ptr().cast(), text.len()) };
    }

    fn local(&self, text: &str) {
        // SAFETY: as in `txt`.
        unsafe {
            mtasts_answer_local_policy(self.0, text.as_ptr().cast(), text.len(), ptr::null_mut())
        };
    }

    fn fail(&self, failure: i32) {
        // SAFETY: as in `txt`.
        unsafe { mtasts_answer_fail(self.0, failure) };
    }
}
