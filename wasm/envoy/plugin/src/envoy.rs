// SPDX-License-Identifier: MIT OR Apache-2.0

//! Envoy, as the library wants it. What Envoy refuses is passed over or said by the result: a
//! panic would take the whole plugin down, in this thread and for all its requests.

#![expect(unsafe_code, reason = "a function of WASI")]

use mtasts::UnixTime;
use mtasts_envoy::{Counter, Level, Proxy};
use mtasts_web::Reply;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};
use std::cell::Cell;
use std::time::{Duration, UNIX_EPOCH};

/// How often [`mtasts_envoy::Worker::tick`] is called, and Envoy told what was counted.
const TICK: Duration = Duration::from_secs(1);

/// How soon, where there are calls to make.
const SOON: Duration = Duration::from_millis(1);

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    /// Fills a buffer with random octets; gives 0 if it did.
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

/// Envoy, in the name of one root context.
pub struct Envoy {
    root: u32,
    counters: Vec<Statistic>,
}

/// One of [`Counter::ALL`].
struct Statistic {
    number: u32,
    /// What Envoy has not been told yet: to tell takes longer than to serve a policy may.
    more: Cell<i64>,
}

impl Envoy {
    /// Defines the statistics.
    pub fn new(root: u32) -> Self {
        let define = |counter: &Counter| {
            let number = hostcalls::define_metric(MetricType::Counter, counter.name());
            Statistic {
                number: number.unwrap_or_default(),
                more: Cell::new(0),
            }
        };
        Self {
            root,
            counters: Counter::ALL.iter().map(define).collect(),
        }
    }

    /// Tells Envoy what was counted.
    pub fn tell_counts(&self) {
        for statistic in self.counters.iter().filter(|one| one.more.get() > 0) {
            let _ = hostcalls::increment_metric(statistic.number, statistic.more.take());
        }
    }

    /// Answers the request of which Envoy is telling.
    pub fn send(&self, reply: &Reply<'_>) {
        let headers = reply.headers.iter().map(|(name, value)| (*name, &**value));
        let status = reply.status.into();
        let _ = hostcalls::send_http_response(status, headers.collect(), Some(&reply.body));
    }

    /// Has ticks come as often as is usual.
    pub fn tick_slowly(&self) {
        let _ = hostcalls::set_tick_period(TICK);
    }

    /// A header of the response to a call. None that is not UTF-8.
    pub fn response_header(&self, name: &str) -> Option<String> {
        let map = MapType::HttpCallResponseHeaders;
        let value = hostcalls::get_map_value_bytes(map, name).ok()??;
        String::from_utf8(value).ok()
    }

    /// The body of the response to a call, `size` octets of it.
    pub fn response_body(&self, size: usize) -> Vec<u8> {
        let body = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size);
        body.ok().flatten().unwrap_or_default()
    }
}

impl Proxy for Envoy {
    fn now(&self) -> UnixTime {
        let now = hostcalls::get_current_time().ok();
        let since = now.and_then(|now| now.duration_since(UNIX_EPOCH).ok());
        UnixTime(since.unwrap_or_default().as_secs())
    }

    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Option<u32> {
        hostcalls::dispatch_http_call(cluster, headers.to_vec(), body, Vec::new(), timeout).ok()
    }

    fn read(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        let (value, version) = hostcalls::get_shared_data(key).ok()?;
        // What is empty and has no version is not there.
        (value.is_some() || version.is_some()).then(|| (value.unwrap_or_default(), version))
    }

    fn write(&self, key: &str, value: &[u8], version: Option<u32>) -> bool {
        hostcalls::set_shared_data(key, Some(value), version).is_ok()
    }

    fn respond(&self, request: u32, reply: &Reply<'_>) {
        if hostcalls::set_effective_context(request).is_err() {
            return; // it is gone
        }
        self.send(reply);
        let _ = hostcalls::set_effective_context(self.root);
    }

    fn wake(&self) {
        let _ = hostcalls::set_tick_period(SOON);
    }

    fn random(&self) -> [u8; 16] {
        let mut octets = [0; 16];
        // SAFETY: the buffer is as large as is said.
        unsafe { random_get(octets.as_mut_ptr(), octets.len()) };
        octets
    }

    fn count(&self, counter: Counter) {
        if let Some(statistic) = self.counters.get(counter as usize) {
            statistic.more.set(statistic.more.get() + 1);
        }
    }

    fn log(&self, level: Level, line: &str) {
        let level = match level {
            Level::Info => LogLevel::Info,
            Level::Warning => LogLevel::Warn,
        };
        let _ = hostcalls::log(level, line);
    }
}
