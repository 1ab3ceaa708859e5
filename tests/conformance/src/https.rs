// SPDX-License-Identifier: MIT OR Apache-2.0

//! `https_fetch`: whether a policy comes of a reply (R-GET-2, R-GET-3, R-POL-7), by a whole
//! lookup. What happens below a reply is told as the failure that a host would give; what a host
//! must see to by itself is skipped.

use crate::case::expected;
use crate::json::{self, Stop, same};
use crate::surface::{HttpsReply, Step, Store, Surface, TxtReply};
use serde_json::Value;

const NOW: u64 = 1_767_225_600;
const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r\n";
/// What stands in `body` where the policy does not matter.
const ANY_POLICY: &str = "a valid policy unless extra says otherwise";

/// Runs an `https_fetch` case.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let wanted = json::truth(expected(case)?, "accept")?;
    let reply = reply(case)?;
    same(
        "domain",
        surface.lookup("example.com", Store::Empty, &[], NOW)?,
        Ok(()),
    )?;
    answer_txt(surface)?;
    let Step::Fetch { id, .. } = surface.poll()? else {
        return Err(Stop::failed("no fetch was asked for"));
    };
    same("reply taken", surface.https(id, NOW, &reply)?, Ok(()))?;
    same("step", surface.poll()?, Step::Done)?;
    let outcome = surface.outcome()?;
    let reason = outcome.reason.as_deref().unwrap_or("none");
    same(
        &format!("accepted (reason {reason})"),
        outcome.mode.is_some(),
        wanted,
    )
}

fn answer_txt(surface: &mut dyn Surface) -> Result<(), Stop> {
    let Step::QueryTxt { id, .. } = surface.poll()? else {
        return Err(Stop::failed("no TXT record was asked for"));
    };
    let records = vec![vec![b"v=STSv1; id=1;".to_vec()]];
    let taken = surface.txt(
        id,
        NOW,
        &TxtReply::Records {
            records,
            ttl: Some(300),
        },
    )?;
    same("record taken", taken, Ok(()))
}

fn reply(case: &Value) -> Result<HttpsReply, Stop> {
    let mut body = body(case)?;
    for (key, value) in case
        .get("extra")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        match extra(key, value)? {
            Extra::Failure(word) => {
                return Ok(HttpsReply::Failed {
                    word: word.to_owned(),
                });
            }
            Extra::Header => {}
            Extra::Size(size) => body = padded(body, size)?,
        }
    }
    let status = u16::try_from(json::number(case, "status")?);
    let status = status.map_err(|_| Stop::failed("the status is no status"))?;
    Ok(HttpsReply::Reply {
        status,
        content_type: content_type(case)?,
        body,
    })
}

fn body(case: &Value) -> Result<Vec<u8>, Stop> {
    match case.get("body").and_then(Value::as_str) {
        Some(ANY_POLICY) => Ok(POLICY.into()),
        _ => crate::case::body(case),
    }
}

/// Several headers are joined by commas, as RFC 9110 §5.3 has it.
fn content_type(case: &Value) -> Result<Option<String>, Stop> {
    match case.get("content_type") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.clone())),
        Some(_) => Ok(Some(json::texts(case, "content_type")?.join(", "))),
    }
}

/// What a key of `extra` means to the engine.
enum Extra {
    Failure(&'static str),
    Header,
    Size(usize),
}

fn extra(key: &str, value: &Value) -> Result<Extra, Stop> {
    let is_set = value.as_bool().unwrap_or(true);
    match key {
        "slow" | "timeout" if is_set => Ok(Extra::Failure("timeout")),
        "cert" => certificate(value.as_str().unwrap_or_default()),
        "body_size" | "body_bytes" | "size" => match value.as_u64() {
            Some(size) => Ok(Extra::Size(size as usize)),
            None => Err(Stop::skipped(format!("{key} is no number"))),
        },
        // Headers that a client which follows nothing and caches nothing passes over.
        "Location" | "Cache-Control" | "Expires" | "ETag" | "Age" => Ok(Extra::Header),
        _ => Err(Stop::skipped(format!("{key} is the host's matter"))),
    }
}

fn certificate(word: &str) -> Result<Extra, Stop> {
    const REFUSED: &[&str] = &[
        "cn-only",
        "expired",
        "host-mismatch",
        "mismatch",
        "not-yet-valid",
        "self-signed",
        "untrusted",
        "wrong-host",
        "wrong-name",
    ];
    if REFUSED.contains(&word) {
        return Ok(Extra::Failure("webpki"));
    }
    Err(Stop::skipped(format!(
        "a certificate {word:?} is the host's matter"
    )))
}

/// `body` made `size` octets long by a field that nobody knows. Above the limit, a host that
/// reads no further than it says so; one that hands all over is held to the limit as well.
pub fn padded(mut body: Vec<u8>, size: usize) -> Result<Vec<u8>, Stop> {
    const FIELD: &[u8] = b"padding: ";
    let missing = size.checked_sub(body.len() + FIELD.len());
    let missing = missing.filter(|&missing| missing > 0);
    let missing = missing.ok_or_else(|| Stop::skipped("no valid policy is that small"))?;
    body.extend(FIELD);
    body.resize(body.len() + missing, b'x');
    Ok(body)
}
