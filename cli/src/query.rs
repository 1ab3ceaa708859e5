// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts query`: what a sender would do now with mail for a domain (RFC 8461 §3 to §5).

use crate::network::Network;
use mtasts::{Config, Dane, Outcome, PolicyDomain, Reason, Session, Tls, Verdict};
use mtasts_host::{DefaultHost, DnsFailure, to_policy_domain};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

/// Show which policy a domain has and what it means for its MX hosts
///
/// Looks the policy up as a sending mail server would, from the store if one is given, and
/// judges the domain's MX hosts by it. Exit status: 0 when the answer is there, 1 when it cannot
/// be had for now, 2 for misuse.
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
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let domain = to_policy_domain(&arguments.domain)
        .map_err(|error| format!("{}: {error}", arguments.domain))?;
    let host = arguments.network.open()?;
    let outcome = host.blocking().resolve(domain.clone(), &Config::default());
    let hosts = mx_hosts(arguments, &domain, &host)?;
    if arguments.json {
        println!("{}", as_json(&outcome, &hosts));
    } else {
        print(&outcome, &hosts);
    }
    Ok(ExitCode::from(u8::from(
        is_unknown(&outcome) || hosts.is_err(),
    )))
}

/// Whether another try may show a policy that this one could not see.
fn is_unknown(outcome: &Outcome) -> bool {
    let temporary = matches!(
        outcome.reason(),
        Some(Reason::DnsTemporary | Reason::StoreFailed)
    );
    outcome.policy().is_none() && temporary
}

type Hosts = Result<Vec<String>, DnsFailure>;

/// The MX hosts to judge: those asked for, else the domain's, in their order.
fn mx_hosts(
    arguments: &Arguments,
    domain: &PolicyDomain,
    host: &DefaultHost,
) -> Result<Hosts, String> {
    if !arguments.mx.is_empty() {
        let convert = |name: &String| match to_policy_domain(name) {
            Ok(name) => Ok(name.as_str().to_owned()),
            Err(error) => Err(format!("{name}: {error}")),
        };
        return arguments
            .mx
            .iter()
            .map(convert)
            .collect::<Result<_, _>>()
            .map(Ok);
    }
    Ok(match host.blocking().mx(domain.as_str()) {
        Ok(list) => Ok(list.into_iter().map(|mx| mx.host).collect()),
        Err(DnsFailure::NoRecords { .. }) => Ok(vec![domain.as_str().to_owned()]),
        Err(failure) => Err(failure),
    })
}

fn judge(outcome: &Outcome, mx_host: &str) -> Verdict {
    outcome.verdict(&Session {
        mx_host,
        tls: Tls::NotTried,
        dane: Dane::NotUsed,
        mx_secure: false,
    })
}

fn as_json(outcome: &Outcome, hosts: &Hosts) -> Value {
    let reason = outcome.reason();
    json!({
        "domain": outcome.domain().as_str(),
        "basis": outcome.basis().as_str(),
        "reason": reason.map(|reason| reason.to_string()),
        "result": outcome.result_type().map(|result| result.as_str()),
        "explanation": reason.map(|_| outcome.explanation()),
        "try_later": outcome.is_try_later(),
        "policy": outcome.fetched().map(|fetched| json!({
            "id": fetched.id.as_str(),
            "mode": fetched.policy.mode().as_str(),
            "max_age": fetched.policy.max_age(),
            "mx": fetched.policy.mx().map(|pattern| pattern.as_str()).collect::<Vec<_>>(),
            "fetched_at": fetched.fetched_at.0,
            "expires_at": fetched.expires_at().0,
        })),
        "mx": hosts.as_ref().ok().map(|hosts| {
            hosts.iter().map(|host| host_json(outcome, host)).collect::<Vec<_>>()
        }),
    })
}

fn host_json(outcome: &Outcome, host: &str) -> Value {
    let verdict = judge(outcome, host);
    json!({
        "host": host,
        "action": verdict.action.as_str(),
        "cause": verdict.cause.map(|cause| cause.as_str()),
        "result": verdict.result.map(|result| result.as_str()),
    })
}

fn print(outcome: &Outcome, hosts: &Hosts) {
    println!("{}", outcome.domain());
    match outcome.fetched() {
        None => println!("  policy  none"),
        Some(fetched) => {
            println!("  policy  {}", crate::lint::describe(&fetched.policy));
            let until = UNIX_EPOCH + Duration::from_secs(fetched.expires_at().0);
            let until = humantime::format_rfc3339_seconds(until);
            println!(
                "  basis   {}, id {}, until {until}",
                outcome.basis().as_str(),
                fetched.id
            );
        }
    }
    if outcome.reason().is_some() {
        println!("  because {}", outcome.explanation());
    }
    match hosts {
        Ok(hosts) if hosts.is_empty() => println!("  mx      none: the domain takes no mail"),
        Ok(hosts) => hosts.iter().for_each(|host| print_host(outcome, host)),
        Err(_) => println!("  mx      cannot be looked up for now"),
    }
}

fn print_host(outcome: &Outcome, host: &str) {
    let verdict = judge(outcome, host);
    let enforced = outcome
        .policy()
        .is_some_and(|policy| policy.mode() == mtasts::Mode::Enforce);
    let what = match verdict.cause {
        Some(cause) => cause.describe(),
        None if enforced => "over TLS only, with a valid certificate for this name",
        None => "as without a policy",
    };
    println!("  mx      {host}: {}: {what}", verdict.action.as_str());
}
