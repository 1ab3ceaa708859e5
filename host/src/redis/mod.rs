// SPDX-License-Identifier: MIT OR Apache-2.0

//! The policy store (RFC 8461 §3.3, §5.1) of a fleet: all machines share what one of them has
//! fetched, on Redis from version 6.2 on, or Valkey. What [`crate::store`] is for the processes of
//! one machine; the same entries, the same rule which of two policies stays.
//!
//! | URL | |
//! | --- | --- |
//! | `redis://[user:password@]host[:port][/database]` | one server |
//! | `rediss://…` | the same over TLS |
//! | `redis+unix:///path[?db=database]` | one server, through a socket |
//! | `redis+cluster://host,host,…` | a cluster; some of its nodes |
//! | `redis+sentinel://host,host,…/name[/database]` | the master that these sentinels name |
//! | `rediss+cluster://…`, `rediss+sentinel://…` | over TLS |
//!
//! For `redis` one may write `valkey`. User and password are those of the servers that hold the
//! data; for the sentinels there are the options `sentinel-user` and `sentinel-password`. The
//! option `prefix` is what keys begin with, `mtasts:1:` unless said otherwise. Letters that mean
//! something in a URL are escaped with `%`. Over TLS the certificate is checked for the host in
//! the URL, or that which the sentinel or the cluster gives: let those give names
//! (`sentinel announce-hostnames`, `cluster-announce-hostname`), or put the addresses into the
//! certificates.
//!
//! What a fleet needs:
//!
//! * Each entry has an expiry and goes by itself. To lose one is to trust the first answer again,
//!   which an attacker may be waiting for: take the `maxmemory-policy` `noeviction`, and keep the
//!   data over a restart (`appendonly yes`, or snapshots). An entry takes less than 1 kB as a
//!   rule.
//! * Who can write the store can forge policies, and who is between can, too, without TLS. Give
//!   the store a user of its own, who needs no more than
//!   `~mtasts:1:* +get +set +del +eval +evalsha +scan +ping`, for a database but 0 `+select`, in a
//!   cluster `+cluster|slots +asking`, with sentinels `+role`. At a sentinel the user needs
//!   `+sentinel|masters +role`. The client also says its name (`CLIENT SETINFO`), and does not mind
//!   being refused.
//! * Saving and loading is done at the primary, for a replica may be behind. What was acknowledged
//!   and not yet replicated is lost when the primary is; `min-replicas-to-write` bounds that.
//! * The clocks of all machines agree to within seconds.
//! * Beside the entries there are leases for a minute or so ([`RedisStore::lease`]), by which one
//!   machine fetches a policy while the others wait for what it saves.

mod error;
mod lease;
mod link;
mod scan;
mod servers;
mod url;

pub use error::RedisError;
pub use lease::Lease;

use crate::store::{Entry, MAX_DOMAIN, value};
use error::Problem;
use link::{Link, limited};
use redis::{ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind};
use servers::Servers;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

/// The store of a fleet. Clones share one connection; any task may use it. It wants a tokio
/// runtime with I/O and time, and after a `fork` it is the parent's alone.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    prefix: String,
    link: Link,
    lease: Known,
    release: Known,
    save: Known,
}

/// A script that the server has, as a rule.
struct Known {
    text: &'static str,
    script: Script,
}

impl Known {
    fn new(text: &'static str) -> Self {
        let script = Script::new(text);
        Self { text, script }
    }

    /// Runs it on the server that has this key.
    async fn call<T: FromRedisValue>(
        &self,
        shared: &Shared,
        key: &str,
        arguments: &[&[u8]],
    ) -> RedisResult<T> {
        let command = |name, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(key).arg(arguments);
            command
        };
        let known = command("EVALSHA", self.script.get_hash());
        match shared.link.query(&known).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                shared.link.query(&command("EVAL", self.text)).await
            }
            answer => answer,
        }
    }
}

/// The year 9999. What is useless later still is forgotten then.
const LATEST: u64 = 253_402_300_799;

