// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the domain publishes now: given, or looked up as a sender would.

use super::Arguments;
use mtasts::{
    Config, MAX_BODY, Outcome, Policy, PolicyDomain, PolicyId, Reason, TxtFailure, tlsrpt,
};
use mtasts_host::{DefaultHost, DnsFailure};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is known of the domain.
#[derive(Default)]
pub struct Known {
    /// The policy that is served, and the id in DNS.
    pub present: Option<(Policy, PolicyId)>,
    /// The hosts that the MX records name; none where that is not known.
    pub mx: Option<Vec<String>>,
    /// The addresses of the TLSRPT record.
    pub rua: Vec<String>,
    /// What a person should know about it.
    pub notes: Vec<String>,
}

impl Known {
    /// What is given, and the rest from the network unless that is not to be asked. The inner error:
    /// it cannot be looked up for now.
    pub fn find(
        arguments: &Arguments,
        domain: &PolicyDomain,
    ) -> Result<Result<Self, String>, String> {
        let from = arguments.from.as_deref().map(read).transpose()?;
        let mut known = Self::default();
        let Some(host) = open(arguments)? else {
            known.present = match (from, &arguments.id) {
                (Some(policy), Some(id)) => Some((policy, id.clone())),
                (Some(_), None) => return Err("--from with --offline needs --id as well".into()),
                (None, _) => None,
            };
            return Ok(Ok(known));
        };
        if let Err(failure) = known.look_up_mail(&host, domain) {
            return Ok(Err(failure));
        }
        let outcome = host.blocking().resolve(domain.clone(), &Config::default());
        match from {
            Some(policy) => known.given(policy, arguments.id.as_ref(), &outcome)?,
            None => {
                if let Err(failure) = known.looked_up(&outcome) {
                    return Ok(Err(failure));
                }
            }
        }
        Ok(Ok(known))
    }

    /// MX hosts and TLSRPT record.
    fn look_up_mail(&mut self, host: &DefaultHost, domain: &PolicyDomain) -> Result<(), String> {
        self.mx = match host.blocking().mx(domain.as_str()) {
            Ok(list) => Some(list.into_iter().map(|mx| mx.host).collect()),
            Err(DnsFailure::NoRecords { .. }) => Some(vec![domain.to_string()]),
            Err(_) => return Err(unknown(domain, "the MX records")),
        };
        match host.blocking().tlsrpt_records(domain) {
            Ok(found) => self.take_reports(&found.records),
            Err(TxtFailure::NoRecords { .. }) => {}
            Err(_) => self.notes.push(
                "The TLSRPT record cannot be looked up for now: see that there is none before you \
                 add one."
                    .into(),
            ),
        }
        Ok(())
    }

    fn take_reports(&mut self, records: &[Vec<u8>]) {
        match tlsrpt::Record::select(records) {
            Ok(record) => self.rua = record.rua().iter().map(|&uri| uri.to_owned()).collect(),
            Err(error) => self.notes.push(format!(
                "What is published at _smtp._tls senders cannot use: {error}. Put the new record in \
                 its place."
            )),
        }
    }

    /// `policy` is served, whatever was found.
    fn given(
        &mut self,
        policy: Policy,
        id: Option<&PolicyId>,
        outcome: &Outcome,
    ) -> Result<(), String> {
        let found = outcome.fetched();
        if found.is_some_and(|found| found.policy.text() != policy.text()) {
            let note = "The policy of --from is not the one that is served now.";
            self.notes.push(note.into());
        }
        let id = id.or(found.map(|found| &found.id)).cloned();
        let id = id.ok_or_else(|| {
            let why = outcome.explanation();
            format!("the id in DNS cannot be found ({why}): give it with --id")
        })?;
        self.present = Some((policy, id));
        Ok(())
    }

    fn looked_up(&mut self, outcome: &Outcome) -> Result<(), String> {
        match (outcome.fetched(), outcome.reason()) {
            (Some(found), _) => {
                self.present = Some((Policy::clone(&found.policy), found.id.clone()));
            }
            (None, Some(Reason::NoRecord)) => {}
            // It may be there all the same, and whoever is on the path wants a weaker one.
            (None, Some(reason)) if is_outage(reason) => return Err(unfetched(outcome)),
            (None, Some(Reason::DnsTemporary | Reason::LocalFailure)) => {
                return Err(unknown(outcome.domain(), "what it publishes"));
            }
            (None, _) => self.notes.push(format!(
                "What is published now senders cannot use: {}. The plan starts anew.",
                outcome.explanation()
            )),
        }
        Ok(())
    }

    /// The hosts that DNS names and `policy` does not.
    pub fn uncovered(&self, policy: &Policy) -> Vec<String> {
        let hosts = self.mx.iter().flatten().filter(|host| *host != ".");
        hosts
            .filter(|host| !policy.matches(host))
            .cloned()
            .collect()
    }
}

/// Whether the policy could not be fetched, and no policy host has said so over a connection that is
/// its own.
fn is_outage(reason: Reason) -> bool {
    match reason {
        Reason::Status(status) => status >= 500,
        Reason::Connect
        | Reason::FetchLimit
        | Reason::FetchOther
        | Reason::PolicyHostDns
        | Reason::Timeout
        | Reason::WebPki => true,
        _ => false,
    }
}

fn unfetched(outcome: &Outcome) -> String {
    format!(
        "{}: there is a record, and the policy cannot be fetched ({}). If one is served, give it with \
         --from FILE; if there never was one, begin with --offline and --mx",
        outcome.domain(),
        outcome.explanation()
    )
}

fn unknown(domain: &PolicyDomain, what: &str) -> String {
    format!(
        "{domain}: {what} cannot be looked up for now; try again, ask another server with \
         --nameserver, or give --mx and --offline"
    )
}

fn open(arguments: &Arguments) -> Result<Option<DefaultHost>, String> {
    if arguments.offline {
        return Ok(None);
    }
    let host = DefaultHost::open(arguments.network.options());
    host.map(Some).map_err(|error| error.to_string())
}

/// The policy in a file.
fn read(file: &Path) -> Result<Policy, String> {
    let name = file.display();
    let mut body = Vec::new();
    let limit = MAX_BODY as u64 + 1;
    File::open(file)
        .and_then(|file| file.take(limit).read_to_end(&mut body))
        .map_err(|error| format!("{name}: {error}"))?;
    Policy::parse(&body).map_err(|error| {
        format!("{name}: {error}; `mtasts lint {name}` shows where. Senders cannot use it, so start without --from")
    })
}
