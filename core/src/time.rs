// SPDX-License-Identifier: MIT OR Apache-2.0

//! Wall-clock time, which the host gives: lifetimes outlive processes (RFC 8461 §3.2).

/// Seconds since 1970-01-01T00:00:00Z. Arithmetic on it saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// This many seconds later.
    pub const fn plus(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as u64))
    }

    /// This time, or the next second where it is 0, which stands for "never" in stores.
    pub(crate) const fn not_zero(self) -> Self {
        if self.0 == 0 { Self(1) } else { self }
    }

    /// The seconds from `earlier` to this; 0 where `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

const DAY: u64 = 86_400;

/// A date of the Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: u64,
    /// The month, from 1.
    pub month: u64,
    /// The day of the month, from 1.
    pub day: u64,
}

impl Date {
    /// The last second that has a year of four digits: 9999-12-31T23:59:59Z.
    pub const LAST: UnixTime = UnixTime(253_402_300_799);

    /// The date of a time, as far as [`Date::LAST`]. Years are counted from March on, so that a leap
    /// day is the last of one; 400 of them, an era, have 146,097 days.
    pub fn of(time: UnixTime) -> Self {
        let since = time.min(Self::LAST).0 / DAY + 719_468; // the days from 0000-03-01 to 1970-01-01
        let of_era = since % 146_097;
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: since / 146_097 * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
        }
    }

    /// The days from 1970-01-01 to it; negative before. `None` where there is no such date.
    pub fn days(self) -> Option<i64> {
        let Self { year, month, day } = self;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        if !(1..=last).contains(&day) {
            return None;
        }
        let year = (year + 400).checked_sub(u64::from(month <= 2))?; // of the year 0 too
        let from_march = (month + 9) % 12;
        let of_year = (153 * from_march + 2) / 5 + day - 1;
        let days = 365 * year + year / 4 - year / 100 + year / 400 + of_year;
        Some(i64::try_from(days).ok()? - 719_468 - 146_097)
    }
}
