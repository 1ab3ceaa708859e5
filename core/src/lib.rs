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
//!                                                        └─ tlsrpt::SessionResult
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

// What every part speaks of: errors with a place, names that exist only if they are legal, and
// the wall clock, which the host tells.
pub mod error;
pub mod name;
mod scan;
pub mod time;

// A domain says by a TXT record at `_mta-sts.<domain>` that it has a policy, and by the record's
// `id` which one. DNS can be forged: the record is a hint to look, never the policy itself.
pub mod record;

// The policy is a few lines of text: a mode, how long it may be remembered (`max_age`), and the
// patterns of the hosts that take the domain's mail.
pub mod pattern;
pub mod policy;

// It is served over HTTPS by `mta-sts.<domain>`, whose certificate no attacker on the path has:
// that is where the trust comes from. Only one kind of reply counts.
pub mod reply;

// What goes wrong on the way has a name, and says whether it is to be reported.
pub mod reason;

// A policy that was seen once is remembered, and applies until its `max_age` is over whatever DNS
// and HTTPS say meanwhile: whoever suppresses the record or the policy host comes too late.
pub mod stored;

// So a look-up asks its store, then the TXT record, then, if the `id` is new, the Policy Host; and
// each only if needed.
pub mod lookup;
pub mod outcome;

// The outcome judges each session with an MX host: is the host listed, does TLS stand, is the
// certificate valid for the host's name? DANE, where DNSSEC protects it, comes first.
#[cfg(feature = "certificate")]
pub mod certificate;
#[cfg(feature = "chain")]
pub mod chain;
pub mod verdict;

// What was found is reported to the domain's owner by SMTP TLS Reporting (RFC 8460).
pub mod tlsrpt;

// A mail server that looks nothing up itself, Postfix, is told by a table what applies to a domain.
pub mod postfix;

// And the loop that runs a look-up for a host that may block.
pub mod host;

// A host of many deliveries looks many domains up at once: each question is asked once, whoever
// waits for the answer, and policies are refreshed before they expire.
#[cfg(feature = "engine")]
pub mod engine;

#[cfg(feature = "engine")]
pub use engine::Engine;
pub use error::{Error, ErrorKind, Position, Warning, WarningKind};
pub use host::{Host, StoreFailure, resolve, run};
pub use lookup::{Config, Fetch, Lookup, RequestId, Step, TxtAnswer};
pub use name::{PolicyDomain, PolicyId};
pub use outcome::{Basis, Outcome};
pub use pattern::MxPattern;
pub use policy::{MAX_BODY, Mode, Policy};
pub use reason::{FetchFailure, Reason, TxtFailure};
pub use record::Record;
pub use reply::{HttpsReply, WELL_KNOWN_PATH};
pub use stored::{Attempt, Attempts, RecordCheck, Stored, StoredPolicy};
pub use time::{Date, UnixTime};
pub use tlsrpt::ResultType;
pub use verdict::{Action, Cause, Certificate, Dane, DomainDane, Session, Tls, Verdict};
