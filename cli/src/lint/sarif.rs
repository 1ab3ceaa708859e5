// SPDX-License-Identifier: MIT OR Apache-2.0

//! Remarks as SARIF 2.1.0 (OASIS), which code hosts show beside the lines that are meant.

use super::Linted;
use super::remark::Remark;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use url::Url;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The log of one run.
pub fn log(linted: &[Linted], strict: bool) -> Value {
    let remarks = || linted.iter().flat_map(|one| &one.remarks);
    let rules: BTreeMap<_, _> = remarks()
        .map(|remark| (&*remark.id, rule(remark)))
        .collect();
    let results: Vec<_> = linted
        .iter()
        .flat_map(|one| {
            one.remarks
                .iter()
                .map(move |remark| result(one, remark, strict))
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "mtasts",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(remark: &Remark) -> Value {
    let rule = &remark.rule;
    json!({
        "id": remark.id,
        "shortDescription": { "text": remark.message },
        "fullDescription": { "text": format!("{} ({}, {})", rule.why, rule.rfc, rule.requirement) },
        "helpUri": help(rule.rfc),
        "defaultConfiguration": { "level": remark.level.as_str() },
    })
}

/// `RFC 8461 §3.2` at its publisher's.
fn help(rfc: &str) -> String {
    let mut words = rfc
        .split([' ', '§'])
        .filter(|word| !word.is_empty())
        .skip(1);
    let (number, section) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    format!("https://www.rfc-editor.org/rfc/rfc{number}#section-{section}")
}

fn result(linted: &Linted, remark: &Remark, strict: bool) -> Value {
    let instead = remark
        .instead
        .as_ref()
        .map(|line| format!(" Write instead: {line}"));
    let text = format!("{}.{}", remark.message, instead.unwrap_or_default());
    json!({
        "ruleId": remark.id,
        "level": remark.level.when(strict).as_str(),
        "message": { "text": plain(&text) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&linted.subject.name) },
            "region": region(linted, remark),
        }}],
    })
}

/// Without the links that SARIF reads in square brackets.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '[' | ']' | '\\') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// What is meant, or the first line where that is the whole.
fn region(linted: &Linted, remark: &Remark) -> Value {
    let position = remark.position;
    let Some(span) = &remark.span else {
        return json!({ "startLine": 1 });
    };
    let meant = linted.subject.text.get(span.clone()).unwrap_or_default();
    let end = position.column + String::from_utf8_lossy(meant).chars().count();
    json!({
        "startLine": position.line,
        "startColumn": position.column,
        "endColumn": end,
    })
}

/// A file's name as a URI, relative where the name is.
fn uri(name: &str) -> String {
    if let Ok(url) = Url::from_file_path(Path::new(name)) {
        return url.into();
    }
    let base = Url::parse("file:///").ok();
    let joined = base.and_then(|base| {
        let mut url = base;
        url.path_segments_mut()
            .ok()?
            .clear()
            .extend(name.split('/'));
        Some(url.path().trim_start_matches('/').to_owned())
    });
    joined.unwrap_or_else(|| name.to_owned())
}
