// SPDX-License-Identifier: MIT OR Apache-2.0

//! Something done for many domains, a few at a time: by the server, each worker over a connection
//! of its own, or here.

use super::control::{Control, Refused};
use super::here::Here;
use super::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// The most domains at a time: policy hosts may be slow, and the server has others to answer.
const AT_A_TIME: usize = 16;

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Purge,
    Refresh,
}

/// Who does it.
#[derive(Clone)]
pub enum Doer {
    /// The server at this control socket.
    Server(PathBuf),
    Here(Arc<Here>),
}

/// What came of it for a domain: what was done, or why it was not.
pub type Report = Result<Value, String>;

/// Does `task` for each of `domains`. `tell` makes the line about each; on a terminal it is shown
/// how far it is.
///
/// # Errors
/// The server does not answer any more, so that the rest is not done.
pub async fn each(
    task: Task,
    doer: &Doer,
    domains: Vec<String>,
    out: &mut Output,
    mut tell: impl FnMut(&str, Report) -> String,
) -> Result<(), String> {
    let bar = bar(domains.len());
    let workers = domains.len().min(AT_A_TIME);
    let domains = Arc::new(Mutex::new(domains.into_iter()));
    let (sender, mut done) = mpsc::channel(AT_A_TIME);
    for _ in 0..workers {
        let worker = Worker::new(doer).await?;
        tokio::spawn(worker.run(task, Arc::clone(&domains), sender.clone()));
    }
    drop(sender);
    while let Some((domain, result)) = done.recv().await {
        let line = tell(&domain, result?);
        bar.suspend(|| {
            out.line(&line);
            if out.is_terminal {
                out.flush();
            }
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Progress on standard error, if that is a terminal and there is much to do.
fn bar(domains: usize) -> ProgressBar {
    if domains <= AT_A_TIME {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(domains as u64);
    match ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

enum Worker {
    Server(Control),
    Here(Arc<Here>),
}

type Domains = Arc<Mutex<std::vec::IntoIter<String>>>;

impl Worker {
    async fn new(doer: &Doer) -> Result<Self, String> {
        match doer {
            Doer::Here(here) => Ok(Self::Here(Arc::clone(here))),
            Doer::Server(path) => match Control::connect(path).await {
                Ok(control) => Ok(Self::Server(control)),
                Err(Refused::Other(reason)) => Err(reason),
                Err(Refused::NoServer) => Err(format!("{}: the server has ended", path.display())),
            },
        }
    }

    async fn run(
        mut self,
        task: Task,
        domains: Domains,
        done: mpsc::Sender<(String, Result<Report, String>)>,
    ) {
        let next = || {
            domains
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next()
        };
        while let Some(domain) = next() {
            let result = self.act(task, &domain).await;
            let has_ended = result.is_err();
            if done.send((domain, result)).await.is_err() || has_ended {
                return;
            }
        }
    }

    async fn act(&mut self, task: Task, domain: &str) -> Result<Report, String> {
        match (self, task) {
            (Self::Server(control), Task::Refresh) => control.post("/v1/refresh", domain).await,
            (Self::Server(control), Task::Purge) => control.post("/v1/purge", domain).await,
            (Self::Here(here), Task::Refresh) => Ok(here.refresh(domain).await),
            (Self::Here(here), Task::Purge) => Ok(here.purge(domain).await),
        }
    }
}
