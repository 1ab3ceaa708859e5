// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts check`: what senders see of a domain that receives mail, what is wrong with it, and how
//! to mend it (R-PUB-2). What is seen ([`facts`]) and what is said of it ([`judge`]) are apart.

mod domains;
mod facts;
mod finding;
mod hosts;
mod judge;
mod look;
mod nagios;
mod policy;
mod progress;
mod smtp;
mod style;
mod text;
mod tls;
mod txt;

use crate::network::Network;
use crate::shown;
use clap::ValueEnum;
use futures_util::{StreamExt, stream};
use hosts::Hosts;
use judge::{Report, Status, judge};
use look::Looker;
use mtasts::PolicyDomain;
use mtasts_host::{DefaultHost, Level, Log, Options};
use progress::Progress;
use smtp::Prober;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tls::Inspector;

/// Check what a domain publishes, as senders see it
///
/// Looks at the MTA-STS record, the policy host and its certificate, the policy, every address of
/// every MX host (greeting, STARTTLS, certificate; no mail is sent), and the TLSRPT record. Says
/// what is wrong, why a sender cares, and what to publish instead.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = HELP)]
pub struct Arguments {
    /// Domains of recipients' addresses; internationalised names are converted
    #[arg(value_name = "DOMAIN")]
    domains: Vec<String>,
    /// File with a domain a line, # begins a comment; - for standard input; may be repeated
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Print JSON, one object a line for each domain
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// What to print: tables, what Nagios reads, or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The least severity that makes the exit status other than 0
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// With many domains: tables and findings of each
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    network: Network,
}

/// How to look.
#[derive(clap::Args)]
#[command(next_help_heading = "Looking")]
struct How {
    /// Look at DANE, too: the name servers must validate (DNSSEC), nobody between them and here
    #[arg(long)]
    dane: bool,
    /// Longest that one step may take: a DNS question, the fetch, the session with one address
    #[arg(long, value_name = "SECONDS", default_value_t = 15,
          value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// Domains at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 32,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Name to greet mail servers with [default: this host's, else its address]
    #[arg(long, value_name = "NAME", value_parser = greeting)]
    ehlo: Option<String>,
    /// Port of mail servers, for tests
    #[arg(long, value_name = "PORT", default_value_t = 25)]
    smtp_port: u16,
}

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Nagios,
    Json,
}

/// From which severity the exit status tells.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Warning,
    Error,
    Never,
}

const EXAMPLES: &str = "\
Examples:
  mtasts check example.com
  mtasts check --format nagios example.com
  mtasts check --file domains.txt --json | jq -r 'select(.status != \"ok\").domain'

See --help for exit status, severities and JSON.";

const HELP: &str = "\
Examples:
  mtasts check example.com
  mtasts check --format nagios example.com
  mtasts check --file domains.txt --json | jq -r 'select(.status != \"ok\").domain'

Exit status, as of Nagios plugins, the worst of all domains:
  0  ok: no finding, or notices alone
  1  warning: mail arrives, something is to be mended       (not with --fail-on error or never)
  2  critical: mail does not arrive, or is not protected
     although the domain has published MTA-STS              (not with --fail-on never)
  3  unknown: it cannot be seen from here or for now        (not with --fail-on never),
     or misuse of the command
Critical comes before unknown, unknown before warning.

Severities:
  error    a record or policy that senders cannot use; mode enforce and no MX host left to which
           senders deliver; DANE that fails
  unknown  name servers that fail; MX hosts that cannot be reached from here, and none that can
  warning  no record; mode enforce and some MX host at fault; mode testing and any at fault; a
           certificate that ends within 14 days; what senders tolerate in a policy; mode testing
           without TLSRPT
  notice   all else: MX hosts at fault without a policy or in mode none, IPv6 where this machine
           has none, no TLSRPT record

JSON, an object for each domain:
  domain; status: ok, warning, critical, unknown
  record: name, cname (where the name leads), state (found, none, several, broken, malformed,
    unknown), records, error and column, id
  policy_host: host, cname, state, addresses
  policy: reason (why there is none, as in `mtasts query --json`), mode, max_age, mx, warnings and
    error (line, column, message, text), text, in_force (a record says so)
  mx: state (found, implicit, null, none, malformed, unknown), secure (with --dane: by DNSSEC),
    left_out, hosts: host, preference, listed, state, dane, addresses
  tlsrpt: as record, with rua instead of id
  addresses: address, state (tls, tls-failed, starttls-not-offered, starttls-refused, not-smtp,
    closed, rejected, timed-out, no-route, not-global, local), error, greeting, tls_version,
    certificate (verdict: valid, expired, host-mismatch, not-trusted, invalid; names, issuer,
    not_before, not_after, days_left, chain_length); of MX hosts also dane (none, lookup-failed,
    unusable, usable, passed, failed), action, cause and result, as in `mtasts query --json`
  findings: severity, id, subject, line, column, message, why, requirement, rfc, instead";

