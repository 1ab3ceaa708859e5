// SPDX-License-Identifier: MIT OR Apache-2.0

//! DANE by the C face.

use super::*;

/// What is said of a host before TLS and after.
fn dane(host: *const mtasts_default_host, mx_host: &CStr) -> (i32, i32) {
    let (mut dane, mut checked) = (ptr::dangling_mut(), -1);
    let chain = mtasts_der {
        data: SHOWN.as_ptr().cast(),
        len: SHOWN.len(),
    };
    unsafe {
        assert_eq!(
            mtasts_default_host_dane(host, mx_host.as_ptr(), &mut dane),
            OK
        );
        let status = mtasts_dane_status(dane);
        let server_name = mtasts_dane_server_name(dane);
        assert_eq!(server_name.is_null(), status != MTASTS_DANE_USABLE);
        assert!(server_name.is_null() || CStr::from_ptr(server_name) == mx_host);
        let next_hop = c"good.example".as_ptr();
        assert_eq!(
            mtasts_dane_check(dane, next_hop, &chain, 1, &mut checked),
            OK
        );
        mtasts_dane_free(dane);
        (status, checked)
    }
}

#[test]
fn r_apply_2_dane() {
    let lab = dane_lab();
    let mut opening = lab_options(&lab, None);
    let off = open(&opening.options).unwrap();
    opening.options.dane = 1;
    opening.options.dns_timeout_ms = 500;
    let on = open(&opening.options).unwrap();
    let (not_used, failed) = (MTASTS_DANE_NOT_USED, MTASTS_DANE_LOOKUP_FAILED);
    for (mx_host, before, after) in [
        (
            c"other.good.example",
            MTASTS_DANE_USABLE,
            MTASTS_DANE_FAILED,
        ),
        (c"same.good.example", MTASTS_DANE_USABLE, MTASTS_DANE_PASSED),
        (
            c"odd.good.example",
            MTASTS_DANE_UNUSABLE,
            MTASTS_DANE_UNUSABLE,
        ),
        (c"mx1.good.example", not_used, not_used),
        (c"a..example", failed, failed),
    ] {
        assert_eq!(dane(on, mx_host), (before, after), "{mx_host:?}");
        assert_eq!(dane(off, mx_host), (not_used, not_used));
    }
    for (host, is_secure) in [(on, 1), (off, 0)] {
        let mut list = ptr::null_mut();
        unsafe {
            assert_eq!(
                mtasts_default_host_mx(host, c"good.example".as_ptr(), &mut list),
                OK
            );
            assert_eq!(mtasts_mx_list_is_secure(list), is_secure);
            mtasts_mx_list_free(list);
            mtasts_default_host_close(host);
        }
    }
}

#[test]
fn r_apply_2_dane_of_a_domain() {
    let lab = dane_lab();
    let mut opening = lab_options(&lab, None);
    let off = open(&opening.options).unwrap();
    opening.options.dane = 1;
    opening.options.dns_timeout_ms = 500;
    let on = open(&opening.options).unwrap();
    let ask = |host: *const mtasts_default_host, domain: &CStr| unsafe {
        let mut dane = -1;
        let status = mtasts_default_host_dane_of_domain(host, domain.as_ptr(), &mut dane);
        (status, dane)
    };
    let (temporary, none, usable) = (0, 1, 2); // MTASTS_DOMAIN_DANE_*
    assert_eq!(ask(on, c"good.example"), (OK, none));
    lab.set(DOMAIN, "mx=same.good.example").unwrap();
    assert_eq!(ask(on, c"GOOD.example."), (OK, usable));
    assert_eq!(ask(off, c"good.example"), (OK, none));
    lab.set(DOMAIN, "mxdns=servfail").unwrap();
    assert_eq!(ask(on, c"good.example"), (OK, temporary));
    assert_eq!(ask(on, c"bad domain"), (E_DOMAIN, temporary));
    assert_eq!(ask(on, c"[192.0.2.1]"), (E_ADDRESS_LITERAL, temporary));
    assert_eq!(ask(ptr::null(), c"good.example"), (E_ARGUMENT, temporary));
    unsafe {
        let name = c"good.example".as_ptr();
        let nowhere = mtasts_default_host_dane_of_domain(on, name, ptr::null_mut());
        assert_eq!(nowhere, E_ARGUMENT);
        mtasts_default_host_close(on);
        mtasts_default_host_close(off);
    }
}

/// What is shown for a certificate; nobody reads it.
const SHOWN: &[u8] = b"certificate";

/// Hosts with TLSA records for another certificate, for what is shown, and of no use.
fn dane_lab() -> Lab {
    let digest = ring::digest::digest(&ring::digest::SHA256, SHOWN);
    let hex: String = digest.as_ref().iter().map(|n| format!("{n:02x}")).collect();
    let mut scene =
        "[[domain]]\nname = \"good.example\"\nsecure = true\nmx = [\"mx1.good.example\"]\n"
            .to_owned();
    for (host, record) in [
        ("other", format!("3 0 1 {}", "00".repeat(32))),
        ("same", format!("3 0 1 {hex}")),
        ("odd", format!("1 0 1 {hex}")),
    ] {
        scene += &format!(
            "[[host]]\nname = \"{host}.good.example\"\n\
             [[record]]\nname = \"_25._tcp.{host}.good.example\"\ntype = \"TLSA\"\n\
             value = \"{record}\"\n"
        );
    }
    Lab::start(scene.as_str()).unwrap()
}
