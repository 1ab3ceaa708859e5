// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of each step.

use super::{Kind, Step, Wait};
use crate::draft::Written;
use alloc::{format, string::String, vec::Vec};
use mtasts::{Mode, PolicyDomain, PolicyId, WELL_KNOWN_PATH};

fn step(kind: Kind, title: impl Into<String>, detail: impl Into<String>) -> Step {
    Step {
        kind,
        title: title.into(),
        detail: detail.into(),
        section: section(kind),
        policy: None,
        id: None,
        wait: None,
    }
}

const fn section(kind: Kind) -> &'static str {
    match kind {
        Kind::MxTls => "RFC 8461 §4.2",
        Kind::Tlsrpt => "RFC 8460 §3",
        Kind::PolicyHost => "RFC 8461 §3.3",
        Kind::Policy | Kind::MxRecords => "RFC 8461 §8.1",
        Kind::Record => "RFC 8461 §3.1",
        Kind::Reports => "RFC 8461 §5",
        Kind::Keep | Kind::Retire => "RFC 8461 §8.3",
    }
}

pub(super) fn mx_tls(policy: &Written) -> Step {
    let mx = list(policy.policy().mx().map(|mx| mx.as_str()));
    step(
        Kind::MxTls,
        "See to TLS on every MX host",
        format!(
            "Each host of {mx} has to offer STARTTLS with TLS 1.2 or later and a certificate from a \
             public authority that is valid for the host's own name, as the MX record has it."
        ),
    )
}

pub(super) fn tlsrpt(domain: &PolicyDomain) -> Step {
    step(
        Kind::Tlsrpt,
        "Ask for reports",
        format!(
            "Publish the TLSRPT record at _smtp._tls.{domain}. Without it nobody tells you what a \
             policy would do to your mail."
        ),
    )
}

pub(super) fn policy_host(domain: &PolicyDomain) -> Step {
    step(
        Kind::PolicyHost,
        format!("Set up mta-sts.{domain}"),
        format!(
            "Give mta-sts.{domain} an address in DNS, a certificate from a public authority for that \
             name, and the web server's configuration. Senders follow no redirects."
        ),
    )
}

pub(super) fn policy(domain: &PolicyDomain, policy: &Written, why: &str) -> Step {
    let mode = policy.policy().mode();
    let title = match mode {
        Mode::Enforce => "Serve the policy, enforced",
        Mode::Testing => "Serve the policy, in testing",
        Mode::None => "Serve a policy of mode none",
    };
    let detail = format!(
        "{why} Look whether it is there, octet for octet: curl https://mta-sts.{domain}{WELL_KNOWN_PATH}"
    );
    let section = match mode {
        Mode::Enforce | Mode::Testing => section(Kind::Policy),
        Mode::None => section(Kind::Retire),
    };
    Step {
        section,
        policy: Some(policy.clone()),
        ..step(Kind::Policy, title, detail)
    }
}

pub(super) fn record(domain: &PolicyDomain, id: &PolicyId, wait: Wait) -> Step {
    let detail = format!(
        "The new id at _mta-sts.{domain} tells senders to fetch. It comes after the policy, or they \
         would fetch the old one and keep it under the new id."
    );
    Step {
        id: Some(id.clone()),
        wait: Some(wait),
        ..step(Kind::Record, "Publish the record with the new id", detail)
    }
}

pub(super) fn reports() -> Step {
    let detail = "In testing, mail is delivered whatever is wrong; reports say what would have been \
                  refused. Mend that, or list hosts that are missing, before you enforce.";
    Step {
        wait: Some(Wait::Reports),
        ..step(Kind::Reports, "Read the reports", detail)
    }
}

pub(super) fn mx_records(added: &[String], removed: &[String]) -> Step {
    let named = |hosts: &[String]| list(hosts.iter().map(String::as_str));
    let detail = match (added, removed) {
        (_, []) => format!("The policy lists {} now, so DNS may name it.", named(added)),
        ([], _) => format!("DNS must not name {} any more.", named(removed)),
        _ => format!(
            "DNS may name {} now, and must not name {} any more.",
            named(added),
            named(removed)
        ),
    };
    let detail =
        format!("{detail} Under an enforced policy no mail goes to a host that is not listed.");
    Step {
        wait: Some(Wait::MxTtl),
        ..step(Kind::MxRecords, "Change the MX records", detail)
    }
}

pub(super) fn keep(max_age: u32) -> Step {
    let detail = "The wait counts from when a policy of another mode was last served.";
    Step {
        wait: Some(Wait::MaxAge(max_age)),
        ..step(Kind::Keep, "Keep serving the policy of mode none", detail)
    }
}

pub(super) fn retire(domain: &PolicyDomain) -> Step {
    step(
        Kind::Retire,
        "Remove the record and the policy",
        format!(
            "Nobody remembers a policy now. Remove the record at _mta-sts.{domain}, then \
             mta-sts.{domain} and its web server. The TLSRPT record may stay."
        ),
    )
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
