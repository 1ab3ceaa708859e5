// SPDX-License-Identifier: MIT OR Apache-2.0

//! One look-up of one Policy Domain (RFC 8461 §3, §5.1): what is stored, then the TXT record,
//! then the policy, as far as each is needed. The host asks by [`Lookup::poll`] what to do and
//! gives the answer; the machine never calls the host, so it cannot be re-entered.

use crate::error::{Error, ErrorKind};
use crate::name::{PolicyDomain, PolicyId};
use crate::outcome::{Basis, Outcome};
use crate::policy::{MAX_BODY, Policy};
use crate::reason::{FetchFailure, Reason, TxtFailure};
use crate::record::Record;
use crate::reply::{self, HttpsReply, WELL_KNOWN_PATH};
use crate::stored::{Attempt, BACK_OFF, RecordCheck, Stored, StoredPolicy};
use crate::time::UnixTime;
use alloc::{string::String, sync::Arc, vec::Vec};

/// What a host may set. The defaults are those of RFC 8461 and the decisions beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Whether a delivery waits (is deferred) where the TXT record cannot be looked up for now
    /// and no policy is cached. Default: no, it proceeds (R-FLOW-2).
    pub defer_on_dns_failure: bool,
    /// The share of domains, in percent, whose blocked deliveries are not deferred but diverted,
    /// as long as enforcement is being introduced (R-APPLY-4). Default 0.
    pub divert_percent: u8,
    /// The time limit of a whole fetch in milliseconds. Default 60 000 (R-GET-4).
    pub fetch_timeout_ms: u32,
    /// The age in seconds from which a cached policy is fetched again although its `id` has not
    /// changed, if that is not more than half of its lifetime; `u32::MAX` for never. Default a
    /// day, less up to a quarter by domain (R-FLOW-5).
    pub refresh_after: u32,
    /// The largest body in octets; more than [`MAX_BODY`] counts as that. Default [`MAX_BODY`].
    pub max_body: usize,
    /// Bounds in seconds on the TTL of a record. Default 0 and a day (R-FLOW-10).
    pub ttl: core::ops::RangeInclusive<u32>,
    /// The longest that the absence of a record is remembered, in seconds. Default an hour.
    pub max_negative_ttl: u32,
    /// The TTL in seconds where the host does not know it. Default 5 minutes.
    pub unknown_ttl: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            defer_on_dns_failure: false,
            divert_percent: 0,
            fetch_timeout_ms: 60_000,
            refresh_after: 86_400,
            max_body: MAX_BODY,
            ttl: 0..=86_400,
            max_negative_ttl: 3_600,
            unknown_ttl: 300,
        }
    }
}

impl Config {
    /// The longest that a look at the record counts, in seconds.
    pub(crate) fn longest_ttl(&self) -> u32 {
        (*self.ttl.end()).max(self.max_negative_ttl)
    }
}

/// The answer to a TXT query (R-TXT-1), CNAMEs followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxtAnswer {
    /// All TXT records of the name, each with its strings concatenated
    /// ([`crate::record::concat`]). None at all means that there are no records.
    pub records: Vec<Vec<u8>>,
    /// The TTL in seconds, if known; without records the negative TTL.
    pub ttl: Option<u32>,
}

/// Names one question of one lookup. Answers come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u32);

/// A GET request over HTTPS, as R-GET-1 and R-GET-4 want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch<'a> {
    /// The Policy Host: SNI, `Host`, and the name for which the certificate must be valid.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// The time limit of the whole in milliseconds.
    pub timeout_ms: u32,
    /// The most octets of body to read.
    pub max_body: usize,
}

/// What a lookup needs now.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// The TXT records of `name`; answered by [`Lookup::txt`].
    QueryTxt {
        /// Comes back with the answer.
        id: RequestId,
        /// The name to query.
        name: &'a str,
    },
    /// The policy; answered by [`Lookup::https`].
    Fetch {
        /// Comes back with the answer.
        id: RequestId,
        /// The request to make.
        request: Fetch<'a>,
    },
    /// Nothing: the outcome is there.
    Done(&'a Outcome),
}

