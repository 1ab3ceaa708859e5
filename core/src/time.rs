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
