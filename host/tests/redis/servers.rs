// SPDX-License-Identifier: MIT OR Apache-2.0

//! Redis servers for the tests, each at an address of its own in 127.0.0.0/8, so that none takes
//! another one's port. They end with the test.

#![expect(unsafe_code, reason = "kills its servers")]

use std::fs::{self, File};
use std::future::Future;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What takes longer has failed.
pub const LONG: Duration = Duration::from_secs(20);

pub struct Server {
    child: Child,
    dir: TempDir,
    args: Vec<String>,
    pub address: Ipv4Addr,
}

impl Server {
    /// Starts one with these lines of configuration, and waits until it answers.
    pub fn start(lines: &[&str]) -> Self {
        Self::run(next_address(), "redis-server", lines, &[])
    }

    /// A server with a certificate, in PEM, and no other port.
    pub fn start_tls(address: Ipv4Addr, pem: &str, ca: &str, lines: &[&str]) -> Self {
        let mut all = vec![
            "port 0",
            "tls-port 6379",
            "tls-cert-file own.pem",
            "tls-key-file own.pem",
            "tls-ca-cert-file ca.pem",
            "tls-auth-clients no",
        ];
        all.extend(lines);
        Self::run(
            address,
            "redis-server",
            &all,
            &[("own.pem", pem), ("ca.pem", ca)],
        )
    }

    pub fn start_sentinel(lines: &[&str]) -> Self {
        Self::run(next_address(), "redis-sentinel", lines, &[])
    }

    fn run(address: Ipv4Addr, program: &str, lines: &[&str], files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let mut text = format!("bind {address}\nport 6379\nsave \"\"\n");
        if program == "redis-sentinel" {
            text = format!("bind {address}\nport 26379\n");
        }
        text += &lines.join("\n").replace("ADDRESS", &address.to_string());
        fs::write(dir.path().join("conf"), text + "\n").unwrap();
        let args = vec![program.to_owned(), "conf".to_owned()];
        let child = spawn(&args, dir.path());
        let server = Self {
            child,
            dir,
            args,
            address,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        wait_for("the server answers", || {
            let answer = self.cli(&["ping"]);
            answer.contains("PONG") || answer.contains("NOAUTH")
        });
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after [`Server::kill`].
    pub fn restart(&mut self) {
        self.child = spawn(&self.args, self.dir.path());
        self.wait();
    }

    /// Stops it, so that it keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
    }

    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a system call without pointers, to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Runs a command in it and gives the answer, or the error.
    pub fn cli(&self, command: &[&str]) -> String {
        let port = match self.args[0].as_str() {
            "redis-sentinel" => "26379",
            _ => "6379",
        };
        let mut cli = Command::new("redis-cli");
        cli.args(["-h", &self.address.to_string(), "-p", port]);
        let ca = self.dir.path().join("ca.pem");
        if ca.exists() {
            cli.arg("--tls").arg("--insecure").arg("--cacert").arg(ca);
        }
        let output = cli.args(command).stderr(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// How many keys it has.
    pub fn size(&self) -> usize {
        self.cli(&["dbsize"]).parse().unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(args: &[String], dir: &Path) -> Child {
    let log = File::create(dir.join("log")).unwrap();
    let mut command = Command::new(&args[0]);
    command
        .args(&args[1..])
        .current_dir(dir)
        .stdin(Stdio::null());
    let child = command.stderr(log.try_clone().unwrap()).stdout(log).spawn();
    child.unwrap_or_else(|error| panic!("{} (see tools/setup.sh): {error}", args[0]))
}

/// An address that no other server of this machine has: 127, then 16 bits of the process, then
/// the number of the server.
pub fn next_address() -> Ipv4Addr {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    assert!(number < 255, "more servers than addresses");
    Ipv4Addr::from(0x7f00_0000 | (std::process::id() & 0xffff) << 8 | number)
}

/// Waits until `is_so`.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Repeats `work` until it succeeds.
pub async fn until_ok<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    mut work: impl FnMut() -> F,
) -> T {
    let begun = Instant::now();
    loop {
        match work().await {
            Ok(value) => return value,
            Err(error) => assert!(begun.elapsed() < LONG, "still: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
