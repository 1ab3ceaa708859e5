// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `resolver`, over the imported `host`.

use crate::Component;
use crate::bindings::mtasts::engine::{host, types};
use crate::exports::resolver::{Config, Error, Guest, Outcome, OutcomeBorrow};
use crate::lookup::{policy_domain, settings};
use crate::outcome::OutcomeHandle;
use crate::words::{joined, small};
use mtasts::{
    Fetch, FetchFailure, HttpsReply, PolicyDomain, StoreFailure, Stored, TxtAnswer, TxtFailure,
    UnixTime,
};
use std::sync::Arc;

impl Guest for Component {
    fn resolve(domain: String, config: Option<Config>) -> Result<Outcome, Error> {
        let outcome = mtasts::resolve(policy_domain(&domain)?, &settings(config), &mut Imported);
        Ok(OutcomeHandle::handle(outcome))
    }

    fn look_again(outcome: OutcomeBorrow<'_>, config: Option<Config>) -> Outcome {
        let lookup = outcome
            .get::<OutcomeHandle>()
            .0
            .look_again(&settings(config));
        OutcomeHandle::handle(mtasts::run(lookup, &mut Imported))
    }
}

/// The imported `host` as the engine asks for it.
struct Imported;

impl mtasts::Host for Imported {
    fn now(&mut self) -> UnixTime {
        UnixTime(host::now())
    }

    fn txt(&mut self, name: &str) -> Result<TxtAnswer, TxtFailure> {
        let answer = host::query_txt(name).map_err(|failure| match failure {
            types::TxtFailure::NoRecords(ttl) => TxtFailure::NoRecords { ttl },
            types::TxtFailure::Local => TxtFailure::Local,
            types::TxtFailure::Permanent => TxtFailure::Permanent,
            types::TxtFailure::Temporary => TxtFailure::Temporary,
        })?;
        Ok(TxtAnswer {
            records: joined(answer.records),
            ttl: answer.ttl,
        })
    }

    fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        let reply = host::fetch(&types::FetchRequest {
            host: fetch.host.to_owned(),
            path: fetch.path.to_owned(),
            timeout_ms: fetch.timeout_ms,
            max_body: small(fetch.max_body),
        });
        let reply = reply.map_err(fetch_failure)?;
        Ok(HttpsReply {
            status: reply.status,
            content_type: reply.content_type,
            body: reply.body,
        })
    }

    /// What cannot be read may be a policy, as if the store failed.
    fn load(&mut self, domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        let text = host::load(domain.as_str()).map_err(|()| StoreFailure)?;
        let read = |text: String| text.parse().map(Arc::new).map_err(|_| StoreFailure);
        text.map(read).transpose()
    }

    fn save(&mut self, stored: &Arc<Stored>) {
        host::save(&host::Entry {
            domain: stored.domain.as_str().to_owned(),
            text: stored.to_text(),
            fetched_at: stored.policy.as_ref().map(|policy| policy.fetched_at.0),
            useless_after: stored.useless_after().0,
        });
    }
}

// The types of what is imported, which are others than those of what is exported.

fn fetch_failure(failure: types::FetchFailure) -> FetchFailure {
    use types::FetchFailure as From;
    match failure {
        From::BodyTooLarge => FetchFailure::BodyTooLarge,
        From::Connect => FetchFailure::Connect,
        From::Dns => FetchFailure::Dns,
        From::Local => FetchFailure::Local,
        From::Other => FetchFailure::Other,
        From::Timeout => FetchFailure::Timeout,
        From::WebPki => FetchFailure::WebPki,
    }
}
