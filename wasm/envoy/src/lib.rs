// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the Envoy plugin does, apart from Envoy: everything that Envoy gives is the trait
//! [`Proxy`], so that all of this is tested natively. In the order in which a request travels:
//!
//! * [`Config`] says what is served and who may ask; a bad one is refused whole.
//! * [`Route`] tells a request for a policy, and one to the API, from those that are none of our
//!   business, which go on to Envoy's routes untouched.
//! * [`Worker`] answers `/v1/policy`. There is one in each of Envoy's threads, with an
//!   [`Engine`](mtasts::Engine) of its own.
//! * [`Store`] is what the threads share, in Envoy's shared data: policies that one has fetched.
//! * [`Refresher`] keeps the policies in the store fresh, in one thread at a time.
//! * [`call`] reads what came of an HTTP request: only an upstream's own 200 counts.

#![forbid(unsafe_code)]

pub mod call;
mod config;
mod proxy;
mod refresher;
mod store;
mod worker;

pub use config::{Config, Dns, Fetching, Query};
pub use mtasts_web::site::{Route, is_ours};
pub use proxy::{Counter, Level, Proxy};
pub use refresher::Refresher;
pub use store::Store;
pub use worker::Worker;
