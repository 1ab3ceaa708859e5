// SPDX-License-Identifier: MIT OR Apache-2.0

//! libmtasts: the C ABI of the MTA-STS engine. One file per C type; the header `mtasts.h` is
//! made from them, so that their comments speak to C programmers.
//!
//! Rules that hold throughout: handles are opaque and freed by their own function, which does
//! nothing for NULL; structs begin with their size and only ever grow at their end; a status is
//! `int32_t` and 0 is success; what comes in is borrowed for the call, what goes out belongs to
//! the handle it came from; every entry catches panics.

#![expect(unsafe_code, reason = "C hands pointers over")]
#![allow(non_camel_case_types)]
// Each unsafe function's contract is the header's: pointers are valid as C knows it.
#![allow(clippy::missing_safety_doc)]

// In the order in which the header is read.
pub mod status;
pub mod strerror;
pub mod version;

pub mod text;

pub mod host;

pub mod outcome;

pub mod verdict;

pub mod policy;

pub mod config;

pub mod lookup;

pub mod answer;

pub mod certificate;
pub mod postfix;
pub mod record;
pub mod tlsrpt;

pub mod report;

pub mod report_counter;

mod boundary;
mod sized;

#[cfg(feature = "panic-test")]
pub use boundary::panic_at_next_entry;
