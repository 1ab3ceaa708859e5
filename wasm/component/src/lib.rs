// SPDX-License-Identifier: MIT OR Apache-2.0

//! The engine as a WebAssembly component. What it can do, and what its host owes it, is written in
//! `../wit/mtasts.wit`; here is a file per interface, each a translation from the WIT to the
//! engine's own types and back.

#[cfg(all(feature = "reports", any(feature = "chains", feature = "resolving")))]
compile_error!("the world with reports has neither chains nor a resolver");

/// What wit-bindgen makes of the world that the features choose.
#[allow(missing_docs, unsafe_op_in_unsafe_fn)] // generated
mod bindings {
    #[cfg(not(any(
        feature = "bench",
        feature = "chains",
        feature = "reports",
        feature = "resolving"
    )))]
    wit_bindgen::generate!({ path: "../wit", world: "pure", pub_export_macro: true });
    #[cfg(all(feature = "chains", not(feature = "resolving")))]
    wit_bindgen::generate!({ path: "../wit", world: "pure-chains", pub_export_macro: true });
    #[cfg(all(
        feature = "reports",
        not(any(feature = "chains", feature = "resolving"))
    ))]
    wit_bindgen::generate!({ path: "../wit", world: "pure-reports", pub_export_macro: true });
    #[cfg(all(feature = "resolving", not(feature = "chains")))]
    wit_bindgen::generate!({ path: "../wit", world: "resolving", pub_export_macro: true });
    #[cfg(all(feature = "resolving", feature = "chains"))]
    wit_bindgen::generate!({ path: "../wit", world: "resolving-chains", pub_export_macro: true });
    #[cfg(feature = "bench")]
    wit_bindgen::generate!({
        path: ["../wit", "bench.wit"], world: "mtasts:bench/bench", pub_export_macro: true,
    });
}

use bindings::exports::mtasts::engine as exports;

#[cfg(feature = "chains")]
mod algorithms;
#[cfg(feature = "bench")]
mod bench;
mod certificates;
#[cfg(feature = "chains")]
mod chains;
mod lookup;
mod outcome;
mod policies;
mod postfix;
mod records;
#[cfg(feature = "reports")]
mod reports;
#[cfg(feature = "resolving")]
mod resolver;
mod words;

/// All that is exported; each file has its part of it.
struct Component;

#[expect(unsafe_code, reason = "made by wit-bindgen")]
mod exported {
    use super::{Component, bindings};
    bindings::export!(Component with_types_in bindings);
}
