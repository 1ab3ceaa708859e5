// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the world is, and so which answers are right (R-FLOW-1, R-FLOW-2, R-FLOW-4). A domain
//! publishes versions of its policy, one after the other; faults come and go.
//!
//! * No answer goes back behind a version that was answered before: a policy that was once given
//!   out is in force until a later one was fetched. "No policy" is behind all of them.
//! * No answer is ahead of what has been published.
//! * Where nothing has been wrong for longer than the back-off (R-GET-5), the answer is the latest
//!   version, if that has been there for longer than the TTL.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The TTL of all records, and time for an answer to arrive.
const SEEN_AFTER: Duration = Duration::from_secs(6);

/// The back-off after a failed fetch, and time for an answer to arrive.
const FORGIVEN_AFTER: Duration = Duration::from_secs(310);

/// What takes longer has met a time limit of the server's, or a machine that has much else to do.
const PROMPT: Duration = Duration::from_millis(250);

/// What a domain publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Absent,
    /// A policy of mode `enforce` that lives half a minute.
    Brief,
    /// Policies of mode `enforce`, a new one now and then.
    Changing,
    /// A policy of mode `enforce`.
    Stable,
    /// A policy of mode `testing`.
    Testing,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Absent,
        Self::Brief,
        Self::Changing,
        Self::Stable,
        Self::Testing,
    ];

    /// The domains of this kind, as the lab's `[[bulk]]` has them.
    pub fn scene(self) -> String {
        let (zone, count) = (self.zone(), self.count());
        let policy = match self {
            Self::Absent => "",
            Self::Brief => "id = \"v0\"\npolicy = \"enforce\"\nmax_age = 30\n",
            Self::Changing | Self::Stable => {
                "id = \"v0\"\npolicy = \"enforce\"\nmax_age = 604800\n"
            }
            Self::Testing => "id = \"v0\"\npolicy = \"testing\"\nmax_age = 604800\n",
        };
        format!(
            "[[bulk]]\ncount = {count}\npattern = \"d{{}}.{zone}\"\npolicy_mx = [\"mx0.example\"]\n{policy}"
        )
    }

    pub fn count(self) -> usize {
        match self {
            Self::Absent => 100,
            Self::Brief => 10,
            Self::Changing => 80,
            Self::Stable => 240,
            Self::Testing => 20,
        }
    }

    fn zone(self) -> &'static str {
        match self {
            Self::Absent => "absent.example",
            Self::Brief => "brief.example",
            Self::Changing => "changing.example",
            Self::Stable => "stable.example",
            Self::Testing => "testing.example",
        }
    }
}

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The policy of this version is enforced.
    Enforced(usize),
    /// Nothing is: there is no policy, or one of mode `testing`.
    Nothing,
    /// Neither.
    Odd(String),
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    Right,
    /// There is something newer, and nothing is known that has kept it from being found. Another
    /// client may know, a moment later.
    Overdue(String),
    Wrong(String),
}

pub struct Domain {
    pub name: String,
    pub kind: Kind,
    state: Mutex<State>,
}

struct State {
    /// How many versions have been published, or may have been.
    published: usize,
    /// When the latest one was there.
    published_at: Instant,
    /// The latest version that was answered.
    given: Option<usize>,
    is_faulty: bool,
    /// When something was last wrong.
    spoiled_at: Option<Instant>,
    /// How many faults there were.
    faults: usize,
}

/// What was known when a question was asked.
pub struct Asked {
    given: Option<usize>,
    /// The least version that must be answered, if nothing goes wrong meanwhile.
    due: Option<usize>,
    faults: usize,
}

