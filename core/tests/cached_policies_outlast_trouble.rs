// SPDX-License-Identifier: MIT OR Apache-2.0

//! R-FLOW-1 under answers of every kind in any order: while a policy is in time, what applies is
//! that policy or a valid newer one; a lookup ends after two answers; what is stored is a text.

mod common;

use common::Dice;
use mtasts::{Basis, Config, FetchFailure, HttpsReply, Lookup, Outcome, Step, Stored, TxtAnswer};
use mtasts::{TxtFailure, UnixTime};
use std::sync::Arc;

fn txt(dice: &mut Dice) -> Result<TxtAnswer, TxtFailure> {
    let id = dice.below(4);
    let ttl = Some(dice.below(600) as u32).filter(|_| dice.below(3) > 0);
    let record = |text: String| {
        Ok(TxtAnswer {
            records: vec![text.into_bytes()],
            ttl,
        })
    };
    match dice.below(8) {
        0 => Err(TxtFailure::Temporary),
        1 => Err(TxtFailure::Permanent),
        2 => Err(TxtFailure::NoRecords { ttl }),
        3 => Ok(TxtAnswer {
            records: vec![b"v=STSv1; id=a".to_vec(); 2],
            ttl,
        }),
        4 => record(format!("v=STSv1; id={id} ")),
        _ => record(format!("v=STSv1; id={id}")),
    }
}

fn https(dice: &mut Dice) -> Result<HttpsReply, FetchFailure> {
    const GOOD: &[u8] = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 4000\n";
    let content_type = Some(
        dice.one_of(&["text/plain", "text/plain; x=y", "text/html"])
            .into(),
    );
    let status = *dice.one_of(&[&200, &200, &200, &301, &404, &500]);
    match dice.below(8) {
        0 => Err(FetchFailure::Timeout),
        1 => Err(FetchFailure::WebPki),
        2 => Ok(HttpsReply {
            status,
            content_type,
            body: dice.mutated(GOOD),
        }),
        _ => Ok(HttpsReply {
            status,
            content_type,
            body: GOOD.to_vec(),
        }),
    }
}

/// Gives the outcome, and the number of fetches.
fn look_up(mut lookup: Lookup, now: UnixTime, dice: &mut Dice) -> (Outcome, usize) {
    let mut fetches = 0;
    for _ in 0..3 {
        let taken = match lookup.poll() {
            Step::QueryTxt { id, .. } => lookup.txt(id, now, txt(dice).as_ref().map_err(|f| *f)),
            Step::Fetch { id, .. } => {
                fetches += 1;
                lookup.https(id, now, https(dice).as_ref().map_err(|failure| *failure))
            }
            Step::Done(outcome) => return (outcome.clone(), fetches),
        };
        assert_eq!(taken, Ok(()));
    }
    unreachable!("a lookup asks for two answers at most")
}

fn lookup(stored: &Option<Arc<Stored>>, now: UnixTime, dice: &mut Dice) -> Option<Lookup> {
    let config = Config::default();
    let last = stored.as_ref().filter(|_| dice.below(5) == 0);
    let fresh = Lookup::new("example.com".parse().ok()?, stored.clone(), &config, now);
    match last.and_then(|_| fresh.clone().into_outcome()) {
        Some(outcome) => Some(outcome.look_again(&config)),
        None => Some(fresh),
    }
}

#[test]
fn whatever_the_network_answers() {
    let mut kept = 0;
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let (mut stored, mut now, mut fetched_at) = (None, 1_767_225_600, Vec::new());
        for _ in 0..60 {
            now += dice.below(400) as u64;
            let time = UnixTime(now);
            let before: Option<Arc<Stored>> = stored.clone();
            let usable = before
                .as_ref()
                .and_then(|stored| stored.usable(time))
                .cloned();
            let lookup = lookup(&stored, time, &mut dice).unwrap();
            let (outcome, fetches) = look_up(lookup, time, &mut dice);
            match (usable, outcome.basis()) {
                (Some(_), Basis::NoPolicy) => panic!("a cached policy is lost: {outcome:?}"),
                (Some(usable), Basis::Cached) => {
                    kept += 1;
                    assert_eq!(outcome.fetched(), Some(&usable));
                }
                (None, Basis::Cached) => panic!("a policy from nowhere: {outcome:?}"),
                _ => {}
            }
            fetched_at.extend(std::iter::repeat_n(now, fetches));
            if !outcome.is_changed() {
                assert!(before.is_none_or(|before| before == *outcome.stored()));
            }
            stored = Some(Arc::new(outcome.stored().to_text().parse().unwrap()));
        }
        // R-GET-5: of any seven fetches the last is five minutes after the first.
        assert!(
            fetched_at
                .windows(7)
                .all(|seven| seven[6] - seven[0] >= 300)
        );
    }
    assert!(kept > 1_000, "{kept}");
}