/// The look-up of one Policy Domain (R-FLOW-1 to R-FLOW-4, R-FLOW-10).
#[derive(Clone, Debug)]
pub struct Lookup {
    stored: Arc<Stored>,
    changed: bool,
    store_failed: bool,
    config: Config,
    last_id: u32,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    QueryTxt { name: String },
    Fetch { host: String, policy_id: PolicyId },
    Done(Outcome),
}

impl Lookup {
    /// Begins a look-up at `now` with what the store has of `domain`. An entry of another
    /// domain is not used (R-FLOW-9). Where the cached policy and the record's TTL are in
    /// time, the lookup is done at once.
    pub fn new(
        domain: PolicyDomain,
        stored: Option<Arc<Stored>>,
        config: &Config,
        now: UnixTime,
    ) -> Self {
        let own = stored.filter(|stored| stored.domain == domain);
        let stored = own.unwrap_or_else(|| Arc::new(Stored::unknown(domain)));
        Self::resume(stored, false, config, now)
    }

    /// A look-up that is done, as the operator has written a policy for the domain
    /// ([`Outcome::local`]).
    pub fn local(domain: PolicyDomain, policy: Arc<Policy>, config: &Config) -> Self {
        Outcome::local(domain, policy).look_again(config)
    }

    /// Begins a look-up of a domain whose store entry could not be read. A policy may be
    /// cached there, so that where none is found the delivery waits.
    pub fn without_store(domain: PolicyDomain, config: &Config, now: UnixTime) -> Self {
        Self::resume(Arc::new(Stored::unknown(domain)), true, config, now)
    }

    /// Begins with the fetch of a policy that is cached already, whatever the record says
    /// (R-FLOW-5): its lifetime starts again when the fetch gives a policy. Where the back-off
    /// forbids the fetch (R-GET-5) the lookup is done at once. Without a policy in `stored` this
    /// is a look-up like any other.
    pub fn refresh(stored: Arc<Stored>, config: &Config, now: UnixTime) -> Self {
        let mut lookup = Self::idle(stored, config);
        lookup.changed = mend_clock(&mut lookup.stored, now);
        match lookup.stored.policy.clone() {
            Some(policy) => lookup.fetch(&policy.id, now),
            None => lookup.start(now),
        }
        lookup
    }

    /// As [`Lookup::new`], without a copy of the domain. `store_failed`: there may be more in
    /// the store than is known here.
    pub(crate) fn resume(
        stored: Arc<Stored>,
        store_failed: bool,
        config: &Config,
        now: UnixTime,
    ) -> Self {
        let mut lookup = Self::idle(stored, config);
        lookup.store_failed = store_failed;
        lookup.changed = mend_clock(&mut lookup.stored, now);
        lookup.start(now);
        lookup
    }

    /// Begins with the TXT query, whatever is known (R-FLOW-6).
    pub(crate) fn again(stored: Arc<Stored>, store_failed: bool, config: &Config) -> Self {
        let mut lookup = Self::idle(stored, config);
        lookup.store_failed = store_failed;
        lookup.ask();
        lookup
    }

    fn idle(stored: Arc<Stored>, config: &Config) -> Self {
        let last_id = first_id(&stored.domain);
        let state = State::QueryTxt {
            name: String::new(),
        };
        Self {
            stored,
            changed: false,
            store_failed: false,
            config: config.clone(),
            last_id,
            state,
        }
    }

