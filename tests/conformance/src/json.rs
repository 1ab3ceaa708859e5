// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reading cases: their keys, with a message where one is not as expected.

use serde_json::Value;
use std::fmt::Debug;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The surface gave something else, or the case cannot be read.
    Failed(String),
    /// The case says nothing that this surface, or this runner, could be held to.
    Skipped(String),
}

impl Stop {
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }

    pub fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }
}

/// Fails where `got` is not `wanted`.
pub fn same<T: PartialEq + Debug>(what: &str, got: T, wanted: T) -> Result<(), Stop> {
    if got == wanted {
        return Ok(());
    }
    Err(Stop::failed(format!(
        "{what}: {got:?} instead of {wanted:?}"
    )))
}

/// The value at `key`; `null` counts as missing.
pub fn maybe<'a>(case: &'a Value, key: &str) -> Option<&'a Value> {
    case.get(key).filter(|value| !value.is_null())
}

fn need<'a, T>(case: &'a Value, key: &str, read: fn(&'a Value) -> Option<T>) -> Result<T, Stop> {
    let value = case.get(key).and_then(read);
    value.ok_or_else(|| Stop::failed(format!("the case has no usable {key:?}")))
}

pub fn text<'a>(case: &'a Value, key: &str) -> Result<&'a str, Stop> {
    need(case, key, Value::as_str)
}

pub fn number(case: &Value, key: &str) -> Result<u64, Stop> {
    need(case, key, Value::as_u64)
}

pub fn truth(case: &Value, key: &str) -> Result<bool, Stop> {
    need(case, key, Value::as_bool)
}

pub fn list<'a>(case: &'a Value, key: &str) -> Result<&'a [Value], Stop> {
    need(case, key, Value::as_array).map(Vec::as_slice)
}

/// A list of texts; empty where the key is missing.
pub fn texts(case: &Value, key: &str) -> Result<Vec<String>, Stop> {
    let Some(value) = maybe(case, key) else {
        return Ok(Vec::new());
    };
    let items = value
        .as_array()
        .ok_or_else(|| Stop::failed(format!("{key:?} is no list")))?;
    let texts: Option<_> = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect();
    texts.ok_or_else(|| Stop::failed(format!("{key:?} is no list of texts")))
}

/// Fails on a key that is none of `known`: a case with a slip of the pen tests nothing.
pub fn only(case: &Value, known: &[&str]) -> Result<(), Stop> {
    let keys = case
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str());
    match keys.into_iter().find(|key| !known.contains(key)) {
        None => Ok(()),
        Some(key) => Err(Stop::failed(format!("unknown key {key:?}"))),
    }
}

/// The octets of an even number of hexadecimal digits.
pub fn unhex(digits: &str) -> Result<Vec<u8>, Stop> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs
        .collect::<Option<_>>()
        .ok_or_else(|| Stop::failed("not hexadecimal"))
}
