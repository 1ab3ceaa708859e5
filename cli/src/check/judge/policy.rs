// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with the Policy Host and the policy.

use super::Scene;
use super::certificate::{better, describe, ends};
use super::grammar::instead;
use crate::check::facts::{Presence, Remark, Session, State};
use crate::check::finding::{Finding, Kind, Severity};
use mtasts::{Certificate, Mode, Policy, Reason};
use mtasts_publish::{Advice, Draft};

/// R-GET and R-POL.
pub fn policy(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let policy = &scene.facts.policy;
    if let Some(reason) = policy.reason.as_deref() {
        let reason = reason.parse().unwrap_or(Reason::FetchOther);
        findings.extend(failure(scene, reason));
    } else {
        addresses(scene, findings);
        mode(scene, findings);
        advice(scene, findings);
        unused(scene, findings);
    }
    for warning in &policy.warnings {
        findings.push(remark(
            scene,
            Kind::PolicyTolerated,
            Severity::Warning,
            warning,
        ));
    }
}

/// Why senders get no policy. Where no record tells of one there is nothing to fetch.
fn failure(scene: &Scene<'_>, reason: Reason) -> Option<Finding> {
    if matches!(
        scene.facts.record.txt.state,
        Presence::None | Presence::Unknown
    ) {
        return None;
    }
    let host = &scene.facts.policy_host;
    let new = |kind, message: String| Finding::new(kind, Severity::Error, &host.host, message);
    let what = reason.describe();
    Some(match reason {
        Reason::WebPki => certificate(scene),
        Reason::PolicyHostDns => no_address(scene),
        Reason::Status(status) => {
            let url = format!("https://{}{}", host.host, mtasts::WELL_KNOWN_PATH);
            new(
                Kind::PolicyStatus,
                format!("the reply has status {status}, not 200"),
            )
            .instead(format!("the policy itself at {url}"))
        }
        Reason::MediaType => {
            new(Kind::PolicyMediaType, what.to_owned()).instead("Content-Type: text/plain")
        }
        Reason::BodyTooLarge => new(Kind::PolicyTooLarge, what.to_owned()),
        Reason::PolicyInvalid => broken(scene, &host.host),
        Reason::LocalFailure => Finding::new(
            Kind::PolicyHostUnreachable,
            Severity::Unknown,
            &host.host,
            what,
        ),
        _ => unreachable(scene, what),
    })
}

fn broken(scene: &Scene<'_>, host: &str) -> Finding {
    match &scene.facts.policy.error {
        Some(error) => remark(scene, Kind::PolicyBroken, Severity::Error, error),
        None => {
            let message = "it breaks the grammar";
            Finding::new(Kind::PolicyBroken, Severity::Error, host, message)
        }
    }
}

/// What is wrong or tolerated at a place of the policy, and the line to have there.
fn remark(scene: &Scene<'_>, kind: Kind, severity: Severity, remark: &Remark) -> Finding {
    let message = match remark.text.is_empty() {
        true => remark.message.clone(),
        false => format!("{}, in: {}", remark.message, remark.text),
    };
    let host = &scene.facts.policy_host.host;
    let mut finding = Finding::new(kind, severity, host, message).at(remark.line, remark.column);
    finding.instead = instead(remark, &scene.facts.mx.hosts);
    finding
}

fn no_address(scene: &Scene<'_>) -> Finding {
    let host = &scene.facts.policy_host;
    if host.state == Presence::Unknown {
        let message = "its addresses cannot be looked up for now";
        return Finding::new(
            Kind::PolicyHostUnknown,
            Severity::Unknown,
            &host.host,
            message,
        );
    }
    let message = match (host.state, host.cname.last()) {
        (Presence::Malformed, _) => "the DNS answer for its addresses is malformed".to_owned(),
        (_, Some(target)) => {
            format!("it has no address: it is an alias of {target}, which has none")
        }
        (_, None) => "it has no address".to_owned(),
    };
    Finding::new(
        Kind::PolicyHostMissing,
        Severity::Error,
        &host.host,
        message,
    )
    .instead(format!(
        "{}. IN A (and AAAA) with your web server's addresses",
        host.host
    ))
}

