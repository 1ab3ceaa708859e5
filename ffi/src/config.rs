// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a host may set for a lookup.

use crate::boundary::{Status, entry};
use crate::sized::{self, Sized};
use crate::status::MTASTS_E_ARGUMENT;
use mtasts::Config;

/// Settings of a lookup. Fill it by `mtasts_config_init`, change what is to differ, and pass it
/// where a function takes one; NULL there means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mtasts_config {
    /// `sizeof(mtasts_config)`.
    pub size: usize,
    /// 1: where the TXT record cannot be looked up for now and no policy is cached, deliveries
    /// are deferred. 0 (default): they proceed as without a policy.
    pub defer_on_dns_failure: i32,
    /// For which share of the domains, in percent, a blocked delivery is deferred; for the
    /// others it is diverted (MTASTS_ACTION_DIVERT). Default 100.
    pub enforce_percent: i32,
    /// Time limit of a whole fetch in milliseconds. Default 60000.
    pub fetch_timeout_ms: u32,
    /// The least time in seconds for which a TXT record counts. Default 0.
    pub min_ttl: u32,
    /// The most time in seconds for which a TXT record counts. Default 86400.
    pub max_ttl: u32,
    /// The most time in seconds for which its absence counts. Default 3600.
    pub max_negative_ttl: u32,
    /// The TTL in seconds where the host does not tell it. Default 300.
    pub unknown_ttl: u32,
    /// The largest policy in octets; at most, and by default, 65536.
    pub max_body: usize,
}

// SAFETY: plain numbers after the size.
unsafe impl Sized for mtasts_config {
    const FIRST: usize = size_of::<Self>();
}

impl mtasts_config {
    fn defaults() -> Self {
        let config = Config::default();
        Self {
            size: size_of::<Self>(),
            defer_on_dns_failure: config.defer_on_dns_failure.into(),
            enforce_percent: config.enforce_percent.into(),
            fetch_timeout_ms: config.fetch_timeout_ms,
            min_ttl: *config.ttl.start(),
            max_ttl: *config.ttl.end(),
            max_negative_ttl: config.max_negative_ttl,
            unknown_ttl: config.unknown_ttl,
            max_body: config.max_body,
        }
    }

    /// The caller's settings as the engine's.
    ///
    /// # Safety
    /// `config` is NULL or valid.
    pub(crate) unsafe fn take(config: *const Self) -> Result<Config, i32> {
        if config.is_null() {
            return Ok(Config::default());
        }
        // SAFETY: as the caller promises.
        let set = unsafe { sized::read(config, Self::defaults()) }?;
        let percent = u8::try_from(set.enforce_percent)
            .ok()
            .filter(|percent| *percent <= 100);
        let defer = matches!(set.defer_on_dns_failure, 0 | 1);
        let (true, Some(enforce_percent), true) = (defer, percent, set.min_ttl <= set.max_ttl)
        else {
            return Err(MTASTS_E_ARGUMENT);
        };
        let mut config = Config::default();
        config.defer_on_dns_failure = set.defer_on_dns_failure == 1;
        config.enforce_percent = enforce_percent;
        config.fetch_timeout_ms = set.fetch_timeout_ms;
        config.ttl = set.min_ttl..=set.max_ttl;
        config.max_negative_ttl = set.max_negative_ttl;
        config.unknown_ttl = set.unknown_ttl;
        config.max_body = set.max_body;
        Ok(config)
    }
}

/// Fills `config` with the defaults. `size` is `sizeof(mtasts_config)`, to which the member of
/// that name is set.
///
/// Returns MTASTS_OK, MTASTS_E_ARGUMENT for NULL, or MTASTS_E_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mtasts_config_init(config: *mut mtasts_config, size: usize) -> i32 {
    entry(|| {
        if config.is_null() {
            return Err(MTASTS_E_ARGUMENT);
        }
        // SAFETY: `config` points to `size` octets; the size is its first member.
        unsafe { init(config, size) }
    })
}

unsafe fn init(config: *mut mtasts_config, size: usize) -> Status {
    if size < mtasts_config::FIRST {
        return Err(crate::status::MTASTS_E_SIZE);
    }
    // SAFETY: as in the only caller.
    unsafe {
        config.cast::<usize>().write(size);
        sized::write(config, &mtasts_config::defaults())
    }
}
