// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C face, as a C program uses it, with libmtasts beside it.

#![cfg_attr(feature = "bundle", expect(unsafe_code, reason = "calls the C ABI"))]
#![cfg_attr(
    feature = "bundle",
    expect(
        clippy::undocumented_unsafe_blocks,
        reason = "each calls as a C program would"
    )
)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests
#![cfg(feature = "bundle")]

#[path = "../common/mod.rs"]
mod common;
mod dane;
mod local_policies;
#[cfg(feature = "panic-test")]
mod panics;
mod store;
mod tlsrpt;

use common::{DOMAIN, lab};
use mtasts_ffi::host::mtasts_resolve;
use mtasts_ffi::outcome::{
    MTASTS_BASIS_CACHED, MTASTS_BASIS_FRESH, mtasts_outcome_facts, mtasts_outcome_free,
    mtasts_outcome_get,
};
use mtasts_ffi::verdict::{
    MTASTS_DANE_FAILED, MTASTS_DANE_LOOKUP_FAILED, MTASTS_DANE_NOT_USED, MTASTS_DANE_PASSED,
    MTASTS_DANE_UNUSABLE, MTASTS_DANE_USABLE,
};
use mtasts_host::capi::addresses::*;
use mtasts_host::capi::certificate::*;
use mtasts_host::capi::dane::*;
use mtasts_host::capi::domain::*;
use mtasts_host::capi::mx::*;
use mtasts_host::capi::open::*;
use mtasts_host::capi::status::*;
use mtasts_lab::Lab;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::ffi::{CStr, CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::ptr;
use std::sync::Mutex;

const OK: i32 = 0;
const E_ARGUMENT: i32 = 1;
const E_SIZE: i32 = 2;
const E_TOO_LARGE: i32 = 4;
const E_DOMAIN: i32 = 5;
const E_ADDRESS_LITERAL: i32 = 6;

/// Options that keep their strings alive.
struct Opening {
    options: mtasts_default_host_options,
    _strings: Vec<CString>,
    _pointers: Box<[*const c_char]>,
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn options(nameserver: &str, ca_file: &Path, store: Option<&Path>, port: u16) -> Opening {
    let strings = vec![
        CString::new(nameserver).unwrap(),
        c_path(ca_file),
        c_path(store.unwrap_or(Path::new(""))),
    ];
    let pointers = vec![strings[0].as_ptr()].into_boxed_slice();
    let options = mtasts_default_host_options {
        size: size_of::<mtasts_default_host_options>(),
        nameservers: pointers.as_ptr(),
        nameserver_count: 1,
        ca_file: strings[1].as_ptr(),
        store: store.map_or(ptr::null(), |_| strings[2].as_ptr()),
        https_port: port,
        allow_non_global: 1,
        dns_timeout_ms: 0,
        connect_timeout_ms: 0,
        dane: 0,
        log: None,
        log_user: ptr::null_mut(),
        local_policies: ptr::null(),
        tlsrpt_socket: ptr::null(),
    };
    Opening {
        options,
        _strings: strings,
        _pointers: pointers,
    }
}

fn lab_options(lab: &Lab, store: Option<&Path>) -> Opening {
    options(
        &lab.dns().to_string(),
        lab.ca_file(),
        store,
        lab.https_port(),
    )
}

/// Opens a host; the status and the error if that fails.
fn open(options: &mtasts_default_host_options) -> Result<*mut mtasts_default_host, (i32, String)> {
    let mut host = ptr::dangling_mut();
    let mut error = [1; 120];
    let status =
        unsafe { mtasts_default_host_open(options, &mut host, error.as_mut_ptr(), error.len()) };
    if status == OK {
        return Ok(host);
    }
    assert!(host.is_null());
    let error = unsafe { CStr::from_ptr(error.as_ptr()) };
    Err((status, error.to_str().unwrap().to_owned()))
}

/// The basis of the outcome for the domain.
fn resolve(host: *mut mtasts_default_host) -> i32 {
    let domain = CString::new(DOMAIN).unwrap();
    let mut outcome = ptr::null_mut();
    unsafe {
        let callbacks = mtasts_default_host_callbacks(host).cast();
        let status = mtasts_resolve(domain.as_ptr(), ptr::null(), callbacks, &mut outcome);
        assert_eq!(status, OK);
        let mut facts: mtasts_outcome_facts = std::mem::zeroed();
        facts.size = size_of_val(&facts);
        assert_eq!(mtasts_outcome_get(outcome, &mut facts), OK);
        mtasts_outcome_free(outcome);
        facts.basis
    }
}

fn open_descriptors() -> i32 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as i32)
}

