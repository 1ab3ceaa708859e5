// SPDX-License-Identifier: MIT OR Apache-2.0

//! The interface `mtasts:bench/empty`.

use crate::Component;
use crate::bindings::exports::mtasts::bench::empty::{Guest, OutcomeBorrow, Session, Verdict};
use crate::exports::lookups::Action;

impl Guest for Component {
    fn call(_: OutcomeBorrow<'_>, _: Session) -> Verdict {
        Verdict {
            action: Action::Deliver,
            result: None,
            cause: None,
        }
    }
}
