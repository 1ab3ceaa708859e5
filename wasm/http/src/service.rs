// SPDX-License-Identifier: MIT OR Apache-2.0

//! Answers requests.

use crate::config::{Config, Query};
use crate::memory::Memory;
use mtasts::{
    Fetch, FetchFailure, Host, HttpsReply, StoreFailure, Stored, TxtAnswer, TxtFailure, UnixTime,
};
use mtasts_web::publish::Request;
use mtasts_web::site::Route;
use mtasts_web::{Reply, doh, query};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The path at which the service says that it is there, at any host.
const HEALTH_PATH: &str = "/healthz";

/// What the service needs of its runtime.
pub trait Network {
    /// The wall clock.
    fn now(&self) -> UnixTime;

    /// A clock that nobody sets.
    fn elapsed(&self) -> Duration;

    /// Sends an HTTP request and reads the response. No redirect is followed, no cache asked, and
    /// a certificate checked (R-GET-1, R-GET-2).
    ///
    /// # Errors
    /// There is no whole response in time.
    fn call(&self, call: &Call<'_>) -> Result<Response, FetchFailure>;
}

/// An HTTP request: a GET, or a POST if there is a body.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// TLS, or clear text.
    pub is_https: bool,
    /// The host, and its port if that is not the usual one.
    pub authority: &'a str,
    /// The path.
    pub path: &'a str,
    /// The body and its media type, which is also the one that is accepted.
    pub body: Option<(&'static str, &'a [u8])>,
    /// The time for all of it.
    pub timeout: Duration,
    /// The most octets of body to read; that of another status than 200 is not read.
    pub max_body: usize,
}

/// An HTTP response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The value of `Content-Type`, several joined by commas.
    pub content_type: Option<String>,
    /// The value of `Age`.
    pub age: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// All that is answered.
#[derive(Debug)]
pub struct Service {
    config: Config,
    memory: Memory,
}

impl Service {
    /// A service that knows nothing of any domain yet.
    pub fn new(config: Config) -> Self {
        let memory = config.query.as_ref().map_or(0, |query| query.memory);
        Self {
            config,
            memory: Memory::new(memory),
        }
    }

    /// The answer to a request.
    pub fn answer<'a>(&'a mut self, network: &impl Network, request: &Request<'a>) -> Reply<'a> {
        if request.path.split('?').next() == Some(HEALTH_PATH) {
            return self.health(request.method);
        }
        match (self.config.site.route(request), &self.config.query) {
            (Route::Api(reply) | Route::Policy(reply), _) => reply,
            (Route::Query(asked), Some(query)) => answer(query, &mut self.memory, network, asked),
            _ => Reply::problem(404, "no such path"),
        }
    }

    /// As `mtasts serve` says it.
    fn health(&self, method: &str) -> Reply<'static> {
        match method {
            "GET" | "HEAD" => Reply::json(
                200,
                &json!({ "status": "ok", "store": "none", "domains": self.memory.len() }),
            ),
            _ => Reply::only("GET, HEAD"),
        }
    }
}

fn answer(
    config: &Query,
    memory: &mut Memory,
    network: &impl Network,
    asked: &str,
) -> Reply<'static> {
    let parameters = query::parameters(asked);
    let domain = match query::domain(&parameters, query::POLICY, query::a_labels) {
        Ok(domain) => domain,
        Err(problem) => return problem.reply(),
    };
    let mut host = Asking {
        config,
        memory,
        network,
    };
    let outcome = mtasts::resolve(domain, &config.lookup, &mut host);
    query::policy(&outcome, None, &parameters)
}

/// The host of one look-up.
struct Asking<'a, N> {
    config: &'a Query,
    memory: &'a mut Memory,
    network: &'a N,
}

impl<N: Network> Host for Asking<'_, N> {
    fn now(&mut self) -> UnixTime {
        self.network.now()
    }

    fn txt(&mut self, name: &str) -> Result<TxtAnswer, TxtFailure> {
        let deadline = self.network.elapsed() + self.config.dns.timeout;
        let mut question = doh::Question::txt(name)?;
        loop {
            let response = self.ask(&question.message(), deadline)?;
            if let Some(answer) = question.answer(&as_dns(&response)) {
                return answer;
            }
        }
    }

    fn https(&mut self, fetch: &Fetch<'_>) -> Result<HttpsReply, FetchFailure> {
        let with_port;
        let authority = match self.config.port {
            443 => fetch.host,
            port => {
                with_port = format!("{}:{port}", fetch.host);
                &with_port
            }
        };
        let response = self.network.call(&Call {
            is_https: true,
            authority,
            path: fetch.path,
            body: None,
            timeout: Duration::from_millis(fetch.timeout_ms.into()),
            max_body: fetch.max_body,
        })?;
        Ok(HttpsReply {
            status: response.status,
            content_type: response.content_type,
            body: response.body,
        })
    }

    fn load(&mut self, domain: &mtasts::PolicyDomain) -> Result<Option<Arc<Stored>>, StoreFailure> {
        Ok(self.memory.load(domain))
    }

    fn save(&mut self, stored: &Arc<Stored>) {
        self.memory.save(stored);
    }
}

impl<N: Network> Asking<'_, N> {
    /// One question to the DNS server.
    fn ask(&self, message: &[u8], deadline: Duration) -> Result<Response, TxtFailure> {
        let dns = &self.config.dns;
        let call = Call {
            is_https: dns.is_https,
            authority: &dns.authority,
            path: &dns.path,
            body: Some((doh::MEDIA_TYPE, message)),
            timeout: deadline.saturating_sub(self.network.elapsed()),
            max_body: doh::MAX_BODY,
        };
        self.network.call(&call).map_err(|failure| match failure {
            FetchFailure::Local => TxtFailure::Local,
            FetchFailure::BodyTooLarge => TxtFailure::Permanent,
            _ => TxtFailure::Temporary,
        })
    }
}

fn as_dns(response: &Response) -> doh::Reply<'_> {
    doh::Reply {
        status: response.status,
        content_type: response.content_type.as_deref(),
        age: response.age.as_deref(),
        body: &response.body,
    }
}
