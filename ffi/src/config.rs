// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a host may set for a lookup.

use crate::sized::{self, Sized};
use crate::status::MTASTS_E_ARGUMENT;
use mtasts::Config;

/// Settings of a lookup. Set every member to 0, then `size` and what is to differ from the
/// defaults. Where a function takes one, NULL means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_config {
    /// `sizeof(mtasts_config)`.
    pub size: usize,
    /// 1: where the TXT record cannot be looked up for now and no policy is cached, deliveries
    /// are deferred. 0: they proceed as without a policy.
    pub defer_on_dns_failure: i32,
    /// For which share of the domains, in percent, a blocked delivery is not deferred but
    /// diverted (MTASTS_ACTION_DIVERT), while enforcement is being introduced. 0: for none.
    pub divert_percent: i32,
    /// Time limit of a whole fetch in milliseconds. 0: 60000.
    pub fetch_timeout_ms: u32,
    /// The least time in seconds for which a TXT record counts.
    pub min_ttl: u32,
    /// The most time in seconds for which a TXT record counts. 0: 86400.
    pub max_ttl: u32,
    /// The most time in seconds for which its absence counts. 0: 3600.
    pub max_negative_ttl: u32,
    /// The TTL in seconds where the host does not tell it. 0: 300.
    pub unknown_ttl: u32,
    /// The age in seconds from which a cached policy is fetched again although its id has not
    /// changed, so that it does not run out; less up to a quarter by domain, and at most half of
    /// the policy's lifetime. 0: 86400. UINT32_MAX: never.
    pub refresh_after: u32,
    /// The largest policy in octets; at most 65536. 0: that.
    pub max_body: usize,
}

// SAFETY: plain numbers after the size.
unsafe impl Sized for mtasts_config {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_config {
    const ZERO: Self = Self {
        size: 0,
        defer_on_dns_failure: 0,
        divert_percent: 0,
        fetch_timeout_ms: 0,
        min_ttl: 0,
        max_ttl: 0,
        max_negative_ttl: 0,
        unknown_ttl: 0,
        refresh_after: 0,
        max_body: 0,
    };

    /// The caller's settings as the engine's.
    ///
    /// # Safety
    /// `config` is NULL or valid.
    pub(crate) unsafe fn take(config: *const Self) -> Result<Config, i32> {
        if config.is_null() {
            return Ok(Config::default());
        }
        // SAFETY: as the caller promises.
        let set = unsafe { sized::read(config, Self::ZERO) }?;
        let mut config = Config::default();
        config.defer_on_dns_failure = match set.defer_on_dns_failure {
            0 => false,
            1 => true,
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        config.divert_percent = match set.divert_percent {
            percent @ 0..=100 => percent as u8,
            _ => return Err(MTASTS_E_ARGUMENT),
        };
        let max_ttl = or(set.max_ttl, *config.ttl.end());
        if set.min_ttl > max_ttl {
            return Err(MTASTS_E_ARGUMENT);
        }
        config.ttl = set.min_ttl..=max_ttl;
        config.fetch_timeout_ms = or(set.fetch_timeout_ms, config.fetch_timeout_ms);
        config.max_negative_ttl = or(set.max_negative_ttl, config.max_negative_ttl);
        config.unknown_ttl = or(set.unknown_ttl, config.unknown_ttl);
        config.refresh_after = or(set.refresh_after, config.refresh_after);
        config.max_body = or(set.max_body, config.max_body);
        Ok(config)
    }
}

/// What the caller has set, or the default.
fn or<T: PartialEq + From<u8>>(set: T, default: T) -> T {
    if set == T::from(0) { default } else { set }
}