    /// What is needed now. Asking changes nothing and may be repeated.
    pub fn poll(&self) -> Step<'_> {
        let id = RequestId(self.last_id);
        match &self.state {
            State::QueryTxt { name } => Step::QueryTxt { id, name },
            State::Fetch { host, .. } => Step::Fetch {
                id,
                request: Fetch {
                    host,
                    path: WELL_KNOWN_PATH,
                    timeout_ms: self.config.fetch_timeout_ms,
                    max_body: self.max_body(),
                },
            },
            State::Done(outcome) => Step::Done(outcome),
        }
    }

    /// Takes the answer to [`Step::QueryTxt`].
    ///
    /// # Errors
    /// [`ErrorKind::StaleRequest`] or [`ErrorKind::Finished`]: the answer was not wanted, and
    /// nothing has changed.
    pub fn txt(
        &mut self,
        id: RequestId,
        now: UnixTime,
        answer: Result<&TxtAnswer, TxtFailure>,
    ) -> Result<(), Error> {
        self.expect(id, matches!(self.state, State::QueryTxt { .. }))?;
        match answer {
            Ok(TxtAnswer { records, ttl }) if records.is_empty() => self.absent(*ttl, now),
            Ok(TxtAnswer { records, ttl }) => self.records(records, *ttl, now),
            Err(TxtFailure::NoRecords { ttl }) => self.absent(ttl, now),
            Err(failure) => self.fail(failure.into(), None, now), // never remembered as absence
        }
        Ok(())
    }

    /// Takes the answer to [`Step::Fetch`].
    ///
    /// # Errors
    /// As [`Lookup::txt`].
    pub fn https(
        &mut self,
        id: RequestId,
        now: UnixTime,
        answer: Result<&HttpsReply, FetchFailure>,
    ) -> Result<(), Error> {
        self.expect(id, matches!(self.state, State::Fetch { .. }))?;
        let State::Fetch { policy_id, .. } = &self.state else {
            return Err(Error::new(ErrorKind::StaleRequest, 0));
        };
        if answer == Err(FetchFailure::Local) {
            self.fail(Reason::LocalFailure, None, now);
            return Ok(());
        }
        let policy_id = policy_id.clone();
        let accepted = match answer {
            Ok(reply) => reply::accept(reply, self.max_body()),
            Err(failure) => Err((failure.into(), None)),
        };
        let failed = accepted.as_ref().err().map(|(reason, _)| *reason);
        let stored = self.change();
        stored.attempted(Attempt {
            at: now,
            id: policy_id.clone(),
            failed,
        });
        match accepted {
            Ok(policy) => {
                let fetched = StoredPolicy {
                    policy,
                    id: policy_id,
                    fetched_at: now.not_zero(),
                };
                stored.policy = Some(Arc::new(fetched));
                self.finish(Basis::Fresh, None, None);
            }
            Err((reason, error)) => self.fail(reason, error, now),
        }
        Ok(())
    }

    /// The outcome; `None` before [`Step::Done`].
    pub fn into_outcome(self) -> Option<Outcome> {
        match self.state {
            State::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The Policy Domain.
    pub fn domain(&self) -> &PolicyDomain {
        &self.stored.domain
    }

    /// What is known so far.
    #[cfg(feature = "engine")]
    pub(crate) fn stored(&self) -> &Arc<Stored> {
        &self.stored
    }
}

// What other hosts do for the same domain.
#[cfg(feature = "engine")]
impl Lookup {
    /// Takes what is known now, before a fetch: another host may have made it. A refresh is done
    /// with any later policy, a look-up with that of the `id` it has found.
    pub(crate) fn learn(&mut self, stored: Arc<Stored>, is_refresh: bool, now: UnixTime) {
        let fetched = |stored: &Stored| stored.policy.as_ref().map(|policy| policy.fetched_at);
        let is_later = fetched(&stored) > fetched(&self.stored);
        let record = self.stored.record.clone();
        self.stored = stored;
        if self.stored.record != record {
            self.change().record = record; // our own look at it is the later one
        }
        let State::Fetch { policy_id, .. } = &self.state else {
            return;
        };
        let policy_id = policy_id.clone();
        match self.stored.usable(now) {
            Some(cached) if is_later && (is_refresh || cached.id == policy_id) => {
                self.finish(Basis::Cached, None, None);
            }
            _ => self.fetch(&policy_id, now),
        }
    }

    /// Does without the fetch if a policy is cached.
    pub(crate) fn leave_fetch(&mut self, now: UnixTime) {
        let is_fetch = matches!(self.state, State::Fetch { .. });
        if is_fetch && self.stored.usable(now).is_some() {
            self.fail(Reason::LocalFailure, None, now);
        }
    }
}

impl Outcome {
    /// The cached policy, which is in time and of which nothing is amiss.
    #[inline]
    #[cfg(feature = "engine")]
    pub(crate) fn cached(stored: Arc<Stored>, config: &Config) -> Self {
        Self {
            local: None,
            basis: Basis::Cached,
            reason: None,
            error: None,
            changed: false,
            try_later: false,
            diverts: is_diverted(&stored.domain, config.divert_percent),
            stored,
        }
    }

    /// Looks again, as a sender does before it gives a message up (R-FLOW-6): the TXT record
    /// is queried whatever its TTL, and the policy fetched if the `id` differs. A local policy
    /// stays what it is.
    pub fn look_again(&self, config: &Config) -> Lookup {
        let store_failed = self.reason == Some(Reason::StoreFailed);
        let mut lookup = Lookup::again(Arc::clone(&self.stored), store_failed, config);
        if self.basis() == Basis::Local {
            lookup.state = State::Done(self.clone());
        }
        lookup
    }
}

// From here on: how the machine moves, in the order in which it does.
impl Lookup {
    fn start(&mut self, now: UnixTime) {
        let stored = Arc::clone(&self.stored);
        let latest = now.plus(self.config.longest_ttl());
        match &stored.record {
            Some(check) if now < check.until && check.until <= latest => {
                self.judge(check.id.as_ref(), now);
            }
            _ => self.ask(),
        }
    }

    fn ask(&mut self) {
        if self.stored.domain.can_have_record() {
            self.last_id = self.last_id.wrapping_add(1);
            self.state = State::QueryTxt {
                name: self.stored.domain.record_name(),
            };
        } else {
            self.finish(Basis::NoPolicy, Some(Reason::NoRecord), None);
        }
    }

    fn absent(&mut self, ttl: Option<u32>, now: UnixTime) {
        self.remember(None, self.negative_ttl(ttl), now);
        self.judge(None, now);
    }

    fn records(&mut self, records: &[Vec<u8>], ttl: Option<u32>, now: UnixTime) {
        match Record::select(records).and_then(|record| record.policy_id()) {
            Ok(id) => {
                self.remember(Some(id.clone()), self.positive_ttl(ttl), now);
                self.judge(Some(&id), now);
            }
            Err(error) => {
                self.remember(None, self.negative_ttl(ttl), now);
                self.fail(record_reason(error), Some(error), now);
            }
        }
    }

    /// What follows from the record: the `id` found, or that there is none.
    fn judge(&mut self, found: Option<&PolicyId>, now: UnixTime) {
        match (found, self.stored.usable(now)) {
            (None, _) => self.fail(Reason::NoRecord, None, now),
            (Some(found), Some(cached)) if cached.id == *found && !self.is_due(cached, now) => {
                self.finish(Basis::Cached, None, None);
            }
            (Some(found), _) => self.fetch(found, now),
        }
    }

    fn fetch(&mut self, policy_id: &PolicyId, now: UnixTime) {
        if let Some(reason) = self.stored.back_off(policy_id, now) {
            return self.fail(reason, None, now);
        }
        self.last_id = self.last_id.wrapping_add(1);
        self.state = State::Fetch {
            host: self.stored.domain.policy_host(),
            policy_id: policy_id.clone(),
        };
    }

    /// R-FLOW-5: whether a cached policy is to be fetched again although its `id` is still the
    /// record's: about daily and well before its end, at a time of its own for each domain. One
    /// that does not live long is not worth it.
    fn is_due(&self, cached: &StoredPolicy, now: UnixTime) -> bool {
        let whole = self.config.refresh_after.min(cached.policy.max_age() / 2);
        let earlier = u64::from(whole / 4) * (fnv1a(&self.stored.domain) % 256) / 256;
        let is_wanted = whole >= BACK_OFF && self.config.refresh_after < u32::MAX;
        is_wanted && now.since(cached.fetched_at) >= u64::from(whole) - earlier
    }

    /// No policy came of it, and a cached one that is in time applies all the same (R-FLOW-1).
    /// So does one that was fetched a moment ago, where it is our own limit that forbids to fetch
    /// it again: that must not put the mail in the clear.
    fn fail(&mut self, reason: Reason, error: Option<Error>, now: UnixTime) {
        let usable = match (reason, &self.stored.policy) {
            (Reason::FetchLimit, Some(policy)) => policy.was_fetched_recently(now),
            _ => self.stored.usable(now).is_some(),
        };
        let basis = if usable {
            Basis::Cached
        } else {
            Basis::NoPolicy
        };
        self.finish(basis, Some(reason), error);
    }

    fn finish(&mut self, basis: Basis, reason: Option<Reason>, error: Option<Error>) {
        let unknown = basis == Basis::NoPolicy && self.store_failed;
        let reason = if unknown {
            Some(Reason::StoreFailed)
        } else {
            reason
        };
        let waits = match reason {
            Some(Reason::LocalFailure | Reason::StoreFailed) => true,
            Some(Reason::DnsTemporary) => self.config.defer_on_dns_failure,
            _ => false,
        };
        self.state = State::Done(Outcome {
            stored: Arc::clone(&self.stored),
            local: None,
            basis,
            reason,
            error,
            // What could not be read is not overwritten by what says less.
            changed: self.changed && (!self.store_failed || basis == Basis::Fresh),
            try_later: waits && basis == Basis::NoPolicy,
            diverts: is_diverted(&self.stored.domain, self.config.divert_percent),
        });
    }
}

impl Lookup {
    fn expect(&self, id: RequestId, asked: bool) -> Result<(), Error> {
        match self.state {
            State::Done(_) => Err(Error::new(ErrorKind::Finished, 0)),
            _ if asked && id.0 == self.last_id => Ok(()),
            _ => Err(Error::new(ErrorKind::StaleRequest, 0)),
        }
    }

    fn change(&mut self) -> &mut Stored {
        self.changed = true;
        Arc::make_mut(&mut self.stored)
    }

    fn remember(&mut self, id: Option<PolicyId>, ttl: u32, now: UnixTime) {
        let check = RecordCheck {
            id,
            until: now.plus(ttl),
        };
        let told = self.stored.record.as_ref().map(|record| &record.id);
        if ttl > 0 || told != Some(&check.id) {
            self.change().record = Some(check);
        }
    }

    fn positive_ttl(&self, ttl: Option<u32>) -> u32 {
        let (least, most) = (*self.config.ttl.start(), *self.config.ttl.end());
        ttl.unwrap_or(self.config.unknown_ttl).max(least).min(most)
    }

    fn negative_ttl(&self, ttl: Option<u32>) -> u32 {
        ttl.unwrap_or(self.config.unknown_ttl)
            .min(self.config.max_negative_ttl)
    }

    fn max_body(&self) -> usize {
        self.config.max_body.min(MAX_BODY)
    }
}

/// R-FLOW-11: a policy fetched in the future was fetched now, at the latest. Whether it was.
pub(crate) fn mend_clock(stored: &mut Arc<Stored>, now: UnixTime) -> bool {
    let Some(policy) = stored
        .policy
        .clone()
        .filter(|policy| policy.fetched_at > now)
    else {
        return false;
    };
    let mended = StoredPolicy {
        fetched_at: now,
        ..StoredPolicy::clone(&policy)
    };
    Arc::make_mut(stored).policy = Some(Arc::new(mended));
    true
}

fn record_reason(error: Error) -> Reason {
    match error.kind() {
        // A lone record of another kind, under a wildcard for instance, is none of ours.
        ErrorKind::NoRecord | ErrorKind::RecordVersion => Reason::NoRecord,
        ErrorKind::SeveralRecords => Reason::SeveralRecords,
        _ => Reason::RecordInvalid,
    }
}

/// Request ids of different domains begin in different places, so that an answer which a host
/// gives to the wrong lookup is refused.
fn first_id(domain: &PolicyDomain) -> u32 {
    (fnv1a(domain) as u32) & !0xF
}

/// R-APPLY-4: stable for a domain, whatever the process or the day.
fn is_diverted(domain: &PolicyDomain, percent: u8) -> bool {
    percent > 0 && fnv1a(domain) % 100 < u64::from(percent)
}

/// FNV-1a, 64 bits: spreads names, no more.
fn fnv1a(name: &PolicyDomain) -> u64 {
    let step =
        |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01B3);
    name.as_bytes().iter().fold(0xCBF2_9CE4_8422_2325, step)
}
