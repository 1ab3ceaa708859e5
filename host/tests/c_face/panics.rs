// SPDX-License-Identifier: MIT OR Apache-2.0

//! A panic inside any entry comes out as MTASTS_E_INTERNAL, NULL or the safe value, with no handle
//! made, and its message goes to the log. The table has a line for each exported function.

use super::*;
use mtasts_host::capi::panic_at_next_entry;
use mtasts_host::capi::store::*;
use mtasts_host::capi::tlsrpt::*;
use std::ptr::{null, null_mut};

const E_INTERNAL: i32 = 3;

/// What comes out of an entry.
#[derive(Debug, PartialEq)]
enum Gave {
    Status(i32),
    /// Nothing, or what is safe.
    Nothing,
    Something,
}

fn number(number: impl Into<i64>) -> Gave {
    match number.into() {
        0 => Gave::Nothing,
        _ => Gave::Something,
    }
}

fn count(count: usize) -> Gave {
    number(i64::try_from(count).unwrap())
}

fn pointer<T>(pointer: *const T) -> Gave {
    if pointer.is_null() {
        Gave::Nothing
    } else {
        Gave::Something
    }
}

/// The handles, as lists have them.
struct Handles {
    host: *mut mtasts_default_host,
    mx: *mut mtasts_mx_list,
    addresses: *mut mtasts_address_list,
    dane: *mut mtasts_dane,
    domains: *mut mtasts_domain_list,
}

impl Handles {
    fn of(host: *mut mtasts_default_host) -> Self {
        let mut handles = Self {
            host,
            mx: null_mut(),
            addresses: null_mut(),
            dane: null_mut(),
            domains: null_mut(),
        };
        unsafe {
            let (name, mx) = (c"good.example".as_ptr(), c"mx1.good.example".as_ptr());
            assert_eq!(mtasts_default_host_mx(host, name, &mut handles.mx), OK);
            let found = mtasts_default_host_addresses(host, mx, &mut handles.addresses);
            assert_eq!(found, OK);
            assert_eq!(mtasts_default_host_dane(host, mx, &mut handles.dane), OK);
            assert_eq!(
                mtasts_default_host_store_domains(host, &mut handles.domains),
                OK
            );
        }
        handles
    }
}

/// A handle that was not made: NULL, whatever was there.
fn made<T>(status: i32, out: *mut T) -> Gave {
    assert!(out.is_null());
    Gave::Status(status)
}

macro_rules! entries {
    ($( $name:ident => $call:expr; )*) => {
        fn entries() -> Vec<(&'static str, fn(&Handles, &Lab) -> Gave)> {
            vec![$( (stringify!($name), $call), )*]
        }
    };
}

/// Calls `$name` with a place for a handle that has something in it.
macro_rules! makes {
    ($name:ident ( $($argument:expr),* )) => {{
        let mut out = ptr::dangling_mut();
        panic_at_next_entry();
        let status = unsafe { $name($($argument,)* &mut out) };
        made(status, out)
    }};
}

macro_rules! gives {
    ($give:expr, $name:ident ( $($argument:expr),* )) => {{
        panic_at_next_entry();
        $give(unsafe { $name($($argument),*) })
    }};
}

const NAME: *const c_char = c"good.example".as_ptr();

