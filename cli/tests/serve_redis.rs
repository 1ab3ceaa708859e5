// SPDX-License-Identifier: MIT OR Apache-2.0

//! `mtasts serve` in a fleet, on real Redis servers that come and go: what one server has fetched
//! the others have, and whatever becomes of the store, no server forgets a policy.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

#[allow(dead_code)] // the store's own tests use all of it
#[path = "../../host/tests/redis/groups.rs"]
mod groups;
mod serve_cached;
mod serve_world;
#[allow(dead_code)]
#[path = "../../host/tests/redis/servers.rs"]
mod servers;

use groups::{Cluster, Watched, plain};
use mtasts_lab::Lab;
use serve_cached::{SCENE, SECURE, ask_all, ask_all_at_once, domain, failing};
use serve_world::{Client, Server};
use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

/// A Redis that keeps what it has been given.
fn redis() -> servers::Server {
    servers::Server::start(&["appendonly yes", "appendfsync always"])
}

fn server(lab: &Lab, url: &str) -> Server {
    Server::start(lab, &format!("store = \"{url}\""), "")
}

fn ready_server(lab: &Lab, url: &str) -> Server {
    let mut server = server(lab, url);
    server.wait_for_log("store: read");
    server
}

/// A server that is new, and finds no policy but in the store.
fn check_store(url: &str, numbers: Range<usize>) {
    let lab = failing();
    let server = ready_server(&lab, url);
    ask_all_at_once(&server, &numbers.collect::<Vec<_>>());
}

/// No write waits and none has failed since.
fn wait_until_saved(server: &Server) {
    server.wait_for_metric("mtasts_store_waiting", 0.0);
    server.wait_for_metric("mtasts_store_up", 1.0);
}

#[test]
fn r_flow_8_what_one_server_has_fetched_the_other_has() {
    let (lab, redis) = (Lab::start(SCENE).unwrap(), redis());
    let [one, other] = [(); 2].map(|()| ready_server(&lab, &redis.url()));
    ask_all(&one, 0..20);
    ask_all(&other, 0..20);
    assert_eq!(lab.count("https", "").unwrap(), 20);
}

/// A fleet that begins with nothing: each domain is asked for at all servers at once.
#[test]
fn r_flow_8_one_of_a_fleet_fetches_and_all_have_it() {
    const SERVERS: usize = 6;
    let (lab, redis) = (Lab::start(SCENE).unwrap(), redis());
    let fleet: Vec<_> = (0..SERVERS)
        .map(|_| ready_server(&lab, &redis.url()))
        .collect();
    let together = Barrier::new(SERVERS);
    let ask = |server: &Server| {
        let mut client = Client::connect(&server.socketmap);
        for number in 0..20 {
            together.wait();
            let answer = client.ask(&format!("postfix {}", domain(number)));
            assert_eq!(answer, SECURE, "{}", domain(number));
        }
    };
    let ask = &ask;
    thread::scope(|scope| {
        for server in &fleet {
            scope.spawn(move || ask(server));
        }
    });
    assert_eq!(lab.count("https", "").unwrap(), 20);
    // All leases are given back, so that the next policy is fetched at once.
    servers::wait_for("no lease is left", || {
        redis.cli(&["keys", "mtasts:1:lease:*"]).is_empty()
    });
    lab.set(&domain(0), "id=2 policy_mx=mx.new.example")
        .unwrap();
    for server in &fleet {
        let answer = server.ask(&format!("postfix {}", domain(0)));
        assert_eq!(answer, "OK secure match=mx.new.example servername=hostname");
    }
    assert_eq!(lab.count("https", "").unwrap(), 21);
}

#[test]
fn r_flow_1_a_server_that_dies_with_a_lease_costs_no_policy_and_holds_nobody_up_for_long() {
    let (lab, redis) = (Lab::start(SCENE).unwrap(), redis());
    let server = ready_server(&lab, &redis.url());
    ask_all(&server, 0..1);
    for number in 0..2 {
        let key = format!("mtasts:1:lease:{}", domain(number));
        redis.cli(&["set", &key, "a dead server", "px", "60000"]);
    }
    lab.set(&domain(0), "id=2 policy_mx=mx.new.example")
        .unwrap();
    let asked = format!("postfix {}", domain(0));
    let new = "OK secure match=mx.new.example servername=hostname";
    assert_eq!(server.ask(&asked), new); // R-FLOW-4: it waited, and then fetched all the same
    assert_eq!(lab.count("https", "").unwrap(), 2);
    ask_all(&server, 1..2); // so too what nobody has
    assert_eq!(lab.count("https", "").unwrap(), 3);
}

