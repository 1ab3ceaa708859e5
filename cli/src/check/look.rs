// SPDX-License-Identifier: MIT OR Apache-2.0

//! Looks at a domain as a sender would (R-PUB-2): DNS, the Policy Host, the MX hosts, all side by
//! side. The engine says what the domain's policy is and judges the sessions by it.

use super::facts::{
    Facts, Mail, MxAddress, MxHost, PolicyHost, Presence, Record, Session, State, Tlsrpt,
};
use super::hosts::{Hosts, Seen};
use super::progress::Progress;
use super::smtp::policy_session;
use super::{policy, txt};
use futures_util::future::join_all;
use mtasts::{
    Config, Dane, Fetch, FetchFailure, HttpsReply, Lookup, MAX_BODY, Outcome, PolicyDomain, Step,
    TxtAnswer, TxtFailure, WELL_KNOWN_PATH,
};
use mtasts_host::address::is_global;
use mtasts_host::{DefaultHost, DnsFailure, Mx, MxHosts};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The most MX hosts of one domain that are looked at.
const MAX_HOSTS: usize = 20;
/// The most addresses of one Policy Host that are connected to.
const MAX_ADDRESSES: usize = 8;

/// Looks at domains.
pub struct Looker {
    pub host: Arc<DefaultHost>,
    pub hosts: Hosts,
    pub https_port: u16,
    /// For one fetch.
    pub limit: Duration,
}

type Reply = Result<HttpsReply, FetchFailure>;
type Txt = Result<TxtAnswer, TxtFailure>;

impl Looker {
    /// Everything about `domain`.
    pub async fn look(&self, domain: &PolicyDomain, progress: &Progress) -> Facts {
        progress.note(&format!("{domain}: records and policy"));
        let (record, (policy_host, reply), tlsrpt, mail) = tokio::join!(
            self.record(domain),
            self.policy(domain),
            self.tlsrpt(domain),
            self.mail(domain, progress)
        );
        let (record, answer) = record;
        let outcome = self.outcome(domain, &answer, &reply);
        let policy = policy::facts(&reply, &outcome);
        let accepted = reply.as_ref().ok();
        let accepted = accepted.and_then(|reply| mtasts::reply::accept(reply, MAX_BODY).ok());
        let (mx, seen) = mail;
        let judge = Judge {
            looker: self,
            domain,
            outcome: &outcome,
            policy: accepted.as_ref(),
        };
        Facts {
            domain: domain.to_string(),
            record,
            policy_host,
            policy,
            mx: judge.mail(mx, &seen),
            tlsrpt,
        }
    }

    async fn record(&self, domain: &PolicyDomain) -> (Record, Txt) {
        let name = domain.record_name();
        let (answer, aliases) = tokio::join!(self.host.txt(&name), self.host.aliases(&name));
        (
            txt::record(name, aliases.unwrap_or_default(), &answer),
            answer,
        )
    }

    async fn tlsrpt(&self, domain: &PolicyDomain) -> Tlsrpt {
        let name = format!("_smtp._tls.{domain}");
        let (answer, aliases) = tokio::join!(self.host.txt(&name), self.host.aliases(&name));
        txt::tlsrpt(name, aliases.unwrap_or_default(), &answer)
    }

    /// The Policy Host, and what it answers a sender.
    async fn policy(&self, domain: &PolicyDomain) -> (PolicyHost, Reply) {
        let host = domain.policy_host();
        let fetch = Fetch {
            host: &host,
            path: WELL_KNOWN_PATH,
            timeout_ms: u32::try_from(self.limit.as_millis()).unwrap_or(u32::MAX),
            max_body: MAX_BODY,
        };
        let sessions = async {
            let mut addresses = self.host.addresses(&host).await?;
            addresses.truncate(MAX_ADDRESSES);
            let sessions = addresses.into_iter();
            Ok(join_all(sessions.map(|address| self.policy_session(&host, address))).await)
        };
        let (aliases, sessions, reply) =
            tokio::join!(self.host.aliases(&host), sessions, self.host.https(&fetch));
        let (state, addresses) = match sessions {
            Ok(sessions) => (Presence::Found, sessions),
            Err(failure) => (DnsFailure::into(failure), Vec::new()),
        };
        let facts = PolicyHost {
            host,
            cname: aliases.unwrap_or_default(),
            state,
            addresses,
        };
        (facts, reply)
    }

