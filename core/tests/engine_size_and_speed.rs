// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a warm answer costs: no allocation, and little time; and what a cached domain costs in
//! memory. The figures at a million domains:
//! `cargo test --release -p mtasts --features engine --test engine_size_and_speed -- --ignored
//! --nocapture`

#![expect(unsafe_code, reason = "an allocator that counts")]
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic)] // a test that cannot go on, fails

use mtasts::UnixTime;
use mtasts::engine::{Asked, Engine, Settings, Work};
use mtasts::{
    Config, HttpsReply, Lookup, Policy, PolicyDomain, Step, Stored, TxtAnswer, TxtFailure,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Counts allocations, and octets as glibc rounds them: 8 more, in steps of 16. Each thread has its
/// own counts, as the thread that runs the tests allocates too.
struct Counting;

thread_local! {
    static OCTETS: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(octets: isize, calls: usize) {
    OCTETS.set(OCTETS.get() + octets);
    CALLS.set(CALLS.get() + calls);
}

fn rounded(layout: Layout) -> isize {
    ((layout.size() + 8 + 15) & !15).max(32) as isize
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(rounded(layout), 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-rounded(layout), 0);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const NOW: UnixTime = UnixTime(1_767_225_600);

const POLICY: &str = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\n\
    mx: *.example.net\r\nmax_age: 604800\r\n";

fn name(number: u32) -> String {
    format!("domain-{number}.example.com")
}

/// As a look-up leaves it that has just fetched the policy.
fn fetched(number: u32) -> Arc<Stored> {
    let domain: PolicyDomain = name(number).parse().unwrap();
    let mut lookup = Lookup::new(domain, None, &Config::default(), NOW);
    let record = TxtAnswer {
        records: vec![b"v=STSv1; id=20260101000000;".to_vec()],
        ttl: Some(3_600),
    };
    let reply = HttpsReply {
        status: 200,
        content_type: Some("text/plain".into()),
        body: POLICY.into(),
    };
    loop {
        let taken = match lookup.poll() {
            Step::QueryTxt { id, .. } => lookup.txt(id, NOW, Ok(&record)),
            Step::Fetch { id, .. } => lookup.https(id, NOW, Ok(&reply)),
            Step::Done(outcome) => return Arc::clone(outcome.stored()),
        };
        assert_eq!(taken, Ok(()));
    }
}

/// As it comes from a store.
fn read(number: u32) -> Arc<Stored> {
    Arc::new(fetched(number).to_text().parse().unwrap())
}

fn engine(domains: u32) -> Engine {
    let mut engine = Engine::new(Settings::default(), *b"0123456789abcdef");
    for number in 0..domains {
        engine.insert(fetched(number), NOW, NOW);
    }
    engine
}

#[test]
fn a_warm_answer_allocates_nothing() {
    let mut engine = engine(1_000);
    let names: Vec<PolicyDomain> = (0..1_000).map(|n| name(n).parse().unwrap()).collect();
    let before = CALLS.get();
    for domain in &names {
        let asked = engine.ask(domain, NOW);
        assert!(matches!(asked, Asked::Ready(_)));
        let ready = engine.ready(domain.as_str(), NOW);
        assert!(ready.is_some_and(|outcome| outcome.policy().is_some()));
    }
    assert_eq!(CALLS.get(), before);
}

fn octets<T>(make: impl FnOnce() -> T) -> (isize, T) {
    let before = OCTETS.get();
    let made = make();
    (OCTETS.get() - before, made)
}

#[test]
fn a_domain_is_small() {
    const DOMAINS: u32 = 10_000;
    let (octets, engine) = octets(|| engine(DOMAINS));
    let each = octets / engine.len() as isize;
    assert_eq!(engine.len(), DOMAINS as usize);
    assert!(each <= 460, "{each} octets for each domain"); // 100 of them for what is growing
}

#[test]
fn what_a_store_gives_is_as_small_as_what_was_fetched() {
    let (as_fetched, _fetched) = octets(|| fetched(1));
    let (as_read, _read) = octets(|| read(1));
    assert_eq!(as_read, as_fetched);
    assert!(as_fetched <= 360, "{as_fetched} octets");
}

/// Asks for domains that nobody has, all of whose look-ups end without a record.
fn flood(engine: &mut Engine, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let domain: PolicyDomain = name(number).parse().unwrap();
        assert!(matches!(engine.ask(&domain, NOW), Asked::Pending(_)));
        while let Some(work) = engine.poll(NOW) {
            let absent = Err(TxtFailure::NoRecords { ttl: Some(3_600) });
            let taken = match work {
                Work::Load { request, .. } => engine.loaded(request, NOW, Ok(None)),
                Work::QueryTxt { request, .. } => engine.txt(request, NOW, absent),
                _ => Ok(()),
            };
            assert_eq!(taken, Ok(()));
        }
    }
}

#[test]
fn patterns_take_no_more_than_they_need() {
    for count in 1..100 {
        let lines = "mx: mx.example.com\n".repeat(count);
        let text = format!("version: STSv1\nmode: enforce\n{lines}max_age: 86400\n");
        let (octets, _policy) = octets(|| Policy::parse(text.as_bytes()).unwrap());
        let places = 4 * count as isize;
        assert!(octets <= text.len() as isize + places + 2 * 24, "{octets}");
    }
}

#[test]
fn what_is_forgotten_takes_no_memory() {
    let mut engine = engine(1);
    let domain: PolicyDomain = name(2).parse().unwrap();
    let (octets, ()) = octets(|| {
        for _ in 0..1_000 {
            assert!(matches!(engine.ask(&domain, NOW), Asked::Pending(_)));
            assert!(matches!(engine.poll(NOW), Some(Work::Load { .. })));
            assert!(engine.forget(domain.as_str(), NOW));
        }
    });
    assert!(octets < 15_000, "{octets} octets");
}

#[test]
fn memory_is_bounded() {
    let mut settings = Settings::default();
    settings.max_without_policy = 1_000;
    let mut engine = Engine::new(settings, *b"0123456789abcdef");
    flood(&mut engine, 0..2_000);
    let before = OCTETS.get();
    flood(&mut engine, 2_000..100_000);
    let more = OCTETS.get() - before;
    assert!(more < 10_000, "{more} octets more");
}

#[test]
#[ignore = "prints figures"]
fn figures_at_a_million_domains() {
    const DOMAINS: u32 = 1_000_000;
    let resident = resident();
    let (entries, vector) = octets(|| (0..DOMAINS).map(fetched).collect::<Vec<_>>());
    let mut engine = Engine::new(Settings::default(), *b"0123456789abcdef");
    let begun = Instant::now();
    let (table, ()) = octets(|| {
        for stored in vector {
            engine.insert(stored, NOW, NOW);
        }
    });
    let insert = begun.elapsed().as_nanos() / u128::from(DOMAINS);
    let vector = DOMAINS as isize * 8;
    let each = |octets: isize| octets / DOMAINS as isize;
    let (entry, all) = (each(entries - vector), each(entries + table));
    println!(
        "octets per domain: {entry} entry, {} engine, {all} together",
        all - entry
    );
    let resident = each(self::resident() - resident);
    println!("anonymous resident memory per domain: {resident} octets");
    println!("insert: {insert} ns");
    ask(&mut engine, DOMAINS);
}

/// The process's anonymous resident memory, in octets.
fn resident() -> isize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib: isize = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1_024
}

/// In an order that no cache of a processor foresees.
fn ask(engine: &mut Engine, domains: u32) {
    let order = (0..domains).map(|n| (u64::from(n) * 2_654_435_761 % u64::from(domains)) as u32);
    let names: Vec<PolicyDomain> = order.map(|n| name(n).parse().unwrap()).collect();
    for round in 0..3 {
        let begun = Instant::now();
        for domain in &names {
            assert!(matches!(
                black_box(engine.ask(domain, NOW)),
                Asked::Ready(_)
            ));
        }
        let each = begun.elapsed().as_nanos() / u128::from(domains);
        println!("warm ask, round {round}: {each} ns");
    }
    let begun = Instant::now();
    for _ in 0..domains {
        assert!(matches!(
            black_box(engine.ask(&names[0], NOW)),
            Asked::Ready(_)
        ));
    }
    println!(
        "warm ask, the same domain: {} ns",
        begun.elapsed().as_nanos() / u128::from(domains)
    );
}
