// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small internet on loopback for tests of MTA-STS: DNS, policy hosts, mail hosts and a CA,
//! with faults that a scene or a running test switches. See README.md for scenes and faults.
//!
//! ```
//! let lab = mtasts_lab::Lab::start(
//!     r#"
//!     [[domain]]
//!     name = "good.example"
//!     id = "20260101T000000"
//!     policy = "enforce"
//!     "#,
//! )?;
//! lab.set("good.example", "https=notfound ttl=1")?;
//! assert_eq!(lab.count("dns", "name=_mta-sts.good.example")?, 0);
//! # Ok::<(), mtasts_lab::Error>(())
//! ```

mod ca;
mod control;
mod dns;
mod domain;
mod error;
mod events;
mod fault;
mod host;
mod https;
mod lab;
mod page;
mod record;
mod run;
mod scene;
mod shared;
mod smtp;
mod value;
mod world;
mod zone;

pub use error::Error;
pub use lab::{Lab, Scene, block_on, control, request};
pub use run::{Info, Ports, run};
pub use value::quote;
