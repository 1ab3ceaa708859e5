// SPDX-License-Identifier: MIT OR Apache-2.0

//! `sts_txt` and `tlsrpt_txt`: what the TXT records of a name say (R-TXT, R-RPT-1).

use crate::case::{expected, records};
use crate::json::{self, Stop, same};
use crate::surface::{Refusal, Surface};
use serde_json::Value;

/// Runs an `sts_txt` case.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = expected(case)?;
    let got = surface.record(&records(case, "txt_records")?)?;
    same("usable", got.is_ok(), json::truth(wanted, "usable")?)?;
    match got {
        Ok(id) => same("id", id.as_str(), json::text(wanted, "policy_id")?),
        Err(refusal) => check_error(wanted, &refusal),
    }
}

/// Runs a `tlsrpt_txt` case.
pub fn check_tlsrpt(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = expected(case)?;
    let got = surface.tlsrpt(&records(case, "txt_records")?)?;
    same("usable", got.is_ok(), json::truth(wanted, "usable")?)?;
    match got {
        Ok(rua) => same("rua", rua, json::texts(wanted, "rua")?),
        Err(refusal) => check_error(wanted, &refusal),
    }
}

/// `error`, where a case has it: kind and place, each as far as it is given.
pub fn check_error(wanted: &Value, refusal: &Refusal) -> Result<(), Stop> {
    match json::maybe(wanted, "error") {
        Some(error) => check_place("error", error, refusal),
        None => Ok(()),
    }
}

/// Compares the kind and the place of an error or a warning.
pub fn check_place(what: &str, wanted: &Value, got: &Refusal) -> Result<(), Stop> {
    json::only(wanted, &["kind", "line", "column"])?;
    let kind = json::maybe(wanted, "kind").and_then(Value::as_str);
    // A surface that knows no kinds says "*".
    if let Some(kind) = kind.filter(|_| got.kind != "*") {
        same(what, got.kind.as_str(), kind)?;
    }
    for (key, got) in [("line", got.line), ("column", got.column)] {
        if let Some(number) = json::maybe(wanted, key).and_then(Value::as_u64) {
            same(&format!("{key} of the {what}"), got, number)?;
        }
    }
    Ok(())
}
