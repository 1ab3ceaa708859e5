// SPDX-License-Identifier: MIT OR Apache-2.0

//! The server's control socket, from the side of `mtasts cache`: HTTP over a unix socket.

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mtasts::Stored;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;
use url::form_urlencoded;

/// How long the server may take to say that it is there: it answers from memory.
const HELLO: Duration = Duration::from_secs(5);

/// How long a refresh may take, which waits for its turn and then for DNS and HTTPS.
const PATIENCE: Duration = Duration::from_secs(600);

/// An open connection to a server that answers.
pub struct Control {
    path: PathBuf,
    requests: SendRequest<Empty<Bytes>>,
}

/// Why there is none.
pub enum Refused {
    /// Nobody listens there.
    NoServer,
    /// Somebody may, and it is said what to do.
    Other(String),
}

impl Control {
    /// Connects, and asks the server whether it is well.
    pub async fn connect(path: &Path) -> Result<Self, Refused> {
        let stream = UnixStream::connect(path)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => Refused::NoServer,
                ErrorKind::PermissionDenied => Refused::Other(format!(
                    "{}: {error}: run this as root or as the user of the server",
                    path.display()
                )),
                _ => Refused::Other(format!("{}: {error}", path.display())),
            })?;
        let hello = timeout(HELLO, Self::greet(path, stream)).await;
        let hello = hello.unwrap_or_else(|_| Err("no answer".to_owned()));
        hello.map_err(|reason| {
            Refused::Other(format!(
                "the server at {} does not answer as it should: {reason}; restart it, or give \
                 --store PLACE to work on the store alone",
                path.display()
            ))
        })
    }

    async fn greet(path: &Path, stream: UnixStream) -> Result<Self, String> {
        let (requests, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let path = path.to_owned();
        let mut control = Self { path, requests };
        let reply = control.ask(Method::GET, "/healthz").await?;
        match reply.status() {
            StatusCode::OK => drain(reply).await.map(|_| control),
            status => Err(status.to_string()),
        }
    }

    /// Has something done for `domain`: what the server says came of it, or why nothing did.
    ///
    /// # Errors
    /// The server does not answer any more.
    pub async fn post(
        &mut self,
        path: &str,
        domain: &str,
    ) -> Result<Result<Value, String>, String> {
        let reply = self.ask(Method::POST, &with_domain(path, domain)).await?;
        let status = reply.status();
        let body = drain(reply).await.map_err(|reason| self.gone(&reason))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        match (status, &value["error"]) {
            (StatusCode::OK, _) => Ok(Ok(value)),
            (_, Value::String(reason)) => Ok(Err(reason.clone())),
            _ => Err(self.gone(&status.to_string())),
        }
    }

    /// Visits what the server has in memory, of one domain or of all, in no order.
    ///
    /// # Errors
    /// The server does not answer any more; what was visited is not all.
    pub async fn for_each(
        &mut self,
        domain: Option<&str>,
        mut visit: impl FnMut(Arc<Stored>),
    ) -> Result<(), String> {
        let path = match domain {
            Some(domain) => with_domain("/v1/entries", domain),
            None => "/v1/entries".to_owned(),
        };
        let mut body = self.ask(Method::GET, &path).await?.into_body();
        let mut rest = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.gone(&error.to_string()))?;
            rest.extend_from_slice(&frame.into_data().unwrap_or_default());
            let end = rest.iter().rposition(|&octet| octet == b'\n');
            let whole = rest
                .drain(..end.map_or(0, |end| end + 1))
                .collect::<Vec<u8>>();
            for line in whole
                .split(|&octet| octet == b'\n')
                .filter(|line| !line.is_empty())
            {
                let stored = read(line).ok_or_else(|| self.gone("an answer of another version"))?;
                visit(stored);
            }
        }
        Ok(())
    }

    async fn ask(&mut self, method: Method, path: &str) -> Result<Response<Incoming>, String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let ready = self.requests.ready().await;
        ready.map_err(|error| self.gone(&error.to_string()))?;
        let reply = timeout(PATIENCE, self.requests.send_request(request)).await;
        let reply = reply.map_err(|_| self.gone("no answer"))?;
        reply.map_err(|error| self.gone(&error.to_string()))
    }

    fn gone(&self, reason: &str) -> String {
        let path = self.path.display();
        format!("the server at {path} does not answer any more: {reason}; try again when it runs")
    }
}

fn with_domain(path: &str, domain: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("domain", domain);
    format!("{path}?{}", query.finish())
}

async fn drain(reply: Response<Incoming>) -> Result<Bytes, String> {
    let body = reply.into_body().collect().await;
    body.map(|body| body.to_bytes())
        .map_err(|error| error.to_string())
}

fn read(line: &[u8]) -> Option<Arc<Stored>> {
    let text: String = serde_json::from_slice(line).ok()?;
    text.parse().ok().map(Arc::new)
}
