// SPDX-License-Identifier: MIT OR Apache-2.0

//! Remarks as JSON; the subcommand's help says what the keys are.

use super::remark::{Level, Remark};
use super::subject::Kind;
use super::{Linted, Said};
use serde_json::{Map, Value, json};

/// The object of one text.
pub fn object(linted: &Linted, strict: bool) -> Value {
    let subject = &linted.subject;
    let name = match subject.kind {
        Kind::Policy => subject.name.clone(),
        Kind::Record | Kind::Tlsrpt => String::from_utf8_lossy(&subject.text).into_owned(),
    };
    let mut object = json!({
        subject.kind.as_str(): name,
        "valid": linted.is_valid(strict),
        "warnings": of_level(linted, Level::Warning),
        "notes": of_level(linted, Level::Note),
    });
    merge(&mut object, said(&linted.said));
    if let Some(error) = linted.error() {
        merge(&mut object, remark(error, "error"));
    }
    object
}

fn said(said: &Said) -> Value {
    match said {
        Said::Policy(policy) => json!({
            "mode": policy.mode().as_str(),
            "mx": policy.mx().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            "max_age": policy.max_age(),
        }),
        Said::Record(id) => json!({ "policy_id": id }),
        Said::Tlsrpt(rua) => json!({ "rua": rua }),
        Said::Nothing => json!({}),
    }
}

fn of_level(linted: &Linted, level: Level) -> Vec<Value> {
    let remarks = linted.remarks.iter().filter(|remark| remark.level == level);
    remarks.map(|one| remark(one, "message")).collect()
}

fn remark(remark: &Remark, message: &str) -> Value {
    json!({
        message: remark.message,
        "id": remark.id,
        "line": remark.position.line,
        "column": remark.position.column,
        "why": remark.rule.why,
        "requirement": remark.rule.requirement,
        "rfc": remark.rule.rfc,
        "instead": remark.instead,
    })
}

fn merge(object: &mut Value, more: Value) {
    let empty = Map::new();
    let more = more.as_object().unwrap_or(&empty).clone();
    if let Some(object) = object.as_object_mut() {
        object.extend(more);
    }
}
