// SPDX-License-Identifier: MIT OR Apache-2.0

//! The one connection that all tasks share, made when it is first needed and made again when it
//! is lost. A command that meets a lost connection is sent once more: everything that the store
//! sends may be done twice.

use super::error::Problem;
use super::servers::{Connection, Servers};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a call of the store may take in all.
const CALL: Duration = Duration::from_secs(3);

/// How old the connections to a cluster must be before they are all made again because a node
/// does not answer. They follow the cluster by themselves when a node is lost, but not when it
/// hangs.
const RENEWAL: Duration = Duration::from_secs(5);

pub(super) struct Link {
    servers: Servers,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    open: Option<Open>,
    /// How many connections there were.
    count: u64,
}

#[derive(Clone)]
struct Open {
    connection: Connection,
    number: u64,
    since: Instant,
}

impl Link {
    pub fn new(servers: Servers) -> Self {
        Self {
            servers,
            current: Mutex::default(),
        }
    }

    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut open = self.open().await?;
        match open.connection.query(command).await {
            Err(error) if open.is_lost(&error) => {
                self.forget(&open).await;
                self.open().await?.connection.query(command).await
            }
            Err(error) if open.is_stuck(&error) => {
                self.forget(&open).await;
                Err(error)
            }
            answer => answer,
        }
    }

    /// The connection. While one task makes it, the others wait.
    async fn open(&self) -> RedisResult<Open> {
        let mut current = self.current.lock().await;
        if let Some(open) = &current.open {
            return Ok(open.clone());
        }
        let open = Open {
            connection: self.servers.connect().await?,
            number: current.count,
            since: Instant::now(),
        };
        current.count += 1;
        current.open = Some(open.clone());
        Ok(open)
    }

    /// Lets go of a connection, unless another task was faster.
    async fn forget(&self, lost: &Open) {
        let mut current = self.current.lock().await;
        let is_current = |open: &Open| open.number == lost.number;
        if current.open.as_ref().is_some_and(is_current) {
            current.open = None;
        }
    }
}

impl Open {
    /// Whether another connection may do better at once: this one is broken, or its server is no
    /// longer the master. Of a cluster: the task that runs its connections has ended, with the
    /// runtime on which it was.
    fn is_lost(&self, error: &RedisError) -> bool {
        match self.connection {
            Connection::Cluster(_) => error.is_connection_dropped(),
            Connection::Node(_) => {
                error.is_connection_dropped()
                    || error.is_unrecoverable_error()
                    || is_demotion(error.kind())
            }
        }
    }

    /// Whether the next call had better take another connection.
    fn is_stuck(&self, error: &RedisError) -> bool {
        match self.connection {
            Connection::Cluster(_) => error.is_timeout() && self.since.elapsed() > RENEWAL,
            Connection::Node(_) => error.is_io_error(),
        }
    }
}

/// Whether the server follows another one.
fn is_demotion(kind: ErrorKind) -> bool {
    use ServerErrorKind::{MasterDown, ReadOnly};
    matches!(kind, ErrorKind::Server(MasterDown | ReadOnly))
}

/// Ends `work` when the time for a call is over.
pub(super) async fn limited<T>(
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let result = tokio::time::timeout(CALL, work).await;
    result.unwrap_or(Err(Problem::Slow))
}
