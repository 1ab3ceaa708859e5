// SPDX-License-Identifier: MIT OR Apache-2.0

//! The servers of a fleet's store, and how to connect to whichever holds the data: one server,
//! the master that sentinels name, or all nodes of a cluster.

use super::error::Problem;
use super::url::{Host, Location, Login, Place};
use crate::chain::Roots;
use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates, TlsMode, Value,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a connection may take to be ready: TCP, TLS and the password.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a server may take to answer a command, in a cluster all that are asked in turn.
pub(super) const COMMAND: Duration = Duration::from_secs(2);

/// How long a connection lies idle before the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The shortest and the longest pause before the client of a cluster tries a command again, which
/// it does when the cluster is changing, in milliseconds.
const PAUSES: (u64, u64) = (20, 300);

/// How many slots a cluster has.
const SLOTS: i64 = 16384;

pub(super) enum Servers {
    Cluster {
        client: Box<ClusterClient>,
        nodes: Vec<Host>,
        access: Access,
    },
    Sentinel(Mutex<SentinelClient>),
    Single(Client),
}

/// An open connection. Its clones are the same connection.
#[derive(Clone)]
pub(super) enum Connection {
    Cluster(ClusterConnection),
    Node(MultiplexedConnection),
}

/// What is needed to connect to any server of the fleet, apart from its address.
pub(super) struct Access {
    login: RedisConnectionInfo,
    certificates: Option<TlsCertificates>,
}

/// Which nodes of a cluster hold the data: the first and the last slot, and the primary.
pub(super) type Shard = (i64, i64, Host);

impl Servers {
    /// Makes ready to connect, without doing so.
    pub fn new(location: &Location, ca_file: Option<&Path>) -> Result<Self, Problem> {
        let access = Access::new(location, ca_file)?;
        Ok(match &location.place {
            Place::Cluster(nodes) => Self::Cluster {
                client: Box::new(access.cluster(nodes)?),
                nodes: nodes.clone(),
                access,
            },
            Place::Sentinel {
                sentinels,
                service,
                login,
            } => Self::Sentinel(Mutex::new(access.sentinel(sentinels, service, login)?)),
            Place::Single(host) => Self::Single(access.client(host)?),
            Place::Socket(path) => {
                Self::Single(access.plain_client(ConnectionAddr::Unix(path.clone()))?)
            }
        })
    }

    /// Connects to the server that holds the data. A cluster's connections are made by a task of
    /// their own, and commands wait for it, so that a node that does not answer delays nobody
    /// for ever.
    pub async fn connect(&self) -> RedisResult<Connection> {
        Ok(match self {
            Self::Cluster { client, .. } => {
                let config = ClusterConfig::new().set_response_timeout(COMMAND);
                Connection::Cluster(client.get_pending_async_connection_with_config(config))
            }
            Self::Sentinel(client) => Connection::Node(to_master(client).await?),
            Self::Single(client) => Connection::Node(to_node(client).await?),
        })
    }

    /// Who holds the data: of a cluster all its primaries, with what each holds; else the one
    /// server.
    pub async fn holders(&self) -> Result<(Vec<Client>, Vec<Shard>), Problem> {
        let shards = self.shards().await?;
        let clients = match self {
            Self::Cluster { access, .. } => {
                let hosts: BTreeSet<_> = shards.iter().map(|(_, _, host)| host).collect();
                let clients = hosts.into_iter().map(|host| access.client(host));
                clients.collect::<RedisResult<_>>()?
            }
            Self::Sentinel(client) => vec![master(client).await?],
            Self::Single(client) => vec![client.clone()],
        };
        Ok((clients, shards))
    }

    /// Asks each that holds data whether it is there, over a connection of its own: the client of
    /// a cluster passes over those to which it has none.
    pub async fn ping(&self) -> Result<(), Problem> {
        let (clients, _) = self.holders().await?;
        for client in clients {
            let mut connection = to_node(&client).await?;
            let () = redis::cmd("PING").query_async(&mut connection).await?;
        }
        Ok(())
    }

    /// Which nodes of the cluster hold what; nothing if there is no cluster.
    pub async fn shards(&self) -> Result<Vec<Shard>, Problem> {
        let Self::Cluster { nodes, access, .. } = self else {
            return Ok(Vec::new());
        };
        let mut answer = Err(Problem::Unserved);
        for node in nodes {
            answer = access.shards(node).await;
            if answer.is_ok() {
                break;
            }
        }
        answer
    }
}

impl Connection {
    pub async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        match self {
            Self::Cluster(connection) => command.query_async(connection).await,
            Self::Node(connection) => command.query_async(connection).await,
        }
    }
}

// What connects is on the heap, for its type is so deep that the compiler gives up on what callers
// build around it.

/// A connection that breaks stays broken.
pub(super) async fn to_node(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = config();
    Box::pin(client.get_multiplexed_async_connection_with_config(&config)).await
}

async fn to_master(client: &Mutex<SentinelClient>) -> RedisResult<MultiplexedConnection> {
    to_node(&master(client).await?).await
}

