// SPDX-License-Identifier: MIT OR Apache-2.0

//! Does what the engine asks for: questions go to the network and the store, on threads of their
//! own; saves to the [saver](super::saver); outcomes to whoever waits; events to the log.

use super::config::Config;
use super::dane::{DaneCache, Promise};
use super::metrics::Metrics;
use super::saver::Write;
use super::service::Service;
use crate::lint::describe;
use crate::store::{PolicyStore, Unread, now};
use mtasts::engine::{Event, Ticket, Trouble, Work};
use mtasts::{
    Error, Fetch, FetchFailure, HttpsReply, Outcome, PolicyDomain, Reason, RequestId, StoreFailure,
    Stored, StoredPolicy, TxtAnswer, TxtFailure, UnixTime,
};
use mtasts_host::{DefaultHost, DnsFailure, MxHosts};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

/// How long an answer waits for the store at most. What is answered is then saved, as a rule,
/// whatever happens to this process.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// The longest sleep: the wall clock may jump meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// An answer to a question of the engine.
pub enum Reply {
    Loaded(RequestId, Result<Option<Arc<Stored>>, StoreFailure>),
    Txt(RequestId, Result<TxtAnswer, TxtFailure>),
    Https(RequestId, Result<HttpsReply, FetchFailure>),
}

/// Does the engine's work until the process ends.
pub async fn drive(service: Arc<Service>, mut replies: mpsc::UnboundedReceiver<Reply>) {
    loop {
        work_off(&service);
        tokio::select! {
            Some(reply) = replies.recv() => take(&service, reply),
            () = service.work.notified() => {}
            () = sleep(until_due(&service)) => {}
        }
        while let Ok(reply) = replies.try_recv() {
            take(&service, reply);
        }
    }
}

fn until_due(service: &Service) -> Duration {
    let due = service.engine().poll_timeout();
    let left = due.map(|due| Duration::from_secs(due.0.saturating_sub(now().0)));
    left.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
}

fn take(service: &Service, reply: Reply) {
    let mut engine = service.engine();
    // A reply that comes after the engine has given it up is refused, which is right.
    let _: Result<(), Error> = match reply {
        Reply::Loaded(request, answer) => engine.loaded(request, now(), answer),
        Reply::Txt(request, answer) => {
            engine.txt(request, now(), answer.as_ref().map_err(|failure| *failure))
        }
        Reply::Https(request, answer) => {
            engine.https(request, now(), answer.as_ref().map_err(|failure| *failure))
        }
    };
}

/// Hands out all work that there is.
fn work_off(service: &Arc<Service>) {
    let mut held = Held::default();
    loop {
        let mut engine = service.engine();
        let Some(work) = engine.poll(now()) else {
            service.metrics.domains.set(engine.len() as i64);
            break;
        };
        match work {
            Work::Load { request, domain } => service.network.load(request, domain),
            Work::QueryTxt { request, name } => service.network.query_txt(request, name),
            Work::Fetch { request, fetch } => service.network.fetch(request, &fetch),
            Work::Save { stored, .. } => {
                held.release(service);
                held = Held::behind(service, stored);
            }
            Work::Remove(stored) => drop(write(service, Write::Remove(stored))),
            Work::Done { ticket, outcome } => {
                drop(engine);
                held.done(service, ticket, outcome);
            }
            Work::Event(event) => report(&service.metrics, &event),
            _ => {}
        }
    }
    held.release(service);
}

fn write(service: &Service, write: Write) -> Option<oneshot::Receiver<()>> {
    service.saver.as_ref().map(|saver| saver.write(write))
}

/// Outcomes that are given out when what they rest on is saved.
#[derive(Default)]
struct Held {
    domain: Option<PolicyDomain>,
    written: Option<oneshot::Receiver<()>>,
    outcomes: Vec<(oneshot::Sender<Outcome>, Outcome)>,
}

impl Held {
    fn behind(service: &Service, stored: Arc<Stored>) -> Self {
        Self {
            domain: Some(stored.domain.clone()),
            written: write(service, Write::Save(stored)),
            outcomes: Vec::new(),
        }
    }

