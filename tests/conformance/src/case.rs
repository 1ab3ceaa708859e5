// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a case expects, and its octets.

use crate::json::{self, Stop};
use serde_json::Value;

/// What the case asks for: our verdict in `decided` where the RFC pulls two ways, else the RFC's.
///
/// An ambiguous case without a verdict is skipped.
pub fn expected(case: &Value) -> Result<&Value, Stop> {
    if let Some(decided) = json::maybe(case, "decided") {
        return Ok(decided);
    }
    if case.get("certainty").and_then(Value::as_str) == Some("ambiguous") {
        return Err(Stop::skipped("ambiguous, and not decided"));
    }
    json::maybe(case, "rfc").ok_or_else(|| Stop::failed("the case expects nothing"))
}

/// The octets at `body`, or those that `body_hex` spells.
pub fn body(case: &Value) -> Result<Vec<u8>, Stop> {
    if let Some(body) = json::maybe(case, "body").and_then(Value::as_str) {
        return Ok(body.as_bytes().to_vec());
    }
    match json::maybe(case, "body_hex").and_then(Value::as_str) {
        Some(digits) => json::unhex(digits),
        None => Err(Stop::skipped("the body is neither text nor hexadecimal")),
    }
}

/// A list of records, each a list of strings (or one string). A string that is an object
/// `{"hex": …}` is octets.
pub fn records(case: &Value, key: &str) -> Result<Vec<Vec<Vec<u8>>>, Stop> {
    json::list(case, key)?.iter().map(record).collect()
}

fn record(record: &Value) -> Result<Vec<Vec<u8>>, Stop> {
    match record.as_array() {
        Some(strings) => strings.iter().map(octets).collect(),
        None => Ok(vec![octets(record)?]),
    }
}

fn octets(string: &Value) -> Result<Vec<u8>, Stop> {
    match string.as_str() {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => json::unhex(json::text(string, "hex")?),
    }
}
