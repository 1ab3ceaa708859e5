// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is remembered of a Policy Domain between deliveries, and its form in a store
//! (RFC 8461 §3.3, §5.1): a text that the next version, and a person, can read.

use crate::error::{Error, ErrorKind};
use crate::name::{PolicyDomain, PolicyId};
use crate::policy::Policy;
use crate::reason::Reason;
use crate::time::UnixTime;
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{fmt::Write, ops::Deref, str::FromStr};

/// How long a failed fetch keeps the same `id` from being tried again, and the window in
/// which [`MAX_ATTEMPTS`] fetches are the most, in seconds (R-GET-5).
pub const BACK_OFF: u32 = 300;

/// The most fetches of one domain in a window, whatever the ids (R-GET-5).
pub const MAX_ATTEMPTS: usize = 6;

/// All that is remembered of one Policy Domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The Policy Domain to which all of this is bound (R-FLOW-9).
    pub domain: PolicyDomain,
    /// The policy that was last fetched, whether or not its lifetime is over. One of
    /// `max_age` 0 stays as the mark that it replaced an older one (R-POL-6).
    pub policy: Option<Arc<StoredPolicy>>,
    /// What the last look at the TXT record found.
    pub record: Option<RecordCheck>,
    /// The fetches of the last five minutes, the newest last: the back-off (R-GET-5).
    pub attempts: Attempts,
}

/// A policy that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The policy.
    pub policy: Policy,
    /// The `id` that the TXT record had.
    pub id: PolicyId,
    /// When it was fetched; its lifetime counts from here (R-FLOW-3).
    pub fetched_at: UnixTime,
}

/// The result of a look at the TXT record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordCheck {
    /// The `id` found; `None` means no record (R-FLOW-10).
    pub id: Option<PolicyId>,
    /// When to look again: the TTL's end (R-FLOW-4).
    pub until: UnixTime,
}

/// One fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended.
    pub at: UnixTime,
    /// The `id` for which it was made.
    pub id: PolicyId,
    /// Why it gave no policy; `None` if it gave one.
    pub failed: Option<Reason>,
}

/// Some fetches, as a slice. Most domains have one, which needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    AtMostOne(Option<Attempt>),
    Several(Box<[Attempt]>),
}

impl Default for Kept {
    fn default() -> Self {
        Self::AtMostOne(None)
    }
}

impl Deref for Attempts {
    type Target = [Attempt];

    fn deref(&self) -> &[Attempt] {
        match &self.0 {
            Kept::AtMostOne(attempt) => attempt.as_slice(),
            Kept::Several(attempts) => attempts,
        }
    }
}

impl From<Vec<Attempt>> for Attempts {
    fn from(mut attempts: Vec<Attempt>) -> Self {
        Self(match attempts.len() {
            0 | 1 => Kept::AtMostOne(attempts.pop()),
            _ => Kept::Several(attempts.into_boxed_slice()),
        })
    }
}

impl StoredPolicy {
    /// Whether the policy may be applied at `now` (R-FLOW-3); with `max_age` 0 only to the
    /// delivery for which it was fetched (R-POL-6).
    pub fn is_usable(&self, now: UnixTime) -> bool {
        let max_age = u64::from(self.policy.max_age());
        max_age > 0 && now.since(self.fetched_at) <= max_age
    }

    /// Whether it was fetched within the time for which fetches are counted (R-GET-5).
    pub(crate) fn was_fetched_recently(&self, now: UnixTime) -> bool {
        self.is_usable(now) || now.since(self.fetched_at) < u64::from(BACK_OFF)
    }

    /// The last second of its lifetime.
    pub fn expires_at(&self) -> UnixTime {
        self.fetched_at.plus(self.policy.max_age())
    }
}

impl Stored {
    /// Nothing is known of `domain`.
    pub fn unknown(domain: PolicyDomain) -> Self {
        Self {
            domain,
            policy: None,
            record: None,
            attempts: Attempts::default(),
        }
    }

    /// Whether nothing at all is known.
    #[cfg(feature = "engine")]
    pub(crate) fn is_unknown(&self) -> bool {
        self.policy.is_none() && self.record.is_none() && self.attempts.is_empty()
    }

    /// The policy, if it may be applied at `now`.
    pub fn usable(&self, now: UnixTime) -> Option<&Arc<StoredPolicy>> {
        self.policy.as_ref().filter(|policy| policy.is_usable(now))
    }

    /// From when on the entry says nothing any more, so that a store may drop it.
    pub fn useless_after(&self) -> UnixTime {
        let policy = self.policy.as_ref().map(|policy| policy.expires_at());
        let record = self.record.as_ref().map(|record| record.until);
        let attempt = self
            .attempts
            .last()
            .map(|attempt| attempt.at.plus(BACK_OFF));
        [policy, record, attempt]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or_default()
    }