    fn done(&mut self, service: &Service, ticket: Ticket, outcome: Outcome) {
        let Some(sender) = service.take_waiting(ticket) else {
            return;
        };
        if self.written.is_some() && self.domain.as_ref() == Some(outcome.domain()) {
            self.outcomes.push((sender, outcome));
        } else {
            let _ = sender.send(outcome); // who has gone away wants no answer
        }
    }

    fn release(&mut self, service: &Service) {
        let Self {
            written, outcomes, ..
        } = std::mem::take(self);
        if outcomes.is_empty() {
            return;
        }
        service.network.runtime.spawn(async move {
            if let Some(written) = written {
                let _ = timeout(STORE_PATIENCE, written).await; // it may be down
            }
            for (sender, outcome) in outcomes {
                let _ = sender.send(outcome);
            }
        });
    }
}

/// The default host, the store, and the threads on which they are asked.
pub struct Network {
    host: RwLock<Arc<DefaultHost>>,
    pub store: Option<PolicyStore>,
    /// Whether memory has all that the store had when the server started.
    pub is_restored: Arc<AtomicBool>,
    pub runtime: Handle,
    replies: mpsc::UnboundedSender<Reply>,
    /// Bound the questions at a time, each kind by itself: slow fetches hold up no DNS.
    dane_permits: Arc<Semaphore>,
    https_permits: Arc<Semaphore>,
    txt_permits: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    pub dane: bool,
}

impl Network {
    pub fn new(
        host: DefaultHost,
        store: Option<PolicyStore>,
        runtime: Handle,
        replies: mpsc::UnboundedSender<Reply>,
        config: &Config,
        metrics: Arc<Metrics>,
    ) -> Self {
        let permits = || Arc::new(Semaphore::new(config.network.max_lookups));
        Self {
            host: RwLock::new(Arc::new(host)),
            store,
            is_restored: Arc::new(AtomicBool::new(false)),
            runtime,
            replies,
            dane_permits: permits(),
            https_permits: permits(),
            txt_permits: permits(),
            metrics,
            dane: config.network.dane,
        }
    }

    /// Asks with another host from now on: one that has read other files.
    pub fn set_host(&self, host: DefaultHost) {
        *self.host.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(host);
    }

    fn host(&self) -> Arc<DefaultHost> {
        Arc::clone(&self.host.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn load(&self, request: RequestId, domain: &PolicyDomain) {
        let replies = self.replies.clone();
        let Some(store) = self.store.clone() else {
            let _ = replies.send(Reply::Loaded(request, Ok(None)));
            return;
        };
        let (domain, metrics) = (domain.clone(), Arc::clone(&self.metrics));
        let is_restored = Arc::clone(&self.is_restored);
        self.runtime.spawn(async move {
            let begun = Instant::now();
            let loaded = store.load(domain.as_str()).await;
            let result = if loaded.is_ok() { "ok" } else { "failed" };
            metrics.question("load", result, begun.elapsed());
            metrics
                .store_up
                .set(i64::from(!matches!(loaded, Err(Unread::Store(_)))));
            let answer = loaded.or_else(|unread| {
                metrics.store_errors.inc();
                error!(%domain, reason = unread.reason(), "store: cannot read");
                // What the store has had is in memory, and this domain is not.
                let is_known = is_restored.load(Relaxed) && matches!(unread, Unread::Store(_));
                is_known.then_some(None).ok_or(StoreFailure)
            });
            let _ = replies.send(Reply::Loaded(request, answer));
        });
    }

    fn query_txt(&self, request: RequestId, name: &str) {
        let name = name.to_owned();
        self.ask("txt", &self.txt_permits, move |host| async move {
            let answer = host.txt(&name).await;
            let failure = answer.as_ref().err().map(|failure| Reason::from(*failure));
            (Reply::Txt(request, answer), failure)
        });
    }

    fn fetch(&self, request: RequestId, fetch: &Fetch<'_>) {
        let (name, path) = (fetch.host.to_owned(), fetch.path.to_owned());
        let (timeout_ms, max_body) = (fetch.timeout_ms, fetch.max_body);
        self.ask("https", &self.https_permits, move |host| async move {
            let fetch = Fetch {
                host: &name,
                path: &path,
                timeout_ms,
                max_body,
            };
            let answer = host.https(&fetch).await;
            let failure = answer.as_ref().err().map(|failure| Reason::from(*failure));
            (Reply::Https(request, answer), failure)
        });
    }

    /// Asks the network when it is this question's turn.
    fn ask<F>(
        &self,
        question: &'static str,
        permits: &Arc<Semaphore>,
        ask: impl FnOnce(Arc<DefaultHost>) -> F + Send + 'static,
    ) where
        F: Future<Output = (Reply, Option<Reason>)> + Send,
    {
        let (host, permits) = (self.host(), Arc::clone(permits));
        let (replies, metrics) = (self.replies.clone(), Arc::clone(&self.metrics));
        self.runtime.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let begun = Instant::now();
            let (reply, failure) = ask(host).await;
            let result = failure.map_or("ok", Reason::as_str);
            metrics.question(question, result, begun.elapsed());
            let _ = replies.send(reply);
        });
    }