#[test]
fn without_redis_all_servers_go_on_from_memory_and_save_when_it_is_back() {
    let (lab, mut redis) = (Lab::start(SCENE).unwrap(), redis());
    let mut fleet = [(); 2].map(|()| ready_server(&lab, &redis.url()));
    ask_all(&fleet[0], 0..10);
    ask_all(&fleet[1], 0..20);
    redis.kill();
    for (number, server) in fleet.iter_mut().enumerate() {
        let first = 20 + 10 * number;
        ask_all(server, 0..10);
        ask_all(server, first..first + 10);
        server.wait_for_log("store: cannot save");
        assert_eq!(server.metric("mtasts_store_up"), 0.0);
        assert_eq!(server.metric("mtasts_store_waiting"), 10.0);
        // Of other domains another server may have saved a policy.
        lab.set(&domain(99), "record=gone").unwrap();
        assert_eq!(server.ask(&format!("postfix {}", domain(99))), "TEMP ");
        let logged = server.logged();
        assert_eq!(logged.matches("ERROR").count(), 2, "{logged}"); // reading, saving
    }
    redis.restart();
    fleet.iter().for_each(wait_until_saved);
    check_store(&redis.url(), 0..40);
}

#[test]
fn r_flow_1_without_redis_at_the_start_a_policy_may_be_there() {
    let (lab, mut redis) = (Lab::start(SCENE).unwrap(), redis());
    let first = ready_server(&lab, &redis.url());
    ask_all(&first, 0..20);
    redis.kill();
    drop(first);
    let mut second = server(&lab, &redis.url());
    for number in 0..10 {
        lab.set(&domain(number), "dns=servfail").unwrap();
    }
    lab.set(&domain(99), "record=gone").unwrap();
    for number in [0, 9, 99] {
        let answer = second.ask(&format!("postfix {}", domain(number)));
        assert_eq!(answer, "TEMP ", "{}", domain(number));
    }
    ask_all(&second, 10..30); // the network has them
    assert_eq!(second.metric("mtasts_store_up"), 0.0);
    redis.restart();
    second.wait_for_log("store: read");
    ask_all(&second, 0..30);
    assert_eq!(second.ask(&format!("postfix {}", domain(99))), "NOTFOUND ");
    wait_until_saved(&second);
    check_store(&redis.url(), 0..30);
}

/// Domains from here on are not asked for under load.
const LAST: usize = 3_900;

/// Four clients ask for old and new domains while `trouble` happens. Gives the first number that
/// has not been asked for.
fn under_load(server: &Server, first: usize, trouble: impl FnOnce(&AtomicUsize)) -> usize {
    let (next, is_over) = (AtomicUsize::new(first), AtomicBool::new(false));
    let ask = || {
        let mut client = Client::connect(&server.socketmap);
        while !is_over.load(Relaxed) {
            let new = next.fetch_add(1, Relaxed) % LAST;
            for number in [new, new / 2] {
                let answer = client.ask(&format!("postfix {}", domain(number)));
                assert_eq!(answer, SECURE, "{}", domain(number));
            }
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        trouble(&next);
        is_over.store(true, Relaxed);
        clients
            .into_iter()
            .for_each(|client| client.join().unwrap());
    });
    next.load(Relaxed).min(LAST)
}

/// Waits until that many more domains have been asked for.
fn wait_for_more(next: &AtomicUsize, more: usize) {
    let wanted = next.load(Relaxed) + more;
    servers::wait_for("answers", || next.load(Relaxed) >= wanted);
}

#[test]
fn a_cluster_that_loses_a_node_costs_no_policy() {
    let (lab, mut cluster) = (Lab::start(SCENE).unwrap(), Cluster::start(plain));
    let server = ready_server(&lab, &cluster.url());
    ask_all(&server, 0..100);
    cluster.wait_replicated();
    let end = under_load(&server, 100, |next| {
        wait_for_more(next, 20);
        cluster.primaries[0].kill();
        servers::wait_for("the replica leads", || {
            cluster.replica.cli(&["role"]).starts_with("master")
        });
        wait_for_more(next, 20);
    });
    ask_all(&server, 0..end);
    wait_until_saved(&server);
    ask_all(&server, LAST..LAST + 50);
    check_store(&cluster.url(), 0..100);
    check_store(&cluster.url(), LAST..LAST + 50);
}

#[test]
fn a_master_that_is_lost_costs_no_policy() {
    let (lab, mut watched) = (Lab::start(SCENE).unwrap(), Watched::start(&[], &[]));
    let server = ready_server(&lab, &watched.url("", ""));
    ask_all(&server, 0..100);
    servers::wait_for("all is replicated", || {
        let keys = watched.replica.cli(&["info", "keyspace"]);
        keys.contains("db1:keys=100,")
    });
    let end = under_load(&server, 100, |next| {
        wait_for_more(next, 20);
        watched.master.kill();
        servers::wait_for("the replica leads", || {
            watched.replica.cli(&["role"]).starts_with("master")
        });
        wait_for_more(next, 20);
    });
    ask_all(&server, 0..end);
    wait_until_saved(&server);
    ask_all(&server, LAST..LAST + 50);
    check_store(&watched.url("", ""), 0..100);
    check_store(&watched.url("", ""), LAST..LAST + 50);
}
