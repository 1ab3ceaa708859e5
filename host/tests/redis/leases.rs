// SPDX-License-Identifier: MIT OR Apache-2.0

//! R-FLOW-8 in a fleet: one has the lease of a domain, until it gives it back or its time is over.

use super::groups::{Cluster, plain};
use super::servers::{Server, until_ok};
use super::{all, load, now, open, save};
use mtasts_host::redis::{Lease, RedisStore};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

async fn lease(store: &RedisStore, domain: &str) -> Option<Lease> {
    store.lease(domain, LONG).await.unwrap()
}

#[tokio::test]
async fn one_at_a_time_has_the_lease() {
    let server = Server::start(&[]);
    let (one, other) = (open(&server.url()), open(&server.url()));
    let held = lease(&one, "example.com").await.unwrap();
    assert!(lease(&other, "example.com").await.is_none());
    assert!(lease(&one, "example.com").await.is_none()); // not twice either
    assert!(lease(&other, "example.net").await.is_some());
    assert!(one.release(held).await.unwrap());
    assert!(lease(&other, "example.com").await.is_some());
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_it() {
    let server = Server::start(&[]);
    let url = server.url();
    let fleet = (0..50).map(|_| {
        let store = open(&url);
        tokio::spawn(async move { lease(&store, "example.com").await.is_some() })
    });
    let mut granted = 0;
    for sender in fleet.collect::<Vec<_>>() {
        granted += usize::from(sender.await.unwrap());
    }
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn a_lease_ends_by_itself_and_is_then_not_given_back() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    let short = store.lease("example.com", Duration::from_millis(1)).await;
    let over = short.unwrap().unwrap();
    let next = until_ok(|| async { lease(&store, "example.com").await.ok_or("held") }).await;
    assert!(!store.release(over).await.unwrap()); // the next one's stays
    assert!(lease(&store, "example.com").await.is_none());
    assert!(store.release(next).await.unwrap());
}

#[tokio::test]
async fn what_the_holder_has_saved_is_there_for_the_next() {
    let server = Server::start(&[]);
    let (one, other) = (open(&server.url()), open(&server.url()));
    let held = lease(&one, "example.com").await.unwrap();
    assert!(save(&one, "example.com", "policy", now()).await);
    one.release(held).await.unwrap();
    assert!(lease(&other, "example.com").await.is_some());
    assert_eq!(load(&other, "example.com").await.unwrap(), "policy");
}

#[tokio::test]
async fn a_lease_is_no_entry() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    lease(&store, "example.com").await.unwrap();
    assert!(all(&store).await.is_empty());
    assert_eq!(load(&store, "example.com").await, None);
    assert!(!store.remove("example.com").await.unwrap());
    let expiry: i64 = server
        .cli(&["pttl", "mtasts:1:lease:example.com"])
        .parse()
        .unwrap();
    assert!((1..=60_000).contains(&expiry));
}

/// Those that the documentation names.
#[tokio::test]
async fn a_user_with_few_rights_may_have_one() {
    let rights = "+get +set +del +eval +evalsha +scan +ping +select";
    let user = format!("user mail on >secret ~mtasts:1:* {rights}");
    let server = Server::start(&[&user, "user default off"]);
    let store = open(&format!("redis://mail:secret@{}", server.address));
    let held = lease(&store, "example.com").await.unwrap();
    assert!(store.release(held).await.unwrap());
}

#[tokio::test]
async fn a_cluster_has_leases_too() {
    let cluster = Cluster::start(plain);
    let (one, other) = (open(&cluster.url()), open(&cluster.url()));
    for number in 0..20 {
        let domain = format!("d{number}.example");
        let held = lease(&one, &domain).await.unwrap();
        assert!(lease(&other, &domain).await.is_none());
        assert!(one.release(held).await.unwrap());
    }
}

#[tokio::test]
async fn without_a_server_there_is_an_error() {
    let mut server = Server::start(&[]);
    let store = open(&server.url());
    let held = lease(&store, "example.com").await.unwrap();
    server.kill();
    store.lease("example.net", LONG).await.unwrap_err();
    store.release(held).await.unwrap_err();
}
