// SPDX-License-Identifier: MIT OR Apache-2.0

//! Sentinels: the store is where the master is, wherever that goes.

use super::groups::Watched;
use super::servers::{Server, until_ok, wait_for};
use super::{all, now, open, save, save_many, try_save};

#[tokio::test]
async fn after_the_master_is_lost_the_replica_has_the_store() {
    let mut watched = Watched::start(&[], &[]);
    let store = open(&watched.url("", ""));
    store.ping().await.unwrap();
    let mut saved = save_many(&store, 20).await;
    let keyspace = |server: &Server| server.cli(&["info", "keyspace"]);
    wait_for("all is replicated", || {
        keyspace(&watched.replica).contains("db1:keys=20,")
    });
    watched.master.kill();
    try_save(&store, "after.example", "text", 1)
        .await
        .unwrap_err();
    assert!(until_ok(|| try_save(&store, "after.example", "text", now())).await);
    saved.insert("after.example".to_owned(), "text".to_owned());
    assert!(watched.replica.cli(&["role"]).starts_with("master"));
    assert_eq!(all(&store).await, saved);

    // The old one comes back, and is not taken for the master again.
    watched.master.restart();
    for (store, domain) in [
        (store, "one.example"),
        (open(&watched.url("", "")), "two.example"),
    ] {
        assert!(save(&store, domain, "text", now()).await);
    }
    assert!(keyspace(&watched.replica).contains("db1:keys=23,"));
}

#[tokio::test]
async fn the_master_changes_without_an_error() {
    let watched = Watched::start(&[], &[]);
    let store = open(&watched.url("", ""));
    save(&store, "example.com", "text", 1).await;
    wait_for("it is replicated", || {
        watched.replica.cli(&["info", "keyspace"]).contains("db1")
    });
    assert_eq!(
        watched.sentinels[0].cli(&["sentinel", "failover", "mail"]),
        "OK"
    );
    wait_for("the replica leads and the master follows", || {
        let roles = [&watched.replica, &watched.master].map(|server| server.cli(&["role"]));
        roles[0].starts_with("master") && roles[1].starts_with("slave")
    });
    assert!(until_ok(|| try_save(&store, "example.com", "later", 2)).await);
    assert!(
        watched
            .replica
            .cli(&["-n", "1", "get", "mtasts:1:example.com"])
            .contains("later")
    );
}

#[tokio::test]
async fn servers_and_sentinels_have_their_own_passwords() {
    let rights = "+get +set +del +eval +evalsha +scan +ping +select +role";
    let user = format!("user mail on >data ~mtasts:1:* {rights}");
    let server = [&user, "masterauth admin", "requirepass admin"];
    let rights = "+sentinel|masters +role +ping";
    let watcher = format!("user watcher on >watch {rights}");
    let watch = ["sentinel auth-pass mail admin", watcher.as_str()];
    let watched = Watched::start(&server, &watch);
    let options = "?sentinel-user=watcher&sentinel-password=watch";
    let store = open(&watched.url("mail:data@", options));
    assert!(save(&store, "example.com", "text", 1).await);
    assert_eq!(all(&store).await.len(), 1);
    let wrong = [
        watched.url(
            "mail:data@",
            "?sentinel-user=watcher&sentinel-password=secret",
        ),
        watched.url("mail:secret@", options),
        watched
            .url("mail:data@", options)
            .replace("/mail/", "/other/"),
    ];
    for url in wrong {
        let error = open(&url).load("example.com").await.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