/// What the addresses say of why there is no reply.
fn unreachable(scene: &Scene<'_>, what: &str) -> Finding {
    let host = &scene.facts.policy_host;
    let all = |state| host.addresses.iter().all(|session| session.state == state);
    if !host.addresses.is_empty() && all(State::NotGlobal) {
        let message = format!("{}: not global", list(&host.addresses));
        return Finding::new(
            Kind::PolicyHostNotGlobal,
            Severity::Error,
            &host.host,
            message,
        );
    }
    let severity = match !host.addresses.is_empty() && all(State::NoRoute) {
        true => Severity::Unknown,
        false => Severity::Error,
    };
    let faults = host.addresses.iter().filter_map(|session| {
        Some(format!(
            "{}: {}",
            session.address,
            session.error.as_deref()?
        ))
    });
    let faults: Vec<_> = faults.collect();
    let message = match faults.is_empty() {
        true => what.to_owned(),
        false => format!("{what}; {}", faults.join("; ")),
    };
    Finding::new(Kind::PolicyHostUnreachable, severity, &host.host, message)
}

fn list(sessions: &[Session]) -> String {
    let addresses: Vec<_> = sessions
        .iter()
        .map(|session| session.address.to_string())
        .collect();
    addresses.join(" ")
}

/// What is wrong with the first certificate that is bad.
fn certificate(scene: &Scene<'_>) -> Finding {
    let host = &scene.facts.policy_host;
    let new = |message| {
        let kind = Kind::PolicyHostCertificate;
        Finding::new(kind, Severity::Error, &host.host, message)
    };
    let certificates = host.addresses.iter();
    let mut certificates = certificates.filter_map(|session| session.certificate.as_ref());
    let bad = certificates.find(|certificate| certificate.verdict != Certificate::Valid);
    let Some(bad) = bad else {
        return new(Reason::WebPki.describe().to_owned());
    };
    let mut finding = new(describe(bad, &host.host));
    finding.instead = better(bad.verdict, &host.host);
    finding
}

/// The policy is to be had, and some address is not as it should be.
fn addresses(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let host = &scene.facts.policy_host;
    for session in &host.addresses {
        let subject = format!("{} {}", host.host, session.address);
        match &session.certificate {
            Some(certificate) if certificate.verdict != Certificate::Valid => {
                let message = describe(certificate, &host.host);
                let kind = Kind::PolicyHostAddress;
                findings.push(Finding::new(kind, Severity::Warning, &subject, message));
            }
            Some(certificate) => findings.extend(ends(
                certificate,
                Kind::PolicyHostCertificateEnds,
                &subject,
                Severity::Warning,
            )),
            None => {
                let severity = match session.state {
                    State::NoRoute | State::Local => Severity::Notice,
                    _ => Severity::Warning,
                };
                let message = session.error.clone().unwrap_or_default();
                let kind = Kind::PolicyHostAddress;
                findings.push(Finding::new(kind, severity, &subject, message));
            }
        }
    }
}

fn mode(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let (kind, message) = match scene.facts.policy.mode {
        Some(Mode::Testing) => (Kind::ModeTesting, "the policy is in mode testing"),
        Some(Mode::None) => (Kind::ModeNone, "the policy is in mode none"),
        _ => return,
    };
    let host = &scene.facts.policy_host.host;
    findings.push(Finding::new(kind, Severity::Notice, host, message));
}

/// What is legal and rarely meant.
fn advice(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let policy = &scene.facts.policy;
    let parsed = policy
        .text
        .as_deref()
        .map(|text| Policy::parse(text.as_bytes()));
    let Some(Ok(parsed)) = parsed else { return };
    let Ok(written) = Draft::of(&parsed).write() else {
        return;
    };
    for advice in written.advice() {
        let is_grave = match advice {
            Advice::ShortMaxAge => policy.mode == Some(Mode::Enforce),
            Advice::WideWildcard => true,
            _ => false,
        };
        let severity = match is_grave {
            true => Severity::Warning,
            false => Severity::Notice,
        };
        let host = &scene.facts.policy_host.host;
        let mut finding = Finding::new(Kind::PolicyAdvice, severity, host, advice.describe());
        if matches!(advice, Advice::ShortMaxAge | Advice::LongerMaxAge) {
            finding = finding.instead("max_age: 604800 (a week), and a new id");
        }
        findings.push(finding);
    }
}

fn unused(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let mx = &scene.facts.mx;
    if !matches!(mx.state, Presence::Found | Presence::Implicit) || mx.left_out > 0 {
        return;
    }
    let text = scene.facts.policy.text.as_deref().unwrap_or_default();
    let Ok(policy) = Policy::parse(text.as_bytes()) else {
        return;
    };
    for pattern in policy.mx() {
        if !mx.hosts.iter().any(|host| pattern.matches(&host.host)) {
            let message = format!("the pattern {} matches no MX host", pattern.as_str());
            let host = &scene.facts.policy_host.host;
            findings.push(Finding::new(
                Kind::PatternUnused,
                Severity::Notice,
                host,
                message,
            ));
        }
    }
}
