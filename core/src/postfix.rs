// SPDX-License-Identifier: MIT OR Apache-2.0

//! What Postfix reads of an outcome: the value of its table `smtp_tls_policy_maps`, for a key that
//! is a next-hop (R-APPLY-2, R-APPLY-4). [`netstring`] is how its socketmap client asks.
//!
//! | policy                    | DANE usable | otherwise                                       |
//! |---------------------------|-------------|-------------------------------------------------|
//! | `enforce`                 | `dane-only` | `secure match=…`                                |
//! | `enforce`, outside the staged share, or `testing` | `dane` | not found, or reported only  |
//! | `none`, or there is none  | `dane`      | not found                                       |
//!
//! A failed DANE look-up makes the mail wait; so does a policy of which it is not known whether there
//! is one, if the host chose that (R-FLOW-2).
//!
//! **What Postfix enforces.** Up to 3.10.4 it compares the names of the MX host's certificate, not
//! the MX host's own, with the patterns, and `*.example.com` stands for any number of labels.
//! From 3.10.5 on, given `policy_type`, `match` and `mx_host_pattern`, the MX host must match a
//! pattern, one label for the `*`, and its certificate its own name: R-MX-1 and R-CERT-1.
//!
//! **What Postfix reports** (RFC 8460; 3.10, built for it, `smtp_tlsrpt_enable = yes`). At `secure`:
//! success, no STARTTLS, a bad certificate. An MX host that matches no `mx_host_pattern` gets no
//! connection, and no report. Where no policy is enforced, [`Style::level`] has Postfix report
//! against it all the same, as far as it looks:
//!
//! * A certificate's chain is reported only if `smtp_tls_loglevel` has `untrusted` (level 1 has
//!   not); without it Postfix reports success. Its names, and the MX host's, are not looked at.
//! * No STARTTLS is a failure at `encrypt` alone, where the mail waits; `may` reports nothing.
//! * `policy_failure` takes the place of the certificate's failure, again only with `untrusted`,
//!   and not at all with `smtp_tls_connection_reuse = yes`. At `may` and `encrypt` it stops no mail.

pub mod netstring;

use crate::name::without_final_dot;
use crate::outcome::{Basis, Outcome};
use crate::policy::{Mode, Policy};
use crate::tlsrpt::ResultType;
use crate::verdict::DomainDane;
use alloc::{collections::BTreeSet, vec::Vec};
use core::{net::Ipv4Addr, str::FromStr};

/// The longest reply that Postfix's socketmap client takes, with its `OK `, in octets.
pub const MAX_REPLY: usize = 100_000;

/// Which Postfix reads the value: what it does not know makes it refuse the whole policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// 3.0 to 3.3.
    V3_0,
    /// 3.4 to 3.9: knows `servername`, by which the TLS client says which certificate it wants.
    #[default]
    V3_4,
    /// 3.10 and later: takes what TLSRPT (RFC 8460) says of the policy.
    V3_10,
}

impl Version {
    /// The first Postfix of that kind: `3.0`, `3.4`, `3.10`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V3_0 => "3.0",
            Self::V3_4 => "3.4",
            Self::V3_10 => "3.10",
        }
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "3.0" => Ok(Self::V3_0),
            "3.4" => Ok(Self::V3_4),
            "3.10" => Ok(Self::V3_10),
            _ => Err(()),
        }
    }
}

/// The `smtp_tls_security_level` of a Postfix that requires no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// TLS where there is some, without looking at certificates.
    May,
    /// TLS always, without looking at certificates.
    Encrypt,
}

impl Level {
    /// Postfix's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::May => "may",
            Self::Encrypt => "encrypt",
        }
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "may" => Ok(Self::May),
            "encrypt" => Ok(Self::Encrypt),
            _ => Err(()),
        }
    }
}

/// What is known of the Postfix that reads the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Its version.
    pub version: Version,
    /// Its security level for a domain without a policy, so that a policy that is not enforced is
    /// reported against at that level. `None`, or a Postfix before 3.10: no such reports.
    pub level: Option<Level>,
}