/// The exit status for what cannot be done.
pub const UNKNOWN: u8 = 3;

/// Runs the subcommand. Misuse is UNKNOWN to monitoring, and told where that reads.
pub fn run(arguments: &Arguments) -> ExitCode {
    check(arguments).unwrap_or_else(|message| {
        eprintln!("mtasts: {message}");
        if arguments.format == Format::Nagios {
            println!("MTA-STS UNKNOWN - {}", message.replace('|', "/"));
        }
        ExitCode::from(UNKNOWN)
    })
}

fn check(arguments: &Arguments) -> Result<ExitCode, String> {
    let domains = domains::read(&arguments.domains, &arguments.file)?;
    let looker = looker(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("cannot begin: {error}"))?;
    let worst = runtime.block_on(look_at_all(arguments, Arc::new(looker), domains))?;
    Ok(ExitCode::from(exit_status(worst, arguments.fail_on)))
}

fn looker(arguments: &Arguments) -> Result<Looker, String> {
    let (how, network) = (&arguments.how, arguments.network.options());
    let limit = Duration::from_secs(how.timeout);
    let dane = how.dane;
    let options = Options {
        dns_timeout: limit,
        connect_timeout: limit,
        dane,
        // What the network answers is in the findings.
        log: Log::new(move |level, message| {
            if level == Level::Error || dane && level == Level::Warning {
                eprintln!("mtasts: {message}");
            }
        }),
        ..network
    };
    let (https_port, allow_non_global) = (options.https_port, options.allow_non_global);
    let host = Arc::new(DefaultHost::open(options).map_err(|error| error.to_string())?);
    let prober = Prober {
        host: Arc::clone(&host),
        inspector: Inspector::new().map_err(|error| format!("no TLS: {error}"))?,
        port: how.smtp_port,
        ehlo: how.ehlo.clone().or_else(own_name),
        limit,
    };
    Ok(Looker {
        host,
        hosts: Hosts::new(prober, allow_non_global, dane),
        https_port,
        limit,
    })
}

/// Looks at all domains, some at a time, and prints; gives the worst status.
async fn look_at_all(
    arguments: &Arguments,
    looker: Arc<Looker>,
    domains: Vec<PolicyDomain>,
) -> Result<Status, String> {
    let progress = Arc::new(Progress::new(domains.len()));
    let tasks = stream::iter(domains).map(|domain| {
        let (looker, progress) = (Arc::clone(&looker), Arc::clone(&progress));
        tokio::spawn(async move {
            let facts = looker.look(&domain, &progress).await;
            progress.done(domain.as_str());
            judge(facts, looker.host.now())
        })
    });
    let mut done = tasks.buffered(usize::from(arguments.how.concurrency));
    let mut reports = Vec::new();
    let mut worst = None;
    while let Some(report) = done.next().await {
        let report = report.map_err(|error| format!("a check failed: {error}"))?;
        worst = worst.max(Some(report.status.severity()));
        match arguments.format() {
            Format::Json => progress.suspend(|| crate::print(&shown::json(&json(&report)?)))?,
            _ => reports.push(report),
        }
    }
    progress.end();
    match arguments.format() {
        Format::Json => {}
        Format::Nagios => crate::print(&nagios::output(&reports))?,
        Format::Text => crate::print(&style::coloured(&as_text(&reports, arguments.verbose)))?,
    }
    Ok(Status::from(worst))
}

impl Arguments {
    fn format(&self) -> Format {
        match self.json {
            true => Format::Json,
            false => self.format,
        }
    }
}

fn json(report: &Report) -> Result<String, String> {
    serde_json::to_string(report).map_err(|error| error.to_string())
}

fn as_text(reports: &[Report], verbose: bool) -> String {
    match reports {
        [report] => text::one(report),
        reports if verbose => {
            let each: Vec<_> = reports.iter().map(text::one).collect();
            format!("{}\n{}", text::many(reports), each.join("\n"))
        }
        reports => text::many(reports),
    }
}

const fn exit_status(worst: Status, fail_on: FailOn) -> u8 {
    match (worst, fail_on) {
        (Status::Ok, _) | (_, FailOn::Never) | (Status::Warning, FailOn::Error) => 0,
        (Status::Warning, FailOn::Warning) => 1,
        (Status::Critical, _) => 2,
        (Status::Unknown, _) => UNKNOWN,
    }
}

/// A name that a mail server may be given: it goes into a command as it is.
fn greeting(name: &str) -> Result<String, String> {
    let name = name.parse::<PolicyDomain>();
    name.map(|name| name.to_string())
        .map_err(|error| error.to_string())
}

/// This host's name, if it is one of the DNS.
fn own_name() -> Option<String> {
    let system = rustix::system::uname();
    let name = system.nodename().to_str().ok()?;
    let name = greeting(name).ok()?;
    name.contains('.').then_some(name)
}
