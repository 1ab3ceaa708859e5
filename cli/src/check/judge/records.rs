// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with the MTA-STS record and the TLSRPT record.

use super::Scene;
use crate::check::facts::{Presence, Txt};
use crate::check::finding::{Finding, Kind, Severity};
use mtasts::{Mode, WELL_KNOWN_PATH};
use mtasts_publish::{Draft, id_of, txt_strings};

/// R-TXT-1 to R-TXT-4.
pub fn record(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let txt = &scene.facts.record.txt;
    let (kind, severity, message) = match txt.state {
        // A domain that takes no mail needs none.
        Presence::None if scene.facts.mx.state == Presence::Null => return,
        Presence::None => (Kind::NoRecord, Severity::Warning, no_record(scene)),
        Presence::Several => (
            Kind::SeveralRecords,
            Severity::Error,
            several(txt, "v=STSv1;"),
        ),
        Presence::Broken => (Kind::RecordBroken, Severity::Error, broken(txt)),
        Presence::Malformed => (Kind::RecordMalformed, Severity::Error, MALFORMED.to_owned()),
        Presence::Unknown => (Kind::RecordUnknown, Severity::Unknown, UNKNOWN.to_owned()),
        Presence::Found | Presence::Implicit | Presence::Null => return id(scene, findings),
    };
    let mut finding = Finding::new(kind, severity, &txt.name, message);
    finding.column = txt.column;
    finding.instead = instead(scene, txt);
    findings.push(finding);
}

const MALFORMED: &str = "the answer of the DNS is malformed, or its CNAMEs are a loop";
const UNKNOWN: &str = "the name servers do not answer, or answer that they fail";

fn no_record(scene: &Scene<'_>) -> String {
    let txt = &scene.facts.record.txt;
    let at = match txt.cname.last() {
        Some(target) => format!("where the name leads to, {target}"),
        None => "at this name".to_owned(),
    };
    match scene.facts.policy.mode {
        Some(mode) => format!(
            "no MTA-STS: there is no record {at}, although a policy of mode {mode} is served"
        ),
        None => format!("no MTA-STS: there is no record {at}"),
    }
}

fn several(txt: &Txt, prefix: &str) -> String {
    let ours = txt
        .records
        .iter()
        .filter(|record| record.starts_with(prefix));
    format!(
        "there are {} records that begin with {prefix}",
        ours.count()
    )
}

fn broken(txt: &Txt) -> String {
    let error = txt.error.as_deref().unwrap_or_default();
    format!("{error}, in: {}", txt.records.join(" | "))
}

/// The record to publish; where there is no policy either, how to begin.
fn instead(scene: &Scene<'_>, txt: &Txt) -> Option<String> {
    let line = scene.record_line();
    match txt.state {
        Presence::None if scene.facts.policy.mode.is_none() => Some(format!(
            "{}\nand then the record\n{line}",
            first_policy(scene)
        )),
        Presence::Several => Some(format!("one record, {line}")),
        Presence::None | Presence::Broken => Some(line),
        _ => None,
    }
}

/// The policy to begin with.
fn first_policy(scene: &Scene<'_>) -> String {
    let draft = Draft {
        mode: Mode::Testing,
        max_age: 86_400,
        mx: scene
            .facts
            .mx
            .hosts
            .iter()
            .map(|host| host.host.clone())
            .collect(),
    };
    match draft.write() {
        Ok(policy) => {
            let host = &scene.facts.policy_host.host;
            let text = policy.text().replace('\r', "");
            format!(
                "at https://{host}{WELL_KNOWN_PATH}, as text/plain\n{}",
                text.trim_end()
            )
        }
        Err(_) => "a policy in mode testing, see `mtasts publish`".to_owned(),
    }
}

/// An id that is made of a policy's text, as `mtasts serve` makes it, is that of the policy.
fn id(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let record = &scene.facts.record;
    let (Some(id), Some(text)) = (&record.id, &scene.facts.policy.text) else {
        return;
    };
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let is_digest = id.len() == 32 && id.bytes().all(is_digit);
    let wanted = id_of(text);
    if is_digest && scene.facts.policy.mode.is_some() && wanted.as_str() != id {
        let message = "the id looks like a digest of a policy, but of another than the one served";
        let line = format!("{}. IN TXT \"v=STSv1; id={wanted};\"", record.txt.name);
        let finding = Finding::new(
            Kind::IdNotOfPolicy,
            Severity::Warning,
            &record.txt.name,
            message,
        );
        findings.push(finding.instead(line));
    }
}

/// R-RPT-1.
pub fn tlsrpt(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let txt = &scene.facts.tlsrpt.txt;
    let (kind, severity, message) = match txt.state {
        Presence::None => return missing(scene, findings),
        Presence::Several => (
            Kind::TlsrptBroken,
            Severity::Warning,
            several(txt, "v=TLSRPTv1;"),
        ),
        Presence::Broken => (Kind::TlsrptBroken, Severity::Warning, broken(txt)),
        Presence::Malformed => (Kind::TlsrptBroken, Severity::Warning, MALFORMED.to_owned()),
        Presence::Unknown if scene.mode() != Mode::None => {
            (Kind::TlsrptUnknown, Severity::Unknown, UNKNOWN.to_owned())
        }
        _ => return,
    };
    let mut finding = Finding::new(kind, severity, &txt.name, message);
    finding.column = txt.column;
    findings.push(finding.instead(tlsrpt_line(scene)));
}

/// In mode testing there is no other way to see what would happen.
fn missing(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let severity = match scene.mode() {
        Mode::Testing => Severity::Warning,
        _ if scene.is_meant() => Severity::Notice,
        _ => return,
    };
    let name = &scene.facts.tlsrpt.txt.name;
    let finding = Finding::new(
        Kind::TlsrptMissing,
        severity,
        name,
        "there is no TLSRPT record",
    );
    findings.push(finding.instead(tlsrpt_line(scene)));
}

fn tlsrpt_line(scene: &Scene<'_>) -> String {
    let domain = &scene.facts.domain;
    let text = txt_strings(&format!("v=TLSRPTv1; rua=mailto:tls-reports@{domain}"));
    format!("{}. IN TXT {text}", scene.facts.tlsrpt.txt.name)
}