impl RedisStore {
    /// Reads `url`. It connects when it is first used, so that it can be opened while the servers
    /// are down. `ca_file`, in PEM, has the certificates to trust over TLS; without it they are the
    /// system's.
    ///
    /// # Errors
    /// The URL is wrong, or the certificates cannot be read. The text does not repeat the URL.
    pub fn open(url: &str, ca_file: Option<&Path>) -> Result<Self, RedisError> {
        let location = url::parse(url).map_err(|e| RedisError::new("", Problem::Url(e)))?;
        let servers = Servers::new(&location, ca_file)
            .map_err(|problem| RedisError::new(&location.name, problem))?;
        let shared = Shared {
            name: location.name,
            prefix: location.prefix,
            link: Link::new(servers),
            lease: Known::new(include_str!("lease.lua")),
            release: Known::new(include_str!("release.lua")),
            save: Known::new(include_str!("save.lua")),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The text saved for `domain`.
    ///
    /// # Errors
    /// The server that holds the data gives no answer within three seconds, or refuses, or what is
    /// in the store for `domain` is not what was saved.
    pub async fn load(&self, domain: &str) -> Result<Option<String>, RedisError> {
        self.run(async {
            let mut command = redis::cmd("GET");
            command.arg(self.shared.key(domain)?);
            let stored: Option<Vec<u8>> = self.shared.link.query(&command).await?;
            let text = stored.map(|stored| text(domain, &stored).map(str::to_owned));
            text.transpose()
        })
        .await
    }

    /// Saves `entry`, in one step on the server. Where the store has a policy for the domain that
    /// was fetched later than this one, by another process, and not after `now`, that one stays:
    /// the answer is false. So it is where the store has one that is in time and `entry` has none.
    /// The time is in seconds since 1970. An entry that is useless already takes the place of
    /// another one, and is forgotten at once.
    ///
    /// # Errors
    /// The server that holds the data gives no answer within three seconds, or refuses. Whether
    /// the entry was saved is not known then.
    pub async fn save(&self, entry: &Entry<'_>, now: u64) -> Result<bool, RedisError> {
        self.run(async {
            let shared = &*self.shared;
            let key = shared.key(entry.domain)?;
            let times = [entry.fetched_at, entry.useless_after.clamp(1, LATEST), now];
            let times = times.map(|time| time.to_string());
            let [fetched, useless, now] = times.each_ref().map(String::as_bytes);
            let arguments = [&value::encode(entry)[..], fetched, useless, now];
            Ok(shared.save.call(shared, &key, &arguments).await?)
        })
        .await
    }

    /// Forgets `domain`. The answer tells whether there was something to forget.
    ///
    /// # Errors
    /// The server that holds the data gives no answer within three seconds, or refuses.
    pub async fn remove(&self, domain: &str) -> Result<bool, RedisError> {
        self.run(async {
            let mut command = redis::cmd("DEL");
            command.arg(self.shared.key(domain)?);
            Ok(self.shared.link.query(&command).await?)
        })
        .await
    }

    /// Calls `visit` with each Policy Domain and its text, or what is wrong with it, in no order.
    /// What others save meanwhile may be among them or not.
    ///
    /// # Errors
    /// Not all could be read: a server gave no answer, or the cluster changed meanwhile.
    pub async fn for_each(
        &self,
        mut visit: impl FnMut(&str, Result<&str, RedisError>),
    ) -> Result<(), RedisError> {
        let shared = &*self.shared;
        let each = scan::for_each(shared.link.servers(), &shared.prefix, |key, value| {
            if key.starts_with(lease::NAME.as_bytes()) {
                return;
            }
            let domain = String::from_utf8_lossy(key);
            let value = value.map_err(Problem::Client);
            let text = value.and_then(|stored| text(&domain, stored));
            visit(&domain, text.map_err(|problem| self.error(problem)));
        });
        each.await.map_err(|problem| self.error(problem))
    }

    /// Whether the server that holds the data answers; of a cluster, whether all data is held by
    /// servers that do.
    ///
    /// # Errors
    /// It is not so within three seconds, or they refuse.
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.run(async {
            let link = &self.shared.link;
            match link.servers() {
                Servers::Cluster { .. } => link.servers().ping().await,
                _ => Ok(link.query(&redis::cmd("PING")).await?),
            }
        })
        .await
    }

    async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, RedisError> {
        limited(work).await.map_err(|problem| self.error(problem))
    }

    fn error(&self, problem: Problem) -> RedisError {
        RedisError::new(&self.shared.name, problem)
    }
}

impl Shared {
    fn key(&self, domain: &str) -> Result<String, Problem> {
        match domain.len() {
            1..=MAX_DOMAIN => Ok(format!("{}{domain}", self.prefix)),
            _ => Err(Problem::Domain),
        }
    }
}

fn text<'a>(domain: &str, stored: &'a [u8]) -> Result<&'a str, Problem> {
    value::text(stored).ok_or_else(|| Problem::Corrupt(domain.to_owned()))
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore")
            .field(&self.shared.name)
            .finish()
    }
}
