// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starts all servers of a lab and says where they are.

use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpSocket, UdpSocket, UnixListener},
    sync::watch,
};

use crate::{
    ca::Ca,
    control::{self, Control},
    dns,
    error::Error,
    https, scene,
    shared::{Shared, accept},
    smtp,
    world::World,
};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How often a port number that some address lacks is replaced by another.
const TRIES: usize = 100;

/// The ports to use; 0 leaves the choice to the lab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// DNS, UDP and TCP.
    pub dns: u16,
    /// All policy hosts.
    pub https: u16,
    /// All mail hosts.
    pub smtp: u16,
}

/// Where a running lab is; the contents of `lab.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The DNS server, UDP and TCP.
    pub dns: SocketAddr,
    /// The port of all policy hosts.
    pub https_port: u16,
    /// The port of all mail hosts.
    pub smtp_port: u16,
    /// The certificate to trust, in PEM.
    pub ca_file: PathBuf,
    /// The control socket.
    pub control: PathBuf,
}

/// Runs a lab in the folder `dir` until `stop` becomes true. `ready` is called when all servers
/// listen and `lab.json` is there.
pub async fn run(
    text: &str,
    dir: &Path,
    ports: Ports,
    stop: watch::Sender<bool>,
    ready: impl FnOnce(Info),
) -> Result<(), Error> {
    let world = scene::load(text)?;
    let dir = std::path::absolute(dir)?;
    fs::create_dir_all(&dir)?;
    for name in ["control", "lab.env", "lab.json"] {
        remove(&dir.join(name))?;
    }
    let mut watch = stop.subscribe();
    let dns = bind_dns(ports.dns).await?;
    let https = bind_everywhere(&world.defaults.https_listen, ports.https).await?;
    let smtp = reserve(&world, ports.smtp).await?;
    let info = info(&dir, &dns, &https, smtp.port)?;
    let lab = Arc::new(Shared::new(world, Ca::new()?, info.https_port));
    write_authorities(&lab, &dir)?;
    serve_dns(&lab, dns);
    serve_https(&lab, https);
    let sinks = Arc::new(Sinks::new(Arc::clone(&lab), smtp));
    sinks.open()?;
    serve_control(Control { lab, sinks, stop }, &info.control)?;
    write_info(&dir, &info)?;
    ready(info);
    // Whoever holds the sender may also just go away.
    _ = watch.wait_for(|stop| *stop).await;
    Ok(())
}

/// Removes what an earlier lab left in the folder.
fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn info(
    dir: &Path,
    dns: &(UdpSocket, TcpListener),
    https: &[TcpListener],
    smtp_port: u16,
) -> Result<Info, Error> {
    let first = https
        .first()
        .ok_or_else(|| Error::new("https_listen is empty"))?;
    Ok(Info {
        dns: dns.1.local_addr()?,
        https_port: first.local_addr()?.port(),
        smtp_port,
        ca_file: dir.join("ca.pem"),
        control: dir.join("control"),
    })
}

/// Tries `bind` until it succeeds, if the port is for the lab to choose.
async fn retry<T>(port: u16, bind: impl AsyncFn(u16) -> std::io::Result<T>) -> Result<T, Error> {
    let mut result = bind(port).await;
    for _ in 0..TRIES {
        if port != 0 || result.is_ok() {
            break;
        }
        result = bind(port).await;
    }
    Ok(result?)
}

async fn bind_dns(port: u16) -> Result<(UdpSocket, TcpListener), Error> {
    retry(port, async |port| {
        let tcp = TcpListener::bind((LOOPBACK, port)).await?;
        let udp = UdpSocket::bind(tcp.local_addr()?).await?;
        Ok((udp, tcp))
    })
    .await
}

