// SPDX-License-Identifier: MIT OR Apache-2.0

//! What Postfix reads of an outcome in its table `smtp_tls_policy_maps`.

use crate::outcome::Outcome;
use crate::problem::Thrown;
use crate::words;
use mtasts::postfix::{self, Found, Style};
use wasm_bindgen::prelude::*;

/// Whether the table has a value, and the value.
#[wasm_bindgen(getter_with_clone)]
pub struct PostfixValue {
    /// `policy`, `not-found` or `temporary`.
    pub found: String,
    /// The security level and its attributes.
    pub value: String,
}

#[wasm_bindgen]
impl Outcome {
    /// The value for a Postfix of this version and level.
    pub fn postfix(
        &self,
        dane: &str,
        version: &str,
        level: Option<String>,
    ) -> Result<PostfixValue, Thrown> {
        let style = Style {
            version: words::version(version)?,
            level: level.as_deref().map(words::level).transpose()?,
        };
        let mut value = Vec::new();
        let found = match postfix::policy(&self.0, words::domain_dane(dane)?, &style, &mut value) {
            Found::Policy => "policy",
            Found::NotFound => "not-found",
            Found::Temporary => "temporary",
        };
        Ok(PostfixValue {
            found: found.to_owned(),
            value: String::from_utf8_lossy(&value).into_owned(), // policies are UTF-8
        })
    }
}

/// The domain that a key of the table names.
#[wasm_bindgen(js_name = nextHop)]
pub fn next_hop(key: &str) -> Option<String> {
    postfix::next_hop(key).map(str::to_owned)
}
