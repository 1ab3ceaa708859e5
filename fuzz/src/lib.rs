// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is fuzzed, and what must hold: a function for each target, which takes any octets and panics
//! where something is wrong. `fuzz_targets/` hands them to libFuzzer.
//!
//! Where structure helps, octets are taken for a script ([`arbitrary`]): which answers DNS and HTTPS
//! give, what the clock does, which function is called next.

pub mod answers;
pub mod c_abi;
pub mod certificates;
pub mod engine;
pub mod lookup;
pub mod reports;
pub mod server;
pub mod surfaces;
pub mod texts;

// The command's and the host's files are taken as they are: what they are part of takes minutes to
// build with a sanitizer. `crate` is the host to them.
extern crate self as mtasts_host;
#[path = "../../host/src/domain.rs"]
mod domain;
pub use domain::to_policy_domain;

/// Makes a panic end the process although the C ABI catches it: it keeps its message to itself, and
/// many functions have no status to tell of it.
pub fn no_panic_is_caught() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        mtasts_ffi::version::mtasts_abi_version(); // installs its hook, which this replaces
        let hook = std::panic::take_hook();
        drop(hook);
        std::panic::set_hook(Box::new(|info| {
            eprintln!("{info}");
            std::process::abort();
        }));
    });
}
