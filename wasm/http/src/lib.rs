// SPDX-License-Identifier: MIT OR Apache-2.0

//! MTA-STS as a component of the world `wasi:http/proxy`: it serves policies, and tells senders
//! the policies of others. In the order in which a request travels:
//!
//! * [`Config`] says what is answered; [`slot`] is where the component finds it.
//! * [`Service`] answers requests. What it needs of its runtime is the trait [`Network`], so that
//!   all but the translation to WASI, `wasi`, is tested natively.
//! * [`Memory`] is what is remembered of domains, as long as the runtime keeps the instance.
//! * [`failure`] tells what a runtime's error means.

pub mod config;
pub mod failure;
mod memory;
mod service;
pub mod slot;
#[cfg(any(target_arch = "wasm32", feature = "lint"))]
mod wasi;

pub use config::Config;
pub use memory::Memory;
pub use service::{Call, Network, Response, Service};
