// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve` as a service: how it ends, restarts without a lost answer, talks to systemd,
//! and shares its sockets with nobody.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod serve_world;

use mtasts_lab::Lab;
use serve_world::{
    Client, PATIENCE, Server, configure, connect, mtasts, netstring, reconfigure, text, wait_until,
};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

const SCENE: &str = r#"
[[domain]]
name = "warm.example"
id = "1"
policy = "enforce"

[[domain]]
name = "stalled.example"
id = "1"
policy = "enforce"
https = "stall-http"

[[domain]]
name = "silent.example"
id = "1"
policy = "enforce"
https = "stall-http"

[[bulk]]
count = 2000
pattern = "d{}.many.example"
id = "1"
policy = "enforce"
"#;

const WARM: &str = "OK secure match=mx.warm.example servername=hostname";
const MANY: &str = "OK secure match=mx.many.example servername=hostname";

#[test]
fn sigterm_ends_the_server_when_all_are_answered() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (socketmap, http) = configure(dir.path(), &lab, "", "");
    reconfigure(dir.path(), "[network]", "[network]\nfetch_timeout = \"3s\"");
    let mut server = Server::spawn(dir, socketmap, http, |command| command);
    assert_eq!(server.ask("postfix warm.example"), WARM);
    let mut idle = Client::connect(&server.socketmap);
    assert_eq!(idle.ask("postfix warm.example"), WARM);
    let mut looked_up = Client::connect(&server.socketmap);
    let [stalled, warm] =
        ["stalled", "warm"].map(|name| netstring(&format!("postfix {name}.example")));
    looked_up.send(&[stalled.as_slice(), &warm].concat());
    let mut http = connect(&server.http);
    let request = "GET /v1/policy?domain=silent.example HTTP/1.1\r\nHost: x\r\n\r\n";
    http.write_all(request.as_bytes()).unwrap();
    for domain in ["stalled", "silent"] {
        let filter = format!("host=mta-sts.{domain}.example");
        lab.wait("https", 1, PATIENCE, &filter).unwrap();
    }
    let mut buffered = Client::connect(&server.socketmap);
    buffered.send(&warm.repeat(1_000));
    let begun = Instant::now();
    server.signal("TERM");
    assert_eq!(idle.reply(), None);
    for _ in 0..1_000 {
        assert_eq!(buffered.reply().as_deref(), Some(WARM));
    }
    assert_eq!(buffered.reply(), None);
    assert_eq!(looked_up.reply().as_deref(), Some("NOTFOUND ")); // the fetch has failed
    assert_eq!(looked_up.reply().as_deref(), Some(WARM));
    assert_eq!(looked_up.reply(), None);
    let mut reply = String::new();
    http.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.contains("\"domain\":\"silent.example\""), "{reply}");
    assert_eq!(server.wait().code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "nobody was there to wait for"
    );
    assert!(server.logged().contains(" ending"));
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let lab = Lab::start(SCENE).unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&lab, "", "");
        let mut client = Client::connect(&server.socketmap);
        client.send(&netstring("postfix stalled.example"));
        server.wait_for_metric(r#"mtasts_questions_total{question="txt",result="ok"}"#, 1.0);
        server.signal(signal);
        server.wait_for_log(" ending");
        server.signal(signal);
        server.wait_for_log("ended at once");
        assert_eq!(server.wait().code(), Some(0));
        assert_eq!(client.reply(), None);
    }
}

/// Asks over and over until `is_over`, with a new connection whenever the server has ended one
/// between two answers. Gives how many answers there were.
fn hammer(address: &str, is_over: &AtomicBool, number: &AtomicU64) -> u64 {
    let mut stream: Option<TcpStream> = None;
    let mut answers = 0;
    while !is_over.load(SeqCst) {
        let at = number.fetch_add(1, SeqCst);
        let (name, expected) = match at % 3 {
            0 => (format!("d{}.many.example", at / 3 % 2_000), MANY),
            _ => ("warm.example".to_owned(), WARM),
        };
        let request = netstring(&format!("postfix {name}"));
        let expected = netstring(expected);
        loop {
            let mut connected = stream.take().unwrap_or_else(|| {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream
            });
            if let Some(answer) = exchange(&mut connected, &request, expected.len()) {
                assert_eq!(answer, expected, "{name}");
                stream = Some(connected);
                break;
            }
        }
        answers += 1;
    }
    answers
}

