// SPDX-License-Identifier: MIT OR Apache-2.0

//! Connections that stay open between questions: reading and writing without a buffer of their
//! own while they are idle, and a register of all of them, to end those that stall, and all when
//! the server stops.

use super::metrics::Metrics;
use socket2::SockRef;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long a client may take for the rest of a request, or to read an answer.
pub const STALL: Duration = Duration::from_secs(100);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// The client's next request.
    Idle,
    /// The rest of a request, or that the client reads.
    Stalled,
    /// An answer of ours.
    Busy,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// Locked by its task for a call at a time, and when it is shut down from outside.
    stream: Mutex<Stream>,
    state: AtomicU8,
    /// When the state was entered at the latest, in seconds of the register's clock.
    since: AtomicU32,
    idle_timeout: u32,
    register: Arc<Register>,
    number: u64,
}

#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// All open connections.
#[derive(Debug)]
pub struct Register {
    begun: Instant,
    /// How often [`Register::sweep`] is called, in seconds.
    period: u32,
    /// Seconds since, as of the next sweep: exact enough, and free. Nobody is ended early.
    clock: AtomicU32,
    room: Arc<Semaphore>,
    last: AtomicU64,
    open: Mutex<HashMap<u64, Weak<Connection>>>,
    is_stopping: AtomicBool,
    emptied: Notify,
    metrics: Arc<Metrics>,
}

impl Connection {
    pub fn new(stream: Stream, idle_timeout: Duration, register: &Arc<Register>) -> Arc<Self> {
        let number = register.last.fetch_add(1, Relaxed);
        let connection = Arc::new(Self {
            stream: Mutex::new(stream),
            state: AtomicU8::new(State::Idle as u8),
            since: AtomicU32::new(register.clock()),
            idle_timeout: whole_seconds(idle_timeout),
            register: Arc::clone(register),
            number,
        });
        register.open().insert(number, Arc::downgrade(&connection));
        register.metrics.connections.inc();
        if register.is_stopping.load(Relaxed) {
            connection.shut_down(Shutdown::Read);
        }
        connection
    }

    /// Waits for input and appends some of it; false: the client has ended.
    pub async fn read_more(&self, input: &mut Vec<u8>) -> io::Result<bool> {
        poll_fn(|context| {
            let mut space = [MaybeUninit::uninit(); 4_096];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(self.poll_read(context, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(!buffer.filled().is_empty()))
        })
        .await
    }

    /// Reads what is there, if anything is.
    pub fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self.stream() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }

    /// Writes all of `out`.
    pub async fn write(&self, mut out: &[u8]) -> io::Result<()> {
        poll_fn(|context| {
            while !out.is_empty() {
                match self.poll_write(context, out) {
                    Poll::Ready(written) => out = &out[written?..],
                    Poll::Pending => {
                        self.enter(State::Stalled);
                        return Poll::Pending;
                    }
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn poll_write(&self, context: &mut Context<'_>, out: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self.stream() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, out),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, out),
        }
    }

    /// Never for longer than a call that does not wait.
    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection for a library that reads and writes by itself.
    pub fn io(self: &Arc<Self>) -> Io {
        Io(Arc::clone(self))
    }

    /// Says what the connection waits for from now on.
    pub fn enter(&self, state: State) {
        self.state.store(state as u8, Relaxed);
        self.since.store(self.register.clock(), Relaxed);
    }

    fn shut_down(&self, how: Shutdown) {
        let _ = match &*self.stream() {
            Stream::Tcp(stream) => SockRef::from(stream).shutdown(how),
            Stream::Unix(stream) => SockRef::from(stream).shutdown(how),
        }; // it may have ended already
    }

    /// Whether it has been in its state for too long.
    fn is_late(&self, now: u32) -> bool {
        let age = now.saturating_sub(self.since.load(Relaxed));
        match self.state.load(Relaxed) {
            state if state == State::Busy as u8 => false, // look-ups have time limits
            state if state == State::Idle as u8 => age >= self.idle_timeout,
            _ => age >= self.idle_timeout.min(STALL.as_secs() as u32),
        }
    }
}

/// See [`Connection::io`].
pub struct Io(Arc<Connection>);

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read(context, buffer)
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, out)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.shut_down(Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.register.metrics.connections.dec();
        let mut open = self.register.open();
        open.remove(&self.number);
        if open.is_empty() {
            self.register.emptied.notify_one();
        }
    }
}

impl Register {
    /// At most `clients` connections at a time, and a sweep each `period`.
    pub fn new(clients: usize, period: Duration, metrics: Arc<Metrics>) -> Arc<Self> {
        let period = whole_seconds(period);
        Arc::new(Self {
            begun: Instant::now(),
            period,
            clock: AtomicU32::new(period),
            room: Arc::new(Semaphore::new(clients)),
            last: AtomicU64::new(0),
            open: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            emptied: Notify::new(),
            metrics,
        })
    }

    /// Waits until there is room for one more connection, which it keeps as long as it lives.
    pub async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Ends connections that have stalled or been idle for too long. To be called regularly.
    pub fn sweep(&self) {
        let now = self.begun.elapsed().as_secs().try_into();
        let now: u32 = now.unwrap_or(u32::MAX);
        self.clock
            .store(now.saturating_add(1).saturating_add(self.period), Relaxed);
        for connection in self
            .all()
            .into_iter()
            .filter(|connection| connection.is_late(now))
        {
            connection.shut_down(Shutdown::Both);
        }
    }

    /// Has every connection, also those to come, answer what has been asked and end.
    pub fn stop(&self) {
        self.is_stopping.store(true, Relaxed);
        self.all()
            .iter()
            .for_each(|connection| connection.shut_down(Shutdown::Read));
    }

    /// Waits until no connection is open.
    pub async fn wait_until_empty(&self) {
        while !self.open().is_empty() {
            self.emptied.notified().await;
        }
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        self.open().values().filter_map(Weak::upgrade).collect()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Weak<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> u32 {
        self.clock.load(Relaxed)
    }
}

/// At least one.
fn whole_seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs_f64().ceil();
    (seconds as u32).max(1)
}
