// SPDX-License-Identifier: MIT OR Apache-2.0

//! HTTP: `/metrics`, `/healthz`, `/v1/policy?domain=…&mx=…`. On the control socket also what
//! `mtasts cache` wants ([control](super::control)).

use super::config::Listen;
use super::connection::{Connection, State};
use super::control;
use super::metrics::{CONTENT_TYPE, Queries};
use super::service::Service;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE as TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mtasts::PolicyDomain;
use mtasts_host::to_policy_domain;
use mtasts_web::query::{self, Parameters, Problem};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// What one listener answers with.
#[derive(Clone)]
pub struct Http {
    service: Arc<Service>,
    queries: Queries,
    is_control: bool,
}

pub type Reply = Response<BoxBody<Bytes, Infallible>>;

impl Http {
    pub fn new(service: Arc<Service>, listen: &Listen) -> Self {
        let queries = service.metrics.queries(listen.kind);
        Self {
            service,
            queries,
            is_control: listen.is_control,
        }
    }

    /// Serves one client to the end of the connection.
    pub async fn serve(&self, connection: Arc<Connection>) {
        connection.enter(State::Stalled);
        let answer = service_fn(|request| {
            let connection = Arc::clone(&connection);
            async move {
                connection.enter(State::Busy);
                let reply = self.answer(&request).await;
                if !self.is_control {
                    connection.enter(State::Stalled); // the operator may take his time to read
                }
                Ok::<_, Infallible>(reply)
            }
        });
        let io = TokioIo::new(connection.io());
        let served = hyper::server::conn::http1::Builder::new()
            .half_close(true) // who has asked is answered, also when the server ends
            .serve_connection(io, answer);
        let _ = served.await; // a client that goes away is no news
    }

    async fn answer(&self, request: &Request<Incoming>) -> Reply {
        let parameters = query::parameters(request.uri().query().unwrap_or_default());
        let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/metrics" if is_get => text(CONTENT_TYPE, self.service.metrics.text()),
            "/healthz" if is_get => json(StatusCode::OK, &self.health()),
            query::PATH if is_get => self.policy(&parameters).await,
            "/metrics" | "/healthz" | query::PATH => only("GET, HEAD"),
            path if self.is_control => {
                control::answer(&self.service, request.method(), path, &parameters).await
            }
            _ => problem(StatusCode::NOT_FOUND, "no such path"),
        }
    }

    /// The server answers, or nobody would read this; what is amiss with it is said as well.
    fn health(&self) -> Value {
        let metrics = &self.service.metrics;
        let store = match (&self.service.saver, metrics.store_up.get()) {
            (None, _) => "none",
            (Some(_), 0) => "down",
            (Some(_), _) => "up",
        };
        json!({ "status": "ok", "store": store, "domains": metrics.domains.get() })
    }

    async fn policy(&self, parameters: &Parameters) -> Reply {
        let domain = match domain(parameters, query::POLICY) {
            Ok(domain) => domain,
            Err(problem) => {
                self.queries.malformed.inc();
                return refused(&problem);
            }
        };
        let Some(answer) = self.service.answer(&domain).await else {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "the server is ending");
        };
        match (answer.is_temporary(), answer.outcome.policy()) {
            (true, _) => self.queries.temporary.inc(),
            (false, Some(_)) => self.queries.policy.inc(),
            (false, None) => self.queries.no_policy.inc(),
        };
        let dane = self.service.network.dane.then_some(answer.dane);
        ready(query::policy(&answer.outcome, dane, parameters))
    }
}

/// The one domain that is asked about; `known` are the parameters that there are.
pub fn domain(parameters: &Parameters, known: &[&str]) -> Result<PolicyDomain, Problem> {
    query::domain(parameters, known, |name| {
        to_policy_domain(name).map_err(|_| query::NO_DOMAIN)
    })
}

/// Why a request is not answered.
pub fn refused(problem: &Problem) -> Reply {
    ready(problem.reply())
}

/// The path is there, but not for this method.
pub fn only(methods: &'static str) -> Reply {
    ready(mtasts_web::Reply::only(methods))
}

fn problem(status: StatusCode, why: &str) -> Reply {
    ready(mtasts_web::Reply::problem(status.as_u16(), why))
}

pub fn json(status: StatusCode, value: &Value) -> Reply {
    ready(mtasts_web::Reply::json(status.as_u16(), value))
}

/// A response as hyper sends it.
fn ready(made: mtasts_web::Reply<'static>) -> Reply {
    let body = Full::new(Bytes::from(made.body.into_owned()));
    let mut reply = Response::new(body.boxed());
    *reply.status_mut() =
        StatusCode::from_u16(made.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in made.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

fn text(content_type: &'static str, body: String) -> Reply {
    with_type(content_type, Full::new(Bytes::from(body)).boxed())
}

/// A good answer.
pub fn with_type(content_type: &'static str, body: BoxBody<Bytes, Infallible>) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
