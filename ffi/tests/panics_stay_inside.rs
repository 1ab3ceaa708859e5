// SPDX-License-Identifier: MIT OR Apache-2.0

//! A panic inside any entry of the C ABI comes out as MTASTS_E_INTERNAL, NULL or 0, and poisons
//! the handle. The table below has one line for each entry; the first test holds it to the exported
//! symbols, so that none can be forgotten.

#![cfg_attr(
    feature = "panic-test",
    expect(unsafe_code, reason = "calls the C ABI")
)]
#![cfg_attr(
    feature = "panic-test",
    expect(
        clippy::undocumented_unsafe_blocks,
        reason = "each calls as a C program would"
    )
)]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails
#![cfg(feature = "panic-test")]

use mtasts_ffi::answer::*;
use mtasts_ffi::certificate::*;
use mtasts_ffi::host::*;
use mtasts_ffi::lookup::*;
use mtasts_ffi::outcome::*;
use mtasts_ffi::panic_at_next_entry;
use mtasts_ffi::policy::*;
use mtasts_ffi::postfix::*;
use mtasts_ffi::record::*;
use mtasts_ffi::report::*;
use mtasts_ffi::report_counter::*;
use mtasts_ffi::status::*;
use mtasts_ffi::strerror::*;
use mtasts_ffi::text::*;
use mtasts_ffi::tlsrpt::*;
use mtasts_ffi::verdict::*;
use mtasts_ffi::version::*;
use std::ffi::{CStr, c_char, c_void};
use std::mem::zeroed;
use std::ptr::{null, null_mut};

const POLICY: &[u8] = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";

unsafe extern "C" fn txt(_: *mut c_void, _: *const c_char, into: *mut mtasts_answer) {
    let record = b"v=STSv1; id=a";
    unsafe { mtasts_answer_txt_record(into, record.as_ptr().cast(), record.len()) };
}

unsafe extern "C" fn https(_: *mut c_void, _: *const mtasts_fetch, into: *mut mtasts_answer) {
    let kind = b"text/plain";
    unsafe {
        mtasts_answer_http_status(into, 200);
        mtasts_answer_content_type(into, kind.as_ptr().cast(), kind.len());
        mtasts_answer_body(into, POLICY.as_ptr().cast(), POLICY.len());
    }
}

unsafe extern "C" fn now(_: *mut c_void) -> u64 {
    1_767_225_600
}

fn host() -> mtasts_host {
    let size = size_of::<mtasts_host>();
    let (txt, https, now) = (Some(txt as _), Some(https as _), Some(now as _));
    mtasts_host {
        size,
        user: null_mut(),
        txt,
        https,
        load: None,
        save: None,
        now,
        log: None,
    }
}

fn answer() -> *mut mtasts_answer {
    let mut answer = null_mut();
    assert_eq!(unsafe { mtasts_answer_new(&mut answer) }, MTASTS_OK);
    answer
}

fn lookup() -> *mut mtasts_lookup {
    let mut lookup = null_mut();
    let status = unsafe { mtasts_lookup_new(c"example.com".as_ptr(), null(), &mut lookup) };
    assert_eq!(status, MTASTS_OK);
    lookup
}

fn finished() -> *mut mtasts_lookup {
    let (lookup, mut outcome) = (lookup(), null_mut());
    assert_eq!(
        unsafe { mtasts_lookup_run(lookup, &host(), &mut outcome) },
        MTASTS_OK
    );
    unsafe { mtasts_outcome_free(outcome) };
    lookup
}

fn outcome() -> *mut mtasts_outcome {
    let mut outcome = null_mut();
    let status = unsafe { mtasts_resolve(c"example.com".as_ptr(), null(), &host(), &mut outcome) };
    assert_eq!(status, MTASTS_OK);
    outcome
}

