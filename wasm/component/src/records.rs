// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `records`.

use crate::Component;
use crate::exports::records::{Error, Guest, TxtRecord};
use crate::words::{error, joined};
use mtasts::{Record, tlsrpt};

impl Guest for Component {
    fn sts_id(records: Vec<TxtRecord>) -> Result<String, Error> {
        let records = joined(records);
        let record = Record::select(&records).map_err(error)?;
        Ok(record.id().to_owned())
    }

    fn tlsrpt_rua(records: Vec<TxtRecord>) -> Result<Vec<String>, Error> {
        let records = joined(records);
        let record = tlsrpt::Record::select(&records).map_err(error)?;
        Ok(record.rua().iter().map(|&uri| uri.to_owned()).collect())
    }
}