    async fn policy_session(&self, host: &str, address: IpAddr) -> Session {
        if !self.hosts.allow_non_global && !is_global(address) {
            let error = "not a global address, so that senders do not connect to it";
            return Session::failed(address, State::NotGlobal, error);
        }
        let address = SocketAddr::new(address, self.https_port);
        policy_session(&self.hosts.prober, host, address).await
    }

    /// The MX hosts, and what is seen of those that are looked at.
    async fn mail(
        &self,
        domain: &PolicyDomain,
        progress: &Progress,
    ) -> (Result<MxHosts, DnsFailure>, Vec<Arc<Seen>>) {
        let found = self.host.mx_hosts(domain.as_str()).await;
        let hosts = found.as_ref().map(|found| found.hosts.as_slice());
        let hosts = hosts.unwrap_or_default().iter().take(MAX_HOSTS);
        let seen = join_all(hosts.map(|mx| self.hosts.see(&mx.host, progress))).await;
        (found, seen)
    }

    /// What the engine makes of the answers, for a sender that remembers nothing.
    fn outcome(&self, domain: &PolicyDomain, answer: &Txt, reply: &Reply) -> Outcome {
        let now = self.host.now();
        let mut lookup = Lookup::new(domain.clone(), None, &Config::default(), now);
        loop {
            // An answer to what was just asked is never stale.
            let _ = match lookup.poll() {
                Step::QueryTxt { id, .. } => {
                    lookup.txt(id, now, answer.as_ref().map_err(|failure| *failure))
                }
                Step::Fetch { id, .. } => {
                    lookup.https(id, now, reply.as_ref().map_err(|failure| *failure))
                }
                Step::Done(outcome) => return outcome.clone(),
            };
        }
    }
}

/// What judges the sessions of a domain.
struct Judge<'a> {
    looker: &'a Looker,
    domain: &'a PolicyDomain,
    outcome: &'a Outcome,
    /// The policy that is served, whether or not a record says so.
    policy: Option<&'a mtasts::Policy>,
}

impl Judge<'_> {
    fn mail(&self, found: Result<MxHosts, DnsFailure>, seen: &[Arc<Seen>]) -> Mail {
        let dane = self.looker.hosts.dane;
        let found = match found {
            Ok(found) => found,
            Err(failure) => {
                return Mail {
                    state: failure.into(),
                    secure: None,
                    hosts: Vec::new(),
                    left_out: 0,
                };
            }
        };
        let state = match (found.hosts.is_empty(), found.is_implicit) {
            (true, _) => Presence::Null,
            (false, true) => Presence::Implicit,
            (false, false) => Presence::Found,
        };
        let both = found.hosts.iter().zip(seen);
        Mail {
            state,
            secure: dane.then_some(found.is_secure),
            hosts: both
                .map(|(mx, seen)| self.host(mx, seen, found.is_secure))
                .collect(),
            left_out: found.hosts.len().saturating_sub(seen.len()),
        }
    }

    fn host(&self, mx: &Mx, seen: &Seen, is_secure: bool) -> MxHost {
        let (state, sessions) = match &seen.sessions {
            Ok(sessions) => (Presence::Found, sessions.as_slice()),
            Err(failure) => ((*failure).into(), &[][..]),
        };
        let sessions = sessions.iter();
        MxHost {
            host: mx.host.clone(),
            preference: mx.preference,
            listed: self.policy.map(|policy| policy.matches(&mx.host)),
            state,
            dane: seen.dane.as_ref().map(|dane| dane.status()),
            addresses: sessions
                .map(|session| self.address(mx, seen, session, is_secure))
                .collect(),
        }
    }

    fn address(&self, mx: &Mx, seen: &Seen, session: &Session, is_secure: bool) -> MxAddress {
        let dane = self.dane(seen, session, is_secure);
        let verdict = self.outcome.verdict(&mtasts::Session {
            mx_host: &mx.host,
            tls: session.tls().unwrap_or(mtasts::Tls::NotTried),
            dane: dane.unwrap_or(Dane::NotUsed),
            mx_secure: is_secure,
        });
        MxAddress {
            session: session.clone(),
            dane,
            action: verdict.action,
            cause: verdict.cause,
            result: verdict.result,
        }
    }

    fn dane(&self, seen: &Seen, session: &Session, is_secure: bool) -> Option<Dane> {
        let records = seen.dane.as_ref()?;
        if session.chain.is_empty() {
            return Some(records.status());
        }
        let chain: Vec<&[u8]> = session.chain.iter().map(Vec::as_slice).collect();
        let next_hop = is_secure.then_some(self.domain.as_str());
        Some(records.check(&chain, next_hop, self.looker.host.now()))
    }
}