fn policy() -> *mut mtasts_policy {
    let mut policy = null_mut();
    let body = POLICY.as_ptr().cast();
    let status = unsafe { mtasts_policy_parse(body, POLICY.len(), 0, &mut policy, null_mut()) };
    assert_eq!(status, MTASTS_OK);
    policy
}

fn tlsrpt_record() -> *mut mtasts_tlsrpt_record {
    let mut record = null_mut();
    let text = b"v=TLSRPTv1; rua=mailto:a@example.com";
    let bytes = mtasts_bytes {
        data: text.as_ptr().cast(),
        len: text.len(),
    };
    let status = unsafe { mtasts_tlsrpt_record_select(&bytes, 1, &mut record, null_mut()) };
    assert_eq!(status, MTASTS_OK);
    record
}

const REPORT: &[u8] = br#"{"date-range": {"start-datetime": "2026-01-31T00:00:00Z",
    "end-datetime": "2026-01-31T23:59:59Z"}, "report-id": "1", "policies": [{"policy": {
    "policy-type": "sts", "policy-domain": "example.com", "policy-string": ["version: STSv1"],
    "mx-host": ["mx.example.com"]}, "summary": {"total-successful-session-count": 1,
    "total-failure-session-count": 0}}]}"#;

fn report() -> *mut mtasts_report {
    let mut report = null_mut();
    let json = REPORT.as_ptr().cast();
    let status = unsafe { mtasts_report_parse(json, REPORT.len(), &mut report, null_mut()) };
    assert_eq!(status, MTASTS_OK);
    report
}

fn counter() -> *mut mtasts_report_counter {
    let mut counter = null_mut();
    let status = unsafe { mtasts_report_counter_new(&mut counter) };
    assert_eq!(status, MTASTS_OK);
    counter
}

/// What an entry gives after a panic inside it.
#[derive(Debug, PartialEq)]
enum Gave {
    Status(i32),
    Nothing,
    Something,
}

fn number(number: impl TryInto<u64>) -> Gave {
    if number.try_into().ok() == Some(0) {
        Gave::Nothing
    } else {
        Gave::Something
    }
}

fn pointer<T>(pointer: *const T) -> Gave {
    if pointer.is_null() {
        Gave::Nothing
    } else {
        Gave::Something
    }
}

fn word(word: *const c_char) -> Gave {
    match unsafe { CStr::from_ptr(word) }.to_bytes() {
        b"" | b"unknown" | b"internal error of libmtasts" => Gave::Nothing,
        _ => Gave::Something,
    }
}

macro_rules! entries {
    ($( $name:ident ( $($arg:expr),* ) => $give:expr; )*) => {
        #[allow(clippy::type_complexity, unused_unsafe)]
        fn entries() -> Vec<(&'static str, Box<dyn Fn() -> Gave>)> {
            vec![$( (stringify!($name), Box::new(|| {
                panicking!($name ( $($arg),* ) => $give)
            })), )*]
        }
    };
}

macro_rules! panicking {
    ($name:ident ( ) => $give:expr) => {{
        panic_at_next_entry();
        #[allow(unused_unsafe)]
        $give(unsafe { $name() })
    }};
    ($name:ident ( $first:expr $(, $rest:expr)* ) => $give:expr) => {{
        let first = $first;
        panic_at_next_entry();
        #[allow(unused_unsafe)]
        $give(unsafe { $name(first $(, $rest)*) })
    }};
}

