// SPDX-License-Identifier: MIT OR Apache-2.0

//! What every listener asks: the policy of a domain, and what DANE says of it. Local policies
//! come first (R-APPLY-3), then the engine. What is known is answered at once, without an
//! allocation; else the [driver](super::driver) brings the answer.

use super::dane::DaneCache;
use super::metrics::Metrics;
use super::network::Network;
use super::saver::Saver;
use super::unsaved::Unsaved;
use crate::store::now;
use mtasts::engine::{Asked, Engine, Settings, Ticket};
use mtasts::{DomainDane, Mode, Outcome, Policy, PolicyDomain};
use mtasts_host::LocalPolicies;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::{Notify, oneshot};

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    pub outcome: Outcome,
    pub dane: DomainDane,
}

/// Whether the operator wants the domain's mail to go as it would without this server, whatever
/// its records say: DANE's too.
fn is_exempt(local: &Outcome) -> bool {
    let policy = local.policy();
    policy.is_some_and(|policy| policy.mode() == Mode::None)
}

impl Answer {
    fn exempt(outcome: Outcome) -> Self {
        let dane = DomainDane::None;
        Self { outcome, dane }
    }

    /// Whether the mail is to wait, as what applies is not known for now.
    pub fn is_temporary(&self) -> bool {
        let is_unknown = self.outcome.policy().is_none() && self.outcome.is_try_later();
        self.dane == DomainDane::Temporary || is_unknown
    }
}

/// The state that all connections share.
pub struct Service {
    engine: Mutex<Engine>,
    waiting: Mutex<HashMap<Ticket, oneshot::Sender<Outcome>>>,
    local: RwLock<Arc<LocalPolicies>>,
    /// `None`: DANE is off.
    dane: Option<Arc<DaneCache>>,
    /// Wakes the driver: the engine has work.
    pub work: Notify,
    pub network: Network,
    pub saver: Option<Saver>,
    pub unsaved: Unsaved,
    /// While the store is read into memory: the domains that were purged meanwhile.
    purged: Mutex<Option<HashSet<String>>>,
    pub metrics: Arc<Metrics>,
}

impl Service {
    pub fn new(
        settings: Settings,
        local: LocalPolicies,
        network: Network,
        saver: Option<Saver>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        metrics.local_policies.set(local.len() as i64);
        Arc::new(Self {
            engine: Mutex::new(Engine::new(settings, rand::random())),
            waiting: Mutex::default(),
            local: RwLock::new(Arc::new(local)),
            dane: network.dane.then(Arc::default),
            work: Notify::new(),
            network,
            saver,
            unsaved: Unsaved::default(),
            purged: Mutex::default(),
            metrics,
        })
    }

    /// The answer for a domain (lower-case A-labels) if it is known.
    pub fn ready(&self, domain: &str) -> Option<Answer> {
        let local = self.local_outcome(domain);
        if local.as_ref().is_some_and(is_exempt) {
            return local.map(Answer::exempt);
        }
        let dane = match &self.dane {
            None => DomainDane::None,
            Some(cache) => cache.get(domain)?,
        };
        let outcome = local.or_else(|| self.known(domain))?;
        Some(Answer { outcome, dane })
    }

    /// The answer for a domain, looked up if need be. `None`: the server is ending.
    pub async fn answer(&self, domain: &PolicyDomain) -> Option<Answer> {
        if let Some(local) = self.local_outcome(domain.as_str()).filter(is_exempt) {
            return Some(Answer::exempt(local));
        }
        let (outcome, dane) = tokio::join!(self.outcome(domain), self.dane(domain.as_str()));
        Some(Answer {
            outcome: outcome?,
            dane: dane?,
        })
    }

    /// Fetches the policy of `domain` now, whatever is known of its record.
    pub async fn refresh(&self, domain: &PolicyDomain) -> Option<Outcome> {
        let receiver = {
            let mut engine = self.engine();
            let ticket = engine.refresh(domain, now());
            self.wait(ticket)
        };
        self.work.notify_one();
        receiver.await.ok()
    }

    /// Looks for a newer policy than the one that is known (R-FLOW-6), unless the operator has set
    /// one. `None`: the server is ending.
    pub async fn look_again(&self, domain: &PolicyDomain) -> Option<Outcome> {
        if let Some(outcome) = self.local_outcome(domain.as_str()) {
            return Some(outcome);
        }
        let receiver = {
            let mut engine = self.engine();
            let ticket = engine.look_again(domain, now());
            self.wait(ticket)
        };
        self.work.notify_one();
        receiver.await.ok()
    }

    /// Forgets what memory has of `domain`.
    pub fn forget(&self, domain: &str) -> bool {
        if let Some(cache) = &self.dane {
            cache.forget(domain);
        }
        if let Some(purged) = &mut *self.purged() {
            purged.insert(domain.to_owned());
        }
        let is_known = self.engine().forget(domain, now());
        self.work.notify_one();
        is_known
    }

    /// The domains that were purged since the store began to be read into memory, as long as it is:
    /// what was read of them before is not to come back.
    pub fn purged(&self) -> MutexGuard<'_, Option<HashSet<String>>> {
        self.purged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the operator's policies; gives whether they are others.
    pub fn set_local_policies(&self, new: LocalPolicies) -> bool {
        self.metrics.local_policies.set(new.len() as i64);
        let mut local = self.local.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = !local.iter().eq(new.iter());
        *local = Arc::new(new);
        is_new
    }

    /// The engine, for a moment: nothing that waits may be done with it.
    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who waits for this ticket.
    pub fn take_waiting(&self, ticket: Ticket) -> Option<oneshot::Sender<Outcome>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&ticket)
    }

    /// To be called while the engine is locked, so that the driver does not come first.
    fn wait(&self, ticket: Ticket) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(ticket, sender);
        receiver
    }

    fn known(&self, domain: &str) -> Option<Outcome> {
        let mut engine = self.engine();
        let outcome = engine.ready(domain, now());
        if engine.has_work() {
            self.work.notify_one();
        }
        outcome.filter(|outcome| !self.unsaved.holds(outcome))
    }

    fn local_policy(&self, domain: &str) -> Option<Arc<Policy>> {
        let local = self.local.read().unwrap_or_else(PoisonError::into_inner);
        let policies = Some(&**local).filter(|policies| !policies.is_empty())?;
        policies.get(domain).cloned()
    }

    fn local_outcome(&self, domain: &str) -> Option<Outcome> {
        let policy = self.local_policy(domain)?;
        Some(Outcome::local(domain.parse().ok()?, policy))
    }

    async fn outcome(&self, domain: &PolicyDomain) -> Option<Outcome> {
        if let Some(outcome) = self.local_outcome(domain.as_str()) {
            return Some(outcome);
        }
        let receiver = {
            let mut engine = self.engine();
            match engine.ask(domain, now()) {
                Asked::Ready(outcome) if !self.unsaved.holds(&outcome) => return Some(outcome),
                Asked::Ready(outcome) => {
                    let (sender, receiver) = oneshot::channel();
                    self.unsaved.give(sender, outcome);
                    receiver
                }
                Asked::Pending(ticket) => self.wait(ticket),
            }
        };
        self.work.notify_one();
        receiver.await.ok()
    }

    async fn dane(&self, domain: &str) -> Option<DomainDane> {
        let Some(cache) = &self.dane else {
            return Some(DomainDane::None);
        };
        if let Some(dane) = cache.get(domain) {
            return Some(dane);
        }
        let (receiver, is_first) = cache.wait(domain);
        if is_first {
            self.network.look_up_dane(Arc::clone(cache), domain);
        }
        receiver.await.ok()
    }
}
