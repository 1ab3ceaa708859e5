// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log of everything that happens, numbered from 1. Tests wait on it instead of sleeping.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::error::Error;

/// The log.
#[derive(Debug)]
pub struct Events {
    log: Mutex<Vec<Value>>,
    last: watch::Sender<u64>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            log: Mutex::default(),
            last: watch::Sender::new(0),
        }
    }
}

impl Events {
    /// Adds an event; `facts` is a JSON object.
    pub fn push(&self, kind: &str, mut facts: Value) {
        self.last.send_modify(|last| {
            *last += 1;
            facts["seq"] = json!(*last);
            facts["kind"] = json!(kind);
            self.lock().push(facts);
        });
    }

    /// The events after number `since` that match.
    pub fn find(&self, since: u64, filter: &Filter) -> Vec<Value> {
        let log = self.lock();
        let start = log.partition_point(|event| number(event) <= since.max(filter.since));
        log[start..]
            .iter()
            .filter(|event| filter.matches(event))
            .cloned()
            .collect()
    }

    /// Forgets what happened so far. Numbers go on.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until at least `wanted` events match and returns them.
    pub async fn wait(
        &self,
        wanted: usize,
        limit: Duration,
        filter: &Filter,
    ) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        match tokio::time::timeout(limit, self.gather(wanted, filter, &mut found)).await {
            Ok(()) => Ok(found),
            Err(_) => Err(Error::new(format!(
                "timed out: {} of {wanted} events in {} ms",
                found.len(),
                limit.as_millis()
            ))),
        }
    }

    async fn gather(&self, wanted: usize, filter: &Filter, found: &mut Vec<Value>) {
        let mut watch = self.last.subscribe();
        let mut seen = 0;
        loop {
            let last = *watch.borrow_and_update();
            found.extend(self.find(seen, filter));
            seen = seen.max(last).max(found.last().map_or(0, number));
            if found.len() >= wanted || watch.changed().await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(event: &Value) -> u64 {
    event["seq"].as_u64().unwrap_or(0)
}

/// Which events are meant: a kind (`*` for any) and what their fields hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    kind: String,
    since: u64,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    text: String,
    /// Whether the field has to contain the text, or be it.
    contains: bool,
}

impl Filter {
    /// Reads `FIELD=TEXT` (is), `FIELD~TEXT` (contains) and `since=NUMBER`.
    pub fn new(kind: &str, terms: &[String]) -> Result<Self, Error> {
        let mut filter = Self {
            kind: kind.to_owned(),
            ..Self::default()
        };
        for term in terms {
            let place = term.find(['=', '~']).ok_or_else(|| wrong(term))?;
            let (field, text) = (term[..place].to_owned(), term[place + 1..].to_owned());
            match field.as_str() {
                "since" => filter.since = text.parse().map_err(|_| wrong(term))?,
                _ => filter.terms.push(Term {
                    field,
                    text,
                    contains: term.as_bytes()[place] == b'~',
                }),
            }
        }
        Ok(filter)
    }

    fn matches(&self, event: &Value) -> bool {
        (self.kind == "*" || event["kind"] == *self.kind)
            && self
                .terms
                .iter()
                .all(|term| term.matches(&event[&term.field]))
    }
}

impl Term {
    fn matches(&self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if self.contains {
            text.contains(&self.text)
        } else {
            text == self.text
        }
    }
}

fn wrong(term: &str) -> Error {
    Error::new(format!(
        "`{term}` is not FIELD=TEXT, FIELD~TEXT or since=NUMBER"
    ))
}