async fn bind_everywhere(addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, Error> {
    retry(port, async |port| {
        let mut listeners: Vec<TcpListener> = Vec::new();
        for address in addresses {
            let port = match listeners.first() {
                Some(first) => first.local_addr()?.port(),
                None => port,
            };
            listeners.push(TcpListener::bind((*address, port)).await?);
        }
        Ok(listeners)
    })
    .await
}

/// A port number for the mail hosts, and the sockets that hold it.
struct Reserved {
    port: u16,
    listeners: Vec<(String, TcpListener)>,
    /// Bound but not listening, so that another lab does not choose this number.
    _hold: Option<TcpSocket>,
}

async fn reserve(world: &World, port: u16) -> Result<Reserved, Error> {
    retry(port, async |port| {
        let mut hold = None;
        let mut chosen = port;
        if port == 0 {
            let socket = TcpSocket::new_v4()?;
            socket.bind((LOOPBACK, 0).into())?;
            chosen = socket.local_addr()?.port();
            hold = Some(socket);
        }
        let mut listeners = Vec::new();
        for (host, address) in world.sinks() {
            listeners.push((host, listen((address, chosen).into())?));
        }
        Ok(Reserved {
            port: chosen,
            listeners,
            _hold: hold,
        })
    })
    .await
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// The listeners of the mail hosts.
pub struct Sinks {
    lab: Arc<Shared>,
    reserved: Mutex<Reserved>,
    port: u16,
    open: Mutex<HashSet<String>>,
}

impl Sinks {
    fn new(lab: Arc<Shared>, reserved: Reserved) -> Self {
        let port = reserved.port;
        Self {
            lab,
            reserved: Mutex::new(reserved),
            port,
            open: Mutex::default(),
        }
    }

    /// Listens for the mail hosts that do not yet.
    pub fn open(&self) -> Result<(), Error> {
        for (host, listener) in self.bound() {
            self.start(host, listener);
        }
        let wanted = self.lab.world().sinks();
        for (host, address) in wanted.into_iter().filter(|(host, _)| !self.is_open(host)) {
            let listener = listen((address, self.port).into())?;
            self.start(host, listener);
        }
        Ok(())
    }

    fn bound(&self) -> Vec<(String, TcpListener)> {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut reserved.listeners)
    }

    fn is_open(&self, host: &str) -> bool {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(host)
    }

    fn start(&self, host: String, listener: TcpListener) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host.clone());
        let lab = Arc::clone(&self.lab);
        tokio::spawn(accept(listener, move |stream, peer| {
            smtp::serve(Arc::clone(&lab), host.clone(), stream, peer)
        }));
    }
}

fn serve_dns(lab: &Arc<Shared>, (udp, tcp): (UdpSocket, TcpListener)) {
    tokio::spawn(dns::udp(Arc::clone(lab), udp));
    let lab = Arc::clone(lab);
    tokio::spawn(accept(tcp, move |stream, _| {
        dns::tcp(Arc::clone(&lab), stream)
    }));
}

fn serve_https(lab: &Arc<Shared>, listeners: Vec<TcpListener>) {
    for listener in listeners {
        let lab = Arc::clone(lab);
        tokio::spawn(accept(listener, move |stream, peer| {
            https::serve(Arc::clone(&lab), stream, peer)
        }));
    }
}

fn serve_control(control: Control, path: &Path) -> Result<(), Error> {
    let listener = UnixListener::bind(path)?;
    tokio::spawn(control::accept(control, listener));
    Ok(())
}

fn write_authorities(lab: &Shared, dir: &Path) -> Result<(), Error> {
    fs::write(dir.join("ca.pem"), lab.ca.trusted_pem())?;
    fs::write(dir.join("untrusted.pem"), lab.ca.untrusted_pem())?;
    Ok(())
}

/// Writes `lab.env`, then `lab.json`, so that nobody sees half of either.
fn write_info(dir: &Path, info: &Info) -> Result<(), Error> {
    let env = format!(
        "MTASTS_LAB_DNS={}\nMTASTS_LAB_HTTPS_PORT={}\nMTASTS_LAB_SMTP_PORT={}\n\
         MTASTS_LAB_CA={}\nMTASTS_LAB_CONTROL={}\n",
        info.dns,
        info.https_port,
        info.smtp_port,
        shell(&info.ca_file),
        shell(&info.control)
    );
    write_whole(&dir.join("lab.env"), &env)?;
    write_whole(
        &dir.join("lab.json"),
        &(serde_json::to_string(info)? + "\n"),
    )
}

fn shell(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn write_whole(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    fs::write(&part, text)?;
    Ok(fs::rename(part, path)?)
}
