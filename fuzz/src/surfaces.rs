// SPDX-License-Identifier: MIT OR Apache-2.0

//! The engine in Rust and through C, given the same: they say the same.

mod lookup;

use crate::answers::Served;
use crate::c_abi::memory::read;
use arbitrary::{Arbitrary, Unstructured};
use lookup::{Script, lookup};
use mtasts::tlsrpt::Report;
use mtasts::{Policy, Record, Warning, postfix, tlsrpt};
use mtasts_ffi::certificate::*;
use mtasts_ffi::policy::*;
use mtasts_ffi::postfix::*;
use mtasts_ffi::record::*;
use mtasts_ffi::report::*;
use mtasts_ffi::status::*;
use mtasts_ffi::text::mtasts_bytes;
use mtasts_ffi::tlsrpt::*;
use std::ffi::{CStr, CString, c_char};
use std::mem::{MaybeUninit, size_of};
use std::ptr::null_mut;

#[derive(Arbitrary, Debug)]
enum Case {
    Records(Vec<Vec<u8>>),
    Policy(Body),
    Certificate(Vec<u8>, String),
    NextHop(String),
    Report(Vec<u8>),
    Lookup(Box<Script>),
}

#[derive(Arbitrary, Debug)]
enum Body {
    Legal(Served),
    Odd(Served, Vec<u8>),
    Any(Vec<u8>),
}

/// One thing, done twice.
pub fn run(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    match case {
        Case::Records(records) => record(&records),
        Case::Policy(Body::Legal(served)) => policy(&served.body()),
        Case::Policy(Body::Odd(served, more)) => policy(&[served.body(), more].concat()),
        Case::Policy(Body::Any(body)) => policy(&body),
        Case::Certificate(der, name) => certificate(&der, &name),
        Case::NextHop(key) => next_hop(&key),
        Case::Report(json) => report(&json),
        Case::Lookup(script) => lookup(&script),
    }
}

/// A struct of zeros with its size.
fn zero<T>() -> T {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `repr(C)` structs that begin with their size, of which zeros are a value.
    unsafe {
        value.as_mut_ptr().cast::<usize>().write(size_of::<T>());
        value.assume_init()
    }
}

fn c(text: &str) -> Option<CString> {
    CString::new(text).ok()
}

fn text_of(array: &[c_char]) -> String {
    // SAFETY: the library ends it by a NUL.
    let text = unsafe { CStr::from_ptr(array.as_ptr()) };
    text.to_str().expect("UTF-8").to_owned()
}

fn record(records: &[Vec<u8>]) {
    let bytes: Vec<_> = records
        .iter()
        .map(|text| mtasts_bytes {
            data: text.as_ptr().cast(),
            len: text.len(),
        })
        .collect();
    let (mut id, mut problem) = ([0; MTASTS_ID_SIZE], zero::<mtasts_problem>());
    // SAFETY: places of ours.
    let status =
        unsafe { mtasts_record_select(bytes.as_ptr(), bytes.len(), id.as_mut_ptr(), &mut problem) };
    match Record::select(records) {
        Ok(record) => assert_eq!((status, text_of(&id)), (MTASTS_OK, record.id().to_owned())),
        Err(error) => assert_eq!((status, problem.offset), (MTASTS_E_RECORD, error.offset())),
    }
    let mut out = null_mut();
    // SAFETY: as before; what comes out is read, and freed.
    unsafe {
        let status = mtasts_tlsrpt_record_select(bytes.as_ptr(), bytes.len(), &mut out, null_mut());
        let rua: Vec<_> = (0..mtasts_tlsrpt_record_rua_count(out))
            .filter_map(|index| read(mtasts_tlsrpt_record_rua(out, index)))
            .collect();
        mtasts_tlsrpt_record_free(out);
        match tlsrpt::Record::select(records) {
            Ok(record) => assert_eq!(
                rua,
                record
                    .rua()
                    .iter()
                    .map(|uri| uri.as_bytes().to_vec())
                    .collect::<Vec<_>>()
            ),
            Err(_) => assert_eq!(status, MTASTS_E_RECORD),
        }
    }
}

