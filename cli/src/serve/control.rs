// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `mtasts cache` wants of the server, over the control socket alone: `GET /v1/entries`,
//! `POST /v1/refresh?domain=…`, `POST /v1/purge?domain=…`.

use super::http::{Reply, domain, json, only, refused, with_type};
use super::saver::{Purge, Write};
use super::service::Service;
use crate::store::Unread;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{Method, StatusCode};
use mtasts::{PolicyDomain, Stored};
use mtasts_web::answer::refreshed_json;
use mtasts_web::query::{Parameters, Problem};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::iter;
use std::sync::Arc;

/// How often a purge begins anew where somebody asks for the domain meanwhile, so that it is
/// known again from what the store still had.
const ROUNDS: usize = 3;

/// About how many octets of entries are made at a time.
const CHUNK: usize = 65_536;

/// Answers what only the control socket takes.
pub async fn answer(
    service: &Arc<Service>,
    method: &Method,
    path: &str,
    parameters: &Parameters,
) -> Reply {
    let done = match (path, method) {
        ("/v1/entries", &Method::GET) => entries(service, parameters),
        ("/v1/refresh", &Method::POST) => refresh(service, parameters).await,
        ("/v1/purge", &Method::POST) => purge(service, parameters).await,
        ("/v1/entries", _) => return only("GET"),
        ("/v1/refresh" | "/v1/purge", _) => return only("POST"),
        _ => Err(problem(StatusCode::NOT_FOUND, "no such path")),
    };
    done.unwrap_or_else(|problem| refused(&problem))
}

fn problem(status: StatusCode, why: &str) -> Problem {
    Problem {
        status: status.as_u16(),
        why: why.to_owned(),
    }
}

/// What memory has, of `domain=` or of all: entries as they are stored, each as a JSON string in a
/// line of its own, in no order.
fn entries(service: &Service, parameters: &Parameters) -> Result<Reply, Problem> {
    let found: Vec<Arc<Stored>> = if parameters.is_empty() {
        let engine = service.engine();
        engine
            .iter()
            .map(|(stored, _)| Arc::clone(stored))
            .collect()
    } else {
        let domain = one_domain(parameters)?;
        service
            .engine()
            .get(domain.as_str())
            .cloned()
            .into_iter()
            .collect()
    };
    let mut found = found.into_iter();
    let chunks = iter::from_fn(move || next_chunk(&mut found));
    let body = StreamBody::new(stream::iter(chunks)).boxed();
    Ok(with_type("application/x-ndjson", body))
}

/// The next lines, made when the client has read those before.
fn next_chunk(
    entries: &mut impl Iterator<Item = Arc<Stored>>,
) -> Option<Result<Frame<Bytes>, Infallible>> {
    let mut lines = String::new();
    for stored in entries {
        lines += &format!("{}\n", Value::from(stored.to_text()));
        if lines.len() >= CHUNK {
            break;
        }
    }
    (!lines.is_empty()).then(|| Ok(Frame::data(lines.into())))
}

/// Fetches a policy now, and tells what was there before.
async fn refresh(service: &Arc<Service>, parameters: &Parameters) -> Result<Reply, Problem> {
    let domain = one_domain(parameters)?;
    let known = service.engine().get(domain.as_str()).cloned();
    let known = match known {
        None => load(service, &domain).await.ok().flatten(),
        known => known,
    };
    let Some(outcome) = service.refresh(&domain).await else {
        return Err(problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is ending",
        ));
    };
    let previous = known.as_ref().and_then(|stored| stored.policy.as_deref());
    Ok(json(StatusCode::OK, &refreshed_json(&outcome, previous)))
}

/// Forgets a domain here and in the store: there first, lest it come back from there; and again
/// where something was known here, of which a save may have come meanwhile.
async fn purge(service: &Arc<Service>, parameters: &Parameters) -> Result<Reply, Problem> {
    let domain = one_domain(parameters)?;
    let mut was_known = !matches!(load(service, &domain).await, Ok(None));
    was_known |= service.engine().get(domain.as_str()).is_some();
    for _ in 0..ROUNDS {
        purge_store(service, &domain).await?;
        if !service.forget(domain.as_str()) {
            break;
        }
    }
    let done = json!({ "domain": domain.as_str(), "was_known": was_known });
    Ok(json(StatusCode::OK, &done))
}

async fn purge_store(service: &Service, domain: &PolicyDomain) -> Result<(), Problem> {
    let Some(saver) = &service.saver else {
        return Ok(());
    };
    let purge = Write::Purge(Purge::new(domain.clone()));
    saver.write(purge).await.map_err(|_| {
        let why = "the store cannot be written now, so memory keeps the domain too";
        problem(StatusCode::SERVICE_UNAVAILABLE, why)
    })
}

/// What the store has; on the thread on which its connections live.
async fn load(service: &Service, domain: &PolicyDomain) -> Result<Option<Arc<Stored>>, Unread> {
    let Some(store) = service.network.store.clone() else {
        return Ok(None);
    };
    let domain = domain.clone();
    let loading = async move { store.load(domain.as_str()).await };
    let loaded = service.network.runtime.spawn(loading).await;
    loaded.unwrap_or_else(|error| Err(Unread::Store(error.to_string())))
}

/// `domain=`, once and alone: nothing is done by halves.
fn one_domain(parameters: &Parameters) -> Result<PolicyDomain, Problem> {
    if parameters.len() > 1 {
        let why = "one domain= is wanted, and nothing else";
        return Err(problem(StatusCode::BAD_REQUEST, why));
    }
    domain(parameters, &["domain"])
}
