// SPDX-License-Identifier: MIT OR Apache-2.0

//! What makes room in the store: a hand that goes round each database in the order of the
//! names, a few entries at a time. It is kept in the store, for most processes save once.

use super::error::Problem;
use super::process::Opened;
use super::value::Header;
use heed::{Database, RoTxn, RwTxn, types::Bytes};
use std::ops::Bound;

/// Less than any Policy Domain.
pub(super) const BEGINNING: &[u8] = b"\0";

/// How many entries with a policy are looked at when one is saved.
pub(super) const POLICIES_PER_SAVE: usize = 4;

/// How many entries without a policy are looked at when one is saved.
pub(super) const LOOKED_PER_SAVE: usize = 8;

/// How many entries without a policy are looked at, and how many go, when there are too many.
const EVICTION: (usize, usize) = (256, 64);

/// How many go when there is no room at all.
const MAKING_ROOM: usize = 1024;

/// A key and its value.
type Item = (Vec<u8>, Vec<u8>);

/// At most `count` entries of `database` after `last`.
pub(super) fn next(
    txn: &RoTxn<'_>,
    database: Database<Bytes, Bytes>,
    last: &[u8],
    count: usize,
) -> Result<Vec<Item>, Problem> {
    let range = (Bound::Excluded(last), Bound::Unbounded);
    let items = database.range(txn, &range)?.take(count);
    Ok(items.map(|item| item.map(own)).collect::<Result<_, _>>()?)
}

fn own((key, value): (&[u8], &[u8])) -> Item {
    (key.to_vec(), value.to_vec())
}

impl Opened {
    /// Deletes what is useless among the next entries of both databases.
    pub fn prune(
        &self,
        txn: &mut RwTxn<'_>,
        now: u64,
        policies: usize,
        looked: usize,
    ) -> Result<usize, Problem> {
        let deleted = self.sweep(txn, self.policies, "policies", now, policies, 0)?;
        Ok(deleted + self.sweep(txn, self.looked, "looked", now, looked, 0)?)
    }

    /// Deletes entries without a policy, the useless ones first.
    pub fn evict(&self, txn: &mut RwTxn<'_>, now: u64) -> Result<usize, Problem> {
        let (count, least) = EVICTION;
        self.sweep(txn, self.looked, "looked", now, count, least)
    }

    /// Deletes many entries without a policy. False: there are none.
    pub fn make_room(&self, now: u64) -> Result<bool, Problem> {
        if self.read(|txn| Ok(self.looked.is_empty(txn)?))? {
            return Ok(false);
        }
        self.enlarge()?; // to delete takes room, too
        let sweep = |txn: &mut RwTxn<'_>| {
            let (count, least) = (MAKING_ROOM, MAKING_ROOM);
            let deleted = self.sweep(txn, self.looked, "looked", now, count, least)?;
            Ok((deleted > 0, true))
        };
        let deleted = self.write(sweep);
        self.restore_size()?; // the room is for deletions, not for what comes after
        deleted
    }

    /// Moves the hand called `name` over the next `count` entries of `database` and deletes the
    /// useless ones; at least `least` go, useless or not. At the end it begins again.
    fn sweep(
        &self,
        txn: &mut RwTxn<'_>,
        database: Database<Bytes, Bytes>,
        name: &str,
        now: u64,
        count: usize,
        least: usize,
    ) -> Result<usize, Problem> {
        let name = name.as_bytes();
        let hand = self.state.get(txn, name)?.unwrap_or(BEGINNING).to_vec();
        let mut items = next(txn, database, &hand, count)?;
        let is_round = items.len() < count;
        if items.len() < least {
            items = next(txn, database, BEGINNING, count)?;
        }
        let end = items.last().map_or(BEGINNING, |(key, _)| key);
        self.state
            .put(txn, name, if is_round { BEGINNING } else { end })?;
        let doomed = doomed(&items, now, least);
        for key in &doomed {
            database.delete(txn, key)?;
        }
        Ok(doomed.len())
    }
}

/// The keys of those that are useless, and of others until there are `least`. What cannot be
/// read does not count as useless.
fn doomed(items: &[Item], now: u64, least: usize) -> Vec<&[u8]> {
    let is_useless =
        |(_, value): &&Item| Header::read(value).is_some_and(|header| header.useless_after < now);
    let (useless, others): (Vec<_>, Vec<_>) = items.iter().partition(is_useless);
    let more = least.saturating_sub(useless.len());
    let all = useless.into_iter().chain(others.into_iter().take(more));
    all.map(|(key, _)| key.as_slice()).collect()
}
