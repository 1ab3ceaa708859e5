// SPDX-License-Identifier: MIT OR Apache-2.0

//! TXT records: that of MTA-STS (RFC 8461 §3.1) and that of TLSRPT (RFC 8460 §3).

use crate::problem::Problem;
use wasm_bindgen::prelude::*;

/// The TXT records of one name.
#[wasm_bindgen]
#[derive(Default)]
pub struct Records(pub(crate) Vec<Vec<u8>>);

#[wasm_bindgen]
impl Records {
    /// None yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one more, its strings concatenated.
    pub fn push(&mut self, record: Vec<u8>) {
        self.0.push(record);
    }
}

/// The `id` of the one MTA-STS record among `records`.
#[wasm_bindgen(js_name = selectRecord)]
pub fn select_record(records: &Records) -> Result<String, Problem> {
    let record = mtasts::Record::select(&records.0).map_err(Problem::in_one_line)?;
    Ok(record.id().to_owned())
}

/// The URIs of the one TLSRPT record among `records`.
#[wasm_bindgen(js_name = selectTlsrptRecord)]
pub fn select_tlsrpt_record(records: &Records) -> Result<Vec<String>, Problem> {
    let record = mtasts::tlsrpt::Record::select(&records.0).map_err(Problem::in_one_line)?;
    Ok(record.rua().iter().map(|&uri| uri.to_owned()).collect())
}
