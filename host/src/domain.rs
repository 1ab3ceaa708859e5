// SPDX-License-Identifier: MIT OR Apache-2.0

//! From what people write to a Policy Domain (R-DOM-1): U-labels become A-labels by IDNA
//! (UTS 46, non-transitional).

use mtasts::{Error, PolicyDomain};

/// The Policy Domain that `name` means, U-labels converted.
///
/// ```
/// let domain = mtasts_host::to_policy_domain("Bücher.example")?;
/// assert_eq!(domain.as_str(), "xn--bcher-kva.example");
/// # Ok::<(), mtasts::Error>(())
/// ```
///
/// # Errors
/// [`mtasts::ErrorKind::AddressLiteral`] for `[…]`, [`mtasts::ErrorKind::HostName`] for
/// everything else that is no host name, in whatever script: never "no policy".
pub fn to_policy_domain(name: &str) -> Result<PolicyDomain, Error> {
    if name.is_ascii() {
        return name.parse();
    }
    match idna::domain_to_ascii(name) {
        Ok(ascii) => ascii.parse(),
        Err(_) => name.parse(), // which says that it is no host name
    }
}

#[cfg(test)]
mod tests {
    use super::to_policy_domain;
    use mtasts::ErrorKind;

    #[test]
    fn r_dom_1_u_labels_become_a_labels() {
        for (name, expected) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com.", "example.com"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
            ("faß.example", "xn--fa-hia.example"), // non-transitional
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ] {
            assert_eq!(to_policy_domain(name).unwrap().as_str(), expected, "{name}");
        }
    }

    #[test]
    fn r_dom_1_what_cannot_be_converted_is_an_error() {
        let long = format!("{}ü.example", "a".repeat(63));
        for name in [
            "",
            ".",
            "a_b.example",
            "ü_b.example",
            "ü..example",
            "ü b.example",
            &long,
        ] {
            assert_eq!(
                to_policy_domain(name).unwrap_err().kind(),
                ErrorKind::HostName,
                "{name}"
            );
        }
        for name in ["[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert_eq!(
                to_policy_domain(name).unwrap_err().kind(),
                ErrorKind::AddressLiteral
            );
        }
    }
}