    /// Why no fetch for `id` may be made at `now` (R-GET-5).
    pub(crate) fn back_off(&self, id: &PolicyId, now: UnixTime) -> Option<Reason> {
        let mut recent = self
            .attempts
            .iter()
            .filter(|attempt| is_recent(attempt, now));
        let same_id = recent
            .clone()
            .rfind(|attempt| attempt.id == *id)
            .and_then(|last| last.failed);
        same_id.or_else(|| recent.nth(MAX_ATTEMPTS - 1).map(|_| Reason::FetchLimit))
    }

    /// Takes down a fetch, and forgets those that no longer count.
    pub(crate) fn attempted(&mut self, attempt: Attempt) {
        let earlier = self.attempts.iter().cloned();
        let mut attempts: Vec<Attempt> = earlier
            .filter(|earlier| is_recent(earlier, attempt.at))
            .collect();
        attempts.push(attempt);
        self.attempts = attempts.into();
    }
}

/// Whether `attempt` still counts; one from the future, the clock having been set back, does not.
fn is_recent(attempt: &Attempt, now: UnixTime) -> bool {
    attempt.at <= now && now.since(attempt.at) < u64::from(BACK_OFF)
}

/// The first line of every entry.
const MAGIC: &str = "mtasts-stored: 1";

impl Stored {
    /// The entry as text: `name: value` lines, and after an empty line the policy as published.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(512);
        // Writing to a String does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> core::fmt::Result {
        writeln!(out, "{MAGIC}\ndomain: {}", self.domain)?;
        if let Some(record) = &self.record {
            let id = record.id.as_ref().map_or("-", PolicyId::as_str);
            writeln!(out, "record: {id} until {}", record.until.0)?;
        }
        for attempt in self.attempts.iter() {
            write!(out, "attempt: {} at {}", attempt.id, attempt.at.0)?;
            match attempt.failed {
                None => writeln!(out)?,
                Some(reason) => writeln!(out, " failed {reason}")?,
            }
        }
        if let Some(policy) = &self.policy {
            let StoredPolicy {
                policy,
                id,
                fetched_at,
            } = &**policy;
            write!(
                out,
                "policy: {id} fetched {}\n\n{}",
                fetched_at.0,
                policy.text()
            )?;
        }
        Ok(())
    }
}

impl FromStr for Stored {
    type Err = Error;

    /// Reads what [`Stored::to_text`] wrote, here or in a later version: lines with other
    /// names are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Stored`] where it is not such a text, or holds a policy that is none. The
    /// host treats that as a failing store, not as an empty one.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (header, policy) = text
            .split_once("\n\n")
            .map_or((text, None), |(h, p)| (h, Some(p)));
        let mut lines = header.lines();
        let (Some(MAGIC), Some(Some(domain))) = (
            lines.next(),
            lines.next().map(|line| line.strip_prefix("domain: ")),
        ) else {
            return Err(broken());
        };
        let mut stored = Self::unknown(domain.parse().map_err(|_| broken())?);
        let mut attempts = Vec::new();
        for line in lines {
            match line.strip_prefix("attempt: ") {
                Some(attempt) => attempts.push(read_attempt(attempt)?),
                None => stored.read_line(line, policy)?,
            }
        }
        stored.attempts = attempts.into();
        Ok(stored)
    }
}

impl Stored {
    fn read_line(&mut self, line: &str, policy: Option<&str>) -> Result<(), Error> {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        match (word(), word()) {
            ("record:", id) => self.record = Some(read_record(id, word(), word())?),
            ("policy:", id) => {
                let text = policy.ok_or(broken())?;
                self.policy = Some(Arc::new(read_policy(id, word(), word(), text)?));
            }
            _ => {}
        }
        Ok(())
    }
}

fn read_record(id: &str, until: &str, time: &str) -> Result<RecordCheck, Error> {
    let id = if id == "-" { None } else { Some(read_id(id)?) };
    Ok(RecordCheck {
        id,
        until: read_time(until, "until", time)?,
    })
}

fn read_attempt(line: &str) -> Result<Attempt, Error> {
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (id, at, time) = (word(), word(), word());
    let failed = match (word(), word()) {
        ("failed", reason) => Some(reason.parse().unwrap_or(Reason::FetchOther)), // a later version's reason
        _ => None,
    };
    Ok(Attempt {
        id: read_id(id)?,
        at: read_time(at, "at", time)?,
        failed,
    })
}

fn read_policy(id: &str, fetched: &str, time: &str, text: &str) -> Result<StoredPolicy, Error> {
    let fetched_at = read_time(fetched, "fetched", time)?;
    let policy = Policy::parse(text.as_bytes()).map_err(|_| broken())?;
    Ok(StoredPolicy {
        policy,
        id: read_id(id)?,
        fetched_at,
    })
}

fn read_id(id: &str) -> Result<PolicyId, Error> {
    id.parse().map_err(|_| broken())
}

fn read_time(word: &str, expected: &str, seconds: &str) -> Result<UnixTime, Error> {
    if word != expected {
        return Err(broken());
    }
    seconds.parse().map(UnixTime).map_err(|_| broken())
}

fn broken() -> Error {
    Error::new(ErrorKind::Stored, 0)
}
