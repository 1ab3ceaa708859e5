// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is needed of the proxy.

use mtasts::UnixTime;
use mtasts_web::Reply;
use std::time::Duration;

/// The proxy, as one of its threads sees it.
pub trait Proxy {
    /// The wall clock.
    fn now(&self) -> UnixTime;

    /// Sends an HTTP request to a cluster and gives the number with which the response will come,
    /// or `None` where the proxy does not take the request. Only called where the response comes
    /// to whoever lives as long as the thread, not to a request that a client may abandon.
    fn call(
        &self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Option<u32>;

    /// The value of a key that all threads share, and the number of its version.
    fn read(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)>;

    /// Writes a value, if the version is still this one; `None`: whatever the version. `false`:
    /// another thread was faster.
    fn write(&self, key: &str, value: &[u8], version: Option<u32>) -> bool;

    /// Answers the request with this number, which waits.
    fn respond(&self, request: u32, reply: &Reply<'_>);

    /// Has [`Worker::tick`](crate::Worker::tick) called soon.
    fn wake(&self);

    /// Octets that nobody can guess.
    fn random(&self) -> [u8; 16];

    /// Adds 1 to a counter.
    fn count(&self, counter: Counter);

    /// Writes a line to the log.
    fn log(&self, level: Level, line: &str);
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Somebody should look at it.
    Warning,
}

macro_rules! counters {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, )*) => {
        /// What is counted. Envoy shows them as `wasmcustom.mtasts_…`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Counter {
            $( $(#[$doc])* $name, )*
        }

        impl Counter {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$( Self::$name, )*];

            /// The name of the statistic.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$name => concat!("mtasts_", $text), )*
                }
            }
        }
    };
}

counters! {
    /// Policies served, 304 and HEAD among them.
    Served = "served",
    /// Requests for a policy that were refused: no such domain, no such method.
    NotServed = "not_served",
    /// Queries that were answered with a policy.
    Policy = "query_policy",
    /// Queries of domains that have no policy.
    NoPolicy = "query_no_policy",
    /// Queries answered with "try later".
    Temporary = "query_temporary",
    /// Queries that were malformed.
    Malformed = "query_malformed",
    /// Queries that were refused, as too many wait.
    Overload = "query_overload",
    /// DNS questions sent.
    Txt = "txt",
    /// DNS questions that failed; absence is no failure.
    TxtFailed = "txt_failed",
    /// Policies asked for at their policy host.
    Fetch = "fetch",
    /// Of these, those that gave no policy host's own reply.
    FetchFailed = "fetch_failed",
    /// Policies that could not be refreshed, each time.
    RefreshFailed = "refresh_failed",
    /// Policies that expired although they were asked for.
    Expired = "policy_expired",
    /// Entries that could not be written to the store.
    StoreFailed = "store_failed",
}
