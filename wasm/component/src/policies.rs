// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `policies`.

use crate::Component;
use crate::exports::policies::{Error, Guest, GuestPolicy, Mode, Policy, Warning};
use crate::words::{error_in, mode, small, warning_kind};
use std::sync::Arc;

impl Guest for Component {
    type Policy = PolicyHandle;
}

/// A `policy`.
pub(crate) struct PolicyHandle {
    pub(crate) policy: Arc<mtasts::Policy>,
    warnings: Vec<mtasts::Warning>,
}

impl PolicyHandle {
    /// That of an outcome.
    pub(crate) fn of(policy: Arc<mtasts::Policy>) -> Self {
        Self {
            policy,
            warnings: Vec::new(),
        }
    }
}

impl GuestPolicy for PolicyHandle {
    fn parse(body: Vec<u8>) -> Result<Policy, Error> {
        let mut warnings = Vec::new();
        let policy = mtasts::Policy::parse_with(&body, |warning| {
            warnings.push(warning);
            Ok(())
        });
        let policy = policy.map_err(|error| error_in(&body, error))?;
        Ok(Policy::new(Self {
            policy: Arc::new(policy),
            warnings,
        }))
    }

    fn text(&self) -> String {
        self.policy.text().to_owned()
    }

    fn mode(&self) -> Mode {
        mode(self.policy.mode())
    }

    fn max_age(&self) -> u32 {
        self.policy.max_age()
    }

    fn mx(&self) -> Vec<String> {
        let patterns = self.policy.mx();
        patterns.map(|mx| mx.as_str().to_owned()).collect()
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.iter().map(warning).collect()
    }

    fn matches(&self, mx_host: String) -> bool {
        self.policy.matches(&mx_host)
    }
}

fn warning(warning: &mtasts::Warning) -> Warning {
    Warning {
        kind: warning_kind(warning.kind),
        message: warning.kind.to_string(),
        offset: small(warning.offset),
        line: small(warning.position.line),
        column: small(warning.position.column),
    }
}
