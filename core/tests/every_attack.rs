// SPDX-License-Identifier: MIT OR Apache-2.0

//! The attacker on the path, walked exhaustively: each answer of DNS, each of HTTPS and each step of
//! time, in each order, six of them deep (two look-ups) with all kinds of answers, and deeper with one
//! kind of each class. What must hold is said by a model that knows nothing of the machine (`Truth`):
//! what was validly fetched, when, and which fetches failed.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests

use mtasts::{
    Action, Config, Dane, FetchFailure, HttpsReply, Lookup, Outcome, PolicyDomain, Reason,
    RequestId, Session, Step, Stored, Tls, TxtAnswer, TxtFailure, UnixTime,
};
use std::collections::HashSet;
use std::sync::Arc;

const START: UnixTime = UnixTime(1_800_000_000);
const BACK_OFF: u64 = 300;
const MOST_FETCHES: usize = 6;

/// Policies as they may be served; the number is `max_age`.
const POLICIES: [(&str, u64); 4] = [
    (
        "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 4000\n",
        4000,
    ),
    (
        "version: STSv1\nmode: enforce\nmx: other.example\nmax_age: 900\n",
        900,
    ),
    (
        "version: STSv1\nmode: testing\nmx: mx.example.com\nmax_age: 4000\n",
        4000,
    ),
    ("version: STSv1\nmode: none\nmax_age: 4000\n", 4000),
];

type Txt = Result<TxtAnswer, TxtFailure>;
type Https = Result<HttpsReply, FetchFailure>;

/// What an attacker, or a day like any other, may do.
struct Powers {
    seconds: Vec<i64>,
    txt: Vec<(Txt, Option<&'static str>)>,
    /// With the policy that it validly gives.
    https: Vec<(Https, Option<usize>)>,
}

fn records(texts: &[&str]) -> Txt {
    Ok(TxtAnswer {
        records: texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
        ttl: Some(200),
    })
}

fn reply(status: u16, content_type: Option<&str>, body: &str) -> Https {
    Ok(HttpsReply {
        status,
        content_type: content_type.map(str::to_owned),
        body: body.as_bytes().to_vec(),
    })
}

impl Powers {
    fn all() -> Self {
        let (good, _) = POLICIES[0];
        let plain = Some("text/plain");
        let large = format!("{good}x: {}\n", "x".repeat(65_536));
        let mut powers = Self::few();
        powers.seconds.extend([60, 901, 86_400]);
        powers.txt.extend([
            (records(&[]), None),
            (records(&["v=STSv1; id=a; x=\u{e9};"]), None),
            (records(&["v=STSv1; id=;"]), None),
            (records(&["v=spf1 -all"]), None),
            (Err(TxtFailure::Permanent), None),
            (Err(TxtFailure::Local), None),
        ]);
        let replies = [201, 206, 301, 302, 404, 500].map(|status| reply(status, plain, good));
        let replies = replies.into_iter().chain([
            reply(200, Some("text/html"), good),
            reply(200, Some("text/plain, text/html"), good),
            reply(200, None, good),
            reply(200, plain, ""),
            reply(200, plain, &good[..good.len() - 15]),
            reply(200, plain, &good.replace("max_age: ", "max_age: -")),
            reply(200, plain, &large),
        ]);
        use FetchFailure::{BodyTooLarge, Connect, Dns, Local, Other, Timeout};
        let failures = [BodyTooLarge, Connect, Dns, Local, Other, Timeout].map(Err);
        powers
            .https
            .extend(replies.chain(failures).map(|answer| (answer, None)));
        powers.https.extend((2..POLICIES.len()).map(valid));
        powers
    }

    /// One of each class.
    fn few() -> Self {
        let no_records = Err(TxtFailure::NoRecords { ttl: Some(200) });
        Self {
            seconds: vec![0, 299, 4001, -1000],
            txt: vec![
                (records(&["v=STSv1; id=a;"]), Some("a")),
                (records(&["v=STSv1; id=b;"]), Some("b")),
                (records(&["v=STSv1; id=a;", "v=STSv1; id=b;"]), None),
                (no_records, None),
                (Err(TxtFailure::Temporary), None),
            ],
            https: vec![valid(0), valid(1), (Err(FetchFailure::WebPki), None)],
        }
    }
}

fn valid(policy: usize) -> (Https, Option<usize>) {
    (
        reply(200, Some("text/plain; charset=utf-8"), POLICIES[policy].0),
        Some(policy),
    )
}

/// What is so, whatever the machine believes.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Truth {
    /// The policy last validly fetched, and when, by the least that the clock has said since.
    fetched: Option<(usize, u64)>,
    /// When which `id` was fetched, and whether that failed.
    fetches: Vec<(u64, &'static str, bool)>,
}

impl Truth {
    /// The policy that must apply where nothing newer is fetched.
    fn in_time(&self, now: u64) -> Option<usize> {
        let (policy, at) = self.fetched?;
        (now <= at + POLICIES[policy].1).then_some(policy)
    }

