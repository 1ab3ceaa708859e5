// SPDX-License-Identifier: MIT OR Apache-2.0

//! The engine as JavaScript sees it before `lib/*.ts` gives it the manners of that language:
//! handles, words and octets. One file per file of the engine; nothing is decided here.
//!
//! Numbers are those of the engine (seconds since 1970); an error is thrown as a [`Problem`], a
//! word that is none as a string.

mod certificate;
mod lookup;
mod outcome;
mod policy;
mod postfix;
mod problem;
#[cfg(feature = "publish")]
mod publish;
mod record;
mod stored;
mod words;

pub use certificate::check_certificate_name;
pub use lookup::{Config, Lookup, Step};
pub use outcome::{Outcome, Verdict};
pub use policy::{Policy, domain};
pub use postfix::{PostfixValue, next_hop};
pub use problem::Problem;
#[cfg(feature = "publish")]
pub use publish::{Configuration, FieldProblem, PlanStep, Site, WrittenPolicy};
#[cfg(feature = "publish")]
pub use publish::{id_of, next_id, plan_next, plan_start};
#[cfg(feature = "publish")]
pub use publish::{write_record, write_tlsrpt_record, zone_lines};
pub use record::{Records, select_record, select_tlsrpt_record};
pub use stored::{supersedes, useless_after};
