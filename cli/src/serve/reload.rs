// SPDX-License-Identifier: MIT OR Apache-2.0

//! What may change while the server runs: on SIGHUP the log's level, what the network is asked
//! with (name servers, trusted roots), what the engine goes by (the share that is enforced) and the
//! local policies; these also when their folder changes (R-APPLY-3). What cannot be read leaves everything as it was.

use super::config::Config;
use super::log;
use super::service::Service;
use futures_util::StreamExt;
use inotify::{EventMask, Inotify, WatchMask};
use mtasts_host::{DefaultHost, LocalPolicies};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

/// Files are written one after the other: this long after the last change they are read.
const SETTLE: Duration = Duration::from_millis(200);

/// However many changes there are, after this long they are read.
const LONGEST_SETTLE: Duration = Duration::from_secs(2);

/// How often a folder that is not there is looked for, and one that is there for being another.
const POLL: Duration = Duration::from_secs(5);

/// Rereads what may change.
pub struct Reloader {
    file: PathBuf,
    /// What the server was started with; some of it holds until it ends.
    started: Config,
    /// What was read last.
    current: Config,
    service: Arc<Service>,
    log: log::Control,
    local: Local,
}

/// The folder of local policies, as it is now.
struct Local {
    folder: Option<PathBuf>,
    changed: Arc<Notify>,
    watch: Option<JoinHandle<()>>,
    /// Whether it could not be read.
    is_bad: bool,
}

impl Reloader {
    /// Also tells `changed` whenever the folder of local policies has changed, which was read
    /// before.
    pub fn new(
        file: PathBuf,
        started: Config,
        service: Arc<Service>,
        log: log::Control,
        changed: Arc<Notify>,
    ) -> Self {
        let mut local = Local {
            folder: None,
            changed,
            watch: None,
            is_bad: false,
        };
        local.watch(started.local_policies.clone());
        Self {
            file,
            current: started.clone(),
            started,
            service,
            log,
            local,
        }
    }

    /// Rereads everything that may change.
    pub fn reload(&mut self) {
        match self.try_reload() {
            Ok(changed) => info!(changed = changed.join(" "), "reloaded"),
            Err(reason) => {
                self.service.metrics.reload_failures.inc();
                error!(reason, "not reloaded; going on as before");
            }
        }
    }

    /// Gives the keys that have changed and count from now on.
    fn try_reload(&mut self) -> Result<Vec<&'static str>, String> {
        let config = Config::read(&self.file)?;
        let mut options = config.host_options();
        options.dane = self.started.network.dane;
        let host = DefaultHost::open(options).map_err(|error| error.to_string())?;
        let policies = read_local(config.local_policies.as_deref())?;
        self.log.set_level(config.log.level);
        self.service.network.set_host(host);
        self.service.engine().configure(config.engine_settings());
        self.service.set_local_policies(policies);
        let keys = self.started.differing_until_restart(&config);
        if !keys.is_empty() {
            warn!(
                keys = keys.join(" "),
                "what has changed here takes a restart"
            );
        }
        tell_share(&config);
        self.local.watch(config.local_policies.clone());
        self.local.is_bad = false;
        let changed = self.current.differing(&config);
        self.current = config;
        Ok(changed)
    }

    /// Rereads the local policies.
    pub fn reread_local_policies(&mut self) {
        match read_local(self.local.folder.as_deref()) {
            Ok(policies) => {
                let len = policies.len();
                let is_new = self.service.set_local_policies(policies);
                if std::mem::take(&mut self.local.is_bad) || is_new {
                    info!(policies = len, "local policies read");
                }
            }
            Err(reason) => {
                self.local.is_bad = true;
                self.service.metrics.reload_failures.inc();
                error!(
                    reason,
                    "local policies not read; going on with those from before"
                );
            }
        }
    }
}

impl Local {
    /// Watches this folder instead of the one from before.
    fn watch(&mut self, folder: Option<PathBuf>) {
        if self.folder == folder {
            return;
        }
        if let Some(old) = self.watch.take() {
            old.abort();
        }
        let changed = Arc::clone(&self.changed);
        let begin = |folder: PathBuf| tokio::spawn(watch(folder, changed));
        self.watch = folder.clone().map(begin);
        self.folder = folder;
    }
}

/// What an operator should not have to find out (R-APPLY-4).
pub fn tell_share(config: &Config) {
    let percent = config.enforce_percent.0;
    if percent < 100 {
        warn!(
            percent,
            "policies of mode enforce are enforced for this share of domains only; \
             the others are not protected"
        );
    }
}

/// Reads the folder, if there is one; what is odd in it goes to the log.
pub fn read_local(folder: Option<&Path>) -> Result<LocalPolicies, String> {
    let Some(folder) = folder else {
        return Ok(LocalPolicies::default());
    };
    let local = LocalPolicies::read(folder).map_err(|error| error.to_string())?;
    local
        .warnings()
        .iter()
        .for_each(|warning| warn!("{warning}"));
    Ok(local)
}

/// Tells `changed` whenever the folder has changed, until the task is ended.
async fn watch(folder: PathBuf, changed: Arc<Notify>) {
    let mut is_missing = false;
    loop {
        match watch_once(&folder, &changed).await {
            Ok(()) => is_missing = false, // another may be in its place
            Err(reason) => {
                if !std::mem::replace(&mut is_missing, true) {
                    warn!(folder = %folder.display(), %reason, "cannot watch the local policies");
                    changed.notify_one();
                }
                sleep(POLL).await;
            }
        }
    }
}

/// Watches this very folder, until it is moved, removed or replaced. What has changed before that
/// is told as well.
async fn watch_once(folder: &Path, changed: &Notify) -> io::Result<()> {
    let inotify = Inotify::init()?;
    let what = WatchMask::CLOSE_WRITE
        | WatchMask::MOVE
        | WatchMask::DELETE
        | WatchMask::CREATE
        | WatchMask::ATTRIB
        | WatchMask::DELETE_SELF
        | WatchMask::MOVE_SELF
        | WatchMask::ONLYDIR;
    inotify.watches().add(folder, what)?;
    let watched = identity(folder)?;
    let mut buffer = [0; 4_096];
    let mut events = inotify.into_event_stream(&mut buffer)?;
    changed.notify_one();
    loop {
        let Ok(first) = timeout(POLL, next(&mut events)).await else {
            // Where it is a symbolic link, that may lead elsewhere by now.
            match identity(folder)? == watched {
                true => continue,
                false => return Ok(()),
            }
        };
        if settle(first?, &mut events).await? {
            return Ok(());
        }
        changed.notify_one();
    }
}

/// Waits for what comes right after the `first` change: a copy of many files is one. Whether the
/// folder is gone.
async fn settle(first: EventMask, events: &mut Events<'_>) -> io::Result<bool> {
    let gone = EventMask::DELETE_SELF | EventMask::MOVE_SELF | EventMask::IGNORED;
    let mut is_gone = first.intersects(gone);
    let end = Instant::now() + LONGEST_SETTLE;
    while Instant::now() < end
        && let Ok(event) = timeout(SETTLE, next(events)).await
    {
        is_gone |= event?.intersects(gone);
    }
    Ok(is_gone)
}

fn identity(folder: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::metadata(folder)?;
    Ok((found.dev(), found.ino()))
}

type Events<'a> = inotify::EventStream<&'a mut [u8; 4_096]>;

async fn next(events: &mut Events<'_>) -> io::Result<EventMask> {
    let event = events.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(event?.mask)
}