    fn recent(&self, now: u64) -> impl Iterator<Item = &(u64, &'static str, bool)> {
        let is_recent = move |at: u64| at <= now && now - at < BACK_OFF;
        self.fetches.iter().filter(move |(at, ..)| is_recent(*at))
    }

    /// R-GET-5
    fn may_fetch(&self, id: &str, now: u64) -> bool {
        let last = self.recent(now).filter(|(_, other, _)| *other == id).last();
        self.recent(now).count() < MOST_FETCHES && !last.is_some_and(|(_, _, failed)| *failed)
    }
}

/// A moment of the walk: what is in the store, what is so, what the clock says.
#[derive(Clone)]
struct Scene {
    stored: Arc<Stored>,
    truth: Truth,
    now: u64,
}

type Key = (String, Truth, u64);

impl Scene {
    fn key(&self) -> Key {
        (self.stored.to_text(), self.truth.clone(), self.now)
    }

    /// Both ways to look, at each time, with each answer.
    fn look(&self, powers: &Powers, next: &mut impl FnMut(Scene)) {
        let config = Config::default();
        for seconds in &powers.seconds {
            let mut scene = self.clone();
            scene.now = self.now.checked_add_signed(*seconds).unwrap();
            let now = UnixTime(scene.now);
            if let Some((_, at)) = &mut scene.truth.fetched {
                *at = scene.now.min(*at);
            }
            let domain = self.stored.domain.clone();
            let lookup = Lookup::new(domain, Some(Arc::clone(&self.stored)), &config, now);
            if let Step::Done(outcome) = lookup.poll() {
                let done = scene.conclude(&lookup, None);
                done.query(&outcome.look_again(&config), powers, next);
            }
            scene.query(&lookup, powers, next);
        }
    }

    fn query(&self, lookup: &Lookup, powers: &Powers, next: &mut impl FnMut(Scene)) {
        let Step::QueryTxt { id, .. } = lookup.poll() else {
            let known = self
                .stored
                .record
                .as_ref()
                .and_then(|record| record.id.clone());
            let known = ["a", "b"]
                .into_iter()
                .find(|id| known.as_ref().is_some_and(|k| k.as_str() == *id));
            return self.fetch(lookup, known, powers, next);
        };
        refuses_what_it_did_not_ask(lookup, id);
        for (answer, policy_id) in &powers.txt {
            let mut lookup = lookup.clone();
            let taken = lookup.txt(
                id,
                UnixTime(self.now),
                answer.as_ref().map_err(|failure| *failure),
            );
            assert_eq!(taken, Ok(()));
            self.fetch(&lookup, *policy_id, powers, next);
        }
    }

    /// `policy_id`: what the record says.
    fn fetch(
        &self,
        lookup: &Lookup,
        policy_id: Option<&'static str>,
        powers: &Powers,
        next: &mut impl FnMut(Scene),
    ) {
        let Step::Fetch { id, request } = lookup.poll() else {
            return next(self.conclude(lookup, None));
        };
        assert_eq!(request.host, "mta-sts.example.com");
        let policy_id = policy_id.unwrap(); // no fetch without a record
        assert!(
            self.truth.may_fetch(policy_id, self.now),
            "a fetch within its back-off (R-GET-5)"
        );
        refuses_what_it_did_not_ask(lookup, id);
        for (answer, gives) in &powers.https {
            let mut lookup = lookup.clone();
            let taken = lookup.https(
                id,
                UnixTime(self.now),
                answer.as_ref().map_err(|failure| *failure),
            );
            assert_eq!(taken, Ok(()));
            let mut scene = self.clone();
            if *answer != Err(FetchFailure::Local) {
                // One from the future: the clock was set back since, nobody knows how long ago.
                let recent = scene.truth.recent(scene.now).copied().collect();
                scene.truth.fetches = recent;
                scene
                    .truth
                    .fetches
                    .push((scene.now, policy_id, gives.is_none()));
            }
            next(scene.conclude(&lookup, *gives));
        }
    }

