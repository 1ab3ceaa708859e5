// SPDX-License-Identifier: MIT OR Apache-2.0

//! One server: what is kept, which policy stays, what goes by itself, and who may do it.

use super::servers::Server;
use super::{WEEK, all, load, now, open, save, save_many, try_save};
use mtasts_host::store::Entry;

#[tokio::test]
async fn what_is_saved_is_loaded() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    store.ping().await.unwrap();
    assert_eq!(load(&store, "example.com").await, None);
    assert!(save(&store, "example.com", "two\nlines\n", 0).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "two\nlines\n");
    assert!(save(&store, "example.com", "", now()).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "");
    assert!(store.remove("example.com").await.unwrap());
    assert!(!store.remove("example.com").await.unwrap());
    assert_eq!(load(&store, "example.com").await, None);
}

#[tokio::test]
async fn a_later_policy_stays() {
    let server = Server::start(&[]);
    let (store, now) = (open(&server.url()), now());
    assert!(save(&store, "example.com", "later", now - 10).await);
    assert!(!save(&store, "example.com", "earlier", now - 20).await);
    assert!(!save(&store, "example.com", "none", 0).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "later");
    assert!(save(&store, "example.com", "the same, seen again", now - 10).await);
    assert!(save(&store, "example.com", "the same, seen again", now - 10).await);
    assert!(save(&store, "example.com", "latest", now).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "latest");
}

#[tokio::test]
async fn r_flow_11_a_policy_of_the_future_does_not_stay() {
    let server = Server::start(&[]);
    let (store, now) = (open(&server.url()), now());
    assert!(save(&store, "example.com", "future", now + 1000).await);
    assert!(!save(&store, "example.com", "none", 0).await); // but it is in time
    assert!(save(&store, "example.com", "mended", now).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "mended");
}

#[tokio::test]
async fn a_policy_takes_the_place_of_none_and_none_that_of_none() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    assert!(save(&store, "example.com", "none", 0).await);
    assert!(save(&store, "example.com", "none again", 0).await);
    assert!(save(&store, "example.com", "old", 1).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "old");
}

#[tokio::test]
async fn concurrent_savers_keep_the_latest_fetch() {
    let server = Server::start(&[]);
    let (url, now) = (server.url(), now());
    let savers = (0..8).map(|first| {
        let store = open(&url);
        tokio::spawn(async move {
            for step in 0..50 {
                // Each in another order.
                let age = (step * 7 + first * 11) % 50;
                save(&store, "example.com", &format!("{age}"), now - age).await;
            }
        })
    });
    for saver in savers.collect::<Vec<_>>() {
        saver.await.unwrap();
    }
    assert_eq!(load(&open(&url), "example.com").await.unwrap(), "0");
}

#[tokio::test]
async fn each_entry_expires_when_it_is_useless() {
    let server = Server::start(&[]);
    let (store, now) = (open(&server.url()), now());
    for (domain, fetched_at) in [("policy.example", now), ("none.example", 0)] {
        save(&store, domain, "text", fetched_at).await;
        let key = format!("mtasts:1:{domain}");
        let expiry: u64 = server.cli(&["expiretime", &key]).parse().unwrap();
        assert!((now + WEEK..=now + WEEK + 20).contains(&expiry));
    }
    let mut entry = Entry {
        domain: "late.example",
        text: "text",
        fetched_at: now,
        useless_after: u64::MAX,
    };
    assert!(store.save(&entry, now).await.unwrap());
    assert_eq!(load(&store, "late.example").await.unwrap(), "text");
    for useless_after in [now - 1, 0] {
        save(&store, "late.example", "before", now - 10).await;
        entry.useless_after = useless_after;
        assert!(store.save(&entry, now).await.unwrap());
        assert_eq!(load(&store, "late.example").await, None);
    }
}

#[tokio::test]
async fn what_is_useless_takes_the_place_of_nothing_better() {
    let server = Server::start(&[]);
    let (store, now) = (open(&server.url()), now());
    save(&store, "example.com", "later", now - 10).await;
    for fetched_at in [0, now - 20] {
        let entry = Entry {
            domain: "example.com",
            text: "useless",
            fetched_at,
            useless_after: now - 5,
        };
        assert!(!store.save(&entry, now).await.unwrap());
    }
    assert_eq!(load(&store, "example.com").await.unwrap(), "later");
}