fn policy(body: &[u8]) {
    for flags in [0, MTASTS_PARSE_STRICT] {
        let mut warnings: Vec<Warning> = Vec::new();
        let parsed = match flags {
            0 => Policy::parse_with(body, |warning| {
                warnings.push(warning);
                Ok(())
            }),
            _ => Policy::parse_strict(body),
        };
        let (mut out, mut problem) = (null_mut(), zero::<mtasts_problem>());
        // SAFETY: octets and places of ours; what comes out is read, and freed.
        unsafe {
            let (data, len) = (body.as_ptr().cast(), body.len());
            let status = mtasts_policy_parse(data, len, flags, &mut out, &mut problem);
            match &parsed {
                Ok(policy) => assert_eq!(policy_of(out), Some(facts(policy))),
                Err(error) => {
                    assert_eq!((status, problem.offset), (MTASTS_E_POLICY, error.offset()));
                    assert!(!text_of(&problem.kind).is_empty());
                }
            }
            assert_eq!(
                mtasts_policy_warning_count(out),
                if parsed.is_ok() { warnings.len() } else { 0 }
            );
            for (index, warning) in warnings.iter().enumerate().take(40) {
                if mtasts_policy_warning(out, index, &mut problem) == MTASTS_OK {
                    let place = (warning.position.line, warning.position.column);
                    assert_eq!((problem.line, problem.column), place);
                }
            }
            mtasts_policy_free(out);
        }
    }
}

type PolicyFacts = (i32, u32, Vec<Vec<u8>>, Vec<u8>);

fn facts(policy: &Policy) -> PolicyFacts {
    let mode = match policy.mode() {
        mtasts::Mode::Enforce => MTASTS_MODE_ENFORCE,
        mtasts::Mode::Testing => MTASTS_MODE_TESTING,
        mtasts::Mode::None => MTASTS_MODE_NONE,
    };
    let mx = policy
        .mx()
        .map(|mx| mx.as_str().as_bytes().to_vec())
        .collect();
    (
        mode,
        policy.max_age(),
        mx,
        policy.text().as_bytes().to_vec(),
    )
}

/// # Safety
/// A policy, or NULL.
unsafe fn policy_of(policy: *const mtasts_policy) -> Option<PolicyFacts> {
    // SAFETY: as the caller promises.
    unsafe {
        let mx = (0..mtasts_policy_mx_count(policy))
            .filter_map(|index| read(mtasts_policy_mx(policy, index)))
            .collect();
        let text = read(mtasts_policy_text(policy))?;
        Some((
            mtasts_policy_mode(policy),
            mtasts_policy_max_age(policy),
            mx,
            text,
        ))
    }
}

fn certificate(der: &[u8], name: &str) {
    let Some(c_name) = c(name) else { return };
    // SAFETY: octets and a string of ours.
    let status =
        unsafe { mtasts_certificate_check_name(der.as_ptr().cast(), der.len(), c_name.as_ptr()) };
    let checked = mtasts::certificate::check_name(der, name);
    assert_eq!(status == MTASTS_OK, checked.is_ok());
}

fn next_hop(key: &str) {
    let Some(c_key) = c(key) else { return };
    let mut buffer = vec![0; key.len() + 1];
    // SAFETY: a string and room of ours.
    let status =
        unsafe { mtasts_postfix_next_hop(c_key.as_ptr(), buffer.as_mut_ptr(), buffer.len()) };
    let found = (status == MTASTS_OK).then(|| text_of(&buffer));
    assert_eq!(found.as_deref(), postfix::next_hop(key));
}

fn report(json: &[u8]) {
    let mut out = null_mut();
    // SAFETY: octets and a place of ours; what comes out is read, and freed.
    unsafe {
        let status = mtasts_report_parse(json.as_ptr().cast(), json.len(), &mut out, null_mut());
        match Report::parse(json) {
            Ok(report) => assert_eq!(read(mtasts_report_json(out)), Some(report.to_json().into())),
            Err(_) => assert_eq!(status, MTASTS_E_REPORT),
        }
        mtasts_report_free(out);
    }
}