entries! {
    mtasts_abi_version() => |version: u32| if version == u32::MAX { Gave::Nothing } else { Gave::Something };
    mtasts_action_name(0) => word;
    mtasts_answer_body(answer(), null(), 0) => Gave::Status;
    mtasts_answer_content_type(answer(), null(), 0) => Gave::Status;
    mtasts_answer_fail(answer(), 1) => Gave::Status;
    mtasts_answer_free(answer()) => |()| Gave::Nothing;
    mtasts_answer_http_status(answer(), 200) => Gave::Status;
    mtasts_answer_local_policy(answer(), null(), 0, null_mut()) => Gave::Status;
    mtasts_answer_new(&mut null_mut()) => Gave::Status;
    mtasts_answer_stored(answer(), null(), 0) => Gave::Status;
    mtasts_answer_ttl(answer(), 1) => Gave::Status;
    mtasts_answer_txt_rdata(answer(), null(), 0) => Gave::Status;
    mtasts_answer_txt_record(answer(), null(), 0) => Gave::Status;
    mtasts_basis_name(0) => word;
    mtasts_cause_name(0) => word;
    mtasts_cause_text(0) => word;
    mtasts_certificate_check_name(c"x".as_ptr().cast(), 1, c"a.example".as_ptr()) => Gave::Status;
    mtasts_certificate_name(1) => word;
    mtasts_lookup_free(lookup()) => |()| Gave::Nothing;
    mtasts_lookup_new(c"example.com".as_ptr(), null(), &mut null_mut()) => Gave::Status;
    mtasts_lookup_outcome(finished(), &mut null_mut()) => Gave::Status;
    mtasts_lookup_poll(lookup(), &mut unsafe { zeroed() }) => Gave::Status;
    mtasts_lookup_run(lookup(), &host(), &mut null_mut()) => Gave::Status;
    mtasts_lookup_submit(lookup(), 0, null(), 0) => Gave::Status;
    mtasts_mode_name(1) => word;
    mtasts_outcome_domain(outcome()) => |text: mtasts_str| pointer(text.data);
    mtasts_outcome_explanation(outcome()) => |text: mtasts_str| pointer(text.data);
    mtasts_outcome_free(outcome()) => |()| Gave::Nothing;
    mtasts_outcome_get(outcome(), &mut unsafe { zeroed() }) => Gave::Status;
    mtasts_outcome_id(outcome()) => |text: mtasts_str| pointer(text.data);
    mtasts_outcome_look_again(outcome(), null(), &mut null_mut()) => Gave::Status;
    mtasts_outcome_policy(outcome()) => pointer;
    mtasts_outcome_stored(outcome()) => |text: mtasts_str| pointer(text.data);
    mtasts_outcome_verdict(outcome(), null(), null_mut()) => Gave::Status;
    mtasts_policy_free(policy()) => |()| Gave::Nothing;
    mtasts_policy_matches(policy(), c"mx.example.com".as_ptr()) => number;
    mtasts_policy_max_age(policy()) => number;
    mtasts_policy_mode(policy()) => number;
    mtasts_policy_mx(policy(), 0) => |text: mtasts_str| pointer(text.data);
    mtasts_policy_mx_count(policy()) => number;
    mtasts_policy_parse(POLICY.as_ptr().cast(), POLICY.len(), 0, &mut null_mut(), null_mut()) => Gave::Status;
    mtasts_policy_text(policy()) => |text: mtasts_str| pointer(text.data);
    mtasts_policy_type_name(1) => word;
    mtasts_policy_warning(policy(), 0, &mut unsafe { zeroed() }) => Gave::Status;
    mtasts_policy_warning_count(policy()) => number;
    mtasts_postfix_next_hop(c"a".as_ptr(), [0; 9].as_mut_ptr(), 9) => Gave::Status;
    mtasts_postfix_policy(outcome(), null(), &mut 1, null_mut(), 0, null_mut()) => Gave::Status;
    mtasts_reason_name(1) => word;
    mtasts_record_select(null(), 0, [0; 33].as_mut_ptr(), null_mut()) => Gave::Status;
    mtasts_report_counter_add(counter(), null(), null()) => Gave::Status;
    mtasts_report_counter_free(counter()) => |()| Gave::Nothing;
    mtasts_report_counter_new(&mut null_mut()) => Gave::Status;
    mtasts_report_counter_session(counter(), 0, null(), null(), null()) => Gave::Status;
    mtasts_report_counter_take(counter(), 0, null(), &mut null_mut()) => Gave::Status;
    mtasts_report_failure(report(), 0, 0, null_mut()) => Gave::Status;
    mtasts_report_file_name(report(), null(), null(), null(), 0, null_mut(), 0) => Gave::Status;
    mtasts_report_free(report()) => |()| Gave::Nothing;
    mtasts_report_get(report(), null_mut()) => Gave::Status;
    mtasts_report_json(report()) => |text: mtasts_str| pointer(text.data);
    mtasts_report_mx_host(report(), 0, 0) => |text: mtasts_str| pointer(text.data);
    mtasts_report_parse(REPORT.as_ptr().cast(), REPORT.len(), &mut null_mut(), null_mut()) => Gave::Status;
    mtasts_report_policy(report(), 0, null_mut()) => Gave::Status;
    mtasts_report_policy_string(report(), 0, 0) => |text: mtasts_str| pointer(text.data);
    mtasts_resolve(c"example.com".as_ptr(), null(), &host(), &mut null_mut()) => Gave::Status;
    mtasts_resolve_again(outcome(), null(), &host(), &mut null_mut()) => Gave::Status;
    mtasts_result_name(1) => word;
    mtasts_strerror(0) => word;
    mtasts_tlsrpt_datagram(outcome(), null(), null(), null(), null_mut(), 0, &mut 1) => Gave::Status;
    mtasts_tlsrpt_record_free(tlsrpt_record()) => |()| Gave::Nothing;
    mtasts_tlsrpt_record_rua(tlsrpt_record(), 0) => |text: mtasts_str| pointer(text.data);
    mtasts_tlsrpt_record_rua_count(tlsrpt_record()) => number;
    mtasts_tlsrpt_record_select(null(), 0, &mut null_mut(), null_mut()) => Gave::Status;
    mtasts_version() => word;
    mtasts_version_check(0, 1, 0) => Gave::Status;
}

