// SPDX-License-Identifier: MIT OR Apache-2.0

//! `postfix_socketmap`: keys, netstrings, and transcripts whose outcomes say what Postfix is told
//! (R-APPLY-2, R-APPLY-4, R-FLOW-7).

use crate::json::{self, Stop, same};
use crate::surface::{NetstringFacts, PostfixFacts, Surface};
use crate::{flow, prose};
use serde_json::Value;

/// Runs a case, by what it has.
pub fn check(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let has = |key| json::maybe(case, key).is_some();
    match () {
        () if has("lookups") => flow::check(case, surface),
        () if has("key") => check_key(case, surface),
        () if has("netstring") => check_netstring(case, surface),
        () if has("payload") => check_payload(case, surface),
        () => prose::check(case, surface),
    }
}

fn check_key(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    json::only(case, &["id", "about", "requirements", "key", "next_hop"])?;
    let wanted = case.get("next_hop").and_then(Value::as_str);
    let got = surface.next_hop(json::text(case, "key")?)?;
    same("next hop", got.as_deref(), wanted)
}

fn check_netstring(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    let keys = [
        "id",
        "about",
        "netstring",
        "limit",
        "payloads",
        "refused",
        "rest",
    ];
    json::only(case, &keys)?;
    let limit = json::maybe(case, "limit").and_then(Value::as_u64);
    let input = json::text(case, "netstring")?.as_bytes();
    let got = surface.netstrings(input, limit.unwrap_or(10_000))?;
    let payloads = json::texts(case, "payloads")?;
    let wanted = NetstringFacts {
        payloads: payloads.into_iter().map(String::into_bytes).collect(),
        refused: json::maybe(case, "refused")
            .and_then(Value::as_str)
            .map(str::to_owned),
        rest: json::maybe(case, "rest")
            .and_then(Value::as_u64)
            .unwrap_or(0),
    };
    same("netstrings", got, wanted)
}

fn check_payload(case: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    json::only(case, &["id", "about", "payload", "framed"])?;
    let got = surface.framed(json::text(case, "payload")?.as_bytes())?;
    same(
        "framed",
        got.as_slice(),
        json::text(case, "framed")?.as_bytes(),
    )
}

/// What a transcript's outcome has Postfix told: one entry of its `postfix`.
pub fn check_reply(entry: &Value, surface: &mut dyn Surface) -> Result<(), Stop> {
    const KEYS: &[&str] = &[
        "dane", "version", "level", "reply", "starts", "ends", "lacks", "length",
    ];
    json::only(entry, KEYS)?;
    let word = |key| entry.get(key).and_then(Value::as_str);
    let dane = word("dane").unwrap_or("none");
    let version = word("version").unwrap_or("3.4");
    let reply = reply(&surface.postfix(dane, version, word("level"))?)?;
    if let Some(wanted) = word("reply") {
        return same("reply", reply.as_str(), wanted);
    }
    let (starts, ends) = (json::text(entry, "starts")?, json::text(entry, "ends")?);
    let shown: String = reply.chars().take(200).collect();
    same(
        &format!("starts and ends ({shown})"),
        (reply.starts_with(starts), reply.ends_with(ends)),
        (true, true),
    )?;
    same("length", reply.len() as u64, json::number(entry, "length")?)?;
    let mut lacks = json::texts(entry, "lacks")?.into_iter();
    same(
        "what is lacking is there",
        lacks.find(|text| reply.contains(text.as_str())),
        None,
    )
}

/// The payload of a socketmap reply.
pub fn reply(facts: &PostfixFacts) -> Result<String, Stop> {
    let word = match facts.found.as_str() {
        "policy" => "OK ",
        "not-found" => "NOTFOUND ",
        "temporary" => "TEMP ",
        other => return Err(Stop::failed(format!("found: {other:?}"))),
    };
    let value =
        std::str::from_utf8(&facts.value).map_err(|_| Stop::failed("a reply is not UTF-8"))?;
    Ok(format!("{word}{value}"))
}
