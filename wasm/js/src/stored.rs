// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a store has to know of the texts that it keeps (RFC 8461 §3.3).

use crate::problem::Problem;
use mtasts::{Stored, UnixTime};
use wasm_bindgen::prelude::*;

/// Whether a store that has `there` is to take `next`. Not if the policy that is there was fetched
/// later, unless that is in the future; nor if it is in time, and `next` has none (R-FLOW-1).
/// What cannot be read gives way.
#[wasm_bindgen]
pub fn supersedes(next: &str, there: &str, now: f64) -> Result<bool, Problem> {
    let next = read(next)?;
    let Ok(there) = there.parse::<Stored>() else {
        return Ok(true);
    };
    let now = UnixTime(now as u64);
    let fetched_at = |stored: &Stored| stored.policy.as_ref().map(|policy| policy.fetched_at);
    Ok(match (fetched_at(&next), fetched_at(&there)) {
        (_, None) => true,
        (None, Some(_)) => now > there.useless_after(),
        (Some(next), Some(there)) => next >= there || there > now,
    })
}

/// From when on `stored` says nothing any more.
#[wasm_bindgen(js_name = uselessAfter)]
pub fn useless_after(stored: &str) -> Result<f64, Problem> {
    Ok(read(stored)?.useless_after().0 as f64)
}

fn read(text: &str) -> Result<Stored, Problem> {
    text.parse().map_err(Problem::somewhere)
}
