// SPDX-License-Identifier: MIT OR Apache-2.0

//! A running `mtasts serve` beside a lab, and clients of it.

#![allow(dead_code)] // each test file uses some of it

use mtasts_lab::Lab;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The policy server as a process. It ends when this is dropped.
pub struct Server {
    child: Child,
    pub dir: tempfile::TempDir,
    /// TCP ports and sockets, as [`Server::start`] puts them into the configuration.
    pub socketmap: String,
    pub http: String,
    log: Mutex<Receiver<String>>,
    /// What has been logged, and how much of it a test has waited for.
    seen: Vec<String>,
    passed: usize,
}

/// The part of a configuration that has the server ask this lab.
pub fn network(lab: &Lab) -> String {
    format!(
        "[network]\nnameservers = [\"{}\"]\nca_file = \"{}\"\nhttps_port = {}\n\
         allow_non_global = true\n",
        lab.dns(),
        lab.ca_file().display(),
        lab.https_port(),
    )
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Writes `DIR/mtasts.toml`; gives where its socketmap and HTTP listeners will be. `top`: keys
/// before the first table. `tables`: what comes after the two listeners.
pub fn configure(dir: &Path, lab: &Lab, top: &str, tables: &str) -> (String, String) {
    configure_on(dir, &network(lab), top, tables)
}

fn configure_on(dir: &Path, network: &str, top: &str, tables: &str) -> (String, String) {
    let folder = dir.join("store");
    fs::create_dir_all(&folder).unwrap();
    let store = if top.contains("store =") {
        String::new()
    } else {
        format!("store = \"{}\"\n", folder.display())
    };
    let socketmap = format!("127.0.0.1:{}", free_port());
    let http = dir.join("http").display().to_string();
    let config = format!(
        "{store}control = \"{0}/control\"\n{top}\n{1}\n[[listen]]\ntype = \"socketmap\"\n\
         address = \"{socketmap}\"\n[[listen]]\ntype = \"http\"\naddress = \"{http}\"\n{tables}\n",
        dir.display(),
        network,
    );
    fs::write(dir.join("mtasts.toml"), config).unwrap();
    (socketmap, http)
}

/// Rewrites `DIR/mtasts.toml`.
pub fn reconfigure(dir: &Path, from: &str, to: &str) {
    let file = dir.join("mtasts.toml");
    let config = fs::read_to_string(&file).unwrap();
    assert!(config.contains(from), "{config}");
    fs::write(file, config.replacen(from, to, 1)).unwrap();
}

impl Server {
    /// Starts a server with a store of its own (`DIR/store`), a control socket (`DIR/control`), a
    /// socketmap and an HTTP listener, and `top`, keys before the first table, and `tables`.
    pub fn start(lab: &Lab, top: &str, tables: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), lab, top, tables)
    }

    /// The same in a directory that is there, with the store of an earlier server for instance.
    pub fn start_in(dir: tempfile::TempDir, lab: &Lab, top: &str, tables: &str) -> Self {
        Self::start_on(dir, &network(lab), top, tables)
    }

    /// The same with another `[network]`.
    pub fn start_on(dir: tempfile::TempDir, network: &str, top: &str, tables: &str) -> Self {
        let (socketmap, http) = configure_on(dir.path(), network, top, tables);
        Self::spawn(dir, socketmap, http, |command| command)
    }

    /// Starts `mtasts serve` on `DIR/mtasts.toml` and waits until it is ready.
    pub fn spawn(
        dir: tempfile::TempDir,
        socketmap: String,
        http: String,
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mtasts"));
        command
            .arg("serve")
            .arg("--config")
            .arg(dir.path().join("mtasts.toml"));
        prepare(&mut command);
        Self::launch(dir, socketmap, http, command, " ready")
    }

    /// Starts this command, which is to become `mtasts serve`, and waits until the log has `words`.
    pub fn launch(
        dir: tempfile::TempDir,
        socketmap: String,
        http: String,
        mut command: Command,
        words: &str,
    ) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut server = Self {
            child,
            dir,
            socketmap,
            http,
            log: log.into(),
            seen: Vec::new(),
            passed: 0,
        };
        server.wait_for_log(words);
        // What is done beside the start may have been logged before these words.
        server.passed = 0;
        server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line in the log that contains `words`, from the last one waited for on.
    pub fn wait_for_log(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            while let Some(line) = self.seen.get(self.passed) {
                self.passed += 1;
                if line.contains(words) {
                    return line.clone();
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.log.get_mut().unwrap().recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no {words:?} in the log:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Everything that has been logged so far.
    pub fn logged(&mut self) -> String {
        self.seen.extend(self.log.get_mut().unwrap().try_iter());
        self.seen.join("\n")
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::yield_now();
        }
        panic!("still there:\n{}", self.logged());
    }

    /// Ends the server and gives its directory, for the next one.
    pub fn end(self, signal: &str) -> tempfile::TempDir {
        self.signal(signal);
        self.ended()
    }

    /// The directory of a server that ends by itself, for the next one.
    pub fn ended(mut self) -> tempfile::TempDir {
        self.wait();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    /// The reply to one socketmap request, such as `postfix example.com`.
    pub fn ask(&self, request: &str) -> String {
        Client::connect(&self.socketmap).ask(request)
    }

    /// The status and body of `GET path`.
    pub fn get(&self, path: &str) -> (u16, String) {
        http(&self.http, "GET", path)
    }

    /// One line of `/metrics`: the value of `name`, labels included.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Writes `to` instead of `from` into the configuration, once.
    pub fn reconfigure(&self, from: &str, to: &str) {
        reconfigure(self.dir.path(), from, to);
    }

    /// Has the configuration reread, and waits until that is done.
    pub fn reload(&mut self) {
        self.signal("HUP");
        self.wait_for_log("reloaded");
    }

    /// A number of kilobytes in `/proc/PID/status`.
    pub fn kilobytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.unwrap().trim_matches(|c: char| !c.is_ascii_digit());
        number.parse().unwrap()
    }

    /// The state in `/proc/PID/stat`: `T` when stopped.
    pub fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest.chars().next().unwrap()
    }

    /// How many descriptors are open.
    pub fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.pid()));
        open.unwrap().count()
    }

    /// Waits until a metric has this value.
    pub fn wait_for_metric(&self, name: &str, value: f64) {
        let end = Instant::now() + PATIENCE;
        while self.metric(name) != value {
            assert!(
                Instant::now() < end,
                "{name} is {}, not {value}",
                self.metric(name)
            );
        }
    }

    /// `GET /v1/policy` as JSON.
    pub fn policy(&self, domain: &str) -> Value {
        let (status, body) = self.get(&format!("/v1/policy?domain={domain}"));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Anything that can be spoken over.
pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// `ADDRESS:PORT` or a path.
pub fn connect(address: &str) -> Box<dyn Stream> {
    if address.starts_with('/') {
        let stream = UnixStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        return Box::new(stream);
    }
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Box::new(stream)
}

/// A client of a socketmap listener.
pub struct Client(BufReader<Box<dyn Stream>>);

impl Client {
    pub fn connect(address: &str) -> Self {
        Self(BufReader::new(connect(address)))
    }

    pub fn ask(&mut self, request: &str) -> String {
        self.send(&netstring(request));
        self.reply().unwrap()
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.0.get_mut().write_all(octets).unwrap();
    }

    /// Sends a request; `false`: the server is gone.
    pub fn try_send(&mut self, request: &str) -> bool {
        self.0.get_mut().write_all(&netstring(request)).is_ok()
    }

    /// The next reply; `None`: the server has closed the connection.
    pub fn reply(&mut self) -> Option<String> {
        let mut length = Vec::new();
        self.0.read_until(b':', &mut length).ok()?;
        let length: usize = std::str::from_utf8(length.strip_suffix(b":")?)
            .ok()?
            .parse()
            .ok()?;
        let mut reply = vec![0; length + 1];
        self.0.read_exact(&mut reply).ok()?;
        assert_eq!(reply.pop(), Some(b','));
        Some(String::from_utf8(reply).unwrap())
    }
}

pub fn netstring(text: &str) -> Vec<u8> {
    format!("{}:{text},", text.len()).into_bytes()
}

/// One HTTP request over a connection of its own.
pub fn http(address: &str, method: &str, path: &str) -> (u16, String) {
    let mut stream = connect(address);
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

/// Runs `mtasts` with these arguments: status, standard output, standard error.
pub fn mtasts(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_mtasts"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Waits until `holds`, which may take as long as anything here.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not before the time was over: {what}");
        thread::yield_now();
    }
}

/// The answer of a server to one line over a connection of its own, as `${readsocket}` asks.
pub fn readsocket(address: &str, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).unwrap();
    reply
}

/// The path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
