// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with those who take the mail: each MX host, address by address.

use super::Scene;
use super::certificate::{better, describe, ends};
use crate::check::facts::{MxAddress, MxHost, Presence, State};
use crate::check::finding::{Finding, Kind, Severity};
use mtasts::{Certificate, Dane, Mode, PolicyDomain};

/// R-MX-1, R-CERT-1, R-APPLY-1 and R-APPLY-2.
pub fn mail(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let mx = &scene.facts.mx;
    let domain = &scene.facts.domain;
    let new = |kind, severity, message: &str| Finding::new(kind, severity, domain, message);
    match mx.state {
        Presence::Unknown => findings.push(new(
            Kind::MxUnknown,
            Severity::Unknown,
            "the MX records cannot be looked up for now",
        )),
        Presence::Malformed => {
            let message = "the DNS answer for the MX records is malformed";
            findings.push(new(Kind::MxUnknown, Severity::Error, message));
        }
        Presence::Null => findings.push(null(scene)),
        _ => {}
    }
    if mx.left_out > 0 {
        let message = format!(
            "there are {} more MX hosts, which were not looked at",
            mx.left_out
        );
        let severity = match scene.mode() {
            Mode::Enforce => Severity::Warning,
            _ => Severity::Notice,
        };
        findings.push(new(Kind::MxLeftOut, severity, &message));
    }
    for host in &mx.hosts {
        one(scene, host, findings);
    }
}

/// A null MX: with a policy in force somebody has forgotten something.
fn null(scene: &Scene<'_>) -> Finding {
    let domain = &scene.facts.domain;
    match scene.mode() {
        Mode::None => {
            let message = "the domain takes no mail, and needs no MTA-STS";
            Finding::new(Kind::MxNull, Severity::Notice, domain, message)
        }
        mode => {
            let message =
                format!("the domain takes no mail, although its policy is in mode {mode}");
            Finding::new(Kind::MxNull, Severity::Warning, domain, message).instead(format!(
                "mode: none\nand then the record\n{}",
                scene.record_line()
            ))
        }
    }
}

fn one(scene: &Scene<'_>, host: &MxHost, findings: &mut Vec<Finding>) {
    if host.listed == Some(false) && scene.facts.policy.mode != Some(Mode::None) {
        let message = "no pattern of the policy matches this MX host";
        let finding = Finding::new(Kind::MxNotListed, scene.fault(), &host.host, message);
        let line = format!(
            "if this host is yours, the policy with one more line,\nmx: {}\nand then the record\n{}",
            host.host,
            scene.record_line()
        );
        // What is no host name can be in no policy.
        findings.push(match host.host.parse::<PolicyDomain>() {
            Ok(_) => finding.instead(line),
            Err(_) => finding,
        });
    }
    findings.extend(no_address(scene, host));
    findings.extend(dane_of_host(host));
    for address in &host.addresses {
        let subject = format!("{} {}", host.host, address.session.address);
        findings.extend(session(scene, host, address, &subject));
        if address.dane == Some(Dane::Failed) {
            let message = "the certificate matches none of the TLSA records";
            findings.push(Finding::new(
                Kind::DaneFailed,
                Severity::Error,
                &subject,
                message,
            ));
        }
    }
}

fn no_address(scene: &Scene<'_>, host: &MxHost) -> Option<Finding> {
    let is_implicit = scene.facts.mx.state == Presence::Implicit;
    let (kind, severity, message) = match host.state {
        Presence::None if is_implicit => {
            let severity = scene.fault().max(Severity::Warning);
            (
                Kind::MxMissing,
                severity,
                "neither MX records nor an address: nobody takes its mail",
            )
        }
        Presence::None => (Kind::MxNoAddress, scene.fault(), "it has no address"),
        Presence::Malformed => (
            Kind::MxNoAddress,
            scene.fault(),
            "the DNS answer for its addresses is malformed",
        ),
        Presence::Unknown => (
            Kind::MxNotReached,
            scene.doubt(),
            "its addresses cannot be looked up for now",
        ),
        _ => return None,
    };
    Some(Finding::new(kind, severity, &host.host, message))
}

fn dane_of_host(host: &MxHost) -> Option<Finding> {
    let (kind, severity, message) = match host.dane {
        Some(Dane::LookupFailed) => (
            Kind::DaneUnknown,
            Severity::Unknown,
            "its TLSA records cannot be looked up",
        ),
        Some(Dane::Unusable) => (
            Kind::DaneUnusable,
            Severity::Warning,
            "none of its TLSA records can be used",
        ),
        _ => return None,
    };
    Some(Finding::new(kind, severity, &host.host, message))
}

fn session(
    scene: &Scene<'_>,
    host: &MxHost,
    address: &MxAddress,
    subject: &str,
) -> Option<Finding> {
    let session = &address.session;
    let (kind, severity) = match session.state {
        State::Tls => return certificate(scene, host, address, subject),
        State::TlsFailed => (Kind::MxTlsFailed, scene.fault()),
        State::StarttlsNotOffered | State::StarttlsRefused => (Kind::MxNoStartTls, scene.fault()),
        State::NotSmtp | State::Closed => (Kind::MxClosed, scene.fault()),
        State::NotGlobal => (Kind::MxNotGlobal, scene.fault()),
        State::Rejected | State::TimedOut => (Kind::MxNotReached, scene.doubt()),
        State::NoRoute | State::Local => (Kind::MxNoRoute, no_route(scene, host)),
    };
    let error = session.error.as_deref().unwrap_or_default();
    let finding = Finding::new(kind, severity, subject, error);
    Some(match session.state {
        State::StarttlsNotOffered => finding.instead("STARTTLS in the reply to EHLO"),
        _ => finding,
    })
}

/// Another address of the host was seen, so that a family without a route from here is no matter.
fn no_route(scene: &Scene<'_>, host: &MxHost) -> Severity {
    let mut addresses = host.addresses.iter();
    match addresses.any(|address| address.session.state.is_known()) {
        true => Severity::Notice,
        false => scene.doubt(),
    }
}

fn certificate(
    scene: &Scene<'_>,
    host: &MxHost,
    address: &MxAddress,
    subject: &str,
) -> Option<Finding> {
    let certificate = address.session.certificate.as_ref()?;
    if certificate.verdict == Certificate::Valid {
        let severity = match scene.mode() {
            Mode::None => Severity::Notice,
            _ => Severity::Warning,
        };
        return ends(certificate, Kind::MxCertificateEnds, subject, severity);
    }
    let message = describe(certificate, &host.host);
    let mut finding = Finding::new(Kind::MxCertificate, scene.fault(), subject, message);
    finding.instead = better(certificate.verdict, &host.host);
    Some(finding)
}
