// SPDX-License-Identifier: MIT OR Apache-2.0

//! Clusters: entries are spread over the nodes, and calls follow them.

use super::groups::{Cluster, LINES, ok, plain};
use super::servers::{Server, next_address, until_ok, wait_for};
use super::tls::Ca;
use super::{all, load, now, open, save, save_many, try_all, try_save};
use mtasts_host::redis::RedisStore;
use rcgen::SanType;
use std::collections::BTreeMap;

async fn check(store: &RedisStore, saved: &BTreeMap<String, String>) {
    for (domain, text) in saved {
        let loaded = until_ok(|| store.load(domain)).await;
        assert_eq!(loaded.as_ref(), Some(text), "{domain}");
    }
}

/// Saves all of them once more.
async fn save_again(store: &RedisStore, saved: &BTreeMap<String, String>) {
    for (domain, text) in saved {
        assert!(until_ok(|| try_save(store, domain, text, now())).await);
    }
}

#[tokio::test]
async fn entries_are_spread_over_all_nodes() {
    let cluster = Cluster::start(plain);
    let store = open(&cluster.url());
    store.ping().await.unwrap();
    let saved = save_many(&store, 300).await;
    let sizes: Vec<_> = cluster.primaries.iter().map(Server::size).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 300);
    assert!(sizes.iter().all(|size| *size > 50), "{sizes:?}");
    check(&store, &saved).await;
    assert_eq!(all(&store).await, saved);
    assert!(!save(&store, "d7.example", "earlier", 1).await);
    assert!(store.remove("d7.example").await.unwrap());
    assert_eq!(load(&store, "d7.example").await, None);
    assert_eq!(all(&store).await.len(), 299);
}

#[tokio::test]
async fn entries_are_found_while_and_after_their_slot_moves() {
    let cluster = Cluster::start(plain);
    let (store, domain, key) = (open(&cluster.url()), "example.com", "mtasts:1:example.com");
    save(&store, domain, "text", 1).await;
    let slot = cluster.replica.cli(&["cluster", "keyslot", key]);
    let at = |number: usize| &cluster.primaries[number];
    let from = (0..3).find(|number| at(*number).size() == 1).unwrap();
    let (from, to) = (at(from), at((from + 1) % 3));
    let [from_id, to_id] = [from, to].map(|server| server.cli(&["cluster", "myid"]));
    ok(to, &["cluster", "setslot", &slot, "importing", &from_id]);
    ok(from, &["cluster", "setslot", &slot, "migrating", &to_id]);
    let address = to.address.to_string();
    ok(from, &["migrate", &address, "6379", key, "0", "5000"]);
    assert_eq!(load(&store, domain).await.unwrap(), "text"); // ASK
    assert!(save(&store, domain, "later", 2).await);
    for server in [to, from] {
        ok(server, &["cluster", "setslot", &slot, "node", &to_id]);
    }
    assert_eq!(load(&store, domain).await.unwrap(), "later"); // MOVED
    assert!(save(&store, domain, "last", 3).await);
    wait_for("all nodes know who has the slot", || {
        cluster
            .nodes()
            .all(|node| node.cli(&["cluster", "slots"]).contains(&slot))
    });
    assert_eq!(until_all(&store).await.len(), 1);
}

#[tokio::test]
async fn after_a_primary_is_lost_its_replica_has_its_entries() {
    let mut cluster = Cluster::start(plain);
    let store = open(&cluster.url());
    let saved = save_many(&store, 60).await;
    cluster.wait_replicated();

    // It hands over,
    ok(&cluster.replica, &["cluster", "failover"]);
    let role = |server: &Server| server.cli(&["role"]);
    wait_for("the replica leads", || {
        role(&cluster.replica).starts_with("master")
    });
    check(&store, &saved).await;
    save_again(&store, &saved).await;
    // Some server may not know of it yet: that is an error as a whole, and no entry's.
    assert_eq!(until_all(&store).await, saved);

    // and gets it back when the other one is lost.
    wait_for("the primary follows", || {
        role(&cluster.primaries[0]).starts_with("slave")
    });
    cluster.wait_replicated();
    cluster.replica.kill();
    check(&store, &saved).await;
    save_again(&store, &saved).await;
    assert_eq!(until_all(&store).await, saved);
}

async fn until_all(store: &RedisStore) -> BTreeMap<String, String> {
    until_ok(|| try_all(store)).await
}

#[tokio::test]
async fn a_cluster_that_is_not_whole_is_an_error_and_not_nothing() {
    let mut cluster = Cluster::start(plain);
    let store = open(&cluster.url());
    let saved = save_many(&store, 60).await;
    cluster.primaries[2].kill();
    wait_for("the others notice", || {
        cluster.primaries[1]
            .cli(&["cluster", "info"])
            .contains("cluster_state:fail")
    });
    store.ping().await.unwrap_err();
    store.for_each(|_, _| ()).await.unwrap_err();
    for domain in saved.keys().take(4) {
        store.load(domain).await.unwrap_err();
    }
    // Without its data, but whole again.
    cluster.primaries[2].restart();
    until_ok(|| store.ping()).await;
    save_again(&store, &saved).await;
    assert_eq!(until_all(&store).await, saved);
}

#[tokio::test]
async fn a_cluster_that_was_down_is_found_again() {
    let mut cluster = Cluster::start(plain);
    let store = open(&cluster.url());
    let saved = save_many(&store, 20).await;
    cluster
        .primaries
        .iter_mut()
        .chain([&mut cluster.replica])
        .for_each(Server::kill);
    store.load("d1.example").await.unwrap_err();
    cluster
        .primaries
        .iter_mut()
        .chain([&mut cluster.replica])
        .for_each(Server::restart);
    save_again(&store, &saved).await;
    assert_eq!(until_all(&store).await, saved);
}

/// Its connections stay, for the system keeps them.
#[tokio::test]
async fn a_primary_that_hangs_is_given_up_for_its_replica() {
    let cluster = Cluster::start(plain);
    let store = open(&cluster.url());
    let saved = save_many(&store, 12).await;
    cluster.wait_replicated();
    cluster.primaries[0].pause();
    wait_for("the replica leads", || {
        cluster.replica.cli(&["role"]).starts_with("master")
    });
    check(&store, &saved).await;
    save_again(&store, &saved).await;
}

#[tokio::test]
async fn a_cluster_speaks_tls() {
    let (ca, other) = (Ca::new(), Ca::new());
    let cluster = Cluster::start(|| {
        let address = next_address();
        let pem = ca.certificate(SanType::IpAddress(address.into()));
        let lines = [&LINES[..], &["tls-cluster yes", "tls-replication yes"]].concat();
        Server::start_tls(address, &pem, &ca.pem(), &lines)
    });
    let url = format!("rediss+cluster://{}", cluster.primaries[1].address);
    let store = RedisStore::open(&url, Some(&ca.file())).unwrap();
    let saved = save_many(&store, 30).await;
    assert_eq!(all(&store).await, saved);
    let wary = RedisStore::open(&url, Some(&other.file())).unwrap();
    wary.load("d1.example").await.unwrap_err();
}
