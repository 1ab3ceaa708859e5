// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve` as a process of its own.

use crate::Outcome;
use crate::client::{Places, get};
use mtasts_lab::Lab;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    child: Child,
    pub places: Places,
}

/// Short limits, so that a fault that answers nothing is over soon; refreshes as often as they
/// may be.
const TABLES: &str = "dns_timeout = \"500ms\"\nconnect_timeout = \"500ms\"\n\
    fetch_timeout = \"1s\"\n[cache]\nrefresh_after = \"5m\"\n[log]\nlevel = \"error\"\n";

impl Server {
    /// Starts one on `FOLDER/store`, which asks `lab`, or nobody.
    pub fn start(program: &Path, folder: &Path, lab: Option<&Lab>) -> Outcome<Self> {
        let places = Places {
            socketmap: format!("127.0.0.1:{}", free_port()?),
            readsocket: folder.join("readsocket"),
            http: folder.join("http"),
        };
        let config = folder.join("mtasts.toml");
        fs::create_dir_all(folder.join("store"))?;
        fs::write(&config, configuration(folder, &places, lab)?)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(config);
        let child = command.stdin(Stdio::null()).stderr(log).spawn()?;
        let mut server = Self { child, places };
        server.wait()?;
        Ok(server)
    }

    /// Until it has read its store.
    fn wait(&mut self) -> Outcome<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            let page = get(&self.places.http, "/healthz");
            if page.is_ok_and(|(status, _)| status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the server does not start".into())
    }

    pub fn is_alive(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path, places: &Places, lab: Option<&Lab>) -> Outcome<String> {
    let network = match lab {
        Some(lab) => format!(
            "nameservers = [\"{}\"]\nca_file = \"{}\"\nhttps_port = {}\nallow_non_global = true\n",
            lab.dns(),
            lab.ca_file().display(),
            lab.https_port()
        ),
        None => format!("nameservers = [\"127.0.0.1:{}\"]\n", free_port()?),
    };
    let listen = |kind: &str, address: String| {
        format!("[[listen]]\ntype = \"{kind}\"\naddress = \"{address}\"\n")
    };
    let shown = |path: &PathBuf| path.display().to_string();
    Ok(format!(
        "store = \"{}\"\n[network]\n{network}{TABLES}{}{}{}",
        folder.join("store").display(),
        listen("socketmap", places.socketmap.clone()),
        listen("readsocket", shown(&places.readsocket)),
        listen("http", shown(&places.http)),
    ))
}

/// A port that nothing has.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The program of this name beside this one.
pub fn beside(name: &str) -> Outcome<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.with_file_name(name);
    match beside.is_file() {
        true => Ok(beside),
        false => Err(format!("no {}: build it", beside.display()).into()),
    }
}
