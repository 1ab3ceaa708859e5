// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names: host names (RFC 5321 §4.1.2, RFC 1035 §2.3.4), the Policy Domain (RFC 8461 §1.1)
//! and the `id` of a policy (§3.1). Each type exists only if its value is legal.

use crate::error::{Error, ErrorKind};
use crate::scan::{ALNUM, LDH, is_all, span};
use alloc::{boxed::Box, string::String};
use core::{cmp::Ordering, fmt, str::FromStr};

/// The longest name that DNS can carry, in octets of text without the final dot.
pub(crate) const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// The longest `id`, in octets.
pub(crate) const MAX_ID: usize = 32;

/// Whether `name`, without a final dot, is a host name of RFC 5321 in A-labels.
///
/// A last label of digits alone is no top-level domain: `192.0.2.1` is an address.
pub(crate) fn is_host_name(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        let (label, after) = rest.split_at(span(rest, LDH));
        match after {
            _ if !has_label_form(label) => return false,
            [] => return name.len() <= MAX_NAME && !label.iter().all(u8::is_ascii_digit),
            [b'.', more @ ..] => rest = more,
            _ => return false,
        }
    }
}

/// Whether `label` is `Let-dig [Ldh-str]` of RFC 5321 §4.1.2, 63 octets at most.
#[inline]
pub(crate) fn is_label(label: &[u8]) -> bool {
    has_label_form(label) && is_all(label, LDH)
}

/// Whether `label`, all of it letters, digits and "-", is a label.
#[inline]
fn has_label_form(label: &[u8]) -> bool {
    label.len() <= MAX_LABEL && !matches!(label, [] | [b'-', ..] | [.., b'-'])
}

/// `name` without its final dot, if it has one.
#[inline]
pub(crate) fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The domain that a message goes to, or a smart host: what a policy belongs to (RFC 8461 §1.1).
///
/// Lower-case A-labels without a final dot (R-DOM-1). A subdomain is a Policy Domain of its own
/// and inherits nothing (R-FLOW-7).
///
/// ```
/// let domain: mtasts::PolicyDomain = "Example.COM.".parse()?;
/// assert_eq!(domain.as_str(), "example.com");
/// # Ok::<(), mtasts::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyDomain(Text<30>);

impl PolicyDomain {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name as octets, which is faster.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The name at which the TXT record is (R-TXT-1).
    pub fn record_name(&self) -> String {
        prefixed("_mta-sts.", self.as_str())
    }

    /// The Policy Host, which serves the policy over HTTPS (RFC 8461 §3.3).
    pub fn policy_host(&self) -> String {
        prefixed("mta-sts.", self.as_str())
    }

    /// Whether the record's name would fit into DNS; where it does not there is no record.
    pub(crate) fn can_have_record(&self) -> bool {
        self.as_bytes().len() + "_mta-sts.".len() <= MAX_NAME
    }
}

fn prefixed(prefix: &str, name: &str) -> String {
    let mut whole = String::with_capacity(prefix.len() + name.len());
    whole.push_str(prefix);
    whole.push_str(name);
    whole
}

impl FromStr for PolicyDomain {
    type Err = Error;

    /// Takes A-labels in any case, with or without a final dot. `[…]` is an
    /// [`ErrorKind::AddressLiteral`], everything else that is no host name an
    /// [`ErrorKind::HostName`]: neither may be read as "no policy" of some other domain.
    fn from_str(name: &str) -> Result<Self, Error> {
        let bare = without_final_dot(name);
        if name.starts_with('[') && name.ends_with(']') {
            Err(Error::new(ErrorKind::AddressLiteral, 0))
        } else if !is_host_name(bare.as_bytes()) {
            Err(Error::new(ErrorKind::HostName, 0))
        } else {
            Ok(Self(Text::lower_case(bare)))
        }
    }
}

impl fmt::Display for PolicyDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `id` of a TXT record: it changes when the policy does (RFC 8461 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyId(Text<22>);

impl PolicyId {
    /// The id as text: 1 to 32 letters or digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for PolicyId {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        if is_id(id.as_bytes()) {
            Ok(Self(Text::from(id)))
        } else {
            Err(Error::new(ErrorKind::Id, 0))
        }
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether `id` is `1*32(ALPHA / DIGIT)`.
fn is_id(id: &[u8]) -> bool {
    (1..=MAX_ID).contains(&id.len()) && is_all(id, ALNUM)
}

/// Text that is mostly short, and of which there may be millions: up to `N` octets stand here, so
/// that they need no allocation. With 22 it takes 24 octets of memory, with 30 it takes 32.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text<const N: usize> {
    /// The octets after the text are 0.
    Short {
        len: u8,
        octets: [u8; N],
    },
    Long(Box<str>),
}

impl<const N: usize> Text<N> {
    fn lower_case(text: &str) -> Self {
        let mut lower_case = Self::from(text);
        match &mut lower_case {
            Self::Short { octets, .. } => octets.make_ascii_lowercase(),
            Self::Long(text) => text.make_ascii_lowercase(),
        }
        lower_case
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, octets } => &octets[..usize::from(*len).min(N)],
            Self::Long(text) => text.as_bytes(),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short { .. } => core::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Long(text) => text,
        }
    }
}

impl<const N: usize> From<&str> for Text<N> {
    fn from(text: &str) -> Self {
        let mut octets = [0; N];
        match octets.get_mut(..text.len()) {
            Some(start) => {
                start.copy_from_slice(text.as_bytes());
                let len = text.len() as u8;
                Self::Short { len, octets }
            }
            None => Self::Long(text.into()),
        }
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}
