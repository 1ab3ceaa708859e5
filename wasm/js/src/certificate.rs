// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a certificate is for a name (RFC 8461 §4.2).

use crate::problem::Problem;
use wasm_bindgen::prelude::*;

/// What keeps the certificate `der` from being valid for `name`; nothing if it is.
#[wasm_bindgen(js_name = checkCertificateName)]
pub fn check_certificate_name(der: &[u8], name: &str) -> Option<Problem> {
    let checked = mtasts::certificate::check_name(der, name);
    checked.err().map(Problem::somewhere)
}