#[test]
fn a_policy_is_fetched_once_and_shared() {
    let (lab, store) = (lab(), tempfile::tempdir().unwrap());
    let host = open(&lab_options(&lab, Some(store.path())).options).unwrap();
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    assert_eq!(resolve(host), MTASTS_BASIS_CACHED);
    assert_eq!(in_child(|| resolve(host)), MTASTS_BASIS_CACHED);
    unsafe { mtasts_default_host_close(host) };
    let again = open(&lab_options(&lab, Some(store.path())).options).unwrap();
    assert_eq!(resolve(again), MTASTS_BASIS_CACHED);
    unsafe { mtasts_default_host_close(again) };
    assert_eq!(lab.count("https", "").unwrap(), 1);
}

#[test]
fn without_a_store_every_lookup_asks() {
    let lab = lab();
    let host = open(&lab_options(&lab, None).options).unwrap();
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    unsafe { mtasts_default_host_close(host) };
    assert_eq!(lab.count("https", "").unwrap(), 2);
}

unsafe extern "C" fn take_line(user: *mut c_void, level: i32, message: *const c_char) {
    let lines = unsafe { &*user.cast::<Mutex<Vec<String>>>() };
    let message = unsafe { CStr::from_ptr(message) }.to_str().unwrap();
    lines.lock().unwrap().push(format!("{level} {message}"));
}

#[test]
fn messages_go_to_the_log() {
    let lab = lab();
    lab.set(DOMAIN, "https=expired").unwrap();
    let lines: Mutex<Vec<String>> = Mutex::default();
    let mut opening = lab_options(&lab, None);
    opening.options.log = Some(take_line);
    opening.options.log_user = (&raw const lines).cast_mut().cast();
    let host = open(&opening.options).unwrap();
    resolve(host);
    unsafe { mtasts_default_host_close(host) };
    let lines = lines.into_inner().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("6 mta-sts.good.example: 127.")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("4 good.example: ")),
        "{lines:?}"
    );
}