/// The answer; `None` where the connection has ended before it began.
fn exchange(stream: &mut TcpStream, request: &[u8], len: usize) -> Option<Vec<u8>> {
    if stream.write_all(request).is_err() {
        return None;
    }
    let mut answer = vec![0; len];
    let mut read = 0;
    while read < len {
        match stream.read(&mut answer[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(read == 0 || read == len, "a part of an answer");
    (read == len).then_some(answer)
}

/// Hammers with eight clients while `work` is done, and as long as what it gives is there.
fn while_hammered<T>(address: &str, work: impl FnOnce() -> T) {
    let (is_over, number) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| hammer(address, &is_over, &number)))
            .collect();
        let last = work();
        is_over.store(true, SeqCst);
        for client in clients {
            assert!(client.join().unwrap() > 0);
        }
        drop(last);
    });
}

#[test]
fn reloads_lose_and_change_no_answer() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = Server::start(&lab, "", "");
    let address = server.socketmap.clone();
    while_hammered(&address, || (0..20).for_each(|_| server.reload()));
    let others = r#"mtasts_queries_total{listener="socketmap",result="no-policy"}"#;
    assert_eq!(server.metric(others), 0.0);
    // Clients kept their connections: all of them are still the first ones.
    assert!(!server.logged().contains("connection closed"));
}

/// `mtasts serve` on `DIR/mtasts.toml`, to which systemd passes these sockets.
fn activated(dir: &Path, sockets: [OwnedFd; 2]) -> Command {
    let [first, second] = sockets;
    let script = "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_FDS=2 LISTEN_PID=$$ \
                  exec \"$0\" serve --config \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_mtasts")]);
    command.arg(dir.join("mtasts.toml"));
    command
        .stdin(Stdio::from(first))
        .stdout(Stdio::from(second));
    command
}

#[test]
fn who_has_come_before_the_end_is_answered() {
    let lab = Lab::start(SCENE).unwrap();
    for _ in 0..10 {
        let mut server = Server::start(&lab, "", "");
        assert_eq!(server.ask("postfix warm.example"), WARM);
        server.signal("STOP");
        wait_until("it is stopped", || server.state() == 'T');
        let mut clients: Vec<_> = (0..20)
            .map(|_| Client::connect(&server.socketmap))
            .collect();
        for client in &mut clients {
            client.send(&netstring("postfix warm.example"));
        }
        server.signal("TERM");
        server.signal("CONT");
        for client in &mut clients {
            assert_eq!(client.reply().as_deref(), Some(WARM));
            assert_eq!(client.reply(), None);
        }
        server.wait();
    }
}

/// What systemd has of a server: its sockets.
struct Sockets {
    tcp: TcpListener,
    unix: UnixListener,
    address: String,
    http: String,
}

impl Sockets {
    /// Sockets for the server in this directory, which gets a configuration.
    fn new(dir: &Path, lab: &Lab) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let (default, http) = configure(dir, lab, "", "");
        let address = tcp.local_addr().unwrap().to_string();
        reconfigure(dir, &default, &address);
        let unix = UnixListener::bind(&http).unwrap();
        Self {
            tcp,
            unix,
            address,
            http,
        }
    }

    fn start(&self, dir: tempfile::TempDir) -> Server {
        let sockets = [
            self.tcp.try_clone().unwrap().into(),
            self.unix.try_clone().unwrap().into(),
        ];
        let command = activated(dir.path(), sockets);
        let (address, http) = (self.address.clone(), self.http.clone());
        Server::launch(dir, address, http, command, " ready")
    }
}

#[test]
fn with_sockets_of_systemd_a_restart_loses_no_answer() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let sockets = Sockets::new(dir.path(), &lab);
    while_hammered(&sockets.address, || {
        let mut server = sockets.start(dir);
        for _ in 0..6 {
            assert_eq!(server.ask("postfix warm.example"), WARM);
            assert_eq!(server.get("/healthz").0, 200);
            server.signal("TERM");
            assert_eq!(server.wait().code(), Some(0));
            server = sockets.start(server.ended());
        }
        server
    });
}

