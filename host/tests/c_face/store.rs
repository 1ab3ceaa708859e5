// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy store for those who look after it, as a C program does.

use super::common::lab;
use super::*;
use mtasts_host::capi::store::*;

fn domains(host: *const mtasts_default_host) -> Vec<String> {
    let mut list = ptr::null_mut();
    unsafe {
        assert_eq!(mtasts_default_host_store_domains(host, &mut list), OK);
        let count = mtasts_domain_list_count(list);
        assert!(mtasts_domain_list_name(list, count).is_null());
        let name = |n| CStr::from_ptr(mtasts_domain_list_name(list, n));
        let names = (0..count).map(|n| name(n).to_str().unwrap().to_owned());
        let names = names.collect();
        mtasts_domain_list_free(list);
        names
    }
}

fn remove(host: *const mtasts_default_host, domain: &CStr) -> (i32, i32) {
    let mut removed = -1;
    let status = unsafe { mtasts_default_host_store_remove(host, domain.as_ptr(), &mut removed) };
    (status, removed)
}

#[test]
fn domains_are_listed_and_forgotten() {
    let lab = lab();
    let store = tempfile::tempdir().unwrap();
    let host = open(&lab_options(&lab, Some(store.path())).options).unwrap();
    assert_eq!(domains(host), Vec::<String>::new());
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    assert_eq!(resolve(host), MTASTS_BASIS_CACHED);
    assert_eq!(domains(host), [DOMAIN]);
    assert_eq!(remove(host, c"Good.Example."), (OK, 1));
    assert_eq!(remove(host, c"good.example"), (OK, 0));
    assert_eq!(remove(host, c"[192.0.2.1]"), (E_ADDRESS_LITERAL, 0));
    assert_eq!(remove(host, c"a_b"), (E_DOMAIN, 0));
    assert_eq!(domains(host), Vec::<String>::new());
    assert_eq!(resolve(host), MTASTS_BASIS_FRESH);
    unsafe { mtasts_default_host_close(host) };
}

#[test]
fn without_a_store_there_is_nothing() {
    let lab = lab();
    let host = open(&lab_options(&lab, None).options).unwrap();
    assert_eq!(domains(host), Vec::<String>::new());
    assert_eq!(remove(host, c"good.example"), (OK, 0));
    let nothing = ptr::null::<mtasts_default_host>();
    let mut list = ptr::null_mut();
    unsafe {
        assert_eq!(
            mtasts_default_host_store_domains(nothing, &mut list),
            E_ARGUMENT
        );
        assert_eq!(mtasts_domain_list_count(list), 0);
        mtasts_domain_list_free(list);
        mtasts_default_host_close(host);
    }
}