impl Domain {
    fn new(kind: Kind, number: usize) -> Self {
        let state = State {
            published: 1,
            published_at: Instant::now(),
            given: None,
            is_faulty: false,
            spoiled_at: None,
            faults: 0,
        };
        Self {
            name: format!("d{number}.{}", kind.zone()),
            kind,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A question is about to be asked.
    pub fn ask(&self) -> Asked {
        let state = self.state();
        let is_sound = match state.spoiled_at {
            Some(at) => !state.is_faulty && at.elapsed() > FORGIVEN_AFTER,
            None => true,
        };
        let latest = state.published - 1;
        let due = match state.published_at.elapsed() > SEEN_AFTER {
            true => Some(latest),
            false => latest.checked_sub(1),
        };
        Asked {
            given: state.given,
            due: due.filter(|_| is_sound),
            faults: state.faults,
        }
    }

    /// Whether this answer, which took so long, is right.
    pub fn judge(&self, asked: &Asked, seen: &Seen, took: Duration) -> Judgement {
        let mut state = self.state();
        let is_late = took > PROMPT && matches!(seen, Seen::Nothing) && asked.due.is_some();
        if is_late && self.kind != Kind::Absent {
            // The machine was too slow, and what has failed is not tried again at once.
            state.faults += 1;
            state.spoiled_at = Some(Instant::now());
        }
        let is_sound = state.faults == asked.faults;
        let due = asked.due.filter(|_| is_sound);
        let (is_right, is_due) = match (self.kind, seen) {
            (_, Seen::Odd(_)) => (false, false),
            (Kind::Absent | Kind::Testing, seen) => (*seen == Seen::Nothing, true),
            // It may have ended, and the next one cannot be fetched.
            (Kind::Brief, Seen::Nothing) => (true, due.is_none()),
            (_, Seen::Nothing) => (asked.given.is_none(), due.is_none()),
            (_, Seen::Enforced(version)) => {
                let is_known = Some(*version) >= asked.given && *version < state.published;
                (is_known, Some(*version) >= due)
            }
        };
        if let Seen::Enforced(version) = seen {
            state.given = state.given.max(Some(*version));
        }
        let why = || {
            let (name, given, published) = (&self.name, asked.given, state.published);
            format!("{name}: {seen:?}; given {given:?}, due {due:?}, published {published}")
        };
        match (is_right, is_due) {
            (true, true) => Judgement::Right,
            (true, false) => Judgement::Overdue(why()),
            (false, _) => Judgement::Wrong(why()),
        }
    }

    /// Whether something was wrong since this was asked, after all.
    pub fn is_excused(&self, asked: &Asked) -> bool {
        self.state().faults != asked.faults
    }

    /// The policy that must be there whatever happens to the network, if one must.
    pub fn kept(&self) -> Option<std::ops::Range<usize>> {
        let state = self.state();
        let given = state.given.filter(|_| self.kind != Kind::Brief)?;
        Some(given..state.published)
    }

    /// Something is about to go wrong.
    pub fn spoil(&self) {
        let mut state = self.state();
        state.is_faulty = true;
        state.faults += 1;
        state.spoiled_at = Some(Instant::now());
    }

    pub fn is_faulty(&self) -> bool {
        self.state().is_faulty
    }

    /// Nothing is wrong any more.
    pub fn heal(&self) {
        let mut state = self.state();
        state.is_faulty = false;
        state.faults += 1;
        state.spoiled_at = Some(Instant::now());
    }

    /// Another version is about to be published; gives its number. `None`: the last one is too
    /// young, as six fetches in five minutes are the most (R-GET-5).
    pub fn publish(&self, youngest: Duration) -> Option<usize> {
        let mut state = self.state();
        if state.published_at.elapsed() < youngest {
            return None;
        }
        state.published += 1;
        state.published_at = Instant::now();
        Some(state.published - 1)
    }

    /// It has been published.
    pub fn published(&self) {
        self.state().published_at = Instant::now();
    }
}

pub fn domains() -> Vec<Domain> {
    let of = |kind: Kind| (0..kind.count()).map(move |number| Domain::new(kind, number));
    Kind::ALL.into_iter().flat_map(of).collect()
}

/// The lab's scene.
pub fn scene() -> String {
    let defaults = "[defaults]\nttl = 1\nnegative_ttl = 1\n".to_owned();
    Kind::ALL
        .into_iter()
        .fold(defaults, |scene, kind| scene + &kind.scene())
}
