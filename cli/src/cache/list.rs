// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts cache list` and `export`: every entry, one after the other, however many there are.

use super::output::Output;
use super::place::{Options, Source};
use super::{Done, entry};
use crate::store::now;
use mtasts::{Stored, UnixTime};
use std::sync::{Arc, Mutex, PoisonError};

/// List the domains that have a cached policy
///
/// The domain, the policy's mode and id, when it was fetched, when it expires, and why the last
/// fetch failed if that keeps it from being tried again for now. On a terminal a table, else
/// columns between tabs, `-` for nothing. A store folder gives domains in alphabetical order.
/// Exit status: 0 all listed; 1 there are entries that cannot be read, or the store or the server
/// does not answer; 2 misuse.
#[derive(clap::Args)]
#[command(after_help = "Example: mtasts cache list --all --json | jq -r .domain")]
pub struct Arguments {
    /// Also those without a policy: what is known of them is that they have none, or why it
    /// could not be fetched
    #[arg(long)]
    all: bool,
    /// Print JSON, one object a line, as export does
    #[arg(long)]
    json: bool,
    /// What the running server has in memory, whatever is in the store
    #[arg(long)]
    memory: bool,
    #[command(flatten)]
    place: Options,
}

/// Write everything that is known, as JSON
///
/// For a backup, or an audit: one object a line, domains without a policy too. Exit status: 0 all
/// written; 1 there are entries that cannot be read, or the store or the server does not answer; 2
/// misuse.
#[derive(clap::Args)]
#[command(after_help = EXPORT)]
pub struct ExportArguments {
    /// What the running server has in memory, whatever is in the store
    #[arg(long)]
    memory: bool,
    #[command(flatten)]
    place: Options,
}

const EXPORT: &str = "\
Example: mtasts cache export > policies.jsonl

{\"domain\":…, \"policy\":{\"id\":…,\"mode\":…,\"max_age\":…,\"mx\":[…],\"fetched_at\":…,
\"expires_at\":…,\"text\":…}, \"applies\":…, \"record\":{\"id\":…,\"until\":…},
\"attempts\":[{\"id\":…,\"at\":…,\"failed\":…}], \"back_off\":{\"reason\":…,\"until\":…}}; null for what
there is not. Times are in seconds since 1970.";

/// Runs `list`.
pub async fn run(arguments: &Arguments) -> Done {
    let place = arguments.place.open()?;
    let source = place.source(arguments.memory).await?;
    let form = match arguments.json {
        true => Form::Json,
        false => Form::Columns,
    };
    let list = List::new(form, arguments.all);
    list.write(source).await
}

/// Runs `export`.
pub async fn export(arguments: &ExportArguments) -> Done {
    let place = arguments.place.open()?;
    let source = place.source(arguments.memory).await?;
    List::new(Form::Json, true).write(source).await
}

#[derive(Clone, Copy)]
enum Form {
    Columns,
    Json,
}

/// A list that is being written.
struct List {
    form: Form,
    /// Domains without a policy too.
    has_all: bool,
    out: Output,
    now: UnixTime,
    is_good: bool,
}

impl List {
    fn new(form: Form, has_all: bool) -> Self {
        let out = Output::new();
        Self {
            form,
            has_all,
            out,
            now: now(),
            is_good: true,
        }
    }

    async fn write(mut self, source: Source) -> Done {
        if matches!(self.form, Form::Columns) && self.out.is_terminal {
            let head = ["domain", "mode", "id", "fetched", "expires", "back-off"];
            self.row(&head.map(str::to_owned));
        }
        let list = Arc::new(Mutex::new(self));
        let visited = Arc::clone(&list);
        let lock = |list: &Arc<Mutex<Self>>, domain: &str, found| {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            list.take(domain, found);
        };
        let read = source.for_each(move |domain, found| lock(&visited, domain, found));
        let read = read.await;
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        list.out.end()?;
        read?;
        Ok(list.is_good)
    }

    fn take(&mut self, domain: &str, found: Result<Arc<Stored>, String>) {
        match found {
            _ if self.out.has_ended() => {}
            Ok(stored) if stored.policy.is_some() || self.has_all => self.entry(&stored),
            Ok(_) => {}
            Err(reason) => {
                self.is_good = false;
                let domain = entry::harmless(domain);
                eprintln!(
                    "mtasts: warning: {reason}; `mtasts cache purge {domain}` removes the entry"
                );
            }
        }
    }

    fn entry(&mut self, stored: &Stored) {
        match self.form {
            Form::Json => {
                let value = entry::as_json(stored, self.now);
                self.out.line(&value.to_string());
            }
            Form::Columns => self.row(&columns(stored, self.now)),
        }
    }

    fn row(&mut self, columns: &[String; 6]) {
        let [domain, mode, id, fetched, expires, back_off] = columns;
        self.out.line(&match self.out.is_terminal {
            false => columns.join("\t"),
            true => {
                format!("{domain:<32} {mode:<8} {id:<20} {fetched:<11} {expires:<11} {back_off}")
            }
        });
    }
}

fn columns(stored: &Stored, now: UnixTime) -> [String; 6] {
    let none = || "-".to_owned();
    let policy = stored.policy.as_deref();
    let expires = policy.map(|policy| match policy.is_usable(now) {
        true => entry::away(policy.expires_at(), now),
        false => "expired".to_owned(),
    });
    let back_off = entry::back_off(stored, now)
        .map(|(reason, until)| format!("{reason}, again {}", entry::away(until, now)));
    [
        Some(stored.domain.to_string()),
        policy.map(|policy| policy.policy.mode().to_string()),
        policy.map(|policy| policy.id.to_string()),
        policy.map(|policy| entry::away(policy.fetched_at, now)),
        expires,
        back_off,
    ]
    .map(|column| column.unwrap_or_else(none))
}
