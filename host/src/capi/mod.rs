// SPDX-License-Identifier: MIT OR Apache-2.0

//! libmtasts-host: the C face of the default host. The header `mtasts_host.h` is made from these
//! files, so that their comments speak to C programmers; it includes `mtasts.h`, for the host is
//! given to libmtasts as any other and fills its answers as any other does.

#![expect(unsafe_code, reason = "C hands pointers over")]
#![allow(non_camel_case_types)]
// Each unsafe function's contract is the header's: pointers are valid as C knows it.
#![allow(clippy::missing_safety_doc)]
// An address in brackets is no link.
#![allow(rustdoc::broken_intra_doc_links)]

pub mod addresses;
mod boundary;
mod callbacks;
pub mod certificate;
pub mod dane;
pub mod domain;
/// cbindgen:ignore
mod engine;
pub mod mx;
pub mod open;
pub mod status;
pub mod store;
mod text;
pub mod tlsrpt;

#[cfg(feature = "panic-test")]
pub use boundary::panic_at_next_entry;
