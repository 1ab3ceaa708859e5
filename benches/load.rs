// SPDX-License-Identifier: MIT OR Apache-2.0

//! Asks a socketmap server (Postfix, socketmap_table(5)) as fast as it answers, in a closed loop:
//! each connection sends its next query when it has the reply, as Postfix does. One thread and
//! epoll, so that it costs less than what it measures. Prints one line of JSON.
//!
//! Each domain is asked once before; what it was then answered, it has to be answered always.

#![expect(unsafe_code, reason = "clocks of other processes")]

use clap::Parser;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use mtasts_benches::{Outcome, mix, rank};
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Measure a socketmap server in a closed loop.
#[derive(Parser)]
struct Arguments {
    /// The server: HOST:PORT, or the path of a Unix socket
    server: String,
    /// How many connections ask
    #[arg(long, default_value = "1")]
    connections: NonZeroUsize,
    /// For how long
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// A file of domains, one a line, or how many of the pattern there are
    #[arg(long, default_value = "200")]
    domains: String,
    /// The domains, with {} for the numbers from 0
    #[arg(long, default_value = "d{}.load.example")]
    pattern: String,
    /// The server's process: its processor time and memory are told
    #[arg(long)]
    pid: Option<i32>,
    /// How many more connections there are, which ask once and then keep silent
    #[arg(long, default_value_t = 0)]
    idle: usize,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let queries = Query::all(&arguments)?;
    let mut load = Load {
        connections: connect(&arguments.server, arguments.connections.get())?,
        queries,
        next: 0,
        times: Vec::with_capacity(1 << 20),
    };
    load.ask_each_once()?;
    let before = anonymous_memory(arguments.pid)?;
    let idle = load.keep_silent(&arguments.server, arguments.idle)?;
    let mut poll = load.poll()?;
    let begun = Usage::now(arguments.pid)?;
    load.run(&mut poll, Duration::from_secs_f64(arguments.seconds))?;
    let used = Usage::now(arguments.pid)?.since(&begun);
    let memory = anonymous_memory(arguments.pid)?;
    load.finish(&mut poll)?;
    drop(idle);
    let mut report = load.report(&used);
    report["rss_anon_before_idle"] = before.into();
    report["rss_anon"] = memory.into();
    println!("{report}");
    Ok(())
}

/// A domain's query and, once it is known, its reply; both netstrings.
struct Query {
    octets: Vec<u8>,
    reply: Vec<u8>,
}

impl Query {
    fn new(domain: &str) -> Self {
        let text = format!("postfix {domain}");
        Self {
            octets: format!("{}:{text},", text.len()).into_bytes(),
            reply: Vec::new(),
        }
    }

    /// In no order, so that they are not in the order in which the server came to know them.
    fn all(arguments: &Arguments) -> Outcome<Vec<Self>> {
        let names: Vec<String> = match arguments.domains.parse::<usize>() {
            Ok(count) => (0..count)
                .map(|number| arguments.pattern.replace("{}", &number.to_string()))
                .collect(),
            Err(_) => fs::read_to_string(&arguments.domains)?
                .lines()
                .map(str::to_owned)
                .collect(),
        };
        let mut numbers: Vec<usize> = (0..names.len()).collect();
        numbers.sort_unstable_by_key(|number| mix(*number as u64));
        match numbers.is_empty() {
            true => Err("there are no domains".into()),
            false => Ok(numbers.iter().map(|n| Self::new(&names[*n])).collect()),
        }
    }
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    fn connect(server: &str) -> io::Result<Self> {
        if server.contains('/') {
            return Ok(Self::Unix(UnixStream::connect(server)?));
        }
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).read(buffer),
            Self::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }

    fn write(&self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).write(octets),
            Self::Unix(stream) => (&mut &*stream).write(octets),
        }
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true),
            Self::Unix(stream) => stream.set_nonblocking(true),
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }
}

