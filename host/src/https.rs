// SPDX-License-Identifier: MIT OR Apache-2.0

//! One GET request to a Policy Host (RFC 8461 §3.3): to an address that was checked (R-GET-6),
//! without redirects, caches or content codings (R-GET-2), within one time limit and one size
//! limit (R-GET-4).

use crate::address::is_global;
use crate::dns::Dns;
use crate::options::{Level, Log};
use crate::turns::{Turn, Turns};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mtasts::{Fetch, FetchFailure, HttpsReply};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// More addresses of one host than this are not tried.
const MAX_ADDRESSES: usize = 8;

/// The most octets that the head of a reply may take.
const MAX_HEAD: usize = 64 * 1024;

/// The most octets that are read at all: interim replies have no end of their own, and a body may
/// come in chunks of one octet.
const MAX_STREAM: u64 = 1024 * 1024;

const AGENT: &str = concat!("libmtasts/", env!("CARGO_PKG_VERSION"));

pub(crate) struct Https {
    pub tls: Arc<ClientConfig>,
    pub port: u16,
    pub allow_non_global: bool,
    pub connect_timeout: Duration,
    pub turns: Turns,
}

/// How long a request may take, and how long it waits for a turn at each address.
#[derive(Clone, Copy)]
struct Limits {
    deadline: Instant,
    patience: Duration,
}

impl Https {
    /// Makes the request. The time limit counts from now and covers everything. `patience`: how
    /// long it waits for a turn where the Policy Host's addresses have all that they may.
    pub async fn get(
        &self,
        fetch: &Fetch<'_>,
        patience: Duration,
        dns: &Dns,
        log: &Log,
    ) -> Result<HttpsReply, FetchFailure> {
        let deadline = Instant::now() + Duration::from_millis(fetch.timeout_ms.into());
        let reply = timeout_at(deadline, async {
            let addresses = self.addresses(fetch.host, dns, log).await?;
            let limits = Limits { deadline, patience };
            let (_turn, stream) = self.connect(fetch.host, &addresses, limits, log).await?;
            self.exchange(stream, fetch).await
        });
        reply.await.unwrap_or(Err(FetchFailure::Timeout))
    }

    /// The addresses to try. A host whose addresses are all refused is one to which there is
    /// no connection, [`FetchFailure::Connect`]: it has addresses.
    async fn addresses(
        &self,
        host: &str,
        dns: &Dns,
        log: &Log,
    ) -> Result<Vec<IpAddr>, FetchFailure> {
        let found = dns.addresses(host).await.map_err(|failure| {
            log.write(
                Level::Info,
                format_args!("{host}: no address: {}", failure.describe()),
            );
            FetchFailure::Dns
        })?;
        let mut found = found.addresses;
        found.retain(|address| self.is_allowed(host, *address, log));
        found.truncate(MAX_ADDRESSES);
        if found.is_empty() {
            Err(FetchFailure::Connect)
        } else {
            Ok(found)
        }
    }

    fn is_allowed(&self, host: &str, address: IpAddr, log: &Log) -> bool {
        let allowed = self.allow_non_global || is_global(address);
        if !allowed {
            log.write(
                Level::Warning,
                format_args!("{host}: {address} is not a global address"),
            );
        }
        allowed
    }

