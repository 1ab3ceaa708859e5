// SPDX-License-Identifier: MIT OR Apache-2.0

//! Does what the engine asks for: questions go to the [network](super::network), saves to the [saver](super::saver); outcomes to whoever waits; events to the log.

use super::lease;
use super::metrics::Metrics;
use super::network::{Errand, Reply};
use super::saver::Write;
use super::service::Service;
use crate::lint::describe;
use crate::store::now;
use mtasts::engine::{Engine, Event, Trouble, Work};
use mtasts::{Error, Stored, StoredPolicy, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// How long an answer waits for the store at most. What is answered is then saved, as a rule,
/// whatever happens to this process.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// The longest sleep: the wall clock may jump meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Does the engine's work until the process ends.
pub async fn drive(service: Arc<Service>, mut replies: mpsc::UnboundedReceiver<Reply>) {
    let mut reply = None;
    loop {
        work_off(&service, reply.take());
        if let Ok(next) = replies.try_recv() {
            reply = Some(next);
            continue;
        }
        tokio::select! {
            next = replies.recv() => reply = next,
            () = service.work.notified() => {}
            () = sleep(until_due(&service)) => {}
        }
    }
}

fn until_due(service: &Service) -> Duration {
    let due = service.engine().poll_timeout();
    let left = due.map(|due| Duration::from_secs(due.0.saturating_sub(now().0)));
    left.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
}

/// Gives the engine a reply and does what follows from it, under one lock: nobody is told of a
/// policy between its arrival and the order to save it.
fn work_off(service: &Arc<Service>, reply: Option<Reply>) {
    let mut events = Vec::new();
    let mut engine = service.engine();
    if let Some(reply) = reply {
        take(service, &mut engine, reply);
    }
    while let Some(work) = engine.poll(now()) {
        match work {
            Work::Load { request, domain } => service.network.load(request, domain),
            Work::QueryTxt { request, name } => service.network.query_txt(request, name),
            Work::Lease { request, domain } => {
                let domain = domain.clone();
                let is_awaited = engine.awaits(request);
                lease::take(&service.network, request, domain, is_awaited);
            }
            Work::Fetch { request, fetch } => {
                let errand = Errand::new(&fetch);
                let is_awaited = engine.awaits(request);
                service.network.fetch(request, errand, is_awaited);
            }
            Work::Release(domain) => release(service, domain.as_str()),
            Work::Save { stored, .. } => save(service, stored),
            Work::Done { ticket, outcome } => {
                if let Some(sender) = service.take_waiting(ticket) {
                    service.unsaved.give(sender, outcome);
                }
            }
            Work::Event(event) => events.push(event),
            // Both stores forget by themselves what says nothing any more, and know better than
            // this server what others have saved since.
            Work::Remove(_) => {}
            _ => {}
        }
    }
    service.metrics.domains.set(engine.len() as i64);
    drop(engine);
    events
        .iter()
        .for_each(|event| report(&service.metrics, event));
}

fn take(service: &Service, engine: &mut Engine, reply: Reply) {
    // A reply that comes after the engine has given it up is refused, which is right.
    let _: Result<(), Error> = match reply {
        Reply::Loaded(request, answer) => engine.loaded(request, now(), answer),
        Reply::Txt(request, answer) => {
            engine.txt(request, now(), answer.as_ref().map_err(|failure| *failure))
        }
        Reply::Https(request, answer) => {
            engine.https(request, now(), answer.as_ref().map_err(|failure| *failure))
        }
        Reply::Leased(request, domain, answer) => {
            let taken = engine.leased(request, now(), answer);
            if taken.is_err() {
                release(service, domain.as_str()); // the engine has no use for it
            }
            taken
        }
    };
}

/// Saves, and holds back what rests on it until that is done, or the store has proved slow. Then
/// other servers may fetch.
fn save(service: &Arc<Service>, stored: Arc<Stored>) {
    let domain = stored.domain.clone();
    let has_policy = stored.usable(now()).is_some();
    let lease = service.network.leases.give_up(domain.as_str());
    let is_waited_for = has_policy || lease.is_some();
    let written = write(service, Write::Save(stored)).filter(|_| is_waited_for);
    let Some(written) = written else {
        return;
    };
    if has_policy {
        service.unsaved.begin(domain.as_str());
    }
    let at_work = Arc::clone(service);
    service.network.runtime.spawn(async move {
        let _ = timeout(STORE_PATIENCE, written).await; // it may be down
        if has_policy {
            at_work.unsaved.end(domain.as_str());
        }
        if let Some((lease, store)) = lease.zip(at_work.network.store.as_ref()) {
            store.release(lease).await;
        }
    });
}

/// Nothing was saved, or the lease goes when that is.
fn release(service: &Service, domain: &str) {
    let lease = service.network.leases.give_up(domain);
    if let Some((lease, store)) = lease.zip(service.network.store.clone()) {
        let release = async move { store.release(lease).await };
        service.network.runtime.spawn(release);
    }
}

fn write(service: &Service, write: Write) -> Option<oneshot::Receiver<()>> {
    service.saver.as_ref().map(|saver| saver.write(write))
}

/// Tells the log, and counts.
fn report(metrics: &Metrics, event: &Event) {
    match event {
        Event::PolicyChanged { domain, old, new } => {
            metrics.policy_changes.inc();
            info!(%domain, old = shown(old), new = shown(new), "policy changed");
        }
        Event::RefreshFailed(trouble) => {
            metrics.refresh_failures.inc();
            let Trouble {
                domain, failures, ..
            } = trouble;
            let (reason, until) = (trouble.reason.describe(), time(trouble.policy.expires_at()));
            info!(%domain, failures, reason, until, "policy not refreshed");
        }
        Event::RefreshFailsRepeatedly(trouble) => {
            metrics.refresh_failures.inc();
            let Trouble {
                domain, failures, ..
            } = trouble;
            let (reason, until) = (trouble.reason.describe(), time(trouble.policy.expires_at()));
            warn!(%domain, failures, reason, until, "policy cannot be refreshed");
        }
        Event::PolicyExpired { domain, policy } => {
            metrics.policies_expired.inc();
            warn!(%domain, policy = shown(policy), "policy expired: domain no longer protected");
        }
        _ => {}
    }
}

fn shown(policy: &StoredPolicy) -> String {
    format!("id {}, {}", policy.id, describe(&policy.policy))
}

/// A time for people, UTC.
fn time(at: UnixTime) -> String {
    let at = std::time::UNIX_EPOCH + Duration::from_secs(at.0);
    humantime::format_rfc3339_seconds(at).to_string()
}
