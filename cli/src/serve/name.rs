// SPDX-License-Identifier: MIT OR Apache-2.0

//! From what a mail server asks for to a Policy Domain (R-DOM-1): lower-case A-labels without a
//! final dot.

use mtasts::PolicyDomain;
use mtasts_host::to_policy_domain;

/// The longest domain.
const MAX: usize = 253;

/// Room for a domain in the form in which it is looked up.
pub struct Buffer([u8; MAX]);

impl Buffer {
    pub fn new() -> Self {
        Self([0; MAX])
    }

    /// `name` in lower case, if it may be a domain as it is. Allocates nothing, and as a rule
    /// copies nothing.
    pub fn lower<'a>(&'a mut self, name: &'a str) -> Option<&'a str> {
        let bare = name.strip_suffix('.').unwrap_or(name);
        if !bare.bytes().any(|b| b.is_ascii_uppercase()) {
            return Some(bare);
        }
        let lower = self.0.get_mut(..bare.len())?;
        lower.copy_from_slice(bare.as_bytes());
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).ok()
    }
}

/// What a name comes to.
pub enum Name {
    Domain(PolicyDomain),
    /// It cannot have a policy: ASCII, but no host name, so that no certificate authority would
    /// give its policy host a certificate.
    NoDomain,
    /// It cannot be converted to A-labels, so that it is not known what is meant.
    Unknown,
}

impl Name {
    pub fn of(name: &str) -> Self {
        match to_policy_domain(name) {
            Ok(domain) => Self::Domain(domain),
            Err(_) if name.is_ascii() => Self::NoDomain,
            Err(_) => Self::Unknown,
        }
    }
}
