// SPDX-License-Identifier: MIT OR Apache-2.0

//! A line protocol, made for Exim's `${readsocket}` and fit for any script. A request is a line,
//! the answer a line of `name=value` pairs, which `${extract{name}{…}}` takes apart:
//!
//! ```text
//! policy example.com
//! action=deliver tls=verify mode=enforce basis=cached max_age=604800 mx=*.example.com
//! hosts example.com mx1.example.com:mx2.example.net
//! action=deliver tls=verify mode=enforce hosts=mx1.example.com
//! route example.com
//! action=deliver tls=verify mode=enforce hosts=mx1.example.com:+:mx2.example.com
//! ```
//!
//! `action` comes first: `deliver` or `defer`. What else is not there, is not to be relied on; an
//! answer without `action=deliver`, none at all included, means that the mail waits.

use super::config::Listen;
use super::connection::{Connection, State};
use super::metrics::Queries;
use super::name::Name;
use super::request::Request;
use super::route::{self, Way};
use super::service::{Answer, Service};
use mtasts::{DomainDane, Mode, PolicyDomain};
use std::io;
use std::sync::Arc;

/// The longest request, in octets: a domain and its MX hosts.
const MAX_REQUEST: usize = 65_536;

/// What one listener answers with.
#[derive(Clone)]
pub struct Readsocket {
    service: Arc<Service>,
    queries: Queries,
}

impl Readsocket {
    pub fn new(service: Arc<Service>, listen: &Listen) -> Self {
        let queries = service.metrics.queries(listen.kind);
        Self { service, queries }
    }

    /// Serves one client to the end of the connection. The last line needs no end.
    pub async fn serve(&self, connection: Arc<Connection>) {
        // A client that resets the connection is no news.
        let _ = self.answer_all(&connection).await;
    }

    async fn answer_all(&self, connection: &Connection) -> io::Result<()> {
        let mut input = Vec::new();
        loop {
            let is_idle = input.is_empty();
            connection.enter(if is_idle { State::Idle } else { State::Stalled });
            let is_open = connection.read_more(&mut input).await?;
            if !is_open && !input.is_empty() {
                input.push(b'\n');
            }
            while let Some(end) = input.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = input.drain(..=end).collect();
                connection.enter(State::Busy);
                let answer = self.answer(&line).await;
                connection.write(answer.as_bytes()).await?;
            }
            if input.len() > MAX_REQUEST {
                return connection.write(self.refuse().as_bytes()).await;
            }
            if !is_open {
                return Ok(());
            }
        }
    }

    async fn answer(&self, line: &[u8]) -> String {
        match Request::of(line) {
            Request::Policy(Name::Domain(domain)) => self.ask(&domain, policy).await,
            Request::Hosts(Name::Domain(domain), hosts) => {
                self.ask(&domain, |answer| self::hosts(answer, &hosts))
                    .await
            }
            Request::Route(Name::Domain(domain), again) => self.route(&domain, again).await,
            Request::Policy(Name::NoDomain) | Request::Route(Name::NoDomain, _) => {
                self.queries.no_policy.inc();
                "action=deliver tls=may mode=none\n".to_owned()
            }
            Request::Hosts(Name::NoDomain, hosts) => {
                self.queries.no_policy.inc();
                let hosts = hosts.join(":");
                format!("action=deliver tls=may mode=none hosts={hosts}\n")
            }
            _ => self.refuse().to_owned(),
        }
    }

    async fn route(&self, domain: &PolicyDomain, again: bool) -> String {
        let Some(route) = route::route(&self.service, domain, again).await else {
            self.queries.temporary.inc();
            return format!(
                "action=defer reason=temporary \
                 why=\"{domain}: it is not known for now whether there is a policy\"\n"
            );
        };
        self.count(&route.answer);
        let tls = tls(&route.answer);
        match route.way {
            Way::Any => format!("action=deliver {tls}\n"),
            Way::Hosts(hosts) => format!("action=deliver {tls} hosts={hosts}\n"),
            Way::None(reason, why) => {
                format!("action=defer {tls} reason={reason} why=\"{why}\"\n")
            }
        }
    }

    fn count(&self, answer: &Answer) {
        let Queries {
            policy, no_policy, ..
        } = &self.queries;
        match answer.outcome.policy() {
            Some(_) => policy.inc(),
            None => no_policy.inc(),
        };
    }

    fn refuse(&self) -> &'static str {
        self.queries.malformed.inc();
        "action=defer reason=not-understood\n"
    }

    async fn ask(&self, domain: &PolicyDomain, describe: impl Fn(&Answer) -> String) -> String {
        let ready = self.service.ready(domain.as_str());
        let answer = match ready {
            Some(answer) => Some(answer),
            None => self.service.answer(domain).await,
        };
        match answer {
            Some(answer) if !answer.is_temporary() => {
                self.count(&answer);
                describe(&answer)
            }
            _ => {
                self.queries.temporary.inc();
                "action=defer reason=temporary\n".to_owned()
            }
        }
    }
}

fn policy(answer: &Answer) -> String {
    let outcome = &answer.outcome;
    let mut text = format!(
        "action=deliver {} basis={}",
        tls(answer),
        outcome.basis().as_str()
    );
    if let Some(policy) = outcome.policy() {
        let mx: Vec<_> = policy.mx().map(|pattern| pattern.as_str()).collect();
        text += &format!(" max_age={} mx={}", policy.max_age(), mx.join(":"));
    }
    if let Some(reason) = outcome.reason() {
        text += &format!(" reason={reason}");
    }
    text + "\n"
}

/// Those of the hosts to which the mail may go, in their order; with DANE, which authenticates
/// the MX records, all of them.
fn hosts(answer: &Answer, hosts: &[&str]) -> String {
    let policy = answer
        .outcome
        .policy()
        .filter(|_| answer.outcome.is_enforced());
    let policy = policy.filter(|_| answer.dane == DomainDane::None);
    let may_go = |host: &&&str| policy.is_none_or(|policy| policy.matches(host));
    let hosts: Vec<_> = hosts.iter().filter(may_go).copied().collect();
    match hosts.is_empty() {
        true => format!("action=defer {} reason=mx-not-listed\n", tls(answer)),
        false => format!("action=deliver {} hosts={}\n", tls(answer), hosts.join(":")),
    }
}

/// What the connection to any MX host needs: `verify`, a certificate for the host's name; `dane`
/// or `dane-only`, as Postfix calls them; `may`, what the domain without a policy gets.
fn tls(answer: &Answer) -> String {
    let outcome = &answer.outcome;
    let tls = match (answer.dane, outcome.is_enforced()) {
        (DomainDane::Usable, true) => "dane-only",
        (DomainDane::Usable, false) => "dane",
        (_, true) => "verify",
        (_, false) => "may",
    };
    let mode = outcome.policy().map_or(Mode::None, |policy| policy.mode());
    format!("tls={tls} mode={mode}")
}