/// A connection that waits for the reply to its query, of which part may have come.
struct Connection {
    socket: Socket,
    query: usize,
    sent: Instant,
    came: usize,
    buffer: Box<[u8; 1024]>,
}

impl Connection {
    fn open(server: &str) -> io::Result<Self> {
        Ok(Self {
            socket: Socket::connect(server)?,
            query: 0,
            sent: Instant::now(),
            came: 0,
            buffer: Box::new([0; 1024]),
        })
    }

    fn ask(&mut self, number: usize, query: &Query, now: Instant) -> io::Result<()> {
        self.query = number;
        self.sent = now;
        self.came = 0;
        match self.socket.write(&query.octets)? == query.octets.len() {
            true => Ok(()),
            false => Err(io::Error::other("the server does not take a query")),
        }
    }

    /// Reads once. Whether the reply is whole; it must be the one that is known.
    fn read(&mut self, query: &Query) -> Outcome<bool> {
        let came = match self.socket.read(&mut self.buffer[self.came..]) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.came += came;
        let reply = &self.buffer[..self.came];
        if reply == query.reply {
            return Ok(true);
        }
        match query.reply.starts_with(reply) {
            true => Ok(false),
            false => Err(differs(query, reply).into()),
        }
    }

    /// Waits for the first reply to a query, or for another: it must be one whole netstring.
    fn learn(&mut self, query: &mut Query) -> Outcome<()> {
        let mut came = 0;
        while !is_netstring(&self.buffer[..came]) {
            match self.socket.read(&mut self.buffer[came..])? {
                0 => return Err("the server closed a connection".into()),
                octets => came += octets,
            }
        }
        let reply = &self.buffer[..came];
        let text = String::from_utf8_lossy(reply);
        if !text.contains(":OK secure match=") || !(query.reply.is_empty() || query.reply == reply)
        {
            return Err(differs(query, reply).into());
        }
        query.reply = reply.to_vec();
        Ok(())
    }
}

fn differs(query: &Query, reply: &[u8]) -> String {
    let text = String::from_utf8_lossy;
    format!(
        "the reply to {} is {:?}, due was {:?}",
        text(&query.octets),
        text(reply),
        text(&query.reply)
    )
}

/// Whether this is one netstring and all of it.
fn is_netstring(octets: &[u8]) -> bool {
    let text = String::from_utf8_lossy(octets);
    let Some((len, text)) = text.split_once(':') else {
        return false;
    };
    text.ends_with(',') && len.parse() == Ok(text.len() - 1)
}

fn connect(server: &str, count: usize) -> io::Result<Vec<Connection>> {
    (0..count).map(|_| Connection::open(server)).collect()
}

fn wait(poll: &mut Poll, events: &mut Events) -> Outcome<()> {
    poll.poll(events, Some(Duration::from_secs(10)))?;
    match events.is_empty() {
        true => Err("no reply for ten seconds".into()),
        false => Ok(()),
    }
}

struct Load {
    connections: Vec<Connection>,
    queries: Vec<Query>,
    next: usize,
    /// Nanoseconds.
    times: Vec<u64>,
}

impl Load {
    fn ask_each_once(&mut self) -> Outcome<()> {
        let connections = &mut self.connections;
        for queries in self.queries.chunks_mut(connections.len()) {
            for (connection, query) in connections.iter_mut().zip(queries.iter()) {
                connection.ask(0, query, Instant::now())?;
            }
            for (connection, query) in connections.iter_mut().zip(queries) {
                connection.learn(query)?;
            }
        }
        Ok(())
    }

    /// Opens connections that have asked once. They are closed when they are dropped.
    fn keep_silent(&mut self, server: &str, count: usize) -> Outcome<Vec<Socket>> {
        let queries = self.queries.len();
        let mut open = |number| {
            let mut connection = Connection::open(server)?;
            let query = &mut self.queries[number % queries];
            connection.ask(0, query, Instant::now())?;
            connection.learn(query)?;
            Ok(connection.socket)
        };
        (0..count).map(&mut open).collect()
    }

