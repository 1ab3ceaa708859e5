// SPDX-License-Identifier: MIT OR Apache-2.0

//! MX hosts, each looked at once, whichever of the domains name it: the providers that take the
//! mail of thousands of domains get a few connections, not thousands.

use super::facts::{Session, State};
use super::progress::Progress;
use super::smtp::Prober;
use futures_util::future::join_all;
use mtasts_host::address::is_global;
use mtasts_host::{DaneRecords, DnsFailure};
use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, Semaphore};

/// The most addresses of one host that are connected to.
const MAX_ADDRESSES: usize = 16;
/// The most sessions with mail servers at a time.
const AT_A_TIME: usize = 64;

/// What was seen of an MX host.
pub struct Seen {
    pub sessions: Result<Vec<Session>, DnsFailure>,
    /// `None`: not looked at.
    pub dane: Option<DaneRecords>,
}

/// All MX hosts of a run.
pub struct Hosts {
    pub prober: Prober,
    pub allow_non_global: bool,
    pub dane: bool,
    known: Mutex<HashMap<String, Arc<OnceCell<Arc<Seen>>>>>,
    turns: Semaphore,
}

impl Hosts {
    pub fn new(prober: Prober, allow_non_global: bool, dane: bool) -> Self {
        Self {
            prober,
            allow_non_global,
            dane,
            known: Mutex::default(),
            turns: Semaphore::new(AT_A_TIME),
        }
    }

    /// What is seen of `name`, now or before.
    pub async fn see(&self, name: &str, progress: &Progress) -> Arc<Seen> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(name.to_ascii_lowercase()).or_default())
        };
        let seen = cell.get_or_init(|| async { Arc::new(self.look(name, progress).await) });
        Arc::clone(seen.await)
    }

    async fn look(&self, name: &str, progress: &Progress) -> Seen {
        let host = &self.prober.host;
        let dane = async {
            match self.dane {
                true => Some(host.dane(name).await),
                false => None,
            }
        };
        let sessions = async {
            let mut addresses = host.addresses(name).await?;
            let mut seen = HashSet::new();
            addresses.retain(|address| seen.insert(*address));
            addresses.truncate(MAX_ADDRESSES);
            let sessions = addresses.into_iter();
            Ok(join_all(sessions.map(|address| self.session(name, address, progress))).await)
        };
        let (sessions, dane) = tokio::join!(sessions, dane);
        Seen { sessions, dane }
    }

    async fn session(&self, name: &str, address: IpAddr, progress: &Progress) -> Session {
        if !self.allow_non_global && !is_global(address) {
            let error = "not a global address, so that nobody else can connect to it";
            return Session::failed(address, State::NotGlobal, error);
        }
        let Ok(_turn) = self.turns.acquire().await else {
            return Session::failed(address, State::Local, "this machine lacks what it needs");
        };
        progress.note(&format!("{name} {address}"));
        self.prober.session(name, address).await
    }
}
