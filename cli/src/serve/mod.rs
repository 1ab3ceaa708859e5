// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve`: the policy server for mail servers without MTA-STS of their own.
//!
//! One thread answers, from memory where it can; others drive the engine and ask the network and the
//! store, so that no slow disk and no TLS handshake stands in the way of an answer. The thread that
//! answers has no timers: to set one each time that it waits would be a tenth of what it does.
//!
//! ```text
//! listen ── connection ── socketmap, readsocket, http ── service ── engine
//!                                                            │
//!                                    driver ── host (DNS, HTTPS), store ── saver
//! ```

mod config;
mod connection;
mod control;
mod dane;
mod driver;
mod health;
mod http;
mod lease;
mod listen;
mod log;
mod metrics;
mod name;
mod network;
mod readsocket;
mod reload;
mod request;
mod restore;
mod route;
mod saver;
mod service;
mod socketmap;
mod stop;
mod unsaved;

use crate::store::PolicyStore;
pub use config::Config;
use connection::Register;
use health::Health;
use listen::{Listener, Passed};
use metrics::Metrics;
use mtasts_host::DefaultHost;
use reload::{Reloader, read_local, tell_share};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use saver::Saver;
use sd_notify::NotifyState;
use service::Service;
use std::future::pending;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use stop::Stop;
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tracing::{info, warn};

/// How long connections may take to end when the server stops.
const LINGER: Duration = Duration::from_secs(10);

/// Descriptors for the store, the log and the listeners themselves.
const RESERVED: usize = 128;

/// How often connections are looked through for those that have stalled, at least.
const SWEEP: Duration = Duration::from_secs(10);

/// Answer mail servers that ask for policies
///
/// The policy server for Postfix (socketmap), Exim (readsocket) and everything that speaks HTTP.
/// SIGHUP rereads the configuration, SIGTERM ends it. Exit status: 0 ended as told, 1 cannot run,
/// 2 misuse.
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts serve --config /etc/mtasts/mtasts.toml")]
pub struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = crate::CONFIG)]
    config: PathBuf,
    /// Check the configuration and the files that it names, and end
    #[arg(long)]
    check_config: bool,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let done = match arguments.check_config {
        true => check(arguments),
        false => serve(arguments),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mtasts: {message}");
            ExitCode::FAILURE
        }
    })
}

fn check(arguments: &Arguments) -> Result<(), String> {
    let config = Config::read(&arguments.config)?;
    let local = read_local(config.local_policies.as_deref())?;
    DefaultHost::open(config.host_options()).map_err(|error| error.to_string())?;
    open_store(&config)?;
    local
        .warnings()
        .iter()
        .for_each(|warning| eprintln!("mtasts: warning: {warning}"));
    crate::print(&format!("{}: good", arguments.config.display()))
}

fn open_store(config: &Config) -> Result<Option<PolicyStore>, String> {
    let open = |place: &String| PolicyStore::open(place, config.store_ca_file.as_deref());
    config.store.as_ref().map(open).transpose()
}

fn serve(arguments: &Arguments) -> Result<(), String> {
    let passed = Passed::take();
    let config = Config::read(&arguments.config)?;
    let log = log::begin(&config.log)?;
    let clients = raise_descriptors(&config);
    let no_runtime = |error| format!("cannot start threads: {error}");
    let front = Builder::new_current_thread().enable_io().build();
    let front = front.map_err(no_runtime)?;
    let others = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let others = others.map_err(no_runtime)?;
    let file = arguments.config.clone();
    let answering = front.handle().clone();
    thread::spawn(move || front.block_on(pending::<()>()));
    others.block_on(Server::run(config, file, log, passed, clients, answering))?;
    others.shutdown_background(); // a look-up for nobody
    Ok(())
}

/// As many descriptors as may be; gives how many clients they suffice for, so that clients never
/// take what look-ups need.
fn raise_descriptors(config: &Config) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised); // then as many as there are
    let available = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let available = available.min(Semaphore::MAX_PERMITS as u64) as usize;
    let look_ups = config.network.max_lookups.saturating_mul(3);
    let reserved = look_ups.saturating_add(RESERVED);
    available - reserved.min(available / 2)
}

/// Often enough for the shortest time limit.
fn sweep_period(listens: &[config::Listen]) -> Duration {
    let shortest = listens.iter().map(|listen| listen.idle_timeout).min();
    let half = shortest.map_or(SWEEP, |shortest| shortest / 2);
    half.clamp(Duration::from_secs(1), SWEEP)
}

/// The running server.
struct Server {
    service: Arc<Service>,
    register: Arc<Register>,
    reloader: Reloader,
    /// The local policies may have changed.
    changed: Arc<Notify>,
    driver: JoinHandle<()>,
    sweep: Duration,
    /// The thread that answers.
    front: Handle,
}

