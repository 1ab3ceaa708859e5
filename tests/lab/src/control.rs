// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control channel: a Unix socket, a line of words in, a line of JSON out. README.md has the
//! words.

use std::{io, sync::Arc, time::Duration};

use serde_json::{Value as Json, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
};

use crate::{
    error::Error,
    events::Filter,
    run::Sinks,
    shared::Shared,
    value::{Value, words},
    world::Pair,
};

const COMMANDS: &[&str] = &[
    "set", "add", "reset", "events", "count", "wait", "clear", "hosts", "shutdown",
];

/// What a control connection can reach.
#[derive(Clone)]
pub struct Control {
    /// The lab.
    pub lab: Arc<Shared>,
    /// Its mail hosts' listeners.
    pub sinks: Arc<Sinks>,
    /// Becomes true when the lab is to end.
    pub stop: watch::Sender<bool>,
}

/// Accepts connections.
pub async fn accept(control: Control, listener: UnixListener) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(control.clone(), stream));
        }
    }
}

async fn serve(control: Control, stream: UnixStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await? > 0 {
        let reply = control.reply(&line).await;
        let reply = reply.unwrap_or_else(|error| json!({"error": error.to_string()}));
        stream.write_all(format!("{reply}\n").as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

impl Control {
    async fn reply(&self, line: &[u8]) -> Result<Json, Error> {
        let words = words(line)?;
        let (command, rest) = words
            .split_first()
            .ok_or_else(|| Error::new("an empty line"))?;
        match std::str::from_utf8(command)? {
            "set" => self.set(rest),
            "add" => self.add(rest),
            "reset" => self.reset(rest),
            "events" => self.events(rest),
            "count" => self.count(rest),
            "wait" => self.wait(rest).await,
            "clear" => {
                self.lab.events.clear();
                ok()
            }
            "hosts" => self.hosts(),
            "shutdown" => {
                self.stop.send_replace(true);
                ok()
            }
            other => Err(Error::unknown("command", other, COMMANDS)),
        }
    }

    fn set(&self, words: &[Vec<u8>]) -> Result<Json, Error> {
        let (name, rest) = words.split_first().ok_or_else(|| Error::new("set what?"))?;
        self.lab
            .world()
            .set(std::str::from_utf8(name)?, &pairs(rest)?)?;
        self.sinks.open()?;
        ok()
    }

    fn add(&self, words: &[Vec<u8>]) -> Result<Json, Error> {
        let (name, rest) = words.split_first().ok_or_else(|| Error::new("add what?"))?;
        self.lab
            .world()
            .add(std::str::from_utf8(name)?, &pairs(rest)?)?;
        self.sinks.open()?;
        ok()
    }

    fn reset(&self, words: &[Vec<u8>]) -> Result<Json, Error> {
        let texts = texts(words)?;
        self.lab.world().reset(texts.first().map(String::as_str))?;
        ok()
    }

    fn events(&self, words: &[Vec<u8>]) -> Result<Json, Error> {
        let texts = texts(words)?;
        let since = texts.first().map_or(Ok(0), |text| number(text))?;
        Ok(json!(self.lab.events.find(since, &Filter::new("*", &[])?)))
    }

    fn count(&self, words: &[Vec<u8>]) -> Result<Json, Error> {
        let texts = texts(words)?;
        let (kind, terms) = texts
            .split_first()
            .ok_or_else(|| Error::new("count what?"))?;
        Ok(json!(
            self.lab.events.find(0, &Filter::new(kind, terms)?).len()
        ))
    }

    async fn wait(&self, words: &[Vec<u8>]) -> Result<Json, Error> {
        let texts = texts(words)?;
        let [kind, wanted, limit, terms @ ..] = &texts[..] else {
            return Err(Error::new("write wait KIND N TIMEOUT_MS [FILTER...]"));
        };
        let filter = Filter::new(kind, terms)?;
        let limit = Duration::from_millis(number(limit)?);
        let wanted = usize::try_from(number(wanted)?).unwrap_or(usize::MAX);
        Ok(json!(self.lab.events.wait(wanted, limit, &filter).await?))
    }

    fn hosts(&self) -> Result<Json, Error> {
        let hosts = self.lab.world().sinks().into_iter();
        Ok(hosts
            .map(|(name, address)| (name, json!(address)))
            .collect())
    }
}

fn ok() -> Result<Json, Error> {
    Ok(json!({"ok": true}))
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse()
        .map_err(|_| Error::new(format!("`{text}` is not a number")))
}

fn texts(words: &[Vec<u8>]) -> Result<Vec<String>, Error> {
    words
        .iter()
        .map(|word| Ok(std::str::from_utf8(word)?.to_owned()))
        .collect()
}

fn pairs(words: &[Vec<u8>]) -> Result<Vec<Pair>, Error> {
    words.iter().map(|word| pair(word)).collect()
}

fn pair(word: &[u8]) -> Result<Pair, Error> {
    let place = word.iter().position(|octet| *octet == b'=');
    let place = place.ok_or_else(|| {
        Error::new(format!(
            "`{}` is not KEY=VALUE",
            String::from_utf8_lossy(word)
        ))
    })?;
    let key = std::str::from_utf8(&word[..place])?.to_owned();
    Ok((key, Value(word[place + 1..].to_vec())))
}
