// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache purge`: forget what is known of domains, in the server's memory and the store.

use super::control::Control;
use super::here::Here;
use super::output::Output;
use super::place::{Options, Place};
use super::work::{Doer, Task, each};
use super::{Done, Failure, entry};
use crate::store::now;
use clap::ArgGroup;
use mtasts::{PolicyDomain, Stored};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Forget what is known of domains
///
/// In the memory of the server that runs and in the store; without a server in the store alone.
/// A domain that is purged is not protected until its next look-up, by which an attacker may make
/// believe that it has no policy: to see a new policy at once, `refresh` is better. A server
/// that is there but does not answer is an error: it would save again what it has in memory. With
/// --store no server is told. Local policies stay. Exit status: 0 nothing is known any more, be it
/// that nothing was known; 1 something could not be purged, or was not to be after all; 2 misuse.
#[derive(clap::Args)]
#[command(
    after_help = "Example: mtasts cache purge example.com",
    group(ArgGroup::new("which").required(true).args(["domains", "all", "expired"]))
)]
pub struct Arguments {
    /// Domains of recipients' addresses; internationalised names are converted
    #[arg(value_name = "DOMAIN", value_parser = super::domain)]
    domains: Vec<PolicyDomain>,
    /// Every domain; asks whether that is meant
    #[arg(long)]
    all: bool,
    /// Every domain whose policy has expired, and those without one of which nothing that is
    /// known holds any more
    #[arg(long)]
    expired: bool,
    /// With --all, do not ask
    #[arg(long, requires = "all")]
    yes: bool,
    /// Print JSON, one object a line: {"domain":…,"was_known":…} or {"domain":…,"error":…}
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Options,
}

/// Runs the subcommand.
pub async fn run(arguments: &Arguments) -> Done {
    if arguments.all && !arguments.yes && !is_anybody_there() {
        let why = "--all wants --yes where nobody can be asked";
        return Err(Failure::Misuse(why.to_owned()));
    }
    let place = arguments.place.open()?;
    let mut server = place.server().await?;
    let domains = match arguments.domains.as_slice() {
        [] => every(arguments, &place, server.as_mut()).await?,
        domains => domains.iter().map(PolicyDomain::to_string).collect(),
    };
    if arguments.all && !arguments.yes && !is_meant(domains.len())? {
        eprintln!("mtasts: nothing is purged");
        return Ok(false);
    }
    let doer = server.is_some().then(|| place.control()).flatten();
    let doer = doer.map(|path| Doer::Server(path.to_owned()));
    Purge::new(arguments, &place).run(doer, domains).await
}

/// Every domain that is to be purged, of the store and of the server's memory.
async fn every(
    arguments: &Arguments,
    place: &Place,
    server: Option<&mut Control>,
) -> Result<Vec<String>, Failure> {
    let (has_all, now) = (arguments.all, now());
    let is_wanted = move |stored: &Stored| has_all || entry::is_expired(stored, now);
    let found: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    if let Some(store) = &place.store {
        let domains = Arc::clone(&found);
        let read = store.for_each(move |domain, stored| {
            if stored.map_or(has_all, |stored| is_wanted(&stored)) {
                let mut domains = domains.lock().unwrap_or_else(PoisonError::into_inner);
                domains.insert(domain.to_owned());
            }
        });
        read.await?;
    }
    let mut domains = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(server) = server {
        let add = |stored: Arc<Stored>| {
            if is_wanted(&stored) {
                domains.insert(stored.domain.to_string());
            }
        };
        server.for_each(None, add).await?;
    }
    Ok(domains.into_iter().collect())
}

fn is_anybody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn is_meant(domains: usize) -> Result<bool, String> {
    eprint!(
        "Forget all {domains} domains? Their mail is not protected until their next look-up. [y/N] "
    );
    let mut answer = String::new();
    io::stderr()
        .flush()
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(|error| error.to_string())?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// A purge that goes on.
struct Purge<'a> {
    arguments: &'a Arguments,
    place: &'a Place,
    purged: usize,
    is_good: bool,
}

impl<'a> Purge<'a> {
    fn new(arguments: &'a Arguments, place: &'a Place) -> Self {
        Self {
            arguments,
            place,
            purged: 0,
            is_good: true,
        }
    }

    async fn run(mut self, server: Option<Doer>, domains: Vec<String>) -> Done {
        let mut out = Output::new();
        let done = self.purge(server, domains, &mut out).await;
        if !self.arguments.json {
            out.line(&self.summary());
        }
        out.end()?;
        done?;
        Ok(self.is_good)
    }

    async fn purge(
        &mut self,
        server: Option<Doer>,
        domains: Vec<String>,
        out: &mut Output,
    ) -> Result<(), String> {
        // What is no domain can be in a damaged store only.
        let is_domain = |domain: &String| domain.parse::<PolicyDomain>().is_ok();
        let (domains, odd): (Vec<_>, Vec<_>) = domains.into_iter().partition(is_domain);
        let here = self.place.store.clone().map(Here::of_store);
        let here = here.map(|here| Doer::Here(Arc::new(here)));
        for (doer, domains) in [(server.or_else(|| here.clone()), domains), (here, odd)] {
            let Some(doer) = doer else { continue };
            each(Task::Purge, &doer, domains, out, |domain, report| {
                self.tell(domain, report)
            })
            .await?;
        }
        Ok(())
    }

    fn tell(&mut self, domain: &str, report: Result<serde_json::Value, String>) -> String {
        let domain = entry::harmless(domain);
        let was_known = report
            .as_ref()
            .is_ok_and(|report| report["was_known"] == true);
        self.purged += usize::from(was_known);
        self.is_good &= report.is_ok();
        match report {
            Ok(report) if self.arguments.json => report.to_string(),
            Err(error) if self.arguments.json => {
                json!({"domain": domain, "error": error}).to_string()
            }
            Err(error) => format!("{domain}: failed: {error}"),
            Ok(_) => {
                let what = if was_known {
                    "purged"
                } else {
                    "nothing was known"
                };
                format!("{domain}: {what}{}", self.local(&domain))
            }
        }
    }

    fn local(&self, domain: &str) -> &'static str {
        match self.place.local_policy(domain) {
            Some(_) => "; its local policy stays",
            None => "",
        }
    }

    fn summary(&self) -> String {
        match self.purged {
            0 => "nothing purged".to_owned(),
            1 => "1 domain purged; it is not protected until its next look-up".to_owned(),
            many => {
                format!("{many} domains purged; they are not protected until their next look-up")
            }
        }
    }
}
