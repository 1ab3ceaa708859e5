// SPDX-License-Identifier: MIT OR Apache-2.0

//! Postfix's `socketmap:` (Sendmail's too): netstrings `MAP KEY`, answered in order by `OK value`,
//! `NOTFOUND `, `TEMP ` or `PERM text`. Any map name will do; `QUERY` and `QUERYwithTLSRPT`, which
//! postfix-tlspol has, choose the attributes by themselves.

use super::config::Listen;
use super::connection::{Connection, State};
use super::metrics::Queries;
use super::name::{Buffer, Name};
use super::service::{Answer, Service};
use mtasts::postfix::netstring::{self, NetstringError};
use mtasts::postfix::{self, Found, Style, Version};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;
use tracing::debug;

/// The longest request, in octets. A key is a domain, so this is generous.
const MAX_REQUEST: usize = 10_000;

/// How much is read at a time: some dozens of requests, though Postfix sends one.
const READ: usize = 2_048;

/// What an idle connection may keep.
const KEPT: usize = 1_024;

/// From how much on answers are sent before more requests are looked at.
const ENOUGH: usize = 65_536;

/// What one listener answers with.
#[derive(Clone)]
pub struct Socketmap {
    service: Arc<Service>,
    style: Style,
    queries: Queries,
}

impl Socketmap {
    pub fn new(service: Arc<Service>, listen: &Listen) -> Self {
        let queries = service.metrics.queries(listen.kind);
        Self {
            service,
            style: listen.style(),
            queries,
        }
    }

    /// Serves one client to the end of the connection.
    pub async fn serve(&self, connection: Arc<Connection>) {
        // A client that resets the connection is no news.
        let _ = self.answer_all(&connection).await;
    }

    async fn answer_all(&self, connection: &Connection) -> io::Result<()> {
        let mut input = Vec::new();
        let mut out = Vec::new();
        loop {
            let take =
                |context: &mut Context<'_>| self.take(context, connection, &mut input, &mut out);
            match poll_fn(take).await? {
                Taken::End => return Ok(()),
                Taken::All => {}
                Taken::Malformed(error) => return self.refuse(connection, &out, error).await,
                Taken::Some => {
                    if let Err(error) = self.answer_slowly(connection, &mut input, &mut out).await?
                    {
                        return self.refuse(connection, &out, error).await;
                    }
                }
            }
            connection.write(&out).await?;
            out.clear();
            out.shrink_to(KEPT);
            let is_idle = input.is_empty();
            connection.enter(if is_idle { State::Idle } else { State::Stalled });
        }
    }

    /// Reads, and answers what is known at once. Nothing is kept while the client is idle.
    fn take(
        &self,
        context: &mut Context<'_>,
        connection: &Connection,
        input: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Poll<io::Result<Taken>> {
        let mut space = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(connection.poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        if read.is_empty() {
            return Poll::Ready(Ok(Taken::End));
        }
        if !input.is_empty() {
            input.extend_from_slice(read);
            return Poll::Ready(Ok(Taken::Some));
        }
        let mut used = 0;
        while out.len() < ENOUGH {
            match netstring::parse(&read[used..], MAX_REQUEST) {
                Ok(Some((request, len))) if self.answer_known(request, out) => used += len,
                Ok(_) => break,
                Err(error) => return Poll::Ready(Ok(Taken::Malformed(error))),
            }
        }
        input.extend_from_slice(&read[used..]);
        let is_all = input.is_empty();
        Poll::Ready(Ok(if is_all { Taken::All } else { Taken::Some }))
    }

    /// Answers what has come, with look-ups as they are needed.
    async fn answer_slowly(
        &self,
        connection: &Connection,
        input: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> io::Result<Result<(), NetstringError>> {
        let mut used = 0;
        loop {
            let (request, len) = match netstring::parse(&input[used..], MAX_REQUEST) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            if !self.answer_known(request, out) {
                // What is known does not wait for what is not.
                connection.write(out).await?;
                out.clear();
                connection.enter(State::Busy);
                self.answer(request, out).await;
            }
            used += len;
            if out.len() >= ENOUGH {
                connection.write(out).await?;
                out.clear();
            }
        }
        input.drain(..used);
        input.shrink_to(KEPT);
        Ok(Ok(()))
    }

    async fn refuse(
        &self,
        connection: &Connection,
        out: &[u8],
        error: NetstringError,
    ) -> io::Result<()> {
        self.queries.malformed.inc();
        debug!(%error, "socketmap: connection closed");
        connection.write(out).await
    }

    /// Answers if that takes no look-up.
    fn answer_known(&self, request: &[u8], out: &mut Vec<u8>) -> bool {
        let Some((map, key)) = netstring::request(request) else {
            self.refuse_request(out);
            return true;
        };
        // Nearly all keys are domains, in the form in which they are known.
        if let Some(answer) = self.service.ready(key) {
            self.give_answer(map, &answer, out);
            return true;
        }
        let Some(name) = postfix::next_hop(key) else {
            self.give(out, |_| Found::NotFound);
            return true;
        };
        let mut buffer = Buffer::new();
        let domain = buffer.lower(name).filter(|domain| *domain != key);
        let known = domain.and_then(|domain| self.service.ready(domain));
        let is_known = known.is_some();
        if let Some(answer) = known {
            self.give_answer(map, &answer, out);
        }
        is_known
    }

    async fn answer(&self, request: &[u8], out: &mut Vec<u8>) {
        let Some((map, key)) = netstring::request(request) else {
            return self.refuse_request(out);
        };
        match postfix::next_hop(key).map_or(Name::NoDomain, Name::of) {
            Name::NoDomain => self.give(out, |_| Found::NotFound),
            Name::Unknown => self.refuse_request(out),
            Name::Domain(domain) => match self.service.answer(&domain).await {
                Some(answer) => self.give_answer(map, &answer, out),
                None => self.give(out, |_| Found::Temporary),
            },
        }
    }

    fn give_answer(&self, map: &str, answer: &Answer, out: &mut Vec<u8>) {
        let mut style = self.style;
        match map {
            "QUERY" => style.version = style.version.min(Version::V3_4),
            "QUERYwithTLSRPT" => style.version = Version::V3_10,
            _ => {}
        }
        self.give(out, |out| {
            postfix::policy(&answer.outcome, answer.dane, &style, out)
        });
    }

    /// Writes a reply, whose word goes before what `value` appends.
    fn give(&self, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>) -> Found) {
        let found = netstring::frame(out, |out| {
            let start = out.len();
            out.extend_from_slice(Found::Policy.as_str().as_bytes());
            let found = value(out);
            if found != Found::Policy {
                out.truncate(start);
                out.extend_from_slice(found.as_str().as_bytes());
            }
            found
        });
        match found {
            Found::Policy => self.queries.policy.inc(),
            Found::NotFound => self.queries.no_policy.inc(),
            Found::Temporary => self.queries.temporary.inc(),
        };
    }

    /// A request that is none, or a name of which it is not known what it means: the mail waits,
    /// and Postfix's log says why.
    fn refuse_request(&self, out: &mut Vec<u8>) {
        self.queries.malformed.inc();
        netstring::frame(out, |out| {
            out.extend_from_slice(b"PERM not a map name and a domain")
        });
    }
}

/// What came of reading.
enum Taken {
    /// All of it is answered.
    All,
    /// Not all of it.
    Some,
    Malformed(NetstringError),
    /// The client has ended.
    End,
}
