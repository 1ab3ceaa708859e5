// SPDX-License-Identifier: MIT OR Apache-2.0

//! Refreshes and purges where no server runs: by this process, in the store.

use crate::network::Network;
use crate::store::{PolicyStore, Unread, now};
use mtasts::{Config, Lookup, PolicyDomain, Step, Stored};
use mtasts_host::{DefaultHost, Options};
use mtasts_web::answer::refreshed_json;
use serde_json::{Value, json};
use std::sync::Arc;

/// The store, and the network if that is needed.
pub struct Here {
    store: PolicyStore,
    network: Option<(DefaultHost, Config)>,
}

impl Here {
    /// For purges.
    pub fn of_store(store: PolicyStore) -> Self {
        Self {
            store,
            network: None,
        }
    }

    /// For refreshes, as the server would make them.
    pub fn with_network(
        store: PolicyStore,
        config: Option<&crate::serve::Config>,
        network: &Network,
    ) -> Result<Self, String> {
        let (options, lookup) = match config {
            None => (network.options(), Config::default()),
            Some(config) => {
                let options = Options {
                    log: network.options().log,
                    ..config.host_options()
                };
                (options, config.engine_settings().lookup)
            }
        };
        let host = DefaultHost::open(options).map_err(|error| error.to_string())?;
        Ok(Self {
            store,
            network: Some((host, lookup)),
        })
    }

    /// Fetches the policy and saves what is new.
    pub async fn refresh(&self, domain: &str) -> Result<Value, String> {
        let Some((host, config)) = &self.network else {
            return Err("there is no network".to_owned());
        };
        let domain: PolicyDomain = domain.parse().map_err(|_| "no domain".to_owned())?;
        let (stored, lookup) = match self.store.load(domain.as_str()).await {
            Ok(stored) => (stored.clone(), begin(domain, stored, config)),
            Err(Unread::Entry(_)) => (None, Lookup::without_store(domain, config, now())),
            Err(Unread::Store(reason)) => return Err(reason),
        };
        let outcome = host.run(lookup).await;
        if outcome.is_changed() {
            self.store.save(Arc::clone(outcome.stored())).await?;
        }
        let previous = stored.as_ref().and_then(|stored| stored.policy.as_deref());
        Ok(refreshed_json(&outcome, previous))
    }

    /// Forgets `domain`.
    pub async fn purge(&self, domain: &str) -> Result<Value, String> {
        let was_known = self.store.remove(domain).await?;
        Ok(json!({ "domain": domain, "was_known": was_known }))
    }
}

/// As the server does it: the fetch if a policy applies, else the record first, whatever its TTL.
fn begin(domain: PolicyDomain, stored: Option<Arc<Stored>>, config: &Config) -> Lookup {
    let now = now();
    match stored {
        Some(stored) if stored.usable(now).is_some() => Lookup::refresh(stored, config, now),
        stored => {
            let lookup = Lookup::new(domain, stored, config, now);
            match lookup.poll() {
                Step::Done(known) => known.look_again(config),
                _ => lookup,
            }
        }
    }
}
