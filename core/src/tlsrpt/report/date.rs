// SPDX-License-Identifier: MIT OR Apache-2.0

//! The time that a report is about: RFC 3339, in UTC as it is written, and in what other forms
//! senders have it (R-RPT-3).

use crate::time::{Date, UnixTime};
use alloc::{format, string::String};
use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize, Serializer};

const DAY: u64 = 86_400;

/// From when to when. A day is 00:00:00Z to 23:59:59Z; some senders end it at 24:00:00Z, which is
/// the next day's 00:00:00Z, or have the day of another time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DateRange {
    /// The first second.
    #[serde(
        rename = "start-datetime",
        serialize_with = "write",
        deserialize_with = "read"
    )]
    pub start: UnixTime,
    /// The last second.
    #[serde(
        rename = "end-datetime",
        serialize_with = "write",
        deserialize_with = "read"
    )]
    pub end: UnixTime,
}

impl DateRange {
    /// The UTC day in which `time` is.
    pub const fn day_of(time: UnixTime) -> Self {
        let start = time.0 - time.0 % DAY;
        Self {
            start: UnixTime(start),
            end: UnixTime(start.saturating_add(DAY - 1)),
        }
    }

    /// The UTC day that this is about: the one in which its middle is.
    pub const fn day(self) -> Self {
        Self::day_of(UnixTime(self.start.0 + self.end.since(self.start) / 2))
    }

    /// The UTC day of a date such as `2026-01-31`; `None` where it is none from 1970 on.
    pub fn of_date(date: &str) -> Option<Self> {
        let midnight = from_text(&format!("{date}T00:00:00Z"))?;
        Some(Self::day_of(midnight))
    }

    /// The date on which it begins in UTC, as `2026-01-31`.
    pub fn date(self) -> String {
        let mut text = to_text(self.start);
        text.truncate("2026-01-31".len());
        text
    }
}

fn write<S: Serializer>(time: &UnixTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&to_text(*time))
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<UnixTime, D::Error> {
    let text = String::deserialize(from)?;
    let expected = "a date and time from 1970 on, such as 2026-01-31T23:59:59Z";
    from_text(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &expected))
}

/// `time` as `2026-01-31T23:59:59Z`; what is later than the year 9999 as its end.
pub fn to_text(time: UnixTime) -> String {
    let Date { year, month, day } = Date::of(time);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(time))
}

/// The time of day, as `23:59:59`.
pub fn clock(time: UnixTime) -> String {
    let second = time.min(Date::LAST).0 % DAY;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{hour:02}:{minute:02}:{:02}", second % 60)
}

/// Reads a time from 1970 on. Beside RFC 3339's: a space for the `T`, no offset (which is UTC), an
/// offset without colon, and 24:00:00.
pub fn from_text(text: &str) -> Option<UnixTime> {
    let mut text = Text(text.trim_ascii().as_bytes());
    let date = Date {
        year: text.number(4)?,
        month: text.after(b"-")?.number(2)?,
        day: text.after(b"-")?.number(2)?,
    };
    let hour = text.after(b"Tt ")?.number(2)?;
    let minute = text.after(b":")?.number(2)?;
    let second = text.after(b":")?.number(2)?;
    let is_time = hour < 24 && minute < 60 && second <= 60; // 60: a leap second
    if !is_time && (hour, minute, second) != (24, 0, 0) {
        return None;
    }
    text.fraction()?;
    let of_day = i64::try_from(hour * 3600 + minute * 60 + second).ok()?;
    let time = date.days()? * 86_400 + of_day - text.offset()?;
    u64::try_from(time).ok().map(UnixTime)
}

