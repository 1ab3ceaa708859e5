// SPDX-License-Identifier: MIT OR Apache-2.0

//! What of libmtasts the host uses, as `mtasts.h` declares it.

use std::ffi::{c_char, c_void};

#[repr(C)]
pub struct mtasts_answer {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mtasts_tlsrpt_record {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mtasts_bytes {
    pub data: *const c_void,
    pub len: usize,
}

#[repr(C)]
pub struct mtasts_fetch {
    pub size: usize,
    pub host: *const c_char,
    pub path: *const c_char,
    pub timeout_ms: u32,
    pub max_body: usize,
}

#[repr(C)]
pub struct mtasts_saved {
    pub size: usize,
    pub domain: *const c_char,
    pub text: *const c_char,
    pub text_len: usize,
    pub fetched_at: u64,
    pub useless_after: u64,
}

#[repr(C)]
pub struct mtasts_host {
    pub size: usize,
    pub user: *mut c_void,
    pub txt: Option<unsafe extern "C" fn(*mut c_void, *const c_char, *mut mtasts_answer)>,
    pub https: Option<unsafe extern "C" fn(*mut c_void, *const mtasts_fetch, *mut mtasts_answer)>,
    pub load: Option<unsafe extern "C" fn(*mut c_void, *const c_char, *mut mtasts_answer)>,
    pub save: Option<unsafe extern "C" fn(*mut c_void, *const mtasts_saved)>,
    pub now: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    pub log: Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char)>,
}

pub const MTASTS_TXT_NO_RECORDS: i32 = 1;
pub const MTASTS_TXT_PERMANENT: i32 = 2;
pub const MTASTS_TXT_TEMPORARY: i32 = 3;
pub const MTASTS_FETCH_BODY_TOO_LARGE: i32 = 4;
pub const MTASTS_FETCH_CONNECT: i32 = 5;
pub const MTASTS_FETCH_DNS: i32 = 6;
pub const MTASTS_FETCH_OTHER: i32 = 7;
pub const MTASTS_FETCH_TIMEOUT: i32 = 8;
pub const MTASTS_FETCH_WEBPKI: i32 = 9;
pub const MTASTS_STORE_FAILED: i32 = 10;
pub const MTASTS_LOCAL_FAILURE: i32 = 11;

pub const MTASTS_CERTIFICATE_VALID: i32 = 1;
pub const MTASTS_CERTIFICATE_EXPIRED: i32 = 2;
pub const MTASTS_CERTIFICATE_HOST_MISMATCH: i32 = 3;
pub const MTASTS_CERTIFICATE_INVALID: i32 = 4;
pub const MTASTS_CERTIFICATE_NOT_TRUSTED: i32 = 5;

pub const MTASTS_DANE_NOT_USED: i32 = 0;
pub const MTASTS_DANE_LOOKUP_FAILED: i32 = 1;
pub const MTASTS_DANE_UNUSABLE: i32 = 2;
pub const MTASTS_DANE_USABLE: i32 = 3;
pub const MTASTS_DANE_PASSED: i32 = 4;
pub const MTASTS_DANE_FAILED: i32 = 5;

pub const MTASTS_DOMAIN_DANE_TEMPORARY: i32 = 0;
pub const MTASTS_DOMAIN_DANE_NONE: i32 = 1;
pub const MTASTS_DOMAIN_DANE_USABLE: i32 = 2;

unsafe extern "C" {
    pub fn mtasts_answer_txt_record(
        answer: *mut mtasts_answer,
        text: *const c_void,
        len: usize,
    ) -> i32;
    pub fn mtasts_answer_ttl(answer: *mut mtasts_answer, seconds: u32) -> i32;
    pub fn mtasts_answer_http_status(answer: *mut mtasts_answer, status: i32) -> i32;
    pub fn mtasts_answer_content_type(
        answer: *mut mtasts_answer,
        text: *const c_void,
        len: usize,
    ) -> i32;
    pub fn mtasts_answer_body(answer: *mut mtasts_answer, data: *const c_void, len: usize) -> i32;
    pub fn mtasts_answer_stored(answer: *mut mtasts_answer, text: *const c_void, len: usize)
    -> i32;
    pub fn mtasts_answer_local_policy(
        answer: *mut mtasts_answer,
        text: *const c_void,
        len: usize,
        problem: *mut c_void,
    ) -> i32;
    pub fn mtasts_answer_fail(answer: *mut mtasts_answer, failure: i32) -> i32;
    pub fn mtasts_tlsrpt_record_select(
        records: *const mtasts_bytes,
        count: usize,
        out: *mut *mut mtasts_tlsrpt_record,
        problem: *mut c_void,
    ) -> i32;
}
