// SPDX-License-Identifier: MIT OR Apache-2.0

//! Look-ups over a cache, by any answers and clocks: a policy that is in time applies, whatever is
//! said meanwhile, until another is validly fetched (R-FLOW-1, R-FLOW-3, R-FLOW-11); none is judged
//! more mildly than it says; no fetch within its back-off (R-GET-5); foreign answers change nothing.

use crate::answers::{Clock, DOMAINS, Https, START, Txt, domain};
use arbitrary::{Arbitrary, Unstructured};
use mtasts::{
    Action, Basis, Certificate, Config, Dane, FetchFailure, HttpsReply, Lookup, MAX_BODY, Mode,
    Outcome, Policy, Reason, Record, RequestId, Session, Step, Stored, Tls, TxtAnswer, TxtFailure,
    UnixTime, reply,
};
use std::sync::Arc;

const BACK_OFF: u64 = 300;
const MOST_FETCHES: usize = 6;

#[derive(Arbitrary, Debug)]
struct Script {
    defer_on_dns_failure: bool,
    diverts: bool,
    max_body: Option<u8>,
    refresh_after: Option<u16>,
    ttl: u16,
    looks: Vec<Look>,
}

#[derive(Arbitrary, Debug)]
struct Look {
    domain: u8,
    clock: Clock,
    how: How,
    txt: Txt,
    /// While the query is on its way.
    meanwhile: Clock,
    https: Https,
    /// While the fetch is on its way.
    then: Clock,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    New,
    Again,
    Refresh,
    /// The store gives another domain's entry.
    Foreign,
    StoreFails,
}

/// What is so of a domain, whatever the machine believes.
#[derive(Clone, Default)]
struct Truth {
    /// The policy last validly fetched, and when, by the least that a look-up has been told since.
    fetched: Option<(Policy, UnixTime)>,
    /// When which id was fetched, and whether that failed.
    fetches: Vec<(UnixTime, String, bool)>,
}

impl Truth {
    fn in_time(&self, now: UnixTime) -> Option<&Policy> {
        let (policy, at) = self.fetched.as_ref()?;
        let max_age = u64::from(policy.max_age());
        (max_age > 0 && now.since(*at) <= max_age).then_some(policy)
    }

    fn recent(&self, now: UnixTime) -> impl Iterator<Item = &(UnixTime, String, bool)> {
        let is_recent = move |at: UnixTime| at <= now && now.since(at) < BACK_OFF;
        self.fetches.iter().filter(move |(at, ..)| is_recent(*at))
    }

    fn may_fetch(&self, id: &str, now: UnixTime) -> bool {
        let last = self.recent(now).filter(|(_, other, _)| other == id).last();
        self.recent(now).count() < MOST_FETCHES && !last.is_some_and(|(_, _, failed)| *failed)
    }

    fn fetched(&mut self, now: UnixTime, id: String, policy: Option<Policy>) {
        self.fetches = self.recent(now).cloned().collect();
        self.fetches.push((now, id, policy.is_none()));
        if let Some(policy) = policy {
            self.fetched = Some((policy, UnixTime(now.0.max(1))));
        }
    }
}

/// What is known of a domain.
#[derive(Clone, Default)]
struct Known {
    truth: Truth,
    stored: Option<Arc<Stored>>,
    last: Option<Outcome>,
}

struct Walk {
    config: Config,
    now: UnixTime,
    domains: [Known; DOMAINS.len()],
}

/// A script of look-ups.
pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let mut config = Config::default();
    config.defer_on_dns_failure = script.defer_on_dns_failure;
    config.divert_percent = if script.diverts { 100 } else { 0 };
    config.max_body = script.max_body.map_or(MAX_BODY, usize::from);
    config.refresh_after = script.refresh_after.map_or(86_400, u32::from);
    config.ttl = 0..=script.ttl.into();
    let mut walk = Walk {
        config,
        now: START,
        domains: Default::default(),
    };
    for look in script.looks.iter().take(64) {
        walk.look(look);
    }
}

