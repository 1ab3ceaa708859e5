// SPDX-License-Identifier: MIT OR Apache-2.0

//! What every HTTP surface of libmtasts says: `mtasts serve`, the component for WASI runtimes, the
//! plugin for proxies. There is no I/O in here; a surface reads a request, asks this crate, and
//! sends a [`Reply`].
//!
//! * [`query`] answers `/v1/policy?domain=&mx=`, the policy of a domain as a sender sees it, in
//!   JSON ([`answer`]).
//! * [`publish`] serves policies: it is the Policy Host of many domains (RFC 8461 §3.3).
//! * [`site`] tells a request for either from others, as the configuration says ([`settings`]).
//! * [`doh`] asks for TXT records by DNS over HTTPS (RFC 8484), for hosts without a resolver.

#![forbid(unsafe_code)]

pub mod answer;
pub mod doh;
pub mod publish;
pub mod query;
mod reply;
pub mod settings;
pub mod site;

pub use reply::Reply;
