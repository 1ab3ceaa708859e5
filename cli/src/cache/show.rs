// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache show`: everything that is known of a domain.

use super::output::Output;
use super::place::{Options, Place, Source};
use super::{Done, entry};
use crate::lint::describe;
use crate::store::{Unread, now};
use mtasts::{Attempt, PolicyDomain, PolicyId, Stored, StoredPolicy, UnixTime};

/// Show everything that is known of domains
///
/// The policy as it was published, when it was fetched and expires, what the record said, the
/// fetches of the last minutes. A domain's subdomains are other domains. Exit status: 0 shown; 1
/// of a domain nothing is known, or it cannot be read; 2 misuse.
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts cache show example.com bücher.example")]
pub struct Arguments {
    /// Domains of recipients' addresses; internationalised names are converted
    #[arg(required = true, value_name = "DOMAIN", value_parser = super::domain)]
    domains: Vec<PolicyDomain>,
    /// Print JSON, one object a line, as export does
    #[arg(long)]
    json: bool,
    /// What the running server has in memory, whatever is in the store
    #[arg(long)]
    memory: bool,
    #[command(flatten)]
    place: Options,
}

/// Runs the subcommand.
pub async fn run(arguments: &Arguments) -> Done {
    let place = arguments.place.open()?;
    let mut source = place.source(arguments.memory).await?;
    let mut out = Output::new();
    let mut is_good = true;
    for domain in &arguments.domains {
        match found(&mut source, domain).await {
            Ok(stored) => out.line(&match arguments.json {
                true => entry::as_json(&stored, now()).to_string(),
                false => as_text(&stored, &place, now()),
            }),
            Err(reason) => {
                is_good = false;
                out.flush();
                eprintln!("mtasts: {reason}");
                tell_local(domain, &place);
            }
        }
    }
    out.end()?;
    Ok(is_good)
}

async fn found(
    source: &mut Source,
    domain: &PolicyDomain,
) -> Result<std::sync::Arc<Stored>, String> {
    match source.load(domain.as_str()).await {
        Ok(Some(stored)) => Ok(stored),
        Ok(None) => Err(format!(
            "{domain}: nothing is known; `mtasts query {domain}` looks it up"
        )),
        Err(Unread::Store(reason)) => Err(reason),
        Err(Unread::Entry(reason)) => Err(format!(
            "{reason}; `mtasts cache purge {domain}` removes the entry"
        )),
    }
}

fn tell_local(domain: &PolicyDomain, place: &Place) {
    if let Some(policy) = place.local_policy(domain.as_str()) {
        eprintln!(
            "mtasts: {domain}: a local policy applies: {}",
            describe(policy)
        );
    }
}

fn as_text(stored: &Stored, place: &Place, now: UnixTime) -> String {
    let mut lines = vec![stored.domain.to_string()];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<9} {value}"));
    if let Some(policy) = place.local_policy(stored.domain.as_str()) {
        line(
            "local",
            &format!("{}; comes before all below", describe(policy)),
        );
    }
    match stored.policy.as_deref() {
        None => line("policy", "none"),
        Some(policy) => policy_lines(policy, now, &mut line),
    }
    line("record", &record(stored, now));
    for attempt in stored.attempts.iter() {
        line("fetch", &attempt_text(attempt, now));
    }
    if let Some((reason, until)) = entry::back_off(stored, now) {
        let until = entry::when(until, now);
        line(
            "back-off",
            &format!("{}; none before {until}", reason.describe()),
        );
    }
    let text = stored.policy.as_deref().map(|policy| policy.policy.text());
    lines.extend(
        text.unwrap_or_default()
            .lines()
            .map(|line| format!("    {}", entry::harmless(line))),
    );
    lines.join("\n")
}

fn policy_lines(policy: &StoredPolicy, now: UnixTime, line: &mut impl FnMut(&str, &str)) {
    line("policy", &describe(&policy.policy));
    line("id", policy.id.as_str());
    line("fetched", &entry::when(policy.fetched_at, now));
    let is_usable = policy.is_usable(now);
    let name = if is_usable { "expires" } else { "expired" };
    line(name, &entry::when(policy.expires_at(), now));
}

fn record(stored: &Stored, now: UnixTime) -> String {
    let Some(record) = &stored.record else {
        return "not looked at".to_owned();
    };
    let id = record.id.as_ref().map(PolicyId::as_str);
    let what = id.map_or_else(|| "none".to_owned(), |id| format!("id {id}"));
    format!(
        "{what}, to be looked at again {}",
        entry::when(record.until, now)
    )
}

fn attempt_text(attempt: &Attempt, now: UnixTime) -> String {
    let what = attempt.failed.map_or("good", |reason| reason.describe());
    format!(
        "{}, id {}: {what}",
        entry::when(attempt.at, now),
        attempt.id
    )
}
