// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a domain publishes so that its mail arrives by MTA-STS (R-PUB-1), and in which order:
//! texts from arguments, without I/O, for the command, the page and the proxy plugin alike.
//!
//! A domain that receives mail publishes three things: the policy, a file that `mta-sts.<domain>`
//! serves over HTTPS (RFC 8461 §3.2); the record, TXT at `_mta-sts.<domain>`, whose `id` changes
//! with the policy (§3.1); and the TLSRPT record, at which address it wants to hear what went
//! wrong (RFC 8460 §3).
//!
//! ```
//! use mtasts_publish::*;
//!
//! let draft = Draft {
//!     mode: Mode::Testing,
//!     max_age: 86_400,
//!     mx: vec!["mx1.example.com".into(), "*.backup.example.net".into()],
//! };
//! let policy = draft.write()?;
//! assert_eq!(policy.text(), "version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\n\
//!                            mx: *.backup.example.net\r\nmax_age: 86400\r\n");
//!
//! let id = next_id(None, &policy, UnixTime(1_767_225_600));
//! assert_eq!(record(&id), "v=STSv1; id=20260101000000Z;");
//! assert_eq!(tlsrpt_record(&["tls@example.com"])?, "v=TLSRPTv1; rua=mailto:tls@example.com");
//!
//! let site = Site::of("example.com".parse().unwrap());
//! assert!(site.configuration(Server::Nginx, &policy).text.contains("mta-sts.example.com"));
//! # Ok::<(), mtasts_publish::Error>(())
//! ```
//!
//! The order in which all this is published is a [`Plan`]: senders that see half of a change must
//! still deliver.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod draft;
mod error;
mod id;
mod plan;
mod record;
mod server;
mod site;
mod zone;

pub use draft::{Advice, Draft, Written};
pub use error::{Error, Field};
pub use id::{id_at, id_of, next_id};
pub use mtasts::{Mode, Policy, PolicyDomain, PolicyId, UnixTime};
pub use plan::{Kind, Plan, Present, Step, Wait};
pub use record::{record, tlsrpt_record};
pub use server::{Configuration, Server};
pub use site::{Address, Site};
pub use zone::{Zone, txt_strings};