#[test]
fn with_sockets_of_systemd_who_comes_while_a_server_ends_waits_for_the_next() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let sockets = Sockets::new(dir.path(), &lab);
    reconfigure(dir.path(), "[network]", "[network]\nfetch_timeout = \"3s\"");
    let mut early = Client::connect(&sockets.address);
    early.send(&netstring("postfix warm.example"));
    let mut server = sockets.start(dir);
    assert_eq!(early.reply().as_deref(), Some(WARM));
    // A look-up that takes its time keeps the server from ending.
    early.send(&netstring("postfix stalled.example"));
    lab.wait("https", 1, PATIENCE, "host=mta-sts.stalled.example")
        .unwrap();
    server.signal("TERM");
    server.wait_for_log("ending");
    let mut late = Client::connect(&sockets.address);
    late.send(&netstring("postfix warm.example"));
    server.wait();
    let _next = sockets.start(server.ended());
    assert_eq!(late.reply().as_deref(), Some(WARM));
}

#[test]
fn a_socket_of_systemd_that_is_not_configured_is_an_error() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (_, http) = configure(dir.path(), &lab, "", "");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = UnixListener::bind(&http).unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let output = activated(dir.path(), [tcp.into(), unix.into()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains(&format!("the socket {address}")),
        "{message}"
    );
    assert!(message.contains("[[listen]]"), "{message}");
}

#[test]
fn systemd_is_told_what_goes_on() {
    let lab = Lab::start(SCENE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (socketmap, http) = configure(dir.path(), &lab, "", "");
    let mut server = Server::spawn(dir, socketmap, http, |command| {
        command
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "200000")
    });
    let next = || {
        let mut buffer = [0; 4_096];
        let read = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..read].to_vec()).unwrap()
    };
    let next_but_watchdog = || loop {
        let message = next();
        if message != "WATCHDOG=1\n" {
            return message;
        }
    };
    assert_eq!(next(), "READY=1\n"); // nothing before it
    (0..5).for_each(|_| assert_eq!(next(), "WATCHDOG=1\n"));
    server.reload();
    let reloading = next_but_watchdog();
    let since = reloading
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap();
    assert!(since.trim_end().parse::<u64>().unwrap() > 0);
    assert_eq!(next_but_watchdog(), "READY=1\n");
    server.reconfigure("[network]", "[netwrok]");
    server.signal("HUP");
    assert!(next_but_watchdog().starts_with("RELOADING=1\n"));
    assert_eq!(next_but_watchdog(), "READY=1\n"); // with the old configuration
    server.signal("TERM");
    assert_eq!(next_but_watchdog(), "STOPPING=1\n");
    server.wait();
}

#[test]
fn a_socket_that_is_taken_is_not_taken_away() {
    let lab = Lab::start(SCENE).unwrap();
    let mut server = Server::start(&lab, "", "");
    assert_eq!(server.ask("postfix warm.example"), WARM);
    let start = |dir: &Path| mtasts(&["serve", "--config", text(&dir.join("mtasts.toml"))]);
    let (status, _, err) = start(server.dir.path());
    assert_eq!(status, 1);
    let expected = format!(
        "cannot listen on {}: Address already in use",
        server.socketmap
    );
    assert!(err.contains(&expected), "{err}");
    let free = format!("127.0.0.1:{}", serve_world::free_port());
    server.reconfigure(&server.socketmap, &free);
    let (status, _, err) = start(server.dir.path());
    assert_eq!(status, 1);
    let expected = format!(
        "cannot listen on {}: a server listens there already",
        server.http
    );
    assert!(err.contains(&expected), "{err}");
    assert_eq!(server.get("/healthz").0, 200);
    assert_eq!(server.ask("postfix warm.example"), WARM);
    server.reconfigure(&free, &server.socketmap);
    // What a server leaves behind that was killed is no obstacle.
    server.signal("KILL");
    server.wait();
    assert!(server.path("http").exists());
    let (socketmap, http) = (server.socketmap.clone(), server.http.clone());
    let server = Server::spawn(server.ended(), socketmap, http, |command| command);
    assert_eq!(server.get("/healthz").0, 200);
    let dir = server.end("TERM");
    // A file is nothing that a server has left behind.
    fs::remove_file(dir.path().join("http")).unwrap();
    fs::write(dir.path().join("http"), "mine").unwrap();
    let (status, _, err) = start(dir.path());
    assert_eq!(status, 1);
    assert!(err.contains("there is a file, no socket"), "{err}");
    assert_eq!(fs::read(dir.path().join("http")).unwrap(), b"mine");
}
