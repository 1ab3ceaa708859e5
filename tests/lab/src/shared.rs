// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all servers of one lab share.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustls::server::{Acceptor, ServerConfig};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{LazyConfigAcceptor, StartHandshake, server::TlsStream};

use crate::{ca::Ca, events::Events, world::World};

/// The world, the authorities, the log and the ports.
pub struct Shared {
    world: Mutex<World>,
    /// The authorities.
    pub ca: Ca,
    /// The log.
    pub events: Events,
    /// The port of all policy hosts.
    pub https_port: u16,
}

impl Shared {
    /// A lab of this world.
    pub fn new(world: World, ca: Ca, https_port: u16) -> Self {
        Self {
            world: Mutex::new(world),
            ca,
            events: Events::default(),
            https_port,
        }
    }

    /// The world. Hold it for as long as it takes to read or to change it, no longer.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a handshake that failed.
    pub fn tls_failed(&self, place: &Place, sni: Option<&str>, error: &str) {
        let facts = json!({
            "server": place.server, "host": place.host, "address": place.local.ip(), "sni": sni,
            "error": error,
        });
        self.events.push("tls-failure", facts);
    }
}

/// Which server a connection reached.
#[derive(Clone, Debug)]
pub struct Place {
    /// `https` or `smtp`.
    pub server: &'static str,
    /// The mail host; policy hosts are not known by their address.
    pub host: Option<String>,
    /// The server's address.
    pub local: SocketAddr,
    /// The client's address.
    pub peer: SocketAddr,
}

/// Accepts connections and hands each to its own task.
pub async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream, SocketAddr) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    loop {
        match listener.accept().await {
            // A client that goes away is its own affair.
            Ok((stream, peer)) => _ = tokio::spawn(serve(stream, peer)),
            // Out of descriptors, most likely: let the others end first.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Reads a ClientHello.
pub async fn client_hello<S>(stream: S) -> io::Result<(StartHandshake<S>, Option<String>)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let name = start
        .client_hello()
        .server_name()
        .map(str::to_ascii_lowercase);
    Ok((start, name))
}

/// Ends a handshake and notes how.
pub async fn handshake(
    lab: &Shared,
    place: &Place,
    hello: (StartHandshake<TcpStream>, Option<String>),
    config: Arc<ServerConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let (start, sni) = hello;
    let done = start.into_stream(config).await;
    match &done {
        Ok(_) => {
            let facts = json!({
                "server": place.server, "host": place.host, "address": place.local.ip(),
                "sni": sni,
            });
            lab.events.push("tls", facts);
        }
        Err(error) => lab.tls_failed(place, sni.as_deref(), &error.to_string()),
    }
    done
}

/// Keeps a connection and says nothing until the client goes away.
pub async fn hold(mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Says the last words and waits for the client to go away. To close with the client's octets
/// unread would be a reset, which can overtake the words.
pub async fn part<S>(mut stream: S, words: &[u8]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(words).await?;
    stream.shutdown().await?;
    hold(stream).await
}

/// Ends a connection with a reset.
pub fn reset(stream: TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}
