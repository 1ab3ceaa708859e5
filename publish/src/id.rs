// SPDX-License-Identifier: MIT OR Apache-2.0

//! The `id` of a record (RFC 8461 §3.1): senders compare it with the one that they remember, for
//! equality and nothing else, and fetch the policy where it differs.
//!
//! There are two forms, each for a case. A person publishes by hand and wants to see when: a UTC
//! timestamp `YYYYMMDDhhmmssZ`, as in the RFC's example ([`next_id`]). A server that has nothing but
//! the policy, several of them maybe, wants all to say the same: a digest ([`id_of`]).

use crate::draft::Written;
use alloc::{format, string::String};
use mtasts::{Date, Policy, PolicyId, UnixTime};
use sha2::{Digest, Sha256};

/// The `id` of a policy by its text alone: the first 32 hexadecimal digits of its SHA-256.
///
/// `sha256sum mta-sts.txt | cut -c1-32` gives the same. Different texts have different ids, and a
/// policy that comes back has the id it had, which is right: a sender that still remembers it has
/// nothing to fetch.
///
/// ```
/// let id = mtasts_publish::id_of("version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n");
/// assert_eq!(id.as_str(), "94815eb6141fb6e5526888bf66f98f76");
/// ```
pub fn id_of(policy: &str) -> PolicyId {
    let digest = Sha256::digest(policy.as_bytes());
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    legal(&hex)
}

/// The `id` of a policy that is published at a time: `YYYYMMDDhhmmssZ`, in UTC. After the year 9999
/// there is no such form any more, and the seconds since 1970 serve.
pub fn id_at(time: UnixTime) -> PolicyId {
    if time > Date::LAST {
        return legal(&format!("{}", time.0));
    }
    let Date { year, month, day } = Date::of(time);
    let second = time.0 % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    legal(&format!(
        "{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z"
    ))
}

/// The `id` to publish `policy` with, after `present`, the policy that is published with its id.
///
/// The same policy keeps its id. Else the id is that of the time `now` ([`id_at`]); where it would
/// not be greater than the present one, as after two changes in a second or with a clock that was
/// set back, the present one's time and a second: the change must be seen, and people read the
/// greater id as the later one.
pub fn next_id(present: Option<(&PolicyId, &Policy)>, policy: &Written, now: UnixTime) -> PolicyId {
    match present {
        Some((id, published)) if published.text() == policy.text() => id.clone(),
        Some((id, _)) => following(id, now),
        None => id_at(now),
    }
}

/// The id for a change at `now` after `present`.
pub(crate) fn following(present: &PolicyId, now: UnixTime) -> PolicyId {
    let after = time_of(present).map_or(now, |time| time.plus(1));
    id_at(now.max(after))
}

/// The time that `id` is, if it has the form of [`id_at`].
fn time_of(id: &PolicyId) -> Option<UnixTime> {
    let digits = id.as_str().strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
    let date = Date {
        year: number(0, 4)?,
        month: number(4, 6)?,
        day: number(6, 8)?,
    };
    let days = u64::try_from(date.days()?).ok()?;
    let seconds = number(8, 10)? * 3600 + number(10, 12)? * 60 + number(12, 14)?;
    let time = UnixTime(days * 86_400 + seconds);
    (id_at(time) == *id).then_some(time)
}

/// `hex` and digits are legal by their form.
fn legal(id: &str) -> PolicyId {
    id.parse().unwrap_or_else(|_| legal("0"))
}
