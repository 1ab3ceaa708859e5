// SPDX-License-Identifier: MIT OR Apache-2.0
//! A lab for Rust tests: in this process, on a thread of its own, or as the program `lab`. It
//! ends when it is dropped.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{
    error::Error,
    run::{Info, Ports, run},
};

/// Where a scene comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scene {
    /// TOML.
    Text(String),
    /// A file of TOML.
    File(PathBuf),
}

impl From<&str> for Scene {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scene {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Path> for Scene {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl Scene {
    fn text(self) -> Result<String, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::File(path) => Ok(fs::read_to_string(path)?),
        }
    }
}

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    info: Info,
    life: Life,
    dir: TempDir,
}

/// What keeps a lab running.
#[derive(Debug)]
enum Life {
    Thread {
        stop: watch::Sender<bool>,
        thread: Option<JoinHandle<()>>,
    },
    Process(Child),
}

impl Lab {
    /// Starts a lab in this process.
    pub fn start(scene: impl Into<Scene>) -> Result<Self, Error> {
        let text = scene.into().text()?;
        let dir = folder()?;
        let path = dir.path().to_owned();
        let stop = watch::Sender::new(false);
        let (sender, receiver) = mpsc::channel();
        let stopper = stop.clone();
        let thread = thread::spawn(move || live(&text, &path, stopper, &sender));
        let info = receiver
            .recv()
            .map_err(|_| Error::new("the lab ended before it began"))??;
        Ok(Self {
            info,
            life: Life::Thread {
                stop,
                thread: Some(thread),
            },
            dir,
        })
    }

    /// Starts the program `lab`: the one that `MTASTS_LAB_BIN` names, or the one beside the
    /// running program or above it.
    pub fn spawn(scene: impl Into<Scene>) -> Result<Self, Error> {
        let dir = folder()?;
        let scene_file = dir.path().join("scene.toml");
        fs::write(&scene_file, scene.into().text()?)?;
        let mut command = Command::new(program()?);
        command
            .arg("run")
            .arg(&scene_file)
            .arg(dir.path())
            .arg("--until-eof");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let info = await_ready(&mut child, dir.path());
        // From here on, dropping the lab ends the child.
        let mut lab = Self {
            info: placeholder(),
            life: Life::Process(child),
            dir,
        };
        lab.info = info?;
        Ok(lab)
    }

    /// Where the servers are.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The DNS server.
    pub fn dns(&self) -> SocketAddr {
        self.info.dns
    }

    /// The port of all policy hosts.
    pub fn https_port(&self) -> u16 {
        self.info.https_port
    }

    /// The port of all mail hosts.
    pub fn smtp_port(&self) -> u16 {
        self.info.smtp_port
    }

    /// The certificate to trust, in PEM.
    pub fn ca_file(&self) -> &Path {
        &self.info.ca_file
    }

    /// The control socket.
    pub fn control(&self) -> &Path {
        &self.info.control
    }

    /// The lab's folder, which ends with it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Sends a line to the control channel. A reply that is an error is returned as one.
    pub fn ctl(&self, line: &str) -> Result<Value, Error> {
        control(&self.info.control, line)
    }

    /// Sets keys of a domain or a mail host, `"https=drip ttl=1"`.
    pub fn set(&self, name: &str, pairs: &str) -> Result<(), Error> {
        self.ctl(&format!("set {name} {pairs}")).map(drop)
    }

    /// Brings everything back to the scene.
    pub fn reset(&self) -> Result<(), Error> {
        self.ctl("reset").map(drop)
    }

    /// Everything that happened.
    pub fn events(&self) -> Result<Vec<Value>, Error> {
        self.ctl("events").map(array)
    }

    /// How many events of a kind happened; `filter` is `"FIELD=TEXT FIELD~TEXT…"` or empty.
    pub fn count(&self, kind: &str, filter: &str) -> Result<u64, Error> {
        let reply = self.ctl(&format!("count {kind} {filter}"))?;
        reply
            .as_u64()
            .ok_or_else(|| Error::new(format!("`{reply}` is not a count")))
    }

    /// Waits until `wanted` events of a kind have happened and returns all that match.
    pub fn wait(
        &self,
        kind: &str,
        wanted: usize,
        limit: Duration,
        filter: &str,
    ) -> Result<Vec<Value>, Error> {
        self.ctl(&format!(
            "wait {kind} {wanted} {} {filter}",
            limit.as_millis()
        ))
        .map(array)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        match &mut self.life {
            Life::Thread { stop, thread } => {
                stop.send_replace(true);
                // A lab that panicked has said so; there is nobody left to tell.
                _ = thread.take().map(JoinHandle::join);
            }
            Life::Process(child) => {
                _ = child.kill();
                _ = child.wait();
            }
        }
    }
}

/// Sends a line to the control channel at `path`. A reply that is an error is returned as one.
pub fn control(path: &Path, line: &str) -> Result<Value, Error> {
    let reply = request(path, line)?;
    match reply.get("error").and_then(Value::as_str) {
        Some(error) => Err(Error::new(error)),
        None => Ok(reply),
    }
}

/// Sends a line to the control channel at `path` and returns the reply, whatever it says.
pub fn request(path: &Path, line: &str) -> Result<Value, Error> {
    let mut stream = UnixStream::connect(path)?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(serde_json::from_str(&reply)?)
}

/// Runs `future` on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

fn live(
    text: &str,
    dir: &Path,
    stop: watch::Sender<bool>,
    sender: &mpsc::Sender<Result<Info, Error>>,
) {
    // The receiver is gone only if nobody wants the lab any more.
    let ready = |info| _ = sender.send(Ok(info));
    let ended = block_on(run(text, dir, Ports::default(), stop, ready));
    if let Err(error) = ended.and_then(|ended| ended) {
        _ = sender.send(Err(error));
    }
}

fn folder() -> Result<TempDir, Error> {
    Ok(tempfile::Builder::new().prefix("mtasts-lab-").tempdir()?)
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => vec![other],
    }
}

fn program() -> Result<PathBuf, Error> {
    if let Some(path) = env::var_os("MTASTS_LAB_BIN") {
        return Ok(path.into());
    }
    let own = env::current_exe()?;
    let found = own
        .ancestors()
        .skip(1)
        .take(3)
        .map(|dir| dir.join("lab"))
        .find(|p| p.is_file());
    found.ok_or_else(|| Error::new("no `lab` beside this program: build it or set MTASTS_LAB_BIN"))
}

fn await_ready(child: &mut Child, dir: &Path) -> Result<Info, Error> {
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| Error::new("the lab has no output"))?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    if line != "ready\n" {
        return Err(Error::new(
            "the lab did not start; it says why on standard error",
        ));
    }
    Ok(serde_json::from_str(&fs::read_to_string(
        dir.join("lab.json"),
    )?)?)
}

fn placeholder() -> Info {
    Info {
        dns: SocketAddr::from(([0; 4], 0)),
        https_port: 0,
        smtp_port: 0,
        ca_file: PathBuf::new(),
        control: PathBuf::new(),
    }
}
