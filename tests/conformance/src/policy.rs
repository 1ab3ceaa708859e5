// SPDX-License-Identifier: MIT OR Apache-2.0

//! `sts_policy` and `mx_match`: what a policy says (R-POL) and which hosts it lists (R-MX-1).

use crate::case::{body, expected};
use crate::json::{self, Stop, same};
use crate::record::{check_error, check_place};
use crate::surface::{PolicyFacts, Surface, Warning};
use serde_json::Value;

/// Runs an `sts_policy` case.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = expected(case)?;
    let got = surface.policy(&body(case)?)?;
    if let Err(refusal) = &got {
        let why = format!("valid (refused: {} in line {})", refusal.kind, refusal.line);
        same(&why, false, json::truth(wanted, "valid")?)?;
    }
    match got {
        Ok(policy) => {
            same("valid", true, json::truth(wanted, "valid")?)?;
            check_facts(wanted, &policy)
        }
        Err(refusal) => check_error(wanted, &refusal),
    }
}

fn check_facts(wanted: &Value, got: &PolicyFacts) -> Result<(), Stop> {
    if json::maybe(wanted, "mode").is_some() {
        same("mode", got.mode.as_str(), json::text(wanted, "mode")?)?;
    }
    if json::maybe(wanted, "max_age").is_some() {
        same("max_age", got.max_age, json::number(wanted, "max_age")?)?;
    }
    if json::maybe(wanted, "mx").is_some() {
        same("mx", &got.mx, &json::texts(wanted, "mx")?)?;
    }
    if json::maybe(wanted, "mx_count").is_some() {
        same(
            "mx_count",
            got.mx.len() as u64,
            json::number(wanted, "mx_count")?,
        )?;
    }
    match json::maybe(wanted, "warnings") {
        Some(_) => check_warnings(json::list(wanted, "warnings")?, &got.warnings),
        None => Ok(()),
    }
}

fn check_warnings(wanted: &[Value], got: &[Warning]) -> Result<(), Stop> {
    if wanted.len() != got.len() {
        return Err(Stop::failed(format!(
            "{} warnings, not {}: {got:?}",
            got.len(),
            wanted.len()
        )));
    }
    wanted
        .iter()
        .zip(got)
        .try_for_each(|(wanted, got)| check_place("warning", wanted, got))
}

/// Runs an `mx_match` case. The patterns stand in a policy, since only there a host meets them;
/// what may not stand there lists nothing.
pub fn check_match(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = json::truth(expected(case)?, "match")?;
    let mut policy = String::from("version: STSv1\nmode: enforce\nmax_age: 86400\n");
    for pattern in json::texts(case, "patterns")? {
        policy.push_str(&format!("mx: {pattern}\n"));
    }
    let got = surface.matches(policy.as_bytes(), json::text(case, "mx_host")?)?;
    same("match", got, wanted)
}