impl Walk {
    fn look(&mut self, look: &Look) {
        self.now = look.clock.after(self.now);
        let number = usize::from(look.domain) % DOMAINS.len();
        let mut known = std::mem::take(&mut self.domains[number]);
        let before = known.truth.clone();
        if matches!(look.how, How::Foreign | How::StoreFails) {
            known.truth = Truth::default(); // of which the machine cannot know
        }
        let lookup = self.begin(look, &mut known);
        let (outcome, fetched) = self.answer(look, lookup, &mut known);
        self.check(look.how, &outcome, &known.truth, fetched);
        let is_kept = match look.how {
            How::Foreign => false,
            How::StoreFails => outcome.is_changed(),
            _ => true,
        };
        if is_kept {
            if outcome.is_changed() {
                known.stored = Some(outcome.stored().clone());
            }
            known.last = Some(outcome);
        } else {
            known.truth = before;
        }
        self.domains[number] = known;
    }

    fn begin(&self, look: &Look, known: &mut Known) -> Lookup {
        let (domain, now) = (domain(look.domain), self.now);
        let stored = known.stored.clone();
        match (look.how, &known.last, stored) {
            (How::Again, Some(outcome), _) => outcome.look_again(&self.config),
            (How::StoreFails, ..) => Lookup::without_store(domain, &self.config, now),
            (How::Foreign, ..) => {
                let next = usize::from(look.domain) % DOMAINS.len() + 1;
                let other = &self.domains[next % DOMAINS.len()];
                Lookup::new(domain, other.stored.clone(), &self.config, now)
            }
            (How::Refresh, _, Some(stored)) => {
                known.mend(now);
                Lookup::refresh(stored, &self.config, now)
            }
            (_, _, stored) => {
                known.mend(now);
                Lookup::new(domain, stored, &self.config, now)
            }
        }
    }

    /// Gives the answers, as far as they are asked for; with the outcome the policy that was validly
    /// fetched.
    fn answer(
        &mut self,
        look: &Look,
        mut lookup: Lookup,
        known: &mut Known,
    ) -> (Outcome, Option<Policy>) {
        let mut id = known.id_to_fetch(look.how);
        let (txt, https) = (look.txt.give(), look.https.give());
        if let Step::QueryTxt { id: request, name } = lookup.poll() {
            assert_eq!(name, domain(look.domain).record_name());
            refuses_others(&lookup, request);
            self.now = look.meanwhile.after(self.now);
            let answer = txt.as_ref().map_err(|failure| *failure);
            assert_eq!(lookup.txt(request, self.now, answer), Ok(()));
            id = id_of(&txt);
        }
        let mut fetched = None;
        if let Step::Fetch {
            id: request,
            request: fetch,
        } = lookup.poll()
        {
            let id = id.expect("nothing is fetched without a record");
            assert!(known.truth.may_fetch(&id, self.now), "R-GET-5");
            assert_eq!(fetch.host, domain(look.domain).policy_host());
            refuses_others(&lookup, request);
            self.now = look.then.after(self.now);
            let answer = https.as_ref().map_err(|failure| *failure);
            let accepted = answer
                .ok()
                .and_then(|reply| reply::accept(reply, fetch.max_body).ok());
            assert_eq!(lookup.https(request, self.now, answer), Ok(()));
            if answer != Err(FetchFailure::Local) {
                known.truth.fetched(self.now, id, accepted.clone());
            }
            fetched = accepted;
        }
        let outcome = lookup.into_outcome().expect("two answers are enough");
        (outcome, fetched)
    }

