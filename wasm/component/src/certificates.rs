// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `certificates`.

use crate::Component;
use crate::exports::certificates::{Error, Guest};
use crate::words::error;

impl Guest for Component {
    fn check_name(der: Vec<u8>, name: String) -> Result<(), Error> {
        mtasts::certificate::check_name(&der, &name).map_err(error)
    }
}