    /// A TLS session with the first of `addresses` that gives one. If none does, a refused
    /// certificate is what is reported, before whatever was wrong with the last address. Where one
    /// had no turn for us nothing is said of the host. Who has patience goes on without a turn when
    /// that is over: else one tenant of an address, whose own server stalls, could have all turns and
    /// hold up the mail to all others.
    async fn connect(
        &self,
        host: &str,
        addresses: &[IpAddr],
        limits: Limits,
        log: &Log,
    ) -> Result<(Option<Turn<'_>>, TlsStream<TcpStream>), FetchFailure> {
        let mut failure = None;
        for (tried, address) in addresses.iter().enumerate() {
            let left = addresses.len() - tried;
            // Half of its time, lest our own waiting is what takes too long.
            let patience = limits.patience.min(self.share(limits.deadline, left) / 2);
            let turn = self.turns.take(*address, patience).await;
            if turn.is_none() && limits.patience.is_zero() {
                failure = failure.or(Some(FetchFailure::Local));
                continue;
            }
            let address = SocketAddr::new(*address, self.port);
            let limit = self.share(limits.deadline, left);
            let session = timeout(limit, self.handshake(host, address));
            match session
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            {
                Ok(stream) => return Ok((turn, stream)),
                Err(error) => {
                    log.write(Level::Info, format_args!("{host}: {address}: {error}"));
                    failure = Some(match (failure, connect_failure(&error)) {
                        (_, FetchFailure::WebPki) => FetchFailure::WebPki,
                        (Some(graver @ (FetchFailure::Local | FetchFailure::WebPki)), _) => graver,
                        (_, last) => last,
                    });
                }
            }
        }
        Err(failure.unwrap_or(FetchFailure::Connect))
    }

    /// The time for one address, so that each of those `left` gets some.
    fn share(&self, deadline: Instant, left: usize) -> Duration {
        let left = u32::try_from(left).unwrap_or(u32::MAX).max(1);
        let rest = deadline.saturating_duration_since(Instant::now());
        self.connect_timeout.min(rest / left)
    }

    async fn handshake(&self, host: &str, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
    }

    async fn exchange(
        &self,
        stream: TlsStream<TcpStream>,
        fetch: &Fetch<'_>,
    ) -> Result<HttpsReply, FetchFailure> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_HEAD);
        let (reader, writer) = tokio::io::split(stream);
        let stream = tokio::io::join(reader.take(MAX_STREAM), writer);
        let handshake = builder.handshake::<_, Empty<Bytes>>(TokioIo::new(stream));
        let handshake = handshake.await;
        let (mut sender, connection) = handshake.map_err(http_failure)?;
        let request = self.request(fetch)?;
        let reply = async {
            let response = sender.send_request(request).await.map_err(http_failure)?;
            read(response, fetch.max_body).await
        };
        let driver = async {
            let _ = connection.await; // what is wrong with it, the reply says
            std::future::pending().await
        };
        tokio::select! {
            reply = reply => reply,
            never = driver => never,
        }
    }

    fn request(&self, fetch: &Fetch<'_>) -> Result<Request<Empty<Bytes>>, FetchFailure> {
        let host = match self.port {
            443 => fetch.host.to_owned(),
            port => format!("{}:{port}", fetch.host),
        };
        let request = Request::get(fetch.path)
            .header(HOST, host)
            .header(USER_AGENT, AGENT)
            .header(CONNECTION, "close");
        request.body(Empty::new()).map_err(|_| FetchFailure::Other)
    }
}

async fn read(response: Response<Incoming>, max_body: usize) -> Result<HttpsReply, FetchFailure> {
    let status = response.status().as_u16();
    let content_type = content_type(response.headers());
    let mut body = Vec::new();
    if status != 200 {
        return Ok(HttpsReply {
            status,
            content_type,
            body,
        }); // nobody reads an error's page
    }
    let mut incoming = response.into_body();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(http_failure)?.into_data() else {
            continue; // trailers
        };
        if body.len() + data.len() > max_body {
            return Err(FetchFailure::BodyTooLarge);
        }
        body.extend_from_slice(&data);
    }
    Ok(HttpsReply {
        status,
        content_type,
        body,
    })
}

/// All values, for several are as bad as none, and the engine is to see them.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_TYPE).iter();
    let texts: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    if texts.is_empty() {
        None
    } else {
        Some(texts.join(", "))
    }
}

fn connect_failure(error: &io::Error) -> FetchFailure {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        _ if error.kind() == io::ErrorKind::TimedOut => FetchFailure::Timeout,
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            FetchFailure::WebPki
        }
        Some(rustls::Error::InvalidMessage(_)) => FetchFailure::Other, // not TLS at all
        _ => FetchFailure::Connect,
    }
}

fn http_failure(error: hyper::Error) -> FetchFailure {
    match error {
        error if error.is_parse() => FetchFailure::Other,
        _ => FetchFailure::Connect, // it broke
    }
}