entries! {
    mtasts_address_list_count => |h, _| gives!(count, mtasts_address_list_count(h.addresses));
    mtasts_address_list_free => |h, _| gives!(|()| Gave::Nothing, mtasts_address_list_free(h.addresses));
    mtasts_address_list_text => |h, _| gives!(pointer, mtasts_address_list_text(h.addresses, 0));
    mtasts_dane_check => |h, _| {
        let mut status = MTASTS_DANE_PASSED;
        panic_at_next_entry();
        let gave = unsafe { mtasts_dane_check(h.dane, null(), null(), 0, &mut status) };
        assert_eq!(status, MTASTS_DANE_FAILED);
        Gave::Status(gave)
    };
    mtasts_dane_free => |h, _| gives!(|()| Gave::Nothing, mtasts_dane_free(h.dane));
    mtasts_dane_server_name => |h, _| gives!(pointer, mtasts_dane_server_name(h.dane));
    mtasts_dane_status => |h, _| {
        gives!(|status| number(status - MTASTS_DANE_LOOKUP_FAILED), mtasts_dane_status(h.dane))
    };
    mtasts_default_host_addresses => |h, _| makes!(mtasts_default_host_addresses(h.host, NAME));
    mtasts_default_host_callbacks => |h, _| gives!(pointer, mtasts_default_host_callbacks(h.host));
    mtasts_default_host_close => |_, lab| {
        let host = open(&lab_options(lab, None).options).unwrap();
        gives!(|()| Gave::Nothing, mtasts_default_host_close(host))
    };
    mtasts_default_host_dane => |h, _| makes!(mtasts_default_host_dane(h.host, NAME));
    mtasts_default_host_dane_of_domain => |h, _| {
        let mut dane = 77;
        panic_at_next_entry();
        let gave = unsafe { mtasts_default_host_dane_of_domain(h.host, NAME, &mut dane) };
        assert_eq!(dane, 0);
        Gave::Status(gave)
    };
    mtasts_default_host_mx => |h, _| makes!(mtasts_default_host_mx(h.host, NAME));
    mtasts_default_host_open => |_, lab| {
        let opening = lab_options(lab, None);
        let mut out = null_mut();
        panic_at_next_entry();
        let status =
            unsafe { mtasts_default_host_open(&opening.options, &mut out, null_mut(), 0) };
        made(status, out)
    };
    mtasts_default_host_reread => |h, _| gives!(Gave::Status, mtasts_default_host_reread(h.host));
    mtasts_default_host_store_domains => |h, _| makes!(mtasts_default_host_store_domains(h.host));
    mtasts_default_host_store_remove => |h, _| {
        let mut removed = 77;
        panic_at_next_entry();
        let gave = unsafe { mtasts_default_host_store_remove(h.host, NAME, &mut removed) };
        assert_eq!(removed, 0);
        Gave::Status(gave)
    };
    mtasts_default_host_tlsrpt_record => |h, _| {
        makes!(mtasts_default_host_tlsrpt_record(h.host, NAME))
    };
    mtasts_default_host_tlsrpt_send => |h, _| {
        gives!(Gave::Status, mtasts_default_host_tlsrpt_send(h.host, null(), 0))
    };
    mtasts_default_host_verify => |h, _| {
        let mut certificate = 1;
        panic_at_next_entry();
        let gave =
            unsafe { mtasts_default_host_verify(h.host, null(), 0, NAME, &mut certificate) };
        assert_eq!(certificate, 4);
        Gave::Status(gave)
    };
    mtasts_domain_list_count => |h, _| gives!(count, mtasts_domain_list_count(h.domains));
    mtasts_domain_list_free => |h, _| gives!(|()| Gave::Nothing, mtasts_domain_list_free(h.domains));
    mtasts_domain_list_name => |h, _| gives!(pointer, mtasts_domain_list_name(h.domains, 0));
    mtasts_domain_to_ascii => |_, _| {
        let mut name = [0; 99];
        gives!(Gave::Status, mtasts_domain_to_ascii(NAME, name.as_mut_ptr(), 99))
    };
    mtasts_mx_list_count => |h, _| gives!(count, mtasts_mx_list_count(h.mx));
    mtasts_mx_list_free => |h, _| gives!(|()| Gave::Nothing, mtasts_mx_list_free(h.mx));
    mtasts_mx_list_host => |h, _| gives!(pointer, mtasts_mx_list_host(h.mx, 0));
    mtasts_mx_list_is_implicit => |h, _| gives!(number, mtasts_mx_list_is_implicit(h.mx));
    mtasts_mx_list_is_secure => |h, _| gives!(number, mtasts_mx_list_is_secure(h.mx));
    mtasts_mx_list_preference => |h, _| gives!(number, mtasts_mx_list_preference(h.mx, 0));
}

#[test]
fn every_exported_function_is_in_the_table() {
    let exported = include_str!("../../libmtasts-host.symbols");
    let table: Vec<_> = entries().into_iter().map(|(name, _)| name).collect();
    assert_eq!(exported.lines().collect::<Vec<_>>(), table);
}

#[test]
fn no_entry_lets_a_panic_out() {
    let lab = lab();
    let lines: Mutex<Vec<String>> = Mutex::default();
    let mut opening = lab_options(&lab, None);
    opening.options.log = Some(take_line);
    opening.options.log_user = (&raw const lines).cast_mut().cast();
    let host = open(&opening.options).unwrap();
    for (name, call) in entries() {
        // Handles that a panic has kept from being freed are left.
        let gave = call(&Handles::of(host), &lab);
        let contained = matches!(gave, Gave::Nothing | Gave::Status(E_INTERNAL));
        assert!(contained, "{name} gave {gave:?}");
    }
    unsafe { mtasts_default_host_close(host) };
    let lines = lines.into_inner().unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("3 internal error: asked for")),
        "{lines:?}"
    );
}
