// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts publish`: what a domain is to publish next (R-PUB-1), from what it publishes now. The
//! order of the steps is [`mtasts_publish::Plan`]'s; here are the questions, the look into the DNS,
//! and the files.

mod ask;
mod files;
mod known;
mod output;
mod stage;
mod wish;

use crate::network::Network;
use crate::shown;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use mtasts::{Mode, PolicyDomain, PolicyId};
use mtasts_host::to_policy_domain;
use mtasts_publish::{Address, Plan, Present, Server, UnixTime};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use known::Known;
use stage::Stage;
use wish::Wish;

/// Write what a domain is to publish next, in safe steps
///
/// Looks up what DOMAIN publishes now and writes the next step towards what is wanted, in the order in which
/// mail arrives at every moment between: testing before enforce, the policy before the record, an MX
/// host in the policy before it is in DNS. On a terminal it asks for what is not given. Run it again
/// for each step. Exit status: 0 done; 1 what is published cannot be looked up now; 2 misuse.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The domain whose mail is to be protected
    domain: String,
    /// Where it is to lead: enforce begins in testing, too [default: enforce]
    #[arg(long, value_parser = PossibleValuesParser::new(["enforce", "testing"]).try_map(|word| word.parse::<Mode>()))]
    mode: Option<Mode>,
    /// How long senders remember the policy, as 4w, 30d or seconds [default: 4w; in testing 1d]
    #[arg(long, value_name = "TIME", value_parser = wish::max_age)]
    max_age: Option<u32>,
    /// MX host or *.DOMAIN, all of them; may be repeated [default: the present policy's, else those in DNS]
    #[arg(long, value_name = "HOST")]
    mx: Vec<String>,
    /// Where TLS reports go, a mail address or URI; may be repeated [default: as published]
    #[arg(long, value_name = "ADDRESS")]
    rua: Vec<String>,
    /// Also write this web server's configuration
    #[arg(long, value_parser = PossibleValuesParser::new(wish::SERVERS).try_map(|word| wish::server(&word)))]
    server: Option<Server>,
    /// The web server: IP addresses, or the name that mta-sts.DOMAIN is an alias of
    #[arg(long, value_name = "ADDRESS", value_parser = Address::read)]
    address: Option<Address>,
    /// The policy that is served now [default: looked up]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The id in DNS now [default: looked up]
    #[arg(long, requires = "from")]
    id: Option<PolicyId>,
    /// Leave MTA-STS without losing mail (RFC 8461 §8.3)
    #[arg(long, conflicts_with_all = ["mode", "max_age", "mx"])]
    remove: bool,
    /// With --remove: the longest max_age ever published, if longer than now
    #[arg(long, value_name = "TIME", value_parser = wish::max_age, requires = "remove")]
    longest_max_age: Option<u32>,
    /// What the last step said to wait for is over
    #[arg(long)]
    waited: bool,
    /// Write files into this folder, not to standard output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Overwrite files that are there
    #[arg(long, requires = "out")]
    force: bool,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
    /// Look nothing up; takes --from and --id for a domain that publishes a policy
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: Network,
}

const EXAMPLES: &str = "\
Examples:
  mtasts publish example.com
  mtasts publish example.com --rua tls@example.com --server nginx --out mta-sts/
  mtasts publish example.com --waited --server nginx --out mta-sts/ --force
  mtasts publish example.com --remove

JSON: {\"domain\":…,\"steps\":[…],\"policy\":…,\"id\":…,\"record\":…,\"tlsrpt_record\":…,\"zone\":…,
\"server\":…,\"notes\":[…],\"files\":[…]}; policy, id and record are null where this step changes
none. A step has kind, title, detail, section, now (whether it is to be done now) and wait: null or
{\"kind\":…,\"seconds\":…,\"text\":…}. A server has name, file, text and policy_file.";

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let domain = to_policy_domain(&arguments.domain)
        .map_err(|error| format!("{}: {error}", arguments.domain))?;
    let known = match Known::find(arguments, &domain)? {
        Ok(known) => known,
        Err(unknown) => {
            eprintln!("mtasts: {unknown}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut wish = Wish::of(arguments, &known);
    if asks(arguments) && !arguments.remove {
        ask::complete(arguments, &domain, &known, &mut wish)?;
    }
    let plan = plan(arguments, &domain, &known, &wish)?;
    let mut stage = Stage::of(&plan, &known, arguments.waited);
    if stage.can_be_waited_for() && asks(arguments) && ask::is_waited(&stage)? {
        stage = Stage::of(&plan, &known, true);
    }
    let mut result = output::Output::new(&domain, &known, &wish, &stage)?;
    if let Some(folder) = &arguments.out {
        result.files = files::write(folder, &result.contents(), arguments.force)?;
    }
    crate::print(&match arguments.json {
        true => shown::json(&result.as_json().to_string()),
        false => result.as_text(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether there is somebody to ask.
fn asks(arguments: &Arguments) -> bool {
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    is_terminal && !arguments.yes && !arguments.json
}

fn plan(
    arguments: &Arguments,
    domain: &PolicyDomain,
    known: &Known,
    wish: &Wish,
) -> Result<Plan, String> {
    let now = now();
    let planned = match &known.present {
        None if arguments.remove => return Err(nothing_to_remove(domain)),
        None => Plan::start(domain, &wish.draft, now),
        Some((policy, id)) => {
            let present = Present {
                policy,
                id,
                longest_max_age: wish.longest(known),
                mx_hosts: known.mx.as_deref(),
            };
            Plan::next(domain, &present, &wish.draft, now)
        }
    };
    planned.map_err(|error| wish::explain(&error, &wish.draft))
}

fn nothing_to_remove(domain: &PolicyDomain) -> String {
    format!(
        "{domain} publishes no policy that senders can use, so there is none to leave; if one was \
         served before, give it with --from FILE --id ID"
    )
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.unwrap_or_default().as_secs())
}
