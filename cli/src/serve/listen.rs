// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where questions come in: sockets that systemd has passed (socket activation), or our own.

#![expect(unsafe_code, reason = "sockets that systemd hands over are numbers")]

use super::config::{Address, Kind, Listen};
use super::connection::{Connection, Register, Stream};
use super::http::Http;
use super::readsocket::Readsocket;
use super::service::Service;
use super::socketmap::Socketmap;
use super::stop::Stop;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::{error, info};

/// How many clients the kernel lets wait.
const BACKLOG: i32 = 4_096;

/// How long to wait where a connection cannot be taken, for want of descriptors for instance.
const PAUSE: Duration = Duration::from_millis(100);

/// An open place.
pub struct Listener {
    socket: Acceptor,
    listen: Listen,
    /// Whether systemd holds it open when this process has ended.
    is_passed: bool,
}

enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The sockets that systemd has passed and nobody has taken yet.
pub struct Passed(Vec<Socket>);

impl Passed {
    /// To be called once, before any other descriptor is opened.
    pub fn take() -> Self {
        let numbers = sd_notify::listen_fds().map(Iterator::collect::<Vec<_>>);
        let sockets = numbers.unwrap_or_default().into_iter().map(|number| {
            // SAFETY: systemd has passed this descriptor to this process, which takes it once.
            Socket::from(unsafe { OwnedFd::from_raw_fd(number) })
        });
        Self(sockets.collect())
    }

    /// The one that is bound to `address`.
    fn at(&mut self, address: &Address) -> Option<Socket> {
        let is_it = |socket: &Socket| {
            socket
                .local_addr()
                .is_ok_and(|bound| is_at(&bound, address))
        };
        let found = self.0.iter().position(is_it)?;
        Some(self.0.swap_remove(found))
    }

    /// Those which the configuration does not name are an error: somebody would wait for ever.
    pub fn check(&self) -> Result<(), String> {
        let Some(socket) = self.0.first() else {
            return Ok(());
        };
        let address = socket.local_addr().ok();
        let shown = address
            .as_ref()
            .and_then(|address| match address.as_socket() {
                Some(address) => Some(address.to_string()),
                None => Some(address.as_pathname()?.display().to_string()),
            });
        let shown = shown.unwrap_or_default();
        Err(format!(
            "systemd has passed the socket {shown}, for which there is no [[listen]]"
        ))
    }
}

fn is_at(bound: &SockAddr, address: &Address) -> bool {
    match address {
        Address::Tcp(address) => bound.as_socket() == Some(*address),
        Address::Unix(path) => bound.as_pathname() == Some(path.as_path()),
    }
}

impl Listener {
    /// Takes the passed socket for this address, or binds one.
    pub fn open(listen: &Listen, passed: &mut Passed) -> Result<Self, String> {
        let at = |error: io::Error| format!("cannot listen on {}: {error}", listen.address);
        let passed = passed.at(&listen.address);
        let is_passed = passed.is_some();
        let socket = match passed {
            Some(socket) => socket,
            None => bind(listen).map_err(at)?,
        };
        let socket = acceptor(socket, &listen.address).map_err(at)?;
        Ok(Self {
            socket,
            listen: listen.clone(),
            is_passed,
        })
    }

    /// Takes clients until `stop`, and then those who have come before, unless the next server
    /// will take them.
    pub async fn serve(self, service: Arc<Service>, register: Arc<Register>, stop: Stop) {
        let address = &self.listen.address;
        info!(%address, kind = self.listen.kind.as_str(), "listening");
        let own = Arc::new(Semaphore::new(self.listen.max_connections));
        let protocol = Protocol::new(&service, &self.listen);
        let (mut is_failing, mut is_ending) = (false, false);
        loop {
            let next = async {
                let permits = (
                    Arc::clone(&own).acquire_owned().await,
                    register.room().await,
                );
                (permits, self.accept().await)
            };
            let (permits, accepted) = tokio::select! {
                biased;
                () = stop.wait(), if self.is_passed => return,
                next = next => next,
                () = stop.wait() => match std::mem::replace(&mut is_ending, true) {
                    true => return,
                    false => {
                        yield_now().await; // lest some have come unseen
                        continue;
                    }
                },
            };
            let has_failed = accepted.is_err();
            match accepted {
                Ok(stream) => {
                    let connection = Connection::new(stream, self.listen.idle_timeout, &register);
                    let protocol = protocol.clone();
                    tokio::spawn(async move {
                        protocol.serve(connection).await;
                        drop(permits);
                    });
                }
                Err(reason) if !is_failing => {
                    error!(%address, %reason, "cannot take a connection; trying again");
                    pause(&service).await;
                }
                Err(_) => pause(&service).await,
            }
            is_failing = has_failed;
        }
    }

    async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Acceptor::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Acceptor::Unix(listener) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// The thread that answers has no timers, so others wait in its name.
async fn pause(service: &Service) {
    let _ = service
        .network
        .runtime
        .spawn(async { sleep(PAUSE).await })
        .await;
}

/// What is spoken.
#[derive(Clone)]
enum Protocol {
    Socketmap(Socketmap),
    Readsocket(Readsocket),
    Http(Http),
}

impl Protocol {
    fn new(service: &Arc<Service>, listen: &Listen) -> Self {
        let service = Arc::clone(service);
        match listen.kind {
            Kind::Socketmap => Self::Socketmap(Socketmap::new(service, listen)),
            Kind::Readsocket => Self::Readsocket(Readsocket::new(service, listen)),
            Kind::Http => Self::Http(Http::new(service, listen)),
        }
    }

    async fn serve(&self, connection: Arc<Connection>) {
        match self {
            Self::Socketmap(protocol) => protocol.serve(connection).await,
            Self::Readsocket(protocol) => protocol.serve(connection).await,
            Self::Http(protocol) => protocol.serve(connection).await,
        }
    }
}

fn bind(listen: &Listen) -> io::Result<Socket> {
    let (domain, address) = match &listen.address {
        Address::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
        Address::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
    };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    match &listen.address {
        Address::Tcp(_) => socket.set_reuse_address(true)?,
        Address::Unix(path) => make_way(path)?,
    }
    socket.bind(&address)?;
    if let Address::Unix(path) = &listen.address {
        // Mail servers run under users of their own; 0666 is what such sockets have.
        let mode = listen.mode.map_or(0o666, |mode| mode.0);
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Removes a socket on which nobody listens any more.
fn make_way(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                ErrorKind::AlreadyExists,
                "there is a file, no socket",
            ));
        }
        Ok(_) => {}
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Ok(()) => Err(io::Error::new(
            ErrorKind::AddrInUse,
            "a server listens there already",
        )),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

fn acceptor(socket: Socket, address: &Address) -> io::Result<Acceptor> {
    socket.set_nonblocking(true)?;
    Ok(match address {
        Address::Tcp(_) => Acceptor::Tcp(TcpListener::from_std(socket.into())?),
        Address::Unix(_) => Acceptor::Unix(UnixListener::from_std(socket.into())?),
    })
}
