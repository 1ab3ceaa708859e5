// SPDX-License-Identifier: MIT OR Apache-2.0

//! Asks the network and the store what the engine wants to know, on threads of their own.

use super::config::Config;
use super::dane::{DaneCache, Promise};
use super::health::{Doing, Health};
use super::lease::Leases;
use super::metrics::Metrics;
use crate::store::{PolicyStore, Unread};
use mtasts::engine::Lease;
use mtasts::{
    DomainDane, Fetch, FetchFailure, HttpsReply, PolicyDomain, Reason, RequestId, StoreFailure,
    Stored, TxtAnswer, TxtFailure,
};
use mtasts_host::{DefaultHost, DnsFailure, MxHosts};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tracing::error;

/// How long a question waits for its turn. With the time that it then takes it is less than the
/// engine's patience.
pub const QUEUE_PATIENCE: Duration = Duration::from_secs(30);

/// An answer to a question of the engine.
pub enum Reply {
    Loaded(RequestId, Result<Option<Arc<Stored>>, StoreFailure>),
    Txt(RequestId, Result<TxtAnswer, TxtFailure>),
    Https(RequestId, Result<HttpsReply, FetchFailure>),
    Leased(RequestId, PolicyDomain, Result<Lease, StoreFailure>),
}

/// A fetch, to be made when it has its turn.
pub struct Errand {
    host: String,
    path: String,
    timeout_ms: u32,
    max_body: usize,
}

impl Errand {
    pub fn new(fetch: &Fetch<'_>) -> Self {
        Self {
            host: fetch.host.to_owned(),
            path: fetch.path.to_owned(),
            timeout_ms: fetch.timeout_ms,
            max_body: fetch.max_body,
        }
    }

    fn fetch(&self) -> Fetch<'_> {
        Fetch {
            host: &self.host,
            path: &self.path,
            timeout_ms: self.timeout_ms,
            max_body: self.max_body,
        }
    }
}

/// The default host, the store, and the threads on which they are asked.
pub struct Network {
    host: RwLock<Arc<DefaultHost>>,
    pub store: Option<PolicyStore>,
    pub health: Arc<Health>,
    pub runtime: Handle,
    pub replies: mpsc::UnboundedSender<Reply>,
    pub leases: Leases,
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
        health: Arc<Health>,
    ) -> Self {
        let permits = || Arc::new(Semaphore::new(config.network.max_lookups));
        Self {
            host: RwLock::new(Arc::new(host)),
            store,
            metrics: Arc::clone(&health.metrics),
            health,
            runtime,
            replies,
            leases: Leases::new(config.network.fetch_timeout),
            dane_permits: permits(),
            https_permits: permits(),
            txt_permits: permits(),
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

    pub fn load(&self, request: RequestId, domain: &PolicyDomain) {
        let replies = self.replies.clone();
        let Some(store) = self.store.clone() else {
            let _ = replies.send(Reply::Loaded(request, Ok(None)));
            return;
        };
        let (domain, health) = (domain.clone(), Arc::clone(&self.health));
        self.runtime.spawn(async move {
            let begun = Instant::now();
            let loaded = store.load(domain.as_str()).await;
            let result = if loaded.is_ok() { "ok" } else { "failed" };
            health.metrics.question("load", result, begun.elapsed());
            match &loaded {
                Ok(_) => health.went_well(Doing::Read),
                Err(Unread::Store(reason)) => health.failed(Doing::Read, reason),
                Err(Unread::Entry(reason)) => {
                    health.metrics.store_errors.inc();
                    error!(reason, "store: an entry that cannot be read");
                }
            }
            // Not "nothing": another server may have saved a policy there.
            let answer = loaded.map_err(|_| StoreFailure);
            let _ = replies.send(Reply::Loaded(request, answer));
        });
    }

    pub fn query_txt(&self, request: RequestId, name: &str) {
        let name = name.to_owned();
        let refused = Reply::Txt(request, Err(TxtFailure::Local));
        self.ask("txt", &self.txt_permits, refused, move |host| async move {
            let answer = host.txt(&name).await;
            let failure = answer.as_ref().err().map(|failure| Reason::from(*failure));
            (Reply::Txt(request, answer), failure)
        });
    }

    /// `is_awaited`: somebody waits for it. Else it may be made later as well, and gives way where
    /// the policy host has enough to do.
    pub fn fetch(&self, request: RequestId, errand: Errand, is_awaited: bool) {
        let refused = Reply::Https(request, Err(FetchFailure::Local));
        self.ask(
            "https",
            &self.https_permits,
            refused,
            move |host| async move {
                let answer = match is_awaited {
                    true => host.https(&errand.fetch()).await,
                    false => host.https_within(&errand.fetch(), Duration::ZERO).await,
                };
                let failure = answer.as_ref().err().map(|failure| Reason::from(*failure));
                (Reply::Https(request, answer), failure)
            },
        );
    }

    /// Asks the network when it is this question's turn.
    fn ask<F>(
        &self,
        question: &'static str,
        permits: &Arc<Semaphore>,
        refused: Reply,
        ask: impl FnOnce(Arc<DefaultHost>) -> F + Send + 'static,
    ) where
        F: Future<Output = (Reply, Option<Reason>)> + Send,
    {
        let (host, permits) = (self.host(), Arc::clone(permits));
        let (replies, metrics) = (self.replies.clone(), Arc::clone(&self.metrics));
        self.runtime.spawn(async move {
            let begun = Instant::now();
            // What waits here in vain is our failure, not the domain's: nothing is remembered of
            // it, and the mail waits.
            let Ok(_permit) = timeout(QUEUE_PATIENCE, permits.acquire_owned()).await else {
                metrics.question(question, Reason::LocalFailure.as_str(), begun.elapsed());
                let _ = replies.send(refused);
                return;
            };
            let begun = Instant::now();
            let (reply, failure) = ask(host).await;
            let result = failure.map_or("ok", Reason::as_str);
            metrics.question(question, result, begun.elapsed());
            let _ = replies.send(reply);
        });
    }

    /// Looks up the hosts that take the mail of `domain`.
    pub async fn mx(&self, domain: &str) -> Result<MxHosts, DnsFailure> {
        let domain = domain.to_owned();
        self.ask_dns("mx", |host| async move { host.mx_hosts(&domain).await })
            .await
    }

    /// Whether the addresses of the mail host `name` can be looked up.
    pub async fn has_address(&self, name: &str) -> bool {
        let name = name.to_owned();
        let found = self.ask_dns("address", |host| async move { host.addresses(&name).await });
        found.await.is_ok()
    }

    /// Asks DNS what is answered at once, and kept by nobody.
    async fn ask_dns<T, F>(
        &self,
        question: &'static str,
        ask: impl FnOnce(Arc<DefaultHost>) -> F + Send + 'static,
    ) -> Result<T, DnsFailure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DnsFailure>> + Send,
    {
        let (host, permits) = (self.host(), Arc::clone(&self.txt_permits));
        let metrics = Arc::clone(&self.metrics);
        let found = self.runtime.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let begun = Instant::now();
            let found = ask(host).await;
            let result = if found.is_ok() { "ok" } else { "failed" };
            metrics.question(question, result, begun.elapsed());
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
                DomainDane::None => "none",
                DomainDane::Temporary => "failed",
                DomainDane::Usable => "usable",
            };
            metrics.question("dane", result, begun.elapsed());
            promise.keep(dane, ttl);
        });
    }
}
