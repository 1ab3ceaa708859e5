// SPDX-License-Identifier: MIT OR Apache-2.0

//! What passes between an engine and its host: settings, answers, work and events.

use crate::lookup::{Config, Fetch, RequestId};
use crate::name::PolicyDomain;
use crate::outcome::Outcome;
use crate::reason::Reason;
use crate::stored::{Stored, StoredPolicy};
use crate::time::UnixTime;
use alloc::sync::Arc;

/// What a host may set of an engine. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What holds for each look-up. Policies older than [`Config::refresh_after`] are refreshed
    /// in the background, if they are asked for, and no answer waits for that.
    pub lookup: Config,
    /// The most domains with a policy that are kept in memory. Beyond them goes one that has not been
    /// asked for in a long time. Of policies of a KiB or more, which are rare, so many KiB are kept at
    /// most; beyond them goes the largest. The host's store still has what goes. Default 2 000 000.
    pub max_policies: usize,
    /// The most domains without a policy that are kept in memory: whoever sends mail to made-up
    /// domains fills this table and no other. Default 100 000.
    pub max_without_policy: usize,
    /// The most refreshes at a time (R-FLOW-5), however many are due, for instance after the
    /// machine was suspended. At least 1. Default 32.
    pub max_refreshes: usize,
    /// Whether other hosts use the same store, so that one of them is to fetch while the others wait
    /// for what it saves: the engine then asks for a lease ([`Work::Lease`]) before each fetch.
    /// Default: no.
    pub shares_store: bool,
    /// How long a question may stay unanswered. Then the engine takes it as failed, so that a
    /// host which forgets one blocks no domain for ever. More than a fetch takes
    /// ([`Config::fetch_timeout_ms`]); default 120.
    pub request_timeout: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lookup: Config::default(),
            max_policies: 2_000_000,
            max_without_policy: 100_000,
            max_refreshes: 32,
            shares_store: false,
            request_timeout: 120,
        }
    }
}

/// Names one question of a caller to an engine. It is answered once, by [`Work::Done`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What an engine says when it is asked for a domain.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The outcome, from what is known.
    Ready(Outcome),
    /// [`Work::Done`] will bring the outcome with this ticket.
    Pending(Ticket),
}

/// Whether a fetch is this host's.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Whether this host has the lease now; else another one has.
    pub is_granted: bool,
    /// What the store has of the domain, read since that was known.
    pub stored: Option<Arc<Stored>>,
}

/// What the host is to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Work<'a> {
    /// Read the store; answered by [`Engine::loaded`](super::Engine::loaded), by a host without
    /// a store with `None`.
    Load {
        /// Comes back with the answer.
        request: RequestId,
        /// Whose entry to read.
        domain: &'a PolicyDomain,
    },
    /// Query the TXT records of `name`; answered by [`Engine::txt`](super::Engine::txt).
    QueryTxt {
        /// Comes back with the answer.
        request: RequestId,
        /// The name to query.
        name: &'a str,
    },
    /// Take the lease of this domain in the store that several hosts share
    /// ([`Settings::shares_store`]), so that one of them fetches; answered by
    /// [`Engine::leased`](super::Engine::leased). A lease ends by itself when its holder has died.
    /// Where another host has it, wait a little for what that one saves.
    Lease {
        /// Comes back with the answer.
        request: RequestId,
        /// Whose policy is to be fetched.
        domain: &'a PolicyDomain,
    },
    /// Give the lease of this domain back when what stands before in [`Work::Save`] is saved. Only
    /// one that was granted.
    Release(PolicyDomain),
    /// Fetch a policy; answered by [`Engine::https`](super::Engine::https).
    Fetch {
        /// Comes back with the answer.
        request: RequestId,
        /// The request to make.
        fetch: Fetch<'a>,
    },
    /// Write to the store. Where another process has saved a policy that was fetched later, that
    /// one stays.
    Save {
        /// The entry.
        stored: Arc<Stored>,
        /// When the domain was last asked for. A host that keeps this too gives it back to
        /// [`Engine::insert`](super::Engine::insert).
        asked: UnixTime,
    },
    /// Remove from the store what says nothing any more, unless the store has a policy that was
    /// fetched later than this one.
    Remove(Arc<Stored>),
    /// Give the outcome to whoever holds the ticket.
    Done {
        /// Whose question it was.
        ticket: Ticket,
        /// The outcome.
        outcome: Outcome,
    },
    /// Write to the log.
    Event(Event),
}

/// What the operator of the sending host may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A domain's policy was replaced by another text.
    PolicyChanged {
        /// The Policy Domain.
        domain: PolicyDomain,
        /// What applied, or had applied until it expired.
        old: Arc<StoredPolicy>,
        /// What applies now.
        new: Arc<StoredPolicy>,
    },
    /// A policy could not be refreshed. Never for mode `none` (R-FLOW-5), as the next two.
    RefreshFailed(Trouble),
    /// The same as a warning: the policy could not be refreshed three times or more, or will
    /// expire soon. Time is left to find out whether someone attacks the refresh
    /// (RFC 8461 §10.2).
    RefreshFailsRepeatedly(Trouble),
    /// A policy that is still asked for was not refreshed and has expired: its domain is no
    /// longer protected.
    PolicyExpired {
        /// The Policy Domain.
        domain: PolicyDomain,
        /// The policy that applied.
        policy: Arc<StoredPolicy>,
    },
}

/// The failure to refresh a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The Policy Domain.
    pub domain: PolicyDomain,
    /// The policy, which applies until its lifetime is over.
    pub policy: Arc<StoredPolicy>,
    /// Why this try failed.
    pub reason: Reason,
    /// How many tries have failed, one after the other, this one too.
    pub failures: u16,
}
