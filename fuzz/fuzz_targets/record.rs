// SPDX-License-Identifier: MIT OR Apache-2.0

#![no_main]

libfuzzer_sys::fuzz_target!(init: mtasts_fuzz::no_panic_is_caught(), |data: &[u8]| mtasts_fuzz::texts::record(data));