#[tokio::test]
async fn for_each_visits_every_entry_of_the_store_once() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    let saved = save_many(&store, 1000).await;
    server.cli(&["set", "mtasts:2:other.example", "another program's"]);
    assert_eq!(all(&store).await, saved);
    let other = open(&format!("{}/3", server.url()));
    assert!(all(&other).await.is_empty());
}

#[tokio::test]
async fn a_prefix_is_taken_literally() {
    let server = Server::start(&[]);
    let star = open(&format!("{}?prefix=a*%5b1-2%5d:", server.url()));
    save(&star, "star.example", "star", 0).await;
    save(&open(&server.url()), "star.example", "default", 0).await;
    server.cli(&["set", "ab1:star.example", "x"]);
    assert_eq!(server.cli(&["exists", "a*[1-2]:star.example"]), "1");
    assert_eq!(load(&star, "star.example").await.unwrap(), "star");
    assert_eq!(all(&star).await["star.example"], "star");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_of_that_entry() {
    let server = Server::start(&[]);
    let store = open(&server.url());
    save(&store, "good.example", "good", now()).await;
    server.cli(&["set", "mtasts:1:odd.example", "odd"]);
    server.cli(&["rpush", "mtasts:1:list.example", "odd"]);
    for domain in ["odd.example", "list.example"] {
        store.load(domain).await.unwrap_err();
    }
    let all = all(&store).await;
    assert_eq!(all["good.example"], "good");
    assert!(all["odd.example"].contains("the entry of odd.example cannot be read"));
    assert!(all["list.example"].contains("WRONGTYPE"));
    save(&store, "odd.example", "mended", 0).await;
    assert_eq!(load(&store, "odd.example").await.unwrap(), "mended");
}

#[tokio::test]
async fn a_domain_of_no_length_or_too_much_is_refused() {
    let store = open(&Server::start(&[]).url());
    for domain in ["", &"a".repeat(254)] {
        let error = store.load(domain).await.unwrap_err();
        assert!(error.to_string().contains("1 to 253 octets"));
    }
}

#[tokio::test]
async fn the_password_is_needed_and_not_shown() {
    let server = Server::start(&["requirepass secret%"]);
    let url = |login: &str| format!("redis://{login}{}", server.address);
    let store = open(&url(":secret%25@"));
    assert!(save(&store, "example.com", "text", 0).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "text");
    for login in ["", ":wrong-secret@", "nobody:secret%25@"] {
        let store = open(&url(login));
        let error = store.load("example.com").await.unwrap_err().to_string();
        assert!(error.contains(&server.address.to_string()), "{error}");
        assert!(!format!("{error}{store:?}").contains("secret"), "{error}");
    }
}

/// Those that the documentation names.
#[tokio::test]
async fn a_user_with_few_rights_is_enough() {
    let rights = "+get +set +del +eval +evalsha +scan +ping +select";
    let user = format!("user mail on >secret ~mtasts:1:* {rights}");
    let server = Server::start(&[&user, "user default off"]);
    let store = open(&format!("redis://mail:secret@{}/2", server.address));
    store.ping().await.unwrap();
    let saved = save_many(&store, 3).await;
    assert_eq!(all(&store).await, saved);
    assert!(store.remove("d0.example").await.unwrap());
    let other = open(&format!("redis://mail:secret@{}?prefix=x", server.address));
    let error = try_save(&other, "example.com", "text", 0)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no permissions"), "{error}");
}

#[tokio::test]
async fn a_socket_will_do() {
    let server = Server::start(&["unixsocket socket"]);
    let path = server.dir().join("socket");
    let store = open(&format!("redis+unix://{}?db=1", path.display()));
    assert!(save(&store, "example.com", "text", 0).await);
    assert_eq!(load(&store, "example.com").await.unwrap(), "text");
    assert_eq!(load(&open(&server.url()), "example.com").await, None);
}