impl Server {
    async fn run(
        config: Config,
        file: PathBuf,
        log: log::Control,
        mut passed: Passed,
        clients: usize,
        front: Handle,
    ) -> Result<(), String> {
        let mut listens = config.listen.clone();
        listens.extend(config.control.as_deref().map(config::Listen::control));
        let listeners = open_all(&listens, &mut passed, &front)?;
        let mut signals = Signals::new()?;
        let (service, replies) = start_service(&config, Handle::current())?;
        let driver = tokio::spawn(driver::drive(Arc::clone(&service), replies));
        let (stop, stopped) = Stop::new();
        let sweep = sweep_period(&listens);
        let register = Register::new(clients, sweep, Arc::clone(&service.metrics));
        let accepting: Vec<_> = listeners
            .into_iter()
            .map(|listener| {
                let (service, register) = (Arc::clone(&service), Arc::clone(&register));
                front.spawn(listener.serve(service, register, stopped.clone()))
            })
            .collect();
        if let Some(store) = service.network.store.clone() {
            tokio::spawn(restore::restore(Arc::clone(&service), store));
        }
        tell_limits(&config, &listens, clients);
        let changed = Arc::new(Notify::new());
        let reloader = Reloader::new(
            file,
            config,
            Arc::clone(&service),
            log,
            Arc::clone(&changed),
        );
        let mut server = Self {
            service,
            register,
            reloader,
            changed,
            driver,
            sweep,
            front,
        };
        notify(&[NotifyState::Ready]);
        info!("ready");
        server.until_told(&mut signals).await?;
        notify(&[NotifyState::Stopping]);
        let _ = stop.send(true);
        let end = server.end(accepting);
        tokio::select! {
            () = end => {}
            () = ended(&mut signals.interrupt, &mut signals.terminate) => warn!("ended at once"),
        }
        Ok(())
    }

    /// Does what comes up until it is time to end.
    async fn until_told(&mut self, signals: &mut Signals) -> Result<(), String> {
        let mut sweep = interval(self.sweep);
        let mut alive = interval(watchdog());
        loop {
            tokio::select! {
                () = ended(&mut signals.interrupt, &mut signals.terminate) => return Ok(()),
                // Nothing would be looked up any more.
                _ = &mut self.driver => return Err("this is a bug; see above".to_owned()),
                _ = signals.hangup.recv() => {
                    tell_reloading();
                    self.reloader.reload();
                    notify(&[NotifyState::Ready]);
                }
                () = self.changed.notified() => self.reloader.reread_local_policies(),
                _ = sweep.tick() => self.register.sweep(),
                _ = alive.tick() => self.show_life(),
            }
        }
    }

    /// Tells systemd that the thread that answers lives, if it does.
    fn show_life(&self) {
        self.front.spawn(async { notify(&[NotifyState::Watchdog]) });
    }

    /// Whoever has asked is answered, then everything is saved.
    async fn end(&self, accepting: Vec<JoinHandle<()>>) {
        self.register.stop();
        for task in accepting {
            let _ = timeout(LINGER, task).await; // it may have ended
        }
        info!("ending: no more clients are taken");
        if timeout(LINGER, self.register.wait_until_empty())
            .await
            .is_err()
        {
            warn!("clients were still there");
        }
        if let Some(saver) = &self.service.saver {
            let _ = timeout(LINGER, saver.end()).await; // the log says what was not saved
        }
    }
}

/// Opens all places, for the thread of `front`.
fn open_all(
    listens: &[config::Listen],
    passed: &mut Passed,
    front: &Handle,
) -> Result<Vec<Listener>, String> {
    let _context = front.enter();
    let open = |listen| Listener::open(listen, passed);
    let listeners = listens.iter().map(open).collect::<Result<_, _>>()?;
    passed.check()?;
    Ok(listeners)
}

/// The service, with the way for replies to it.
fn start_service(
    config: &Config,
    others: Handle,
) -> Result<(Arc<Service>, mpsc::UnboundedReceiver<network::Reply>), String> {
    let metrics = Arc::new(Metrics::new());
    let health = Health::new(Arc::clone(&metrics));
    let local = read_local(config.local_policies.as_deref())?;
    let host = DefaultHost::open(config.host_options()).map_err(|error| error.to_string())?;
    let store = open_store(config)?;
    let (sender, replies) = mpsc::unbounded_channel();
    let saver = store.clone().map(|store| {
        let (saver, writer) = Saver::new(store, Arc::clone(&health));
        others.spawn(writer);
        saver
    });
    let network = network::Network::new(host, store, others, sender, config, health);
    let settings = config.engine_settings();
    Ok((
        Service::new(settings, local, network, saver, metrics),
        replies,
    ))
}

/// What an operator should not have to find out.
fn tell_limits(config: &Config, listens: &[config::Listen], clients: usize) {
    tell_share(config);
    if config.store.is_none() {
        warn!("there is no store: after a restart nothing is protected until it is looked up anew");
    }
    let configured = listens.iter().map(|listen| listen.max_connections);
    let configured = configured.fold(0, usize::saturating_add);
    if clients < configured {
        info!(
            clients,
            configured, "descriptors (LimitNOFILE) suffice for fewer clients than max_connections"
        );
    }
}

/// Tells systemd, if that started this process.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states); // nobody listens, as a rule
}

/// systemd wants to know since when, in one message.
fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

/// How often systemd wants a sign of life.
fn watchdog() -> Duration {
    let limit = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero());
    limit.map_or(Duration::from_secs(3_600), |limit| limit / 2)
}

/// The signals that the server understands.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, String> {
        let take = |kind| signal(kind).map_err(|error| format!("signals: {error}"));
        Ok(Self {
            hangup: take(SignalKind::hangup())?,
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
        })
    }
}

async fn ended(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