    /// Registers the connections with epoll.
    fn poll(&self) -> io::Result<Poll> {
        let poll = Poll::new()?;
        for (number, connection) in self.connections.iter().enumerate() {
            connection.socket.set_nonblocking()?;
            poll.registry().register(
                &mut SourceFd(&connection.socket.as_raw_fd()),
                Token(number),
                Interest::READABLE,
            )?;
        }
        Ok(poll)
    }

    /// When it is over, each connection has a query to which the reply is due.
    fn run(&mut self, poll: &mut Poll, duration: Duration) -> Outcome<()> {
        let begun = Instant::now();
        for number in 0..self.connections.len() {
            self.ask(number, begun)?;
        }
        let mut events = Events::with_capacity(1024);
        let mut now = begun;
        while now - begun < duration {
            wait(poll, &mut events)?;
            for event in &events {
                now = self.turn(event.token().0)?;
            }
        }
        Ok(())
    }

    /// Waits for the replies that are due. Whoever closed instead would have the server write to
    /// nobody.
    fn finish(&mut self, poll: &mut Poll) -> Outcome<()> {
        let mut events = Events::with_capacity(1024);
        let mut due = self.connections.len();
        while due > 0 {
            wait(poll, &mut events)?;
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                due -= usize::from(connection.read(&self.queries[connection.query])?);
            }
        }
        Ok(())
    }

    /// A connection has become readable. A reply does not come before its query is sent, so
    /// that one read takes all there is.
    fn turn(&mut self, number: usize) -> Outcome<Instant> {
        let connection = &mut self.connections[number];
        let is_whole = connection.read(&self.queries[connection.query])?;
        let now = Instant::now();
        if is_whole {
            self.times.push((now - connection.sent).as_nanos() as u64);
            self.ask(number, now)?;
        }
        Ok(now)
    }

    /// What came of it, in microseconds; `own` is this program's.
    fn report(&mut self, used: &Usage) -> serde_json::Value {
        self.times.sort_unstable();
        let rank = |permille| rank(&self.times, permille) as f64 / 1000.0;
        let count = self.times.len() as f64;
        serde_json::json!({
            "queries": self.times.len(),
            "qps": count / used.wall,
            "p50_us": rank(500),
            "p99_us": rank(990),
            "p999_us": rank(999),
            "cpu_us": used.server * 1e6 / count,
            "own_cpu_us": used.own * 1e6 / count,
            "busy": used.server / used.wall,
            "own_busy": used.own / used.wall,
        })
    }

    fn ask(&mut self, number: usize, now: Instant) -> io::Result<()> {
        let query = self.next;
        self.next = (query + 1) % self.queries.len();
        self.connections[number].ask(query, &self.queries[query], now)
    }
}

/// What was used, in seconds.
struct Usage {
    wall: f64,
    own: f64,
    server: f64,
}

impl Usage {
    fn now(server: Option<i32>) -> Outcome<Self> {
        let mut wall = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `wall` may be written.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut wall) };
        Ok(Self {
            wall: seconds(&wall),
            own: processor_time(0)?,
            server: server.map_or(Ok(0.0), processor_time)?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            wall: self.wall - before.wall,
            own: self.own - before.own,
            server: self.server - before.server,
        }
    }
}

fn seconds(time: &libc::timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The processor time of all threads of a process, those that have ended too; 0 is this process.
fn processor_time(pid: i32) -> io::Result<f64> {
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `clock` may be written.
    let error = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: `time` may be written.
    match unsafe { libc::clock_gettime(clock, &raw mut time) } {
        0 => Ok(seconds(&time)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The memory of a process that is of no file, in octets.
fn anonymous_memory(pid: Option<i32>) -> Outcome<u64> {
    let Some(pid) = pid else { return Ok(0) };
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("no RssAnon in /proc")?.parse::<u64>()? * 1024)
}
