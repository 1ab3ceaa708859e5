// SPDX-License-Identifier: MIT OR Apache-2.0

//! Servers that are down, come back, or hang: calls end in time, and work again by themselves.

use super::servers::{Server, next_address, until_ok};
use super::{load, now, open, save, save_many, try_save};
use mtasts_host::redis::RedisStore;
use std::time::{Duration, Instant};

/// The limit for a call, and some for a busy machine.
const LIMIT: Duration = Duration::from_millis(3500);

/// An error, in time.
async fn fails(store: &RedisStore) -> String {
    let begun = Instant::now();
    let error = try_save(store, "example.com", "text", 0).await.unwrap_err();
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    store.load("example.com").await.unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn a_server_that_is_down_is_an_error_until_it_is_back() {
    let mut server = Server::start(&["appendonly yes", "appendfsync always"]);
    let store = open(&server.url());
    let saved = save_many(&store, 3).await;
    server.kill();
    let error = fails(&store).await;
    assert!(error.contains(&server.address.to_string()), "{error}");
    store.for_each(|_, _| ()).await.unwrap_err();
    store.ping().await.unwrap_err();
    server.restart();
    // The very next call finds it.
    assert_eq!(super::all(&store).await, saved);
    assert!(save(&store, "example.com", "text", now()).await);
}

#[tokio::test]
async fn a_restart_between_two_calls_is_not_seen() {
    let mut server = Server::start(&["appendonly yes", "appendfsync always"]);
    let store = open(&server.url());
    assert!(save(&store, "example.com", "text", 1).await);
    server.kill();
    server.restart(); // it has forgotten the script, too
    assert!(save(&store, "example.com", "later", 2).await);
    server.kill();
    server.restart();
    assert_eq!(load(&store, "example.com").await.unwrap(), "later");
}

#[tokio::test]
async fn a_store_opens_while_the_server_is_down() {
    let url = format!("redis://{}", next_address());
    let store = open(&url);
    fails(&store).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_in_time() {
    let server = Server::start(&[]);
    let (store, fresh) = (open(&server.url()), open(&server.url()));
    save(&store, "example.com", "text", now()).await;
    server.pause();
    assert!(fails(&store).await.contains("no answer"));
    let begun = Instant::now();
    let (one, two) = tokio::join!(fresh.load("example.com"), fresh.ping());
    assert!(one.is_err() && two.is_err());
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    server.resume();
    for store in [store, fresh] {
        let text = until_ok(|| store.load("example.com")).await;
        assert_eq!(text.unwrap(), "text");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_more_says_so() {
    let server = Server::start(&["maxmemory 1", "maxmemory-policy noeviction"]);
    let error = fails_to_save(&open(&server.url())).await;
    assert!(error.contains("OOM"), "{error}");
}

#[tokio::test]
async fn a_replica_is_not_written() {
    let master = Server::start(&[]);
    let replica = Server::start(&[&format!("replicaof {} 6379", master.address)]);
    let error = fails_to_save(&open(&replica.url())).await;
    assert!(
        error.to_lowercase().contains("read only replica"),
        "{error}"
    );
}

async fn fails_to_save(store: &RedisStore) -> String {
    let error = try_save(store, "example.com", "text", 0).await.unwrap_err();
    error.to_string()
}

/// The connection belongs to the runtime on which it was made.
#[test]
fn a_store_outlives_the_runtime_of_its_first_use() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    for number in 1..4 {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        assert!(runtime.block_on(save(&store, "example.com", "text", number)));
    }
}