    /// Looks up the hosts that take the mail of `domain`.
    pub async fn mx(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        let (host, permits) = (self.host(), Arc::clone(&self.txt_permits));
        let (domain, metrics) = (domain.to_owned(), Arc::clone(&self.metrics));
        let found = self.runtime.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let begun = Instant::now();
            let found = host.mx_hosts(&domain).await;
            let result = if found.is_ok() { "ok" } else { "failed" };
            metrics.question("mx", result, begun.elapsed());
            found
        });
        found.await.unwrap_or(Err(DnsFailure::Temporary))
    }

    /// Looks up what DANE says of `domain`, for all who wait.
    pub fn look_up_dane(&self, cache: Arc<DaneCache>, domain: &str) {
        let promise = Promise::new(cache, domain);
        let (host, metrics) = (self.host(), Arc::clone(&self.metrics));
        let permits = Arc::clone(&self.dane_permits);
        self.runtime.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let begun = Instant::now();
            let (dane, ttl) = host.dane_of_domain(promise.domain()).await;
            let result = match dane {
                mtasts::DomainDane::None => "none",
                mtasts::DomainDane::Temporary => "failed",
                mtasts::DomainDane::Usable => "usable",
            };
            metrics.question("dane", result, begun.elapsed());
            promise.keep(dane, ttl);
        });
    }
}

/// Tells the log, and counts.
fn report(metrics: &Metrics, event: &Event) {
    match event {
        Event::PolicyChanged { domain, old, new } => {
            metrics.policy_changes.inc();
            info!(%domain, old = shown(old), new = shown(new), "policy changed");
        }
        Event::RefreshFailed(trouble) => {
            metrics.refresh_failures.inc();
            let Trouble {
                domain, failures, ..
            } = trouble;
            let (reason, until) = (trouble.reason.describe(), time(trouble.policy.expires_at()));
            info!(%domain, failures, reason, until, "policy not refreshed");
        }
        Event::RefreshFailsRepeatedly(trouble) => {
            metrics.refresh_failures.inc();
            let Trouble {
                domain, failures, ..
            } = trouble;
            let (reason, until) = (trouble.reason.describe(), time(trouble.policy.expires_at()));
            warn!(%domain, failures, reason, until, "policy cannot be refreshed");
        }
        Event::PolicyExpired { domain, policy } => {
            metrics.policies_expired.inc();
            warn!(%domain, policy = shown(policy), "policy expired: domain no longer protected");
        }
        _ => {}
    }
}

fn shown(policy: &StoredPolicy) -> String {
    format!("id {}, {}", policy.id, describe(&policy.policy))
}

/// A time for people, UTC.
fn time(at: UnixTime) -> String {
    let at = std::time::UNIX_EPOCH + Duration::from_secs(at.0);
    humantime::format_rfc3339_seconds(at).to_string()
}
