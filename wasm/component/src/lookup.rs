// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `lookups` up to its outcome.

use crate::Component;
use crate::exports::lookups::{
    Config, Error, Fetch, FetchFailure, FetchRequest, Guest, GuestLookup, HttpsReply, Lookup,
    Outcome, Step, Stored, TxtAnswer, TxtFailure, TxtQuery, UnixTime,
};
use crate::outcome::OutcomeHandle;
use crate::words::{error, https, small, txt};
use mtasts::{PolicyDomain, RequestId};
use std::cell::RefCell;
use std::sync::Arc;

impl Guest for Component {
    type Lookup = LookupHandle;
    type Outcome = OutcomeHandle;

    fn default_config() -> Config {
        let config = mtasts::Config::default();
        Config {
            defer_on_dns_failure: config.defer_on_dns_failure,
            divert_percent: config.divert_percent,
            fetch_timeout_ms: config.fetch_timeout_ms,
            refresh_after: config.refresh_after,
            max_body: small(config.max_body),
            min_ttl: *config.ttl.start(),
            max_ttl: *config.ttl.end(),
            max_negative_ttl: config.max_negative_ttl,
            unknown_ttl: config.unknown_ttl,
        }
    }
}

/// The engine's config; the defaults where there is none.
pub(crate) fn settings(config: Option<Config>) -> mtasts::Config {
    let mut settings = mtasts::Config::default();
    if let Some(config) = config {
        settings.defer_on_dns_failure = config.defer_on_dns_failure;
        settings.divert_percent = config.divert_percent;
        settings.fetch_timeout_ms = config.fetch_timeout_ms;
        settings.refresh_after = config.refresh_after;
        settings.max_body = config.max_body as usize;
        settings.ttl = config.min_ttl..=config.max_ttl;
        settings.max_negative_ttl = config.max_negative_ttl;
        settings.unknown_ttl = config.unknown_ttl;
    }
    settings
}

pub(crate) fn policy_domain(domain: &str) -> Result<PolicyDomain, Error> {
    domain.parse().map_err(error)
}

/// A `lookup`. No call of it goes out of the component, so that none finds it in use.
pub(crate) struct LookupHandle(RefCell<mtasts::Lookup>);

impl LookupHandle {
    pub(crate) fn handle(lookup: mtasts::Lookup) -> Lookup {
        Lookup::new(Self(RefCell::new(lookup)))
    }
}

impl GuestLookup for LookupHandle {
    fn start(
        domain: String,
        stored: Stored,
        config: Option<Config>,
        now: UnixTime,
    ) -> Result<Lookup, Error> {
        let (domain, config) = (policy_domain(&domain)?, settings(config));
        let (now, start) = (mtasts::UnixTime(now), mtasts::Lookup::new);
        let lookup = match stored {
            Stored::Empty => start(domain, None, &config, now),
            Stored::Failed => mtasts::Lookup::without_store(domain, &config, now),
            Stored::Text(text) => start(domain, Some(read(&text)?), &config, now),
        };
        Ok(Self::handle(lookup))
    }

    fn refresh(stored: String, config: Option<Config>, now: UnixTime) -> Result<Lookup, Error> {
        let (stored, config) = (read(&stored)?, settings(config));
        let lookup = mtasts::Lookup::refresh(stored, &config, mtasts::UnixTime(now));
        Ok(Self::handle(lookup))
    }

    fn poll(&self) -> Step {
        match self.0.borrow().poll() {
            mtasts::Step::QueryTxt { id, name } => Step::QueryTxt(TxtQuery {
                id: id.0,
                name: name.to_owned(),
            }),
            mtasts::Step::Fetch { id, request } => Step::Fetch(Fetch {
                id: id.0,
                request: FetchRequest {
                    host: request.host.to_owned(),
                    path: request.path.to_owned(),
                    timeout_ms: request.timeout_ms,
                    max_body: small(request.max_body),
                },
            }),
            mtasts::Step::Done(_) => Step::Done,
        }
    }

    fn txt(
        &self,
        id: u32,
        now: UnixTime,
        answer: Result<TxtAnswer, TxtFailure>,
    ) -> Result<(), Error> {
        let answer = txt(answer);
        let answer = answer.as_ref().map_err(|failure| *failure);
        let (id, now) = (RequestId(id), mtasts::UnixTime(now));
        self.0.borrow_mut().txt(id, now, answer).map_err(error)
    }

    fn https(
        &self,
        id: u32,
        now: UnixTime,
        answer: Result<HttpsReply, FetchFailure>,
    ) -> Result<(), Error> {
        let answer = https(answer);
        let answer = answer.as_ref().map_err(|failure| *failure);
        let (id, now) = (RequestId(id), mtasts::UnixTime(now));
        self.0.borrow_mut().https(id, now, answer).map_err(error)
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.0.borrow().poll() {
            mtasts::Step::Done(outcome) => Some(OutcomeHandle::handle(outcome.clone())),
            _ => None,
        }
    }
}

/// An entry of a store.
pub(crate) fn read(text: &str) -> Result<Arc<mtasts::Stored>, Error> {
    text.parse().map(Arc::new).map_err(error)
}