#[test]
fn mx_hosts() {
    let lab = lab();
    let host = open(&lab_options(&lab, None).options).unwrap();
    let list = |domain: &str| unsafe {
        let domain = CString::new(domain).unwrap();
        let mut list = ptr::null_mut();
        let status = mtasts_default_host_mx(host, domain.as_ptr(), &mut list);
        assert_eq!(list.is_null(), status != OK);
        let hosts: Vec<(u16, String)> = (0..mtasts_mx_list_count(list))
            .map(|n| {
                let name = CStr::from_ptr(mtasts_mx_list_host(list, n))
                    .to_str()
                    .unwrap();
                (mtasts_mx_list_preference(list, n), name.to_owned())
            })
            .collect();
        let is_implicit = mtasts_mx_list_is_implicit(list);
        assert_eq!(mtasts_mx_list_is_secure(list), 0);
        assert!(mtasts_mx_list_host(list, hosts.len()).is_null());
        mtasts_mx_list_free(list);
        (status, hosts, is_implicit)
    };
    let hosts = [(10, "mx2.good.example"), (20, "mx1.good.example")];
    let owned = |hosts: &[(u16, &str)]| hosts.iter().map(|(n, h)| (*n, (*h).to_owned())).collect();
    assert_eq!(list("GOOD.example."), (OK, owned(&hosts), 0));
    assert_eq!(
        list("mx1.good.example"),
        (OK, owned(&[(0, "mx1.good.example")]), 1)
    );
    assert_eq!(list("bad domain").0, E_DOMAIN);
    assert_eq!(list("[192.0.2.1]").0, E_ADDRESS_LITERAL);
    lab.set(DOMAIN, "mxdns=null").unwrap();
    assert_eq!(list(DOMAIN), (OK, Vec::new(), 0));
    lab.set(DOMAIN, "mxdns=refused").unwrap();
    assert_eq!(list(DOMAIN).0, MTASTS_HOST_E_DNS_TEMPORARY);
    lab.set(DOMAIN, "mxdns=malformed").unwrap();
    assert_eq!(list(DOMAIN).0, MTASTS_HOST_E_DNS_PERMANENT);
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn addresses() {
    let lab = lab();
    lab.set("mx1.good.example", "addr=192.0.2.7,2001:db8::7")
        .unwrap();
    let host = open(&lab_options(&lab, None).options).unwrap();
    unsafe {
        let mut list = ptr::null_mut();
        let found = mtasts_default_host_addresses(host, c"mx1.good.example".as_ptr(), &mut list);
        assert_eq!((found, mtasts_address_list_count(list)), (OK, 2));
        assert_eq!(
            CStr::from_ptr(mtasts_address_list_text(list, 0)),
            c"192.0.2.7"
        );
        assert_eq!(
            CStr::from_ptr(mtasts_address_list_text(list, 1)),
            c"2001:db8::7"
        );
        assert!(mtasts_address_list_text(list, 2).is_null());
        mtasts_address_list_free(list);
        let missing = mtasts_default_host_addresses(host, c"no.good.example".as_ptr(), &mut list);
        assert_eq!((missing, list.is_null()), (MTASTS_HOST_E_NO_RECORDS, true));
        mtasts_default_host_close(host);
    }
}

#[test]
fn certificates() {
    let lab = lab();
    let host = open(&lab_options(&lab, None).options).unwrap();
    let ca = CertificateDer::from_pem_file(lab.ca_file()).unwrap();
    let der = mtasts_der {
        data: ca.as_ptr().cast(),
        len: ca.len(),
    };
    let verify = |chain: *const mtasts_der, count| unsafe {
        let mut certificate = -1;
        let name = c"mx1.good.example".as_ptr();
        let status = mtasts_default_host_verify(host, chain, count, name, &mut certificate);
        (status, certificate)
    };
    assert_eq!(verify(&der, 1), (OK, 5)); // not that of a server
    assert_eq!(verify(ptr::null(), 0), (OK, 4)); // none is invalid
    assert_eq!(verify(ptr::null(), 1).0, E_ARGUMENT);
    let garbage = mtasts_der {
        data: c"garbage".as_ptr().cast(),
        len: 7,
    };
    assert_eq!(verify(&garbage, 1), (OK, 4));
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn domains() {
    let convert = |domain: &CStr, len: usize| unsafe {
        let mut out = [1; MTASTS_DOMAIN_SIZE];
        let status = mtasts_domain_to_ascii(domain.as_ptr(), out.as_mut_ptr(), len);
        (
            status,
            (status == OK).then(|| CStr::from_ptr(out.as_ptr()).to_str().unwrap().to_owned()),
        )
    };
    let size = MTASTS_DOMAIN_SIZE;
    let munich = || Some("xn--mnchen-3ya.example".to_owned());
    assert_eq!(convert(c"M\xc3\x9cnchen.example.", size), (OK, munich()));
    assert_eq!(convert(c"xn--mnchen-3ya.example", 23), (OK, munich()));
    assert_eq!(convert(c"xn--mnchen-3ya.example", 22).0, E_TOO_LARGE);
    assert_eq!(convert(c"a_b.example", size).0, E_DOMAIN);
    assert_eq!(convert(c"\xff.example", size).0, E_DOMAIN);
    assert_eq!(convert(c"[192.0.2.1]", size).0, E_ADDRESS_LITERAL);
}

#[test]
fn options_that_cannot_be_used() {
    let lab = lab();
    let missing = lab.dir().join("missing");
    let refused = |opening: &Opening| open(&opening.options).unwrap_err();
    let (status, text) = refused(&lab_options(&lab, Some(&missing)));
    assert_eq!(status, MTASTS_HOST_E_STORE);
    assert!(
        text.starts_with("policy store: ") && text.len() < 120,
        "{text}"
    );
    let (status, text) = refused(&options("127.0.0.1", &missing, None, 0));
    assert!(
        status == MTASTS_HOST_E_CA_FILE && text.contains("missing"),
        "{text}"
    );
    let (status, text) = refused(&options("localhost", lab.ca_file(), None, 0));
    assert!(
        status == MTASTS_HOST_E_RESOLVER && text.contains("localhost"),
        "{text}"
    );
    let mut opening = lab_options(&lab, None);
    opening.options.size = 8;
    assert_eq!(refused(&opening).0, E_SIZE);
    opening.options.size = usize::MAX; // never set
    assert_eq!(refused(&opening).0, E_SIZE);
    opening.options.size = size_of::<mtasts_default_host_options>();
    opening.options.nameserver_count = usize::MAX;
    assert_eq!(refused(&opening).0, E_ARGUMENT);
    opening.options.nameservers = ptr::null();
    assert_eq!(refused(&opening).0, E_ARGUMENT);
}

/// What this library does not know is ignored where it is not set, and no further.
#[test]
fn options_of_a_later_version() {
    let lab = lab();
    let opening = lab_options(&lab, None);
    let mut later = (opening.options, 0_u64);
    later.0.size = size_of_val(&later);
    let host = open(&later.0).unwrap();
    unsafe { mtasts_default_host_close(host) };
    later.1 = 1;
    assert_eq!(open(&later.0).unwrap_err().0, E_SIZE);
}

#[test]
fn null_is_an_argument_error_and_frees_nothing() {
    unsafe {
        let open = mtasts_default_host_open(ptr::null(), ptr::null_mut(), ptr::null_mut(), 0);
        assert_eq!(open, E_ARGUMENT);
        mtasts_default_host_close(ptr::null_mut());
        assert!(mtasts_default_host_callbacks(ptr::null()).is_null());
        let name = c"example.com".as_ptr();
        let mx = mtasts_default_host_mx(ptr::null(), name, ptr::null_mut());
        let addresses = mtasts_default_host_addresses(ptr::null(), name, ptr::null_mut());
        let verify = mtasts_default_host_verify(ptr::null(), ptr::null(), 0, name, ptr::null_mut());
        let domain = mtasts_domain_to_ascii(ptr::null(), ptr::null_mut(), 0);
        let dane = mtasts_default_host_dane(ptr::null(), name, ptr::null_mut());
        let reread = mtasts_default_host_reread(ptr::null());
        let mut status = -1;
        let check = mtasts_dane_check(ptr::null(), name, ptr::null(), 0, &mut status);
        assert_eq!(
            [mx, addresses, verify, domain, dane, check, reread],
            [E_ARGUMENT; 7]
        );
        assert_eq!(status, MTASTS_DANE_FAILED);
        assert_eq!(
            mtasts_dane_check(ptr::null(), name, ptr::null(), 0, ptr::null_mut()),
            E_ARGUMENT
        );
        assert_eq!(mtasts_dane_status(ptr::null()), MTASTS_DANE_LOOKUP_FAILED);
        assert!(mtasts_dane_server_name(ptr::null()).is_null());
        mtasts_dane_free(ptr::null_mut());
        assert_eq!(mtasts_mx_list_is_secure(ptr::null()), 0);
        mtasts_mx_list_free(ptr::null_mut());
        mtasts_address_list_free(ptr::null_mut());
        assert_eq!(mtasts_mx_list_count(ptr::null()), 0);
        assert_eq!(mtasts_address_list_count(ptr::null()), 0);
    }
}

#[test]
fn nothing_is_left_open_between_calls() {
    let lab = Lab::spawn("[[domain]]\nname = \"good.example\"\nid = \"1\"\npolicy = \"none\"\n");
    let Ok(lab) = lab else {
        println!("skipped: the program `lab` is not built");
        return;
    };
    let host = open(&lab_options(&lab, None).options).unwrap();
    resolve(host);
    // In a child, where no other test opens anything.
    let more = in_child(|| {
        let before = open_descriptors();
        resolve(host);
        if before > 0 {
            open_descriptors() - before
        } else {
            -1
        }
    });
    assert_eq!(more, 0);
    unsafe { mtasts_default_host_close(host) };
}

/// The small number that `work` gives in a forked child.
fn in_child(work: impl FnOnce() -> i32) -> i32 {
    let child = unsafe { libc::fork() };
    if child == 0 {
        let number = std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(255);
        unsafe { libc::_exit(number) };
    }
    let mut status = -1;
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    libc::WEXITSTATUS(status)
}
