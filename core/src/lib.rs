// SPDX-License-Identifier: MIT OR Apache-2.0

//! MTA-STS (RFC 8461) as a machine that does no I/O.
//!
//! A domain that receives mail can say, by a TXT record and a small file served over HTTPS,
//! which hosts are its mail exchangers and that mail must reach them over authenticated TLS.
//! A sender that knows this can no longer be talked into clear text, nor into another host, by
//! whoever sits on the path. This crate is that knowledge. The modules stand in the order in
//! which the data travels; read from top to bottom, they are the protocol:
//!
//! ```text
//! TXT strings ──record::Record──┐
//!                               ├─ lookup::Lookup ── stored::Stored ── the host's store
//! HTTPS reply ──reply::accept───┘        │
//!               policy::Policy           └─ outcome::Outcome (policy, basis, reason)
//!                                               │
//! candidate MX host + TLS facts + DANE status ──┴─ verdict::Verdict ── deliver, defer, divert
//!                                                        │
//!                                                        └─ tlsrpt::ResultType
//! ```
//!
//! The host does DNS, HTTPS and storage and knows the time. It either drives a [`Lookup`] by
//! [`Lookup::poll`] and answers, in whatever event loop it has, or implements [`Host`] and
//! calls [`resolve`]:
//!
//! ```
//! use mtasts::*;
//!
//! struct Fixed; // a host whose network always gives the same answers
//! impl Host for Fixed {
//!     fn now(&mut self) -> UnixTime {
//!         UnixTime(1_767_225_600)
//!     }
//!     fn txt(&mut self, name: &str) -> Result<TxtAnswer, TxtFailure> {
//!         assert_eq!(name, "_mta-sts.example.com");
//!         Ok(TxtAnswer { records: vec![b"v=STSv1; id=20260101;".to_vec()], ttl: Some(300) })
//!     }
//!     fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
//!         assert_eq!((fetch.host, fetch.path), ("mta-sts.example.com", mtasts::WELL_KNOWN_PATH));
//!         Ok(HttpsReply {
//!             status: 200,
//!             content_type: Some("text/plain".into()),
//!             body: b"version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 86400\n".to_vec(),
//!         })
//!     }
//! }
//!
//! let domain: PolicyDomain = "example.com".parse()?;
//! let outcome = resolve(domain, &Config::default(), &mut Fixed);
//! let session = Session { mx_host: "mx1.example.com", tls: Tls::NotOffered, dane: Dane::NotUsed,
//!                         mx_secure: false };
//! let verdict = outcome.verdict(&session);
//! assert_eq!(verdict.action, Action::Defer); // never in the clear
//! assert_eq!(verdict.result, Some(ResultType::StartTlsNotSupported));
//! # Ok::<(), mtasts::Error>(())
//! ```
//!
//! Nothing in here panics on any input, keeps a clock, or allocates to judge a session.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod error;
pub mod name;
pub mod record;
pub mod time;
// One idea, two files: the document, and the host patterns in it.
#[cfg(feature = "certificate")]
pub mod certificate;
pub mod host;
pub mod lookup;
pub mod outcome;
pub mod pattern;
pub mod policy;
pub mod reason;
pub mod reply;
pub mod stored;
pub mod tlsrpt;
pub mod verdict;

pub use error::{Error, ErrorKind, Position};
pub use host::{Host, StoreFailure, resolve, run};
pub use lookup::{Config, Fetch, Lookup, RequestId, Step, TxtAnswer};
pub use name::{PolicyDomain, PolicyId};
pub use outcome::{Basis, Outcome};
pub use pattern::MxPattern;
pub use policy::{MAX_BODY, Mode, Policy, Warning, WarningKind};
pub use reason::{FetchFailure, Reason, TxtFailure};
pub use record::Record;
pub use reply::{HttpsReply, WELL_KNOWN_PATH};
pub use stored::{Attempt, RecordCheck, Stored, StoredPolicy};
pub use time::UnixTime;
pub use tlsrpt::ResultType;
pub use verdict::{Action, Cause, Certificate, Dane, Session, Tls, Verdict};