    fn check(&self, how: How, outcome: &Outcome, truth: &Truth, fetched: Option<Policy>) {
        let recent = truth.fetched.as_ref().filter(|(_, at)| {
            outcome.reason() == Some(Reason::FetchLimit) && self.now.since(*at) < BACK_OFF
        });
        let kept = truth.in_time(self.now).or(recent.map(|(policy, _)| policy));
        let is_fresh = fetched.is_some();
        let expected = fetched.as_ref().or(kept);
        let text = |policy: &Policy| policy.text().to_owned();
        assert_eq!(
            outcome.policy().map(text),
            expected.map(text),
            "at {:?}: {outcome:?}",
            self.now
        );
        assert_eq!(outcome.basis() == Basis::Fresh, is_fresh);
        if let (Some(stored), Some((policy, at))) = (outcome.fetched(), &truth.fetched) {
            assert_eq!(stored.expires_at(), at.plus(policy.max_age()));
        }
        if how == How::StoreFails && expected.is_none() {
            assert!(outcome.is_try_later(), "{outcome:?}");
            assert!(!outcome.is_changed());
        }
        let again: Result<Stored, _> = outcome.stored().to_text().parse();
        assert_eq!(again.as_ref(), Ok(&**outcome.stored()));
        self.judge(outcome, expected);
    }

    /// Each session with each host by RFC 8461 §4 and §5, in other words.
    fn judge(&self, outcome: &Outcome, policy: Option<&Policy>) {
        let sessions = [
            (Tls::NotOffered, false),
            (Tls::Failed, false),
            (Tls::Established(Certificate::Valid), true),
            (Tls::Established(Certificate::Expired), false),
            (Tls::Established(Certificate::HostMismatch), false),
            (Tls::Established(Certificate::Invalid), false),
            (Tls::Established(Certificate::NotTrusted), false),
        ];
        for mx_host in ["mx1.example.com", "attacker.example", ".", ""] {
            for (tls, is_good) in sessions {
                let verdict = outcome.verdict(&Session {
                    mx_host,
                    tls,
                    dane: Dane::NotUsed,
                    mx_secure: false,
                });
                let blocked = policy.is_some_and(|policy| {
                    policy.mode() == Mode::Enforce && !(is_good && policy.matches(mx_host))
                });
                let expected = match (blocked, self.config.divert_percent) {
                    (true, 100) => Action::Divert,
                    (true, _) => Action::Defer,
                    _ if policy.is_none() && outcome.is_try_later() => Action::Defer,
                    _ => Action::Deliver,
                };
                assert_eq!(verdict.action, expected, "{mx_host} {tls:?} {outcome:?}");
            }
        }
    }
}

impl Known {
    /// R-FLOW-11
    fn mend(&mut self, now: UnixTime) {
        if let Some((_, at)) = &mut self.truth.fetched {
            *at = now.min(*at);
        }
    }

    /// The id that is fetched where no record is asked for.
    fn id_to_fetch(&self, how: How) -> Option<String> {
        let stored = self.stored.as_ref()?;
        let policy = stored.policy.as_ref().filter(|_| how == How::Refresh);
        let record = stored.record.as_ref().and_then(|record| record.id.as_ref());
        let id = policy.map(|policy| &policy.id).or(record)?;
        Some(id.as_str().to_owned())
    }
}

fn id_of(txt: &Result<TxtAnswer, TxtFailure>) -> Option<String> {
    let record = Record::select(&txt.as_ref().ok()?.records).ok()?;
    Some(record.id().to_owned())
}

/// Answers of other look-ups, and of the other kind, change nothing.
fn refuses_others(lookup: &Lookup, asked: RequestId) {
    let mut other = lookup.clone();
    let foreign = RequestId(asked.0.wrapping_sub(1));
    let reply = HttpsReply::default();
    assert!(
        other
            .txt(foreign, START, Err(TxtFailure::Permanent))
            .is_err()
    );
    assert!(other.https(foreign, START, Ok(&reply)).is_err());
    match lookup.poll() {
        Step::QueryTxt { .. } => assert!(other.https(asked, START, Ok(&reply)).is_err()),
        _ => assert!(other.txt(asked, START, Err(TxtFailure::Temporary)).is_err()),
    }
    assert_eq!(format!("{other:?}"), format!("{lookup:?}"));
}