#[test]
fn every_entry_is_in_the_table() {
    let exported = include_str!("../libmtasts.symbols");
    let table: Vec<_> = entries().into_iter().map(|(name, _)| name).collect();
    assert_eq!(exported.lines().collect::<Vec<_>>(), table);
}

#[test]
fn no_entry_lets_a_panic_out() {
    for (name, call) in entries() {
        let gave = call();
        let contained = matches!(gave, Gave::Nothing | Gave::Status(MTASTS_E_INTERNAL));
        assert!(contained, "{name} gave {gave:?}");
    }
}

#[test]
fn a_panic_poisons_the_handle() {
    let answer = answer();
    panic_at_next_entry();
    unsafe {
        assert_eq!(mtasts_answer_ttl(answer, 1), MTASTS_E_INTERNAL);
        assert_eq!(mtasts_answer_ttl(answer, 1), MTASTS_E_INTERNAL);
        mtasts_answer_free(answer);
    }
}

#[test]
fn the_panics_message_goes_to_the_log() {
    unsafe extern "C" fn log(user: *mut c_void, level: i32, message: *const c_char) {
        let lines = unsafe { &mut *user.cast::<Vec<(i32, String)>>() };
        lines.push((
            level,
            unsafe { CStr::from_ptr(message) }
                .to_string_lossy()
                .into_owned(),
        ));
    }
    let mut lines: Vec<(i32, String)> = Vec::new();
    let mut host = host();
    host.user = (&raw mut lines).cast();
    host.log = Some(log);
    panic_at_next_entry();
    let mut outcome = null_mut();
    let status = unsafe { mtasts_resolve(c"example.com".as_ptr(), null(), &host, &mut outcome) };
    assert_eq!((status, outcome.is_null()), (MTASTS_E_INTERNAL, true));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].0, MTASTS_LOG_ERROR);
    assert!(lines[0].1.contains("asked for by a test"), "{lines:?}");
}
