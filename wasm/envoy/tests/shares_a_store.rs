// SPDX-License-Identifier: MIT OR Apache-2.0

//! The store in Envoy's shared data: bounded, and no thread undoes what another has done.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

mod mock;

use mock::{Mock, NOW};
use mtasts::{Stored, UnixTime};
use mtasts_envoy::{Proxy, Store};

fn stored(domain: &str, fetched: u64, size: usize) -> Stored {
    let mut text = String::from("version: STSv1\nmode: enforce\nmx: mx.example\nmax_age: 86400\n");
    while text.len() < size {
        let rest = (size - text.len()).clamp(8, 500);
        text += &format!("x: {}\n", "x".repeat(rest - 4));
    }
    let entry = format!(
        "mtasts-stored: 1\ndomain: {domain}\nrecord: 1 until {fetched}\npolicy: 1 fetched {fetched}\n\n{text}"
    );
    entry.parse().unwrap()
}

fn fetched_at(store: &Store, mock: &Mock, domain: &str) -> Option<u64> {
    let stored = store.load(mock, &domain.parse().unwrap()).unwrap()?;
    assert_eq!(stored.domain.as_str(), domain);
    Some(stored.policy.as_ref()?.fetched_at.0)
}

#[test]
fn the_later_fetch_stays_whoever_saves_last() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    let now = UnixTime(NOW);
    assert_eq!(fetched_at(&store, &mock, "a.example"), None);
    for (fetched, expected) in [(NOW - 5, NOW - 5), (NOW, NOW), (NOW - 5, NOW)] {
        assert!(store.save(&mock, &stored("a.example", fetched, 0), now));
        assert_eq!(fetched_at(&store, &mock, "a.example"), Some(expected));
    }
    store.remove(&mock, &stored("a.example", NOW - 5, 0), now);
    assert_eq!(fetched_at(&store, &mock, "a.example"), Some(NOW));
    store.remove(&mock, &stored("a.example", NOW, 0), now);
    assert_eq!(fetched_at(&store, &mock, "a.example"), None);
}

#[test]
fn r_flow_11_a_policy_from_the_future_gives_way_to_another_but_not_to_none() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    let now = UnixTime(NOW);
    assert!(store.save(&mock, &stored("a.example", NOW + 5, 0), now));
    let mut bare = stored("a.example", NOW, 0);
    bare.policy = None;
    assert!(store.save(&mock, &bare, now));
    assert_eq!(fetched_at(&store, &mock, "a.example"), Some(NOW + 5));
    assert!(store.save(&mock, &stored("a.example", NOW, 0), now));
    assert_eq!(fetched_at(&store, &mock, "a.example"), Some(NOW));
}

#[test]
fn a_write_that_another_thread_forestalls_is_done_again() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    mock.races.set(5);
    assert!(store.save(&mock, &stored("a.example", NOW, 0), UnixTime(NOW)));
    assert_eq!(fetched_at(&store, &mock, "a.example"), Some(NOW));
    mock.races.set(1000);
    assert!(!store.save(&mock, &stored("b.example", NOW, 0), UnixTime(NOW)));
}

#[test]
fn another_thread_and_a_new_configuration_find_everything_again() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    for number in 0..2_000 {
        let domain = format!("d{number}.example");
        assert!(store.save(&mock, &stored(&domain, NOW, 0), UnixTime(NOW)));
    }
    let other = mock.another();
    let again = Store::open(&other);
    for number in 0..2_000 {
        assert_eq!(
            fetched_at(&again, &other, &format!("d{number}.example")),
            Some(NOW)
        );
    }
}

#[test]
fn the_store_is_bounded_and_what_is_asked_for_stays() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    let keys = mock.shared.data.borrow().len();
    for number in 0..1_600_u64 {
        let domain = format!("d{number}.example");
        let saved = stored(&domain, NOW + number, 65_000);
        assert!(store.save(&mock, &saved, UnixTime(NOW + number)));
        assert_eq!(
            fetched_at(&store, &mock, &domain),
            Some(NOW + number),
            "it was just saved"
        );
    }
    let data = mock.shared.data.borrow();
    assert_eq!(data.len(), keys, "no new keys");
    assert!(data.values().all(|(value, _)| value.len() <= 128 * 1024));
    drop(data);
    let known = |number: u64| fetched_at(&store, &mock, &format!("d{number}.example")).is_some();
    let kept = |numbers: std::ops::Range<u64>| numbers.filter(|number| known(*number)).count();
    assert!(
        kept(1_400..1_600) > 160 && kept(0..300) < 130,
        "the oldest go first"
    );
}

#[test]
fn many_small_entries_give_way_to_a_large_one_and_policies_last() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    let large = stored("large.example", NOW, 65_000);
    let is_beside =
        |domain: &Stored| store.hash(&domain.domain) % 512 == store.hash(&large.domain) % 512;
    let policies = (0..).map(|number| stored(&format!("p{number}.example"), NOW, 0));
    let policies: Vec<_> = policies.filter(is_beside).take(200).collect();
    let bare = (0..).map(|number| {
        let text = format!("mtasts-stored: 1\ndomain: b{number}.example\nrecord: - until {NOW}");
        text.parse::<Stored>().unwrap()
    });
    let bare: Vec<_> = bare.filter(is_beside).take(1_000).collect();
    for entry in bare.iter().chain(&policies).chain([&large]) {
        assert!(store.save(&mock, entry, UnixTime(NOW)));
    }
    let is_kept = |entry: &&Stored| store.load(&mock, &entry.domain).unwrap().is_some();
    assert!(is_kept(&&large) && policies.iter().all(|entry| is_kept(&entry)));
    let kept = bare.iter().filter(is_kept).count();
    assert!((300..900).contains(&kept), "no more than must: {kept}");
}

#[test]
fn an_entry_that_cannot_be_read_is_a_failure_and_not_nothing() {
    let mock = Mock::new();
    let store = Store::open(&mock);
    assert!(store.save(&mock, &stored("a.example", NOW, 0), UnixTime(NOW)));
    let key = {
        let data = mock.shared.data.borrow();
        let mut full = data
            .iter()
            .filter(|(_, (value, _))| value.starts_with(b"mtasts-stored"));
        full.next().unwrap().0.clone()
    };
    let broken = "mtasts-stored: 1\ndomain: a.example\npolicy: 1 fetched 1\n\nnonsense";
    mock.write(&key, broken.as_bytes(), None);
    assert!(store.load(&mock, &"a.example".parse().unwrap()).is_err());
    assert!(store.save(&mock, &stored("a.example", NOW, 0), UnixTime(NOW)));
    assert_eq!(
        fetched_at(&store, &mock, "a.example"),
        Some(NOW),
        "a new policy takes its place"
    );
    mock.write(&key, &[0xff, 0xfe], None);
    assert!(store.load(&mock, &"a.example".parse().unwrap()).is_err());
}