    /// The lookup has ended; `fetched` is the policy that it validly fetched.
    fn conclude(&self, lookup: &Lookup, fetched: Option<usize>) -> Self {
        let outcome = lookup.clone().into_outcome().unwrap(); // a lookup asks for two answers at most
        let mut scene = self.clone();
        if let Some(policy) = fetched {
            scene.truth.fetched = Some((policy, scene.now));
        }
        scene.check(&outcome);
        if outcome.is_changed() {
            scene.stored = Arc::clone(outcome.stored());
            let text = scene.stored.to_text();
            let read: Stored = text.parse().unwrap();
            assert_eq!(read, *scene.stored, "what is stored comes back");
        }
        scene
    }

    fn check(&self, outcome: &Outcome) {
        let applied = outcome.policy().map(|policy| policy.text());
        let must = self.truth.in_time(self.now);
        let wanted = match (must, outcome.reason()) {
            // Where our own limit forbids the fetch, what was fetched a moment ago still applies.
            (None, Some(Reason::FetchLimit)) => {
                applied.and(self.truth.fetched).map(|(policy, _)| policy)
            }
            _ => must,
        };
        assert_eq!(
            applied,
            wanted.map(|policy| POLICIES[policy].0),
            "at {}: {outcome:?}",
            self.now
        );
        if let (Some(policy), Some(stored)) = (must, outcome.fetched()) {
            let (_, at) = self.truth.fetched.unwrap();
            assert_eq!(
                stored.expires_at().0,
                at + POLICIES[policy].1,
                "time moves no lifetime up"
            );
        }
        let stripped = outcome.verdict(&Session {
            mx_host: "mx.example.com",
            mx_secure: false,
            tls: Tls::NotOffered,
            dane: Dane::NotUsed,
        });
        let waits = matches!(wanted, Some(0 | 1)) || outcome.is_try_later();
        assert_eq!(stripped.action == Action::Deliver, !waits, "{outcome:?}");
    }
}

/// Late and foreign answers change nothing.
fn refuses_what_it_did_not_ask(lookup: &Lookup, asked: RequestId) {
    let foreign = RequestId(asked.0.wrapping_add(1));
    let mut other = lookup.clone();
    let answer = valid(0).0.unwrap();
    assert!(other.https(foreign, START, Ok(&answer)).is_err());
    assert!(
        other
            .txt(foreign, START, Err(TxtFailure::Permanent))
            .is_err()
    );
    assert_eq!(format!("{other:?}"), format!("{lookup:?}"));
}

/// Walks from `scenes`, `depth` look-ups deep, each scene once; gives the number of look-ups.
fn walk(mut scenes: Vec<Scene>, powers: &Powers, depth: usize) -> usize {
    let (mut seen, mut count): (HashSet<Key>, usize) = (HashSet::new(), 0);
    for _ in 0..depth {
        let mut after = Vec::new();
        for scene in scenes {
            scene.look(powers, &mut |next| {
                count += 1;
                if seen.insert(next.key()) {
                    after.push(next);
                }
            });
        }
        scenes = after;
    }
    count
}

fn nothing() -> Scene {
    let domain: PolicyDomain = "example.com".parse().unwrap();
    Scene {
        stored: Arc::new(Stored::unknown(domain)),
        truth: Truth::default(),
        now: START.0,
    }
}

/// R-FLOW-1, R-FLOW-3, R-FLOW-11, R-GET-1 to R-GET-5
#[test]
fn no_answer_and_no_time_takes_a_policy_away_or_gives_one_that_is_not_the_domains() {
    let count = walk(vec![nothing()], &Powers::all(), 2);
    println!("{count} look-ups, two deep, with all answers");
    assert!(count > 10_000, "{count}");
}

/// As above.
#[test]
fn nor_do_many_of_them_one_after_the_other() {
    let count = walk(vec![nothing()], &Powers::few(), 6);
    println!("{count} look-ups, six deep, with one answer of each class");
    assert!(count > 10_000, "{count}");
}