/// Whether a table has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// It has.
    Policy,
    /// It has none: Postfix goes by its own settings.
    NotFound,
    /// That is not known for now: the mail waits.
    Temporary,
}

impl Found {
    /// The word that begins a socketmap reply, with its space.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "OK ",
            Self::NotFound => "NOTFOUND ",
            Self::Temporary => "TEMP ",
        }
    }
}

/// The domain that a key of `smtp_tls_policy_maps` names, as it stands there but for a final dot:
/// a domain or a host, either perhaps in brackets and with a port (R-FLOW-7).
///
/// `None` for keys that no policy can be for: an address, `.example.com`, with which Postfix asks
/// for a parent domain, and the path of a socket.
///
/// ```
/// use mtasts::postfix::next_hop;
/// assert_eq!(next_hop("[mx.example.com]:submission"), Some("mx.example.com"));
/// assert_eq!(next_hop(".example.com"), None);
/// assert_eq!(next_hop("[192.0.2.1]:25"), None);
/// ```
pub fn next_hop(key: &str) -> Option<&str> {
    let (host, port) = match key.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => key.split_at(key.find(':').unwrap_or(key.len())),
    };
    let name = without_final_dot(host);
    let is_port = match port.strip_prefix(':') {
        Some(service) => !service.contains([':', '[', ']', '/']),
        None => port.is_empty(),
    };
    let is_foreign = |b| matches!(b, b'/' | b':' | b'[');
    let is_name = !name.is_empty() && !name.starts_with('.') && !name.bytes().any(is_foreign);
    // No address but an IPv4 address is left, which ends in a digit.
    let is_address =
        || name.ends_with(|c: char| c.is_ascii_digit()) && name.parse::<Ipv4Addr>().is_ok();
    (is_port && is_name && !is_address()).then_some(name)
}

/// Appends the security level and attributes to `out`, and nothing unless it is
/// [`Found::Policy`]. At most [`MAX_REPLY`] less its `OK `, by leaving out first the policy's text,
/// then all that is for TLSRPT.
///
/// Allocates what `out` lacks; for a policy of more than 64 patterns a list of them.
pub fn policy(outcome: &Outcome, dane: DomainDane, style: &Style, out: &mut Vec<u8>) -> Found {
    match (dane, outcome.policy()) {
        (DomainDane::Temporary, _) => Found::Temporary,
        // Also where DANE would do: a policy that is enforced asks for `dane-only`.
        (_, None) if outcome.is_try_later() => Found::Temporary,
        (DomainDane::Usable, _) if outcome.is_enforced() => put(out, "dane-only"),
        (DomainDane::Usable, _) => put(out, "dane"),
        (DomainDane::None, Some(policy)) if outcome.is_enforced() => {
            secure(outcome, policy, style, out)
        }
        (DomainDane::None, _) => reported_only(outcome, style, out),
    }
}

fn secure(outcome: &Outcome, policy: &Policy, style: &Style, out: &mut Vec<u8>) -> Found {
    let room = Room::after(out);
    put(out, "secure match=");
    let mut separator = "";
    each_pattern(policy, |pattern| {
        put(out, separator);
        put_match(out, pattern);
        separator = ":";
    });
    if style.version >= Version::V3_4 {
        put(out, " servername=hostname");
    }
    if style.version >= Version::V3_10 && outcome.basis() != Basis::Local {
        // Never with `policy_failure`: it has Postfix fail every session, and the policy here is
        // a valid one, cached or new, whatever went wrong on the way to a newer (R-FLOW-1).
        let _ = put_attributes(out, outcome, None, room);
    }
    Found::Policy
}

/// No level but Postfix's own, and what TLSRPT is to know.
fn reported_only(outcome: &Outcome, style: &Style, out: &mut Vec<u8>) -> Found {
    let level = style.level.filter(|_| style.version >= Version::V3_10);
    let (Some(level), true) = (level, is_reportable(outcome)) else {
        return Found::NotFound;
    };
    let room = Room::after(out);
    let start = out.len();
    put(out, level.as_str());
    let failure = outcome.result_type().and_then(policy_failure);
    if put_attributes(out, outcome, failure, room) {
        Found::Policy
    } else {
        out.truncate(start);
        Found::NotFound
    }
}

