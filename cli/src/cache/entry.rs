// SPDX-License-Identifier: MIT OR Apache-2.0

//! An entry of the cache, for people and as JSON.

use mtasts::stored::{BACK_OFF, MAX_ATTEMPTS};
use mtasts::{Attempt, Reason, Stored, StoredPolicy, UnixTime};
use mtasts_web::answer::stored_policy_json;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// Everything of an entry, and what it comes to at `now`.
pub fn as_json(stored: &Stored, now: UnixTime) -> Value {
    let policy = stored.policy.as_deref();
    let back_off = back_off(stored, now);
    json!({
        "domain": stored.domain.as_str(),
        "policy": policy.map(policy_json),
        "applies": stored.usable(now).is_some(),
        "record": stored.record.as_ref().map(|record| json!({
            "id": record.id.as_ref().map(|id| id.as_str()),
            "until": record.until.0,
        })),
        "attempts": stored.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        "back_off": back_off.map(|(reason, until)| json!({
            "reason": reason.to_string(),
            "until": until.0,
        })),
    })
}

fn policy_json(fetched: &StoredPolicy) -> Value {
    let mut value = stored_policy_json(fetched);
    value["text"] = fetched.policy.text().into();
    value
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "id": attempt.id.as_str(),
        "at": attempt.at.0,
        "failed": attempt.failed.map(|reason| reason.to_string()),
    })
}

/// Why and until when no fetch is made (R-GET-5): the last one failed, so that its `id` waits; or
/// there were too many.
pub fn back_off(stored: &Stored, now: UnixTime) -> Option<(Reason, UnixTime)> {
    let end = |attempt: &Attempt| attempt.at.plus(BACK_OFF);
    let mut recent = stored.attempts.iter().rev();
    let mut recent = recent
        .by_ref()
        .filter(|attempt| attempt.at <= now && now < end(attempt));
    let last = recent.next()?;
    match last.failed {
        Some(reason) => Some((reason, end(last))),
        None => {
            let first = recent.nth(MAX_ATTEMPTS - 2)?;
            Some((Reason::FetchLimit, end(first)))
        }
    }
}

/// Whether all that is known is of the past.
pub fn is_expired(stored: &Stored, now: UnixTime) -> bool {
    match stored.policy {
        Some(_) => stored.usable(now).is_none(),
        None => stored.useless_after() < now,
    }
}

/// A time for people, UTC, and how far it is.
pub fn when(at: UnixTime, now: UnixTime) -> String {
    let date = UNIX_EPOCH.checked_add(Duration::from_secs(at.0));
    let date = date.map_or_else(
        || "in the far future".to_owned(),
        |date| humantime::format_rfc3339_seconds(date).to_string(),
    );
    format!("{date} ({})", away(at, now))
}

/// How far a time is from now: `3h 2m ago`, `in 6d 20h`.
pub fn away(at: UnixTime, now: UnixTime) -> String {
    match at.0.checked_sub(now.0) {
        Some(0) => "now".to_owned(),
        Some(seconds) => format!("in {}", span(seconds)),
        None => format!("{} ago", span(now.since(at))),
    }
}

/// The two largest units.
fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let largest = units.iter().position(|(unit, _)| seconds >= *unit);
    let largest = largest.unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, name) in units.iter().skip(largest).take(2) {
        if left >= *unit || parts.is_empty() {
            parts.push(format!("{}{name}", left / unit));
        }
        left %= unit;
    }
    parts.join(" ")
}

/// A text that came from the network, without what a terminal would obey.
pub fn harmless(text: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::{away, back_off, harmless};
    use mtasts::{Attempt, Reason, Stored, UnixTime};

    #[test]
    fn times_have_two_units() {
        for (at, expected) in [
            (1_000_000, "now"),
            (1_000_001, "in 1s"),
            (1_000_060, "in 1m"),
            (1_000_000 + 86_400 * 6 + 3_600 * 20 + 59, "in 6d 20h"),
            (1_000_000 + 86_400 + 59, "in 1d"),
            (999_939, "1m 1s ago"),
            (0, "11d 13h ago"),
        ] {
            let shown = away(UnixTime(at), UnixTime(1_000_000));
            assert_eq!(shown, expected, "{at}");
        }
    }

    fn attempts(times: &[u64], failed: Option<Reason>) -> Stored {
        let mut stored = Stored::unknown("a.example".parse().unwrap());
        let id = "1".parse().unwrap();
        let attempt = |&at| Attempt {
            at: UnixTime(at),
            id: Clone::clone(&id),
            failed,
        };
        stored.attempts = times.iter().map(attempt).collect::<Vec<_>>().into();
        stored
    }

    #[test]
    fn r_get_5_the_back_off_is_on_for_five_minutes() {
        let failed = attempts(&[1_000], Some(Reason::WebPki));
        let expected = Some((Reason::WebPki, UnixTime(1_300)));
        assert_eq!(back_off(&failed, UnixTime(1_299)), expected);
        assert_eq!(back_off(&failed, UnixTime(1_300)), None);
        assert_eq!(
            back_off(&failed, UnixTime(999)),
            None,
            "the clock was set back"
        );
    }

    #[test]
    fn r_get_5_six_fetches_are_the_most() {
        let now = UnixTime(1_100);
        let six = attempts(&[1_000, 1_010, 1_020, 1_030, 1_040, 1_050], None);
        assert_eq!(
            back_off(&six, now),
            Some((Reason::FetchLimit, UnixTime(1_300)))
        );
        let five = attempts(&[1_010, 1_020, 1_030, 1_040, 1_050], None);
        assert_eq!(back_off(&five, now), None);
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(harmless("a\u{9b}2J\u{1b}é"), "a\\u{9b}2J\\u{1b}é");
    }
}
