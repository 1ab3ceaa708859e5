// SPDX-License-Identifier: MIT OR Apache-2.0

//! Results of sessions on their way to the collector (R-RPT-4), as a C program sends them.

use super::common::lab;
use super::*;
use mtasts_ffi::outcome::mtasts_outcome;
use mtasts_ffi::tlsrpt::{
    mtasts_tlsrpt_datagram, mtasts_tlsrpt_record, mtasts_tlsrpt_record_free,
    mtasts_tlsrpt_record_rua,
};
use mtasts_ffi::verdict::{MTASTS_TLS_NOT_OFFERED, mtasts_session};
use mtasts_host::capi::tlsrpt::*;
use std::os::unix::net::UnixDatagram;

const E_RECORD: i32 = 8;

/// The status, and the record, which is the caller's.
fn record(host: *mut mtasts_default_host, domain: &CStr) -> (i32, *mut mtasts_tlsrpt_record) {
    let mut record = ptr::dangling_mut::<mtasts_tlsrpt_record>();
    let out = (&raw mut record).cast();
    let status = unsafe { mtasts_default_host_tlsrpt_record(host, domain.as_ptr(), out) };
    assert_eq!(record.is_null(), status != OK);
    (status, record)
}

fn send(host: *mut mtasts_default_host, datagram: &[u8]) -> i32 {
    let octets = datagram.as_ptr().cast();
    unsafe { mtasts_default_host_tlsrpt_send(host, octets, datagram.len()) }
}

/// What there is to say of a session without STARTTLS.
fn datagram(outcome: *const mtasts_outcome, record: *const mtasts_tlsrpt_record) -> Vec<u8> {
    let session = mtasts_session {
        size: size_of::<mtasts_session>(),
        mx_host: c"mx1.good.example".as_ptr(),
        tls: MTASTS_TLS_NOT_OFFERED,
        certificate: 0,
        dane: 0,
        mx_secure: 0,
    };
    let mut buffer = vec![0_u8; 2_000];
    let (room, octets) = (buffer.len(), buffer.as_mut_ptr().cast());
    let (mut length, none) = (0, ptr::null());
    let status = unsafe {
        mtasts_tlsrpt_datagram(outcome, &session, record, none, octets, room, &mut length)
    };
    assert_eq!(status, OK);
    buffer.truncate(length);
    buffer
}

#[test]
fn r_rpt_4_a_sessions_result_reaches_the_collector() {
    let (lab, folder) = (lab(), tempfile::tempdir().unwrap());
    lab.set(DOMAIN, "tlsrpt=mailto:r@good.example").unwrap();
    let socket = c_path(&folder.path().join("collector"));
    let collector = UnixDatagram::bind(folder.path().join("collector")).unwrap();
    let mut opening = lab_options(&lab, None);
    opening.options.tlsrpt_socket = socket.as_ptr();
    let host = open(&opening.options).unwrap();
    let (status, record) = record(host, c"GOOD.example");
    assert_eq!(status, OK);
    let sent = unsafe {
        let uri = mtasts_tlsrpt_record_rua(record, 0).data;
        assert_eq!(CStr::from_ptr(uri), c"mailto:r@good.example");
        let (mut outcome, callbacks) = (ptr::null_mut(), mtasts_default_host_callbacks(host));
        let domain = c"good.example".as_ptr();
        let status = mtasts_resolve(domain, ptr::null(), callbacks.cast(), &mut outcome);
        assert_eq!(status, OK);
        let sent = datagram(outcome, record);
        mtasts_outcome_free(outcome);
        mtasts_tlsrpt_record_free(record);
        sent
    };
    assert_eq!((send(host, &sent), send(host, b"")), (OK, OK));
    let mut octets = [0; 2_000];
    let len = collector.recv(&mut octets).unwrap();
    assert_eq!(octets[..len], sent);
    drop(collector);
    assert_eq!(send(host, &sent), MTASTS_HOST_E_TLSRPT);
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn what_is_no_record_is_told_apart() {
    let lab = lab();
    let host = open(&lab_options(&lab, None).options).unwrap();
    let status = |domain| record(host, domain).0;
    assert_eq!(status(c"good.example"), MTASTS_HOST_E_NO_RECORDS);
    lab.set(DOMAIN, "tlsrpt=ftp://good.example/").unwrap();
    assert_eq!(status(c"good.example"), E_RECORD);
    lab.set(DOMAIN, "dns=servfail").unwrap();
    assert_eq!(status(c"good.example"), MTASTS_HOST_E_DNS_TEMPORARY);
    assert_eq!(status(c"[192.0.2.1]"), E_ADDRESS_LITERAL);
    assert_eq!(send(host, b"{}"), OK, "there is no collector");
    let null = unsafe { mtasts_default_host_tlsrpt_send(host, ptr::null(), 1) };
    assert_eq!(
        (null, send(ptr::null_mut(), b"{}")),
        (E_ARGUMENT, E_ARGUMENT)
    );
    unsafe { mtasts_default_host_close(host) };
}