/// R-RPT-5: a policy of the domain's own but for mode `none`; without one, that it cannot be had.
fn is_reportable(outcome: &Outcome) -> bool {
    match outcome.policy() {
        Some(policy) => policy.mode() != Mode::None && outcome.basis() != Basis::Local,
        None => outcome.result_type().and_then(policy_failure).is_some(),
    }
}

/// The words that Postfix takes for `policy_failure`.
fn policy_failure(result: ResultType) -> Option<&'static str> {
    match result {
        ResultType::StsPolicyFetchError
        | ResultType::StsPolicyInvalid
        | ResultType::StsWebPkiInvalid
        | ResultType::ValidationFailure => Some(result.as_str()),
        _ => None,
    }
}

/// Where in the buffer the value must end.
#[derive(Clone, Copy)]
struct Room(usize);

impl Room {
    fn after(out: &[u8]) -> Self {
        Self(out.len() + MAX_REPLY - Found::Policy.as_str().len())
    }

    fn has(self, out: &[u8], more: usize) -> bool {
        out.len() + more <= self.0
    }
}

/// Appends what TLSRPT is to know of the policy, and gives whether there was room. It is all of the
/// patterns or none of the attributes: Postfix would enforce a part of the patterns as the whole.
fn put_attributes(out: &mut Vec<u8>, outcome: &Outcome, failure: Option<&str>, room: Room) -> bool {
    let failure_name = failure.map_or("", |_| " policy_failure=");
    let failure = failure.unwrap_or_default();
    let reserve = failure_name.len() + failure.len();
    let bare = out.len();
    put(out, " policy_type=sts policy_domain=");
    put(out, outcome.domain().as_str());
    if let Some(policy) = outcome.policy() {
        each_pattern(policy, |pattern| {
            if room.has(out, reserve) {
                put(out, " mx_host_pattern=");
                put(out, pattern);
            }
        });
        if !room.has(out, reserve) {
            out.truncate(bare);
            return false;
        }
        put_text(out, policy, reserve, room);
    }
    put(out, failure_name);
    put(out, failure);
    true
}

/// The policy's lines as they were published, or none if they are too many.
fn put_text(out: &mut Vec<u8>, policy: &Policy, reserve: usize, room: Room) {
    let start = out.len();
    for line in policy.text().split('\n').map(str::trim_ascii) {
        if is_sayable(line) {
            put(out, " { policy_string = ");
            // Postfix would make the tabs spaces.
            out.extend(line.bytes().map(|b| if b == b'\t' { b' ' } else { b }));
            put(out, " }");
        }
        if !room.has(out, reserve) {
            return out.truncate(start);
        }
    }
}

/// Whether Postfix reads `{ policy_string = LINE }` as that: a brace in an extension's value would
/// end it early or not at all.
fn is_sayable(line: &str) -> bool {
    let breaks = |c: char| matches!(c, '{' | '}') || (c.is_control() && c != '\t');
    !line.is_empty() && !line.contains(breaks)
}

/// The name that Postfix compares certificates with: `.parent` for `*.parent`.
fn put_match(out: &mut Vec<u8>, pattern: &str) {
    put(out, pattern.strip_prefix('*').unwrap_or(pattern));
    // Names that mean something else to Postfix, such as any MX host. With a dot they are no
    // certificate's.
    if matches!(pattern, "hostname" | "nexthop" | "dot-nexthop") {
        put(out, ".");
    }
}

/// The patterns in their order, each once.
fn each_pattern(policy: &Policy, mut take: impl FnMut(&str)) {
    const FEW: usize = 64;
    if policy.mx().len() > FEW {
        let mut seen = BTreeSet::new();
        let new = policy.mx().filter(|pattern| seen.insert(pattern.as_str()));
        return new.for_each(|pattern| take(pattern.as_str()));
    }
    for (count, pattern) in policy.mx().enumerate() {
        if !policy.mx().take(count).any(|earlier| earlier == pattern) {
            take(pattern.as_str());
        }
    }
}

fn put(out: &mut Vec<u8>, text: &str) -> Found {
    out.extend_from_slice(text.as_bytes());
    Found::Policy
}
