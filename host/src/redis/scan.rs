// SPDX-License-Identifier: MIT OR Apache-2.0

//! All entries of a fleet's store, which a server gives by and by (`SCAN`) and in no order.

use super::error::Problem;
use super::link::limited;
use super::servers::{Servers, Shard, to_node};
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisResult};
use std::collections::HashSet;

/// How many entries a server looks at, at a time.
const BATCH: usize = 256;

/// An entry's key without the prefix, and its value, or what the server says of it.
type Item = (Vec<u8>, RedisResult<Vec<u8>>);

/// Calls `visit` with every key that begins with `prefix`, once, and its value. Each server is
/// read through one connection, for its cursor means nothing to another one: what breaks the
/// connection, or moves slots to another node, ends it with an error.
pub(super) async fn for_each(
    servers: &Servers,
    prefix: &str,
    mut visit: impl FnMut(&[u8], RedisResult<&[u8]>),
) -> Result<(), Problem> {
    let (clients, shards) = limited(servers.holders()).await?;
    let mut seen = HashSet::new(); // a server may give a key more than once
    for client in &clients {
        let mut scan = limited(Scan::new(client, prefix)).await?;
        while let Some(items) = limited(scan.next()).await? {
            for (key, value) in items {
                if !seen.contains(&key) {
                    visit(&key, value.as_deref().map_err(Clone::clone));
                    seen.insert(key);
                }
            }
        }
    }
    check(servers, &shards).await
}

async fn check(servers: &Servers, before: &[Shard]) -> Result<(), Problem> {
    match limited(servers.shards()).await? == before {
        true => Ok(()),
        false => Err(Problem::Changed),
    }
}

/// The way through one server.
struct Scan<'a> {
    connection: MultiplexedConnection,
    prefix: &'a str,
    pattern: String,
    /// None: all was given.
    cursor: Option<u64>,
}

impl<'a> Scan<'a> {
    async fn new(client: &Client, prefix: &'a str) -> Result<Self, Problem> {
        Ok(Self {
            connection: to_node(client).await?,
            prefix,
            pattern: pattern(prefix),
            cursor: Some(0),
        })
    }

    async fn next(&mut self) -> Result<Option<Vec<Item>>, Problem> {
        let Some(cursor) = self.cursor else {
            return Ok(None);
        };
        let mut command = redis::cmd("SCAN");
        command.arg(cursor).arg("MATCH").arg(&self.pattern);
        command.arg("COUNT").arg(BATCH);
        let (cursor, keys): (u64, Vec<Vec<u8>>) = command.query_async(&mut self.connection).await?;
        let items = self.items(keys).await?;
        if items.iter().any(is_elsewhere) {
            return Err(Problem::Changed);
        }
        self.cursor = Some(cursor).filter(|cursor| *cursor != 0);
        Ok(Some(items))
    }

    /// The values of `keys`, without those that are no longer there.
    async fn items(&mut self, keys: Vec<Vec<u8>>) -> Result<Vec<Item>, Problem> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut commands = redis::pipe();
        for key in &keys {
            commands.cmd("GET").arg(key);
        }
        commands.ignore_errors();
        let values: Vec<RedisResult<Option<Vec<u8>>>> =
            commands.query_async(&mut self.connection).await?;
        let domain = |key: Vec<u8>| key.get(self.prefix.len()..).unwrap_or_default().to_vec();
        let both = keys.into_iter().map(domain).zip(values);
        let there = both.filter_map(|(key, value)| Some((key, value.transpose()?)));
        Ok(there.collect())
    }
}

/// Whether the server says that another one has the entry now.
fn is_elsewhere((_, value): &Item) -> bool {
    let error = value.as_ref().err();
    error.is_some_and(|error| error.redirect_node().is_some())
}

/// What matches the keys that begin with `prefix`, whatever is in it.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::new();
    for letter in prefix.chars() {
        if "*?[]^-\\".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern + "*"
}
