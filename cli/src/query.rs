// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts query`: what a sender would do now with mail for a domain (RFC 8461 §3 to §5).

use crate::network::Network;
use crate::shown;
use mtasts::{Config, Mode, Outcome, Policy, PolicyDomain, Reason};
use mtasts_host::{DefaultHost, DnsFailure, Options, to_policy_domain};
use mtasts_web::answer::{Hosts, as_json, judge};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

/// Show which policy a domain has and what it means for its MX hosts
///
/// Looks the policy up as a sending mail server would, among local policies and in the store if they
/// are given, and judges the domain's MX hosts by it. Exit status: 0 when the answer is there, be it that the
/// domain has no policy or none that senders can use; 1 when it cannot be had for now (DNS, store);
/// 2 for misuse.
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts query example.com --mx mx1.example.com")]
pub struct Arguments {
    /// The domain of a recipient's address; internationalised names are converted
    domain: String,
    /// MX host to judge; may be repeated [default: those of the domain's MX records]
    #[arg(long, value_name = "HOST")]
    mx: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    policies: Policies,
}

/// Where policies may be that are known already.
#[derive(clap::Args)]
#[command(next_help_heading = "Policies")]
struct Policies {
    /// Folder of the policy store, which mail software on this machine shares [default: none]
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// Folder of the operator's own policies, DOMAIN.txt each, which come first [default: none]
    #[arg(long, value_name = "FOLDER")]
    local_policies: Option<PathBuf>,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let domain = to_policy_domain(&arguments.domain)
        .map_err(|error| format!("{}: {error}", arguments.domain))?;
    let host = open(arguments)?;
    let outcome = host.blocking().resolve(domain.clone(), &Config::default());
    let hosts = mx_hosts(arguments, &domain, &host)?;
    crate::print(&match arguments.json {
        true => shown::json(&as_json(&outcome, None, hosts.as_ref().ok()).to_string()),
        false => as_text(&outcome, &hosts),
    })?;
    Ok(ExitCode::from(u8::from(
        is_unknown(&outcome) || hosts.is_err(),
    )))
}

fn open(arguments: &Arguments) -> Result<DefaultHost, String> {
    let options = Options {
        store: arguments.policies.store.clone(),
        local_policies: arguments.policies.local_policies.clone(),
        ..arguments.network.options()
    };
    DefaultHost::open(options).map_err(|error| error.to_string())
}

/// Whether another try may show a policy that this one could not see.
fn is_unknown(outcome: &Outcome) -> bool {
    let temporary = matches!(
        outcome.reason(),
        Some(Reason::DnsTemporary | Reason::LocalFailure | Reason::StoreFailed)
    );
    outcome.policy().is_none() && temporary
}

/// Those asked for, else the domain's, in their order.
fn mx_hosts(
    arguments: &Arguments,
    domain: &PolicyDomain,
    host: &DefaultHost,
) -> Result<Result<Hosts, DnsFailure>, String> {
    let hosts = |names, is_implicit| Ok(Ok(Hosts { names, is_implicit }));
    if !arguments.mx.is_empty() {
        let names: Result<_, _> = arguments.mx.iter().map(|name| mx_host(name)).collect();
        return hosts(names?, false);
    }
    match host.blocking().mx(domain.as_str()) {
        Ok(list) => hosts(list.into_iter().map(|mx| mx.host).collect(), false),
        Err(DnsFailure::NoRecords { .. }) => hosts(vec![domain.to_string()], true),
        Err(failure) => Ok(Err(failure)),
    }
}

/// A host as given; `.` is the null MX (RFC 7505).
fn mx_host(name: &str) -> Result<String, String> {
    if name == "." {
        return Ok(name.to_owned());
    }
    let host = to_policy_domain(name).map_err(|error| format!("{name}: {error}"))?;
    Ok(host.to_string())
}

fn as_text(outcome: &Outcome, hosts: &Result<Hosts, DnsFailure>) -> String {
    let mut text = format!("{}\n{}", outcome.domain(), policy_text(outcome));
    match hosts {
        Err(_) => text += "  mx      cannot be looked up for now\n",
        Ok(hosts) if hosts.names.is_empty() => text += "  mx      none: the domain takes no mail\n",
        Ok(hosts) => {
            if hosts.is_implicit {
                text += "  mx      no MX records, so that mail goes to the domain itself\n";
            }
            hosts
                .names
                .iter()
                .for_each(|host| text += &host_text(outcome, host));
        }
    }
    text
}

/// The policy, or that there is none; where it comes from; and what went wrong.
fn policy_text(outcome: &Outcome) -> String {
    let result = outcome
        .result_type()
        .map(|result| format!(" ({result})"))
        .unwrap_or_default();
    let why = outcome.explanation();
    let Some(policy) = outcome.policy() else {
        let what = if is_unknown(outcome) {
            "unknown"
        } else {
            "no policy"
        };
        return format!("  policy  {what}: {why}{result}\n");
    };
    let policy = crate::lint::describe(policy);
    let text = format!("  policy  {policy}\n  basis   {}\n", basis(outcome));
    match outcome.reason() {
        None => text,
        Some(_) => format!("{text}          no newer one: {why}{result}\n"),
    }
}

fn basis(outcome: &Outcome) -> String {
    let basis = outcome.basis().as_str();
    let Some(fetched) = outcome.fetched() else {
        return format!("{basis}, whatever the domain publishes");
    };
    let until = UNIX_EPOCH + Duration::from_secs(fetched.expires_at().0);
    let until = humantime::format_rfc3339_seconds(until);
    format!("{basis}, id {}, until {until}", fetched.id)
}

fn host_text(outcome: &Outcome, host: &str) -> String {
    let verdict = judge(outcome, host);
    let what = match (verdict.cause, outcome.policy().map(Policy::mode)) {
        (Some(cause), Some(Mode::Testing)) => format!("and report: {}", cause.describe()),
        (Some(cause), _) => cause.describe().to_owned(),
        (None, Some(Mode::Enforce)) => {
            "over TLS only, with a valid certificate for this name".to_owned()
        }
        (None, Some(Mode::Testing)) => "as without a policy, and report failures".to_owned(),
        (None, _) => "as without a policy".to_owned(),
    };
    format!("  mx      {host}: {}: {what}\n", verdict.action.as_str())
}
