// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether the store works, as far as it has been asked. The log tells changes, not each failure:
//! a store that is down fails for every domain.

use super::metrics::Metrics;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::{error, info};

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Read,
    Save,
}

/// What is known of the store.
pub struct Health {
    pub metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// It has not answered the last read.
    is_unread: bool,
    /// It has not taken the last save. A full disk can be read all the same.
    is_unsaved: bool,
}

impl Health {
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { metrics, state })
    }

    pub fn went_well(&self, doing: Doing) {
        let mut state = self.state();
        if doing == Doing::Save && std::mem::take(&mut state.is_unsaved) {
            info!("store: up again; saving what has waited");
        }
        if std::mem::take(&mut state.is_unread) {
            info!("store: can be read again");
        }
        self.metrics.store_up.set(i64::from(!state.is_unsaved));
    }

    pub fn failed(&self, doing: Doing, reason: &str) {
        let mut state = self.state();
        self.metrics.store_errors.inc();
        self.metrics.store_up.set(0);
        let is_failing = match doing {
            Doing::Read => &mut state.is_unread,
            Doing::Save => &mut state.is_unsaved,
        };
        if std::mem::replace(is_failing, true) {
            return;
        }
        match doing {
            Doing::Read => error!(
                reason,
                "store: cannot be read; going on from memory, and trying again"
            ),
            Doing::Save => error!(
                reason,
                "store: cannot save; going on from memory, and trying again"
            ),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
