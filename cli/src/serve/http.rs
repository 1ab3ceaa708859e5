// SPDX-License-Identifier: MIT OR Apache-2.0

//! HTTP: `/metrics`, `/healthz`, `/v1/policy?domain=…&mx=…`. On the control socket also what
//! `mtasts cache` wants ([control](super::control)).

use super::config::Listen;
use super::connection::{Connection, State};
use super::control;
use super::metrics::{CONTENT_TYPE, Queries};
use super::name::Name;
use super::service::Service;
use crate::answer::{Hosts, as_json};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE as TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mtasts::PolicyDomain;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use url::form_urlencoded;

/// What one listener answers with.
#[derive(Clone)]
pub struct Http {
    service: Arc<Service>,
    queries: Queries,
    is_control: bool,
}

pub type Reply = Response<BoxBody<Bytes, Infallible>>;

/// Why a request is not answered.
pub struct Problem(pub StatusCode, pub String);

/// The parameters of a request, as they come.
pub type Parameters = [(String, String)];

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
        let query = request.uri().query().unwrap_or_default();
        let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/metrics" if is_get => text(CONTENT_TYPE, self.service.metrics.text()),
            "/healthz" if is_get => json(StatusCode::OK, &self.health()),
            "/v1/policy" if is_get => self.policy(&parameters).await,
            "/metrics" | "/healthz" | "/v1/policy" => only("GET, HEAD"),
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
        let domain = match domain(parameters, &["domain", "mx"]) {
            Ok(domain) => domain,
            Err(problem) => {
                self.queries.malformed.inc();
                return problem.reply();
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
        let names: Vec<_> = all(parameters, "mx").map(str::to_owned).collect();
        let hosts = Hosts {
            names,
            is_implicit: false,
        };
        let hosts = Some(&hosts).filter(|hosts| !hosts.names.is_empty());
        let dane = self.service.network.dane.then_some(answer.dane);
        json(StatusCode::OK, &as_json(&answer.outcome, dane, hosts))
    }
}

fn all<'a>(parameters: &'a Parameters, name: &str) -> impl Iterator<Item = &'a str> {
    let of_name = move |pair: &&'a (String, String)| pair.0 == name;
    parameters
        .iter()
        .filter(of_name)
        .flat_map(|(_, value)| value.split(','))
}

/// The one domain that is asked about; `known` are the parameters that there are.
pub fn domain(parameters: &Parameters, known: &[&str]) -> Result<PolicyDomain, Problem> {
    let bad = |why: &str| Err(Problem(StatusCode::BAD_REQUEST, why.to_owned()));
    let is_known = |name: &str| known.contains(&name);
    if let Some((unknown, _)) = parameters.iter().find(|(name, _)| !is_known(name)) {
        return bad(&format!("unknown parameter {unknown}"));
    }
    let mut domains = parameters.iter().filter(|(name, _)| name == "domain");
    match (domains.next(), domains.next()) {
        (None, _) => bad("domain= is missing"),
        (Some(_), Some(_)) => bad("domain= is there twice"),
        (Some((_, name)), None) => match Name::of(name) {
            Name::Domain(domain) => Ok(domain),
            _ => bad("domain= is no domain"),
        },
    }
}

impl Problem {
    pub fn reply(&self) -> Reply {
        problem(self.0, &self.1)
    }
}

/// The path is there, but not for this method (RFC 9110 §15.5.6).
pub fn only(methods: &'static str) -> Reply {
    let mut reply = problem(StatusCode::METHOD_NOT_ALLOWED, &format!("only {methods}"));
    let allowed = HeaderValue::from_static(methods);
    reply.headers_mut().insert(ALLOW, allowed);
    reply
}

fn problem(status: StatusCode, why: &str) -> Reply {
    json(status, &json!({ "error": why }))
}

pub fn json(status: StatusCode, value: &Value) -> Reply {
    let mut reply = text("application/json", format!("{value}\n"));
    *reply.status_mut() = status;
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