/// What is not read yet.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// A number of so many digits.
    fn number(&mut self, digits: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        let digit = |b: &u8| b.is_ascii_digit().then(|| u64::from(b - b'0'));
        number
            .iter()
            .try_fold(0, |sum, b| Some(sum * 10 + digit(b)?))
    }

    /// What follows one of these.
    fn after(&mut self, one_of: &[u8]) -> Option<&mut Self> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        one_of.contains(first).then_some(self)
    }

    /// Passes over a fraction of a second, if there is one.
    fn fraction(&mut self) -> Option<()> {
        if let [b'.', rest @ ..] = self.0 {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            self.0 = &rest[digits..];
            return (digits > 0).then_some(());
        }
        Some(())
    }

    /// The seconds by which the time is ahead of UTC; nothing may follow.
    fn offset(mut self) -> Option<i64> {
        let sign = match self.0 {
            [] | [b'Z' | b'z'] => return Some(0),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        let hours = self.after(b"+-")?.number(2)?;
        if self.0.starts_with(b":") {
            self.after(b":")?;
        }
        let minutes = self.number(2)?;
        let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
        (self.0.is_empty() && hours < 24 && minutes < 60).then_some(sign * seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn r_rpt_3_forms_in_which_senders_write_the_same_second() {
        let same = [
            "2026-02-01T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-02-01t00:00:00z",
            "2026-02-01 00:00:00",
            "2026-02-01T00:00:00.000+00:00",
            "2026-02-01T01:30:00+0130",
            "2026-01-31T16:00:00-08:00",
            " 2026-01-31T23:59:60Z ",
        ];
        for text in same {
            assert_eq!(from_text(text), Some(UnixTime(1_769_904_000)), "{text}");
        }
        assert_eq!(to_text(UnixTime(1_769_904_000)), same[0]);
        assert_eq!(
            from_text("2024-02-29T00:00:00Z"),
            Some(UnixTime(1_709_164_800))
        );
    }

    #[test]
    fn r_rpt_3_what_is_no_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-02-01",
            "2026-02-30T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-00T00:00:00Z",
            "2026-02-01T24:00:01Z",
            "2026-02-01T25:00:00Z",
            "2026-02-01T00:60:00Z",
            "2026-02-01T00:00:61Z",
            "2026-02-01T00:00:00.Z",
            "2026-02-01T00:00:00+24:00",
            "2026-02-01T00:00:00+1",
            "2026-02-01T00:00:00Zjunk",
            "1969-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "20é6-02-01T00:00:00Z",
            "+026-02-01T00:00:00Z",
        ] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }

    #[test]
    fn r_rpt_3_a_day_is_that_of_its_middle() {
        let range = |start, end| DateRange {
            start: from_text(start).unwrap(),
            end: from_text(end).unwrap(),
        };
        let day = range("2026-01-31T00:00:00Z", "2026-01-31T23:59:59Z");
        assert_eq!(DateRange::day_of(UnixTime(1_769_900_000)), day);
        assert_eq!(day.date(), "2026-01-31");
        assert_eq!(DateRange::of_date("2026-01-31"), Some(day));
        assert_eq!(DateRange::of_date("2026-02-30"), None);
        assert_eq!(DateRange::of_date("2026-01-31T00:00:00Z"), None);
        for other in [
            range("2026-01-31T00:00:00Z", "2026-01-31T24:00:00Z"),
            range("2026-01-31T00:00:00-08:00", "2026-01-31T23:59:59-08:00"),
            range("2026-01-31T00:00:00+10:00", "2026-01-31T23:59:59+10:00"),
        ] {
            assert_eq!(other.day(), day);
        }
    }

    proptest! {
        #[test]
        fn r_rpt_3_every_second_round_trips(second in 0..=Date::LAST.0) {
            prop_assert_eq!(from_text(&to_text(UnixTime(second))), Some(UnixTime(second)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[0-9TZ:+. -]{0,30}", second: u64) {
            let _ = from_text(&text);
            let _ = to_text(UnixTime(second));
            let _ = DateRange { start: UnixTime(second), end: UnixTime(u64::MAX) }.day();
        }
    }
}
