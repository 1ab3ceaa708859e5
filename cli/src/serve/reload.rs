// SPDX-License-Identifier: MIT OR Apache-2.0

//! What may change while the server runs: on SIGHUP the log's level, what the network is asked
//! with (name servers, trusted roots) and the local policies; these also when their folder changes
//! (R-APPLY-3). What cannot be read leaves everything as it was.

use super::config::Config;
use super::log;
use super::service::Service;
use futures_util::StreamExt;
use inotify::{EventMask, Inotify, WatchMask};
use mtasts_host::{DefaultHost, LocalPolicies};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{error, info, warn};

/// Files are written one after the other: this long after the last change they are read.
const SETTLE: Duration = Duration::from_millis(200);

/// How often a folder that is not there is looked for.
const MISSING: Duration = Duration::from_secs(5);

pub struct Reloader {
    pub file: PathBuf,
    pub config: Config,
    pub service: Arc<Service>,
    pub log: log::Control,
}

impl Reloader {
    /// Rereads everything that may change.
    pub fn reload(&mut self) {
        match self.try_reload() {
            Ok(()) => info!("reloaded"),
            Err(reason) => {
                self.service.metrics.reload_failures.inc();
                error!(reason, "not reloaded; going on as before");
            }
        }
    }

    fn try_reload(&mut self) -> Result<(), String> {
        let config = Config::read(&self.file)?;
        let host = DefaultHost::open(config.host_options()).map_err(|error| error.to_string())?;
        let local = read_local(config.local_policies.as_deref())?;
        self.log.set_level(config.log.level);
        self.service.network.set_host(host);
        self.service.set_local_policies(local);
        if self.config.needs_restart(&config) {
            warn!("some of what has changed in the configuration takes a restart");
        }
        self.config = config;
        Ok(())
    }

    /// Rereads the local policies.
    pub fn reread_local_policies(&self) {
        match read_local(self.config.local_policies.as_deref()) {
            Ok(local) => {
                info!(policies = local.len(), "local policies read");
                self.service.set_local_policies(local);
            }
            Err(reason) => {
                self.service.metrics.reload_failures.inc();
                error!(
                    reason,
                    "local policies not read; going on with those from before"
                );
            }
        }
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
pub async fn watch(folder: PathBuf, changed: Arc<Notify>) {
    loop {
        if let Err(reason) = watch_once(&folder, &changed).await {
            warn!(folder = %folder.display(), %reason, "cannot watch the local policies");
        }
        sleep(MISSING).await;
        changed.notify_one(); // it may be there again
    }
}

/// Watches this very folder, until it is moved or removed.
async fn watch_once(folder: &Path, changed: &Notify) -> io::Result<()> {
    let inotify = Inotify::init()?;
    let what = WatchMask::CLOSE_WRITE
        | WatchMask::MOVE
        | WatchMask::DELETE
        | WatchMask::CREATE
        | WatchMask::ATTRIB
        | WatchMask::DELETE_SELF
        | WatchMask::MOVE_SELF;
    inotify.watches().add(folder, what)?;
    let mut buffer = [0; 4_096];
    let mut events = inotify.into_event_stream(&mut buffer)?;
    let gone = EventMask::DELETE_SELF | EventMask::MOVE_SELF | EventMask::IGNORED;
    loop {
        let first = next(&mut events).await?;
        let mut is_gone = first.intersects(gone);
        // A copy of many files is one change.
        while let Ok(event) = tokio::time::timeout(SETTLE, next(&mut events)).await {
            is_gone |= event?.intersects(gone);
        }
        changed.notify_one();
        if is_gone {
            return Ok(());
        }
    }
}

async fn next(events: &mut inotify::EventStream<&mut [u8; 4_096]>) -> io::Result<EventMask> {
    let event = events.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(event?.mask)
}
