// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache refresh`: fetch policies now, whatever their records say (R-FLOW-5).

use super::here::Here;
use super::output::Output;
use super::place::{Options, Place};
use super::work::{Doer, Task, each};
use super::{Done, Failure};
use crate::network::Network;
use clap::ArgGroup;
use mtasts::PolicyDomain;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};

/// Fetch policies now, whatever their records say
///
/// The server that runs does it, else this command does, at most 16 at a time. What was cached
/// stays where the fetch fails, and is not fetched again for five minutes then. Exit status: 0
/// all fetched, or the domain says that it has no policy; 1 a fetch failed; 2 misuse.
#[derive(clap::Args)]
#[command(
    after_help = EXAMPLE,
    group(ArgGroup::new("which").required(true).args(["domains", "all"]))
)]
pub struct Arguments {
    /// Domains of recipients' addresses; internationalised names are converted
    #[arg(value_name = "DOMAIN", value_parser = super::domain)]
    domains: Vec<PolicyDomain>,
    /// Every domain that has a cached policy
    #[arg(long)]
    all: bool,
    /// Print JSON, one object a line: as query does, beside the policy of before in `previous`
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Options,
    #[command(flatten)]
    network: Network,
}

const EXAMPLE: &str = "\
Example: mtasts cache refresh example.com

The options under Network go with --store; else they are the configuration's.";

/// Runs the subcommand.
pub async fn run(arguments: &Arguments) -> Done {
    let place = arguments.place.open()?;
    let doer = doer(arguments, &place).await?;
    let domains = match arguments.all {
        true => with_policy(&place).await?,
        false => arguments
            .domains
            .iter()
            .map(PolicyDomain::to_string)
            .collect(),
    };
    let mut out = Output::new();
    let mut is_good = true;
    let done = each(Task::Refresh, &doer, domains, &mut out, |domain, report| {
        is_good &= report.as_ref().is_ok_and(is_known);
        match (arguments.json, report) {
            (true, Ok(value)) => value.to_string(),
            (true, Err(error)) => serde_json::json!({"domain": domain, "error": error}).to_string(),
            (false, Ok(value)) => format!("{domain}: {}{}", as_text(&value), local(&place, domain)),
            (false, Err(error)) => format!("{domain}: failed: {error}"),
        }
    });
    let done = done.await;
    out.end()?;
    done?;
    Ok(is_good)
}

async fn doer(arguments: &Arguments, place: &Place) -> Result<Doer, Failure> {
    if place.config.is_some() && arguments.network.is_given() {
        let why = "the configuration says how to ask the network; --nameserver, --ca-file, \
                   --https-port and --allow-non-global go with --store";
        return Err(Failure::Misuse(why.to_owned()));
    }
    if let (Some(_), Some(path)) = (place.server().await?, place.control()) {
        return Ok(Doer::Server(path.to_owned()));
    }
    let store = place
        .store
        .clone()
        .ok_or_else(|| "there is no store".to_owned())?;
    let here = Here::with_network(store, place.config.as_ref(), &arguments.network);
    Ok(Doer::Here(Arc::new(here.map_err(Failure::Misuse)?)))
}

/// The domains with a policy. What cannot be read is left to `list`.
async fn with_policy(place: &Place) -> Result<Vec<String>, Failure> {
    let found: Arc<Mutex<Vec<String>>> = Arc::default();
    let domains = Arc::clone(&found);
    let source = place.source(false).await?;
    let read = source.for_each(move |domain, stored| match stored {
        Ok(stored) if stored.policy.is_none() => {}
        Ok(_) => domains
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(domain.to_owned()),
        Err(reason) => eprintln!("mtasts: warning: {reason}; not refreshed"),
    });
    read.await?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut found))
}

/// Whether the domain has said what its policy is, or that it has none.
fn is_known(report: &Value) -> bool {
    let reason = &report["reason"];
    report["basis"] == "fresh" || reason.is_null() || *reason == "no-record"
}

fn as_text(report: &Value) -> String {
    let (policy, previous) = (&report["policy"], &report["previous"]);
    let why = report["explanation"].as_str().unwrap_or_default();
    match (is_known(report), policy.is_null()) {
        (true, true) => format!("no policy: {why}"),
        (true, false) if previous.is_null() => format!("new: {}", shown(policy)),
        (true, false) if is_same(policy, previous) => format!("unchanged: {}", shown(policy)),
        (true, false) => format!("changed: {} → {}", shown(previous), shown(policy)),
        (false, true) => format!("failed: {why}; there is no policy"),
        (false, false) => format!("failed: {why}; still: {}", shown(policy)),
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    ["id", "mode", "max_age", "mx"]
        .iter()
        .all(|key| one[key] == other[key])
}

fn shown(policy: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let mx = policy["mx"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mx = match mx {
        [] => "none".to_owned(),
        mx => mx.iter().map(text).collect::<Vec<_>>().join(" "),
    };
    let (id, mode) = (text(&policy["id"]), text(&policy["mode"]));
    format!(
        "id {id}, mode {mode}, max_age {}, mx {mx}",
        policy["max_age"]
    )
}

fn local(place: &Place, domain: &str) -> &'static str {
    match place.local_policy(domain) {
        Some(_) => "; a local policy comes before it",
        None => "",
    }
}