async fn master(client: &Mutex<SentinelClient>) -> RedisResult<Client> {
    let mut client = client.lock().await;
    Box::pin(client.async_get_client()).await
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(COMMAND))
}

/// A host that vanished without a word is noticed by the system.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(COMMAND);
    settings
}

impl Access {
    fn new(location: &Location, ca_file: Option<&Path>) -> Result<Self, Problem> {
        let login = info(&location.login).set_db(location.database);
        let certificates = match location.tls {
            true => Some(certificates(ca_file)?),
            false => None,
        };
        Ok(Self {
            login,
            certificates,
        })
    }

    /// TLS or not. The certificate of the server is checked for the host as it is given here.
    fn address(&self, (host, port): &Host) -> ConnectionAddr {
        match self.certificates {
            Some(_) => ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None, // comes with the certificates
            },
            None => ConnectionAddr::Tcp(host.clone(), *port),
        }
    }

    fn info(&self, address: ConnectionAddr) -> RedisResult<ConnectionInfo> {
        let info = address.into_connection_info()?;
        Ok(info
            .set_redis_settings(self.login.clone())
            .set_tcp_settings(tcp()))
    }

    fn plain_client(&self, address: ConnectionAddr) -> RedisResult<Client> {
        Client::open(self.info(address)?)
    }

    fn client(&self, host: &Host) -> RedisResult<Client> {
        let address = self.address(host);
        match &self.certificates {
            Some(certificates) => Client::build_with_tls(self.info(address)?, certificates.clone()),
            None => self.plain_client(address),
        }
    }

    fn cluster(&self, nodes: &[Host]) -> RedisResult<ClusterClient> {
        let nodes = nodes.iter().map(|host| self.info(self.address(host)));
        let builder = ClusterClient::builder(nodes.collect::<RedisResult<Vec<_>>>()?)
            .connection_timeout(CONNECT)
            .response_timeout(COMMAND)
            .min_retry_wait(PAUSES.0)
            .max_retry_wait(PAUSES.1)
            .tcp_settings(tcp());
        match &self.certificates {
            Some(certificates) => builder.certs(certificates.clone()).build(),
            None => builder.build(),
        }
    }

    fn sentinel(
        &self,
        sentinels: &[Host],
        service: &str,
        login: &Login,
    ) -> RedisResult<SentinelClient> {
        let sentinels = sentinels.iter().map(|host| self.address(host));
        let master = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(sentinels, service, master)?
            .set_client_to_redis_db(self.login.db())
            .set_client_to_redis_tcp_settings(tcp())
            .set_client_to_sentinel_tcp_settings(tcp());
        if let Some(certificates) = &self.certificates {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates.clone());
        }
        if let Some(user) = self.login.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = self.login.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(user) = &login.user {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = &login.password {
            builder = builder.set_client_to_sentinel_password(password);
        }
        builder.build()
    }

    /// Asks a node who holds what. It is an error if nobody holds some of it.
    async fn shards(&self, node: &Host) -> Result<Vec<Shard>, Problem> {
        let mut connection = to_node(&self.client(node)?).await?;
        let mut command = redis::cmd("CLUSTER");
        let rows: Vec<Vec<Value>> = command.arg("SLOTS").query_async(&mut connection).await?;
        let shards = rows.iter().map(|row| shard(row, node)).collect();
        let mut shards: Vec<Shard> = Option::ok_or(shards, Problem::Unserved)?;
        shards.sort_unstable();
        match shards.iter().map(|(first, last, _)| last - first + 1).sum() {
            SLOTS => Ok(shards),
            _ => Err(Problem::Unserved),
        }
    }
}

/// Reads a row of `CLUSTER SLOTS`: the first and the last slot, then the nodes, the primary first.
/// One without a name of its own has that of the node that was asked.
fn shard(row: &[Value], asked: &Host) -> Option<Shard> {
    let [
        Value::Int(first),
        Value::Int(last),
        Value::Array(primary),
        ..,
    ] = row
    else {
        return None;
    };
    let [name, Value::Int(port), ..] = primary.as_slice() else {
        return None;
    };
    let name = match name {
        Value::BulkString(name) if name == b"?" => return None,
        Value::BulkString(name) if !name.is_empty() => String::from_utf8(name.clone()).ok()?,
        _ => asked.0.clone(),
    };
    let host = (name, u16::try_from(*port).ok()?);
    Some((*first, *last, host)).filter(|_| first <= last)
}

fn info(login: &Login) -> RedisConnectionInfo {
    let mut info = RedisConnectionInfo::default();
    if let Some(user) = &login.user {
        info = info.set_username(user);
    }
    if let Some(password) = &login.password {
        info = info.set_password(password);
    }
    info
}

/// The trusted certificates as the client wants them, all of which it must be able to read. It
/// takes what cryptography the process has chosen; that is *ring* unless the program says else.
fn certificates(ca_file: Option<&Path>) -> Result<TlsCertificates, Problem> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(TlsCertificates {
        client_tls: None,
        root_cert: Some(Roots::pem(ca_file).map_err(Problem::CaFile)?),
    })
}
