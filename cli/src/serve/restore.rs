// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reads the store into memory after the start, beside the answers, so that policies are refreshed
//! ahead of their end again and the server can do without the store. A store that takes the place
//! of another one is given what memory has.

use super::health::Doing;
use super::saver::Write;
use super::service::Service;
use crate::store::{PolicyStore, now};
use mtasts::{Stored, UnixTime};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::{info, warn};

/// How many entries are taken at a time.
const BATCH: usize = 256;

/// How often progress is logged.
const REPORT: Duration = Duration::from_secs(5);

/// How long to wait before another try.
const PAUSE: Duration = Duration::from_secs(5);

/// Reads all of the store, and tries again until that is done.
pub async fn restore(service: Arc<Service>, store: PolicyStore) {
    let begun = Instant::now();
    *service.purged() = Some(HashSet::new());
    while let Err(reason) = read_all(&service, &store).await {
        service.network.health.failed(Doing::Read, &reason);
        sleep(PAUSE).await;
    }
    *service.purged() = None;
    service.network.health.went_well(Doing::Read);
    let domains = service.engine().len();
    let seconds = begun.elapsed().as_secs_f32();
    info!(domains, seconds, "store: read");
    loop {
        store.replaced().await;
        save_all(&service);
    }
}

/// Saves all policies that memory has.
fn save_all(service: &Service) {
    let now = now();
    let all: Vec<_> = {
        let engine = service.engine();
        let known = engine.iter().map(|(stored, _)| stored);
        let usable = known.filter(|stored| stored.usable(now).is_some());
        usable.cloned().collect()
    };
    warn!(
        domains = all.len(),
        "store: another one is there; saving what memory has"
    );
    if let Some(saver) = &service.saver {
        let save = |stored| drop(saver.write(Write::Save(stored)));
        all.into_iter().for_each(save);
    }
}

async fn read_all(service: &Arc<Service>, store: &PolicyStore) -> Result<(), String> {
    let (sender, mut entries) = mpsc::unbounded_channel();
    let visit = move |_: &str, entry| drop(sender.send(entry)); // no receiver: the server ends
    let store = store.clone();
    let reading = service
        .network
        .runtime
        .spawn(async move { store.for_each(visit).await });
    let (mut batch, mut reported, mut count) = (Vec::new(), Instant::now(), 0_u64);
    while entries.recv_many(&mut batch, BATCH).await > 0 {
        count += batch.len() as u64;
        insert(service, &mut batch);
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            info!(entries = count, "store: reading");
        }
        tokio::task::yield_now().await;
    }
    service.work.notify_one();
    reading.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn insert(service: &Service, batch: &mut Vec<Result<Arc<Stored>, String>>) {
    let now = now();
    let mut engine = service.engine();
    let purged = service.purged();
    let is_purged = |domain: &str| purged.as_ref().is_some_and(|all| all.contains(domain));
    for entry in batch.drain(..) {
        match entry {
            Ok(stored) if is_purged(stored.domain.as_str()) => {}
            Ok(stored) => {
                let asked = last_asked(&stored, now);
                engine.insert(stored, asked, now);
            }
            Err(reason) => warn!(reason, "store: an entry that cannot be read"),
        }
    }
    service.metrics.domains.set(engine.len() as i64);
}

/// About when the domain was last asked for: the record is looked at then, and by no refresh.
fn last_asked(stored: &Stored, now: UnixTime) -> UnixTime {
    let record = stored.record.as_ref().map(|record| record.until.min(now));
    let policy = || stored.policy.as_ref().map(|policy| policy.fetched_at);
    record.or_else(policy).unwrap_or(now)
}
