// SPDX-License-Identifier: MIT OR Apache-2.0

//! Policies (RFC 8461 §3.2), and the names that they are about.

use crate::problem::Problem;
use mtasts::{Error, PolicyDomain, Warning};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A legal policy, and what was tolerated in it.
#[wasm_bindgen]
pub struct Policy {
    pub(crate) policy: Arc<mtasts::Policy>,
    warnings: Vec<Warning>,
}

#[wasm_bindgen]
impl Policy {
    /// Reads a policy as an HTTPS reply's body brings it. `strict`: what is tolerated is thrown.
    pub fn parse(body: &[u8], strict: bool) -> Result<Self, Problem> {
        let refused = |error| Problem::within(body, error);
        if strict {
            mtasts::Policy::parse_strict(body).map_err(refused)?;
        }
        Self::read(body).map_err(refused)
    }

    /// The text as it was published.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> String {
        self.policy.text().to_owned()
    }

    /// `enforce`, `testing` or `none`.
    #[wasm_bindgen(getter)]
    pub fn mode(&self) -> String {
        self.policy.mode().as_str().to_owned()
    }

    /// The lifetime in seconds.
    #[wasm_bindgen(getter, js_name = maxAge)]
    pub fn max_age(&self) -> u32 {
        self.policy.max_age()
    }

    /// The patterns, in their order.
    pub fn mx(&self) -> Vec<String> {
        let patterns = self.policy.mx();
        patterns.map(|mx| mx.as_str().to_owned()).collect()
    }

    /// What was tolerated, in the order of the text.
    pub fn warnings(&self) -> Vec<Problem> {
        self.warnings.iter().copied().map(Problem::from).collect()
    }

    /// The first pattern that matches.
    #[wasm_bindgen(js_name = patternFor)]
    pub fn pattern_for(&self, mx_host: &str) -> Option<String> {
        let found = self.policy.mx().find(|mx| mx.matches(mx_host))?;
        Some(found.as_str().to_owned())
    }

    /// Whether some pattern matches.
    pub fn matches(&self, mx_host: &str) -> bool {
        self.policy.matches(mx_host)
    }
}

impl Policy {
    /// Reads `body`, and keeps the warnings.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let mut warnings = Vec::new();
        let policy = mtasts::Policy::parse_with(body, |warning| {
            warnings.push(warning);
            Ok(())
        })?;
        Ok(Self {
            policy: Arc::new(policy),
            warnings,
        })
    }
}

/// The Policy Domain that `name`, all of it ASCII, is: in lower case and without a final dot.
#[wasm_bindgen]
pub fn domain(name: &str) -> Result<String, Problem> {
    Ok(read_domain(name)?.as_str().to_owned())
}

pub(crate) fn read_domain(name: &str) -> Result<PolicyDomain, Problem> {
    name.parse().map_err(Problem::somewhere)
}
