// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the engine needs of a host that blocks, and the driver that asks it. A host with an
//! event loop needs neither: it drives the [`Lookup`] itself.

use crate::lookup::{Config, Fetch, Lookup, Step, TxtAnswer};
use crate::name::PolicyDomain;
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::reason::{FetchFailure, TxtFailure};
use crate::reply::HttpsReply;
use crate::stored::Stored;
use crate::time::UnixTime;
use alloc::sync::Arc;

/// The store has, or may have, an entry that cannot be read now. That is not "no entry".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFailure;

/// DNS, HTTPS, a store and a clock.
pub trait Host {
    /// The wall clock.
    fn now(&mut self) -> UnixTime;

    /// All TXT records of `name`, CNAMEs followed, past any cache of the host's own (R-FLOW-10).
    fn txt(&mut self, name: &str) -> Result<TxtAnswer, TxtFailure>;

    /// The reply to one GET request, redirects not followed, certificate checked (R-GET).
    fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure>;

    /// The policy that the operator has written for `domain` ([`Outcome::local`]), if any.
    fn local(&mut self, domain: &PolicyDomain) -> Option<Arc<Policy>> {
        let _ = domain;
        None
    }

    /// What was last saved of `domain`. A host without a store has nothing.
    fn load(&mut self, domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        let _ = domain;
        Ok(None)
    }

    /// Keeps `stored`. Where another process has saved a policy that was fetched later, that
    /// one stays. A failure is the host's to log.
    fn save(&mut self, stored: &Arc<Stored>) {
        let _ = stored;
    }
}

/// Looks `domain` up, unless there is a local policy, and saves what is new. Blocks as `host` does.
pub fn resolve<H: Host>(domain: PolicyDomain, config: &Config, host: &mut H) -> Outcome {
    if let Some(policy) = host.local(&domain) {
        return Outcome::local(domain, policy);
    }
    let (stored, now) = (host.load(&domain), host.now());
    let lookup = match stored {
        Ok(stored) => Lookup::new(domain, stored, config, now),
        Err(StoreFailure) => Lookup::without_store(domain, config, now),
    };
    run(lookup, host)
}

/// Runs a lookup to its end, for instance that of [`Outcome::look_again`], and saves what is
/// new.
pub fn run<H: Host>(mut lookup: Lookup, host: &mut H) -> Outcome {
    loop {
        // An answer to what was just asked is never stale.
        let _ = match lookup.poll() {
            Step::QueryTxt { id, name } => {
                let answer = host.txt(name);
                lookup.txt(id, host.now(), answer.as_ref().map_err(|failure| *failure))
            }
            Step::Fetch { id, request } => {
                let answer = host.https(&request);
                lookup.https(id, host.now(), answer.as_ref().map_err(|failure| *failure))
            }
            Step::Done(outcome) => {
                if outcome.is_changed() {
                    host.save(outcome.stored());
                }
                return outcome.clone();
            }
        };
    }
}
